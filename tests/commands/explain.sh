# explain: every promise, with what is said of it elsewhere, in files that exist, and a program that replays.
. "$SOURCE/tests/commands/expect.sh"
unset PAGELAB_ROOT
expect 2 "a promise's number expected" "$PAGELAB" explain F-99
expect 2 'an argument is missing' "$PAGELAB" explain
expect 2 'corpora/explain/F-8.txt' "$PAGELAB" explain F-8 # neither in the checkout nor installed
export PAGELAB_ROOT=$SOURCE
expect 0 '' "$PAGELAB" check --list --format csv
tail -n +2 out | cut -d , -f 1 >ids
[ "$(wc -l <ids)" = 107 ] || fail "107 promises expected: $(wc -l <ids)"
while IFS= read -r id <&3; do
  expect 0 "^$id  " "$PAGELAB" explain "$id"
  cp out said
  [ "$(awk 'length > 79' said | wc -l)" = 0 ] || fail "explain $id: lines of at most 79 columns expected"
  for item in source contract 'asked of' checked asserted lie 'breaks it'; do
    grep -q "^$item  *[^ ]" said || fail "explain $id does not say '$item'"
  done
  for file in $(grep -oE 'engine/[a-z_/0-9]+\.c' said); do
    [ -f "$SOURCE/$file" ] || fail "explain $id names $file, which is not there"
  done
  if grep -q '^pagelab program 1$' said; then
    sed -n '/^pagelab program 1$/,$p' said >program.txt
    expect 0 'no finding' "$PAGELAB" replay program.txt --backend buddy
  else
    case $id in X-11|X-12) ;; *) fail "explain $id has no program" ;; esac
  fi
done 3<ids
expect 0 '^L-4  ' "$PAGELAB" explain f-8 l-4
finish
