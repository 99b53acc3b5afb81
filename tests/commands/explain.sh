# explain: every promise, with what is said of it elsewhere, in files that exist, and a program (which the test `explained` runs).
. "$SOURCE/tests/commands/expect.sh"
unset PAGELAB_ROOT
expect 2 "a promise's number expected" "$PAGELAB" explain F-99
expect 2 'an argument is missing' "$PAGELAB" explain
expect 2 'corpora/explain/F-8.txt' "$PAGELAB" explain F-8 # neither in the checkout nor installed
export PAGELAB_ROOT=$SOURCE
expect 0 '' "$PAGELAB" check --list --format csv
tail -n +2 out | cut -d , -f 1 >ids
[ "$(wc -l <ids)" = 107 ] || fail "107 promises expected: $(wc -l <ids)"
# shellcheck disable=SC2046 # words on purpose
expect 0 '' "$PAGELAB" explain $(cat ids)
cp out said
for item in source contract 'asked of' checked asserted lie 'breaks it'; do
  [ "$(grep -cE "^$item +[^ ]" said)" = 107 ] || fail "explain does not say '$item' of each promise"
done
[ "$(grep -oE '^[FLSBX]-[0-9]+[abc]? ' said | tr -d ' ' | sort)" = "$(sort ids)" ] || fail "not each promise once"
[ "$(awk 'length > 79' said | wc -l)" = 0 ] || fail "lines of at most 79 columns expected: $(awk 'length > 79' said | head -n 3)"
[ "$(grep -c '^pagelab program 1$' said)" = 106 ] || fail "a program for all but X-12 expected"
grep -qx 'breaks it  no program: one runs on one candidate, and this is about two' said || fail "X-12 without the reason"
# The one that takes CPUs at the same time, as explain says to run it.
if [ -x "$(dirname "$PAGELAB")/pagelab-sim" ]; then
  expect 0 'no finding' "$PAGELAB" replay "$SOURCE/corpora/explain/X-11.txt" --schedule --admitted --backend buddy
fi
for file in $(grep -oE '(engine|corpora)/[A-Za-z_/0-9-]+\.(c|txt)' said | sort -u); do
  [ -f "$SOURCE/$file" ] || fail "explain names $file, which is not there"
done
expect 0 '^L-4  ' "$PAGELAB" explain f-8 l-4
finish
