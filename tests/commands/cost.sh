# pagelab cost: the dearest calls of programs. What is stored as the worst must be no better than the seeds; what is
# found in a folder is stored, made small, and costs as much; and the stored ones are benchmark cases.
. "$SOURCE/tests/commands/expect.sh"
[ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || exit 77

# Of all candidates whose source is ours: the stored ones are as dear as the seeds, and nothing is opaque but libraries.
ours=$(find "$SOURCE/corpora/cost/accesses" -name '*.txt' -printf '%f\n' | sed 's/\.txt$//' | sort | paste -sd,)
expect 0 'llfree +retries' "$PAGELAB" cost --backend "$ours"
expect 0 'jemalloc .*opaque' "$PAGELAB" cost --backend jemalloc
"$PAGELAB" cost --backend "$ours" --format json >known.json 2>err || fail "json: $(cat err)"
/usr/bin/python3 - <<'P' || fail "known: $(head -c 600 known.json)"
import json
for row in json.load(open("known.json")):
    assert row["worst"] > 0 or row["kind"] == "retries", row # whose schedules fit one compiler's accesses
assert {row["kind"] for row in json.load(open("known.json"))} == {"accesses", "locked", "retries"}
P

# From a folder of both forms, with something in it that is no program: the dearest is stored, smaller and as dear, and
# a second time nothing is better.
mkdir -p camp/deep
cat >camp/deep/long.txt <<'P'
pagelab program 1
machine 64@0x0 cpus=2 floors=0/0/0
cpu1 task    alloc s7 order=0
cpu0 task    alloc s0 order=5
cpu1 task    free s7
cpu0 task    split s0 order=0
cpu0 task    free s0
cpu1 task    alloc s8 order=1
P
echo 'a log' >camp/notes.log
"$PAGELAB" replay camp/deep/long.txt --encode camp/short.bin --backend buddy >/dev/null 2>&1
mkdir -p corpora/cost corpora/seeds/page
cp camp/deep/long.txt corpora/seeds/page/
expect 0 'bitmap +accesses +[0-9]+ +[0-9]+ +split' "$PAGELAB" cost camp --backend bitmap --out found
[ -s found/accesses/bitmap.txt ] && [ -s found/locked/bitmap.txt ] || fail "nothing stored: $(ls -R found)"
[ "$(wc -l <found/accesses/bitmap.txt)" -lt 9 ] || fail "not made small: $(cat found/accesses/bitmap.txt)"
cp found/accesses/bitmap.txt before.txt
expect 0 '' "$PAGELAB" cost camp found --backend bitmap --out found
cmp before.txt found/accesses/bitmap.txt || fail "what is there was replaced by what is no worse"

# A program that is named and says nothing on a candidate is named in a line.
expect 2 'bitmap: .*vm.*: a program of frames expected' "$PAGELAB" cost "$(find "$SOURCE/corpora/seeds/vm" -name '*.txt' | head -1)" --backend bitmap
[ ! -s out ] || fail "nothing was counted, and a table printed: $(cat out)"

# Interrupted, it stores what it has found. Each file is one program more to run; a fast machine needs more of them, a busy
# one more time before there is something to keep.
mkdir many
cp camp/deep/long.txt many/a.txt
code=0 files=4000 seconds=0.4
while [ "$files" -le 64000 ]; do
  /usr/bin/python3 -c 'import shutil, sys
for i in range(int(sys.argv[1])): shutil.copyfile("camp/deep/long.txt", f"many/b{i}.txt")' "$files"
  while :; do
    code=0
    rm -rf kept
    "$PAGELAB" cost many --backend bitmap --out kept >kept.out 2>err &
    pid=$!
    sleep $seconds
    interrupt "$pid"
    wait "$pid" || code=$?
    [ "$code" = 130 ] && [ ! -s kept/accesses/bitmap.txt ] && [ "$seconds" != 30 ] || break
    seconds=$([ "$seconds" = 0.4 ] && echo 4 || echo 30)
  done
  [ "$code" = 0 ] || break
  files=$((files * 4))
done
[ "$code" = 130 ] || fail "interrupted: exit $code, 130 expected: $(cat err)"
[ -s kept/accesses/bitmap.txt ] && grep -q 'bitmap *accesses' kept.out || fail "nothing was kept: $(cat kept.out)"

# A seed that is worse than the stored one is a missed goal.
mkdir -p corpora/cost/accesses
printf 'pagelab program 1\nmachine 64@0x0 cpus=1 floors=0/0/0\ncpu0 task alloc s0 order=0\n' >corpora/cost/accesses/bitmap.txt
expect 1 'bitmap +accesses' "$PAGELAB" cost --backend bitmap
expect 2 'missing.txt' "$PAGELAB" cost missing.txt --backend bitmap
expect 2 "'nosuch'" "$PAGELAB" cost --backend nosuch

# A row of the workload has what was counted, and the line of the program.
cp -r "$SOURCE/corpora/cost" corpora/
expect 0 'worst-call' "$PAGELAB" bench --backend tlsf,nbbs --no-rods --smoke --rounds 1 --workload worst-call --out w.json
/usr/bin/python3 - <<'P' || fail "w.json: $(cat w.json)"
import json
counted = {row["candidate"]: row["worst"] for row in json.load(open("known.json")) if row["kind"] == "accesses"}
rows = [row for row in json.load(open("w.json"))["benchmarks"] if row["workload"] == "worst-call"]
assert {row["candidate"] for row in rows} == {"tlsf", "nbbs"}
for row in rows:
    assert row["status"] == "ok" and row["section"] == "worst", row
    assert row["call_accesses"] == counted[row["candidate"]], (row, counted)
    assert row["real_time"] >= row["call_ns_least"] > 0 and row["call_ns_longest"] >= row["real_time"], row
    assert row["operation"].startswith("cpu"), row
    assert row.get("call_instructions", 1000) >= 100, row
P
"$PAGELAB" report w.json --html worst.html && grep -q call_accesses worst.html || fail "no page"
finish
