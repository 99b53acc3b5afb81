# A real file system that is full, a small tmpfs in a mount namespace of its own: each command says so in one line, what
# was there stays as it was, nothing half-written is left, no finding is lost, and what can go on goes on.
. "$SOURCE/tests/commands/expect.sh"
if [ -z "${INSIDE:-}" ]; then
  unshare -m mount -t tmpfs -o size=32k none "$WORK" 2>/dev/null || exit 77
  INSIDE=1 exec unshare -m bash "$0"
fi
disk=$WORK/disk
small='sleepy(by=might)+buddy'
seeds=$SOURCE/corpora/seeds/page
drivers=$SOURCE/build/fuzz/bin
mkdir "$disk" before
mount -t tmpfs -o size=6m none "$disk" || exit 77
fill() { dd if=/dev/zero of="$disk/fill" bs=4k status=none 2>/dev/null; }

bench() { "$PAGELAB" bench --backend null --no-rods --smoke --rounds 1 --workload repeat "$@"; }
bench --out "$disk/r.json" >/dev/null 2>&1 || fail "no result"
"$PAGELAB" report "$disk/r.json" --html "$disk/r.html" >/dev/null || fail "no page"
"$PAGELAB" shrink "$seeds/drain.bin" --backend "$small" -o "$disk/small.bin" 2>/dev/null
cp "$disk/small.bin" "$disk/small.txt"
mkdir "$disk/score"
echo '[]' >"$disk/score/score.json"
cp -r "$disk/." before
fill

export -f bench
expect 2 'r.json: .*No space left' bash -c 'export PAGELAB; bench --out "$0" 2>&1 >/dev/null | grep "^pagelab" >&2; exit ${PIPESTATUS[0]}' "$disk/r.json"
expect 2 'No space left' "$PAGELAB" report before/r.json --html "$disk/r.html"
expect 2 'No space left' "$PAGELAB" report before/r.json --html "$disk/new.html"
for form in bin txt; do
  expect 2 'No space left' "$PAGELAB" shrink "$seeds/mixed-orders.bin" --backend "$small" -o "$disk/small.$form"
  expect 2 'No space left' "$PAGELAB" replay "$seeds/drain.txt" --backend buddy --encode "$disk/encoded.bin"
done
expect 2 'No space left' "$PAGELAB" regress add "$seeds/drain.bin" --backend "$small" --name may-sleep --to "$disk"
expect 2 'cannot be written' "$PAGELAB" to-c "$seeds/drain.bin" --backend "$small" -o "$disk/test.c"
expect 2 'stdout: cannot be written' bash -c '"$0" list >/dev/full' "$PAGELAB"
if [ -x "$drivers/pagelab-fuzz-mutants" ]; then
  expect 2 'the disk is as good as full' "$PAGELAB" score --mutant buddy-uncharge-one --seeds 1 --no-plain --bin "$drivers" --out "$disk/score"
  cmp -s "$disk/score/score.json" before/score/score.json || fail "score.json was damaged"
fi
for file in r.json r.html small.bin small.txt; do
  cmp -s "$disk/$file" "before/$file" || fail "$file was damaged"
done
left=$(cd "$disk" && ls -A | grep -vxE 'fill|r.json|r.html|small.bin|small.txt|score')
[ -z "$left" ] || fail "half-written files were left: $left"
[ -x "$drivers/pagelab-fuzz-libfuzzer" ] || finish

# A campaign under way: the disk fills, the campaign ends and says so; with room again it goes on from a sound corpus.
umount "$disk"
mount -t tmpfs -o size=40m none "$disk" || exit 77
fuzz() { "$PAGELAB" fuzz --bin "$drivers" --engine libfuzzer "$@"; }
fuzz --backend buddy --time 5 --slice 1 --out "$disk/night" >first 2>&1 &
pid=$!
until [ "$(ls "$disk/night/corpora/page/libfuzzer/corpus" 2>/dev/null | wc -l)" -gt 20 ]; do
  kill -0 "$pid" 2>/dev/null || { fail "the campaign ended before the disk was full: $(cat first)"; finish; }
  sleep 0.1
done
fill
code=0
wait "$pid" || code=$?
[ "$code" = 2 ] && [ "$(grep -c '^pagelab fuzz: .*the disk is as good as full' first)" = 1 ] || fail "full: exit $code: $(cat first)"
rm "$disk/fill"
expect 0 'page +buddy' fuzz --backend buddy --time 5 --slice 1 --out "$disk/night" --resume
[ -z "$(find "$disk/night/corpora/page/libfuzzer/corpus" -size 0)" ] || fail "empty inputs were left in the corpus"

# What is found while nothing can be written is kept where there is room.
mkdir -p elsewhere
found() { TMPDIR=$WORK/elsewhere fuzz --backend "$small" --time 3 --out "$disk/found"; }
found >first 2>&1 &
pid=$!
until [ -e "$disk/found/corpora" ]; do sleep 0.05; done
fill
code=0
wait "$pid" || code=$?
case $code in
2) grep -qE "as good as full|No space left" first || fail "full: $(cat first)" ;;
3) [ -n "$(find elsewhere "$disk/found" -name '*-page-*.bin' -size +0)" ] || fail "a finding was lost: $(cat first)" ;;
*) fail "full, with a finding: exit $code: $(cat first)" ;;
esac
rm "$disk/fill"
expect 3 '' found
finish
