# Campaigns with the real engines under hostile conditions: damaged and huge corpus files, a folder that AFL++ cannot go
# on from, two campaigns on one folder, a kill, a disk that is full. And what a campaign leaves for people.
. "$SOURCE/tests/commands/expect.sh"
drivers=$SOURCE/build/fuzz/bin
[ -x "$drivers/pagelab-fuzz-libfuzzer" ] && command -v afl-fuzz >/dev/null || exit 77
fuzz() { "$PAGELAB" fuzz --bin "$drivers" "$@"; }
export -f fuzz
export PAGELAB drivers

expect 2 "fuzz: --build 'odd': plain or asan expected" fuzz --backend buddy --build plain,odd
expect 2 'fuzz: --budget' fuzz --backend buddy --budget -1
expect 2 'fuzz: .* at least 1 s expected' fuzz --backend buddy,bitmap --target every --budget 3 --out none
expect 2 'nowhere/pagelab-fuzz-libfuzzer: the drivers expected: .* fuzz-asan' \
  fuzz --backend buddy --build plain,asan --asan-bin nowhere --engine libfuzzer
expect 2 'none/state: the state of a campaign to go on with expected' fuzz --backend buddy --resume --out none

# Any bytes are a program: what lies in a corpus is fuzzed from, or left alone, but never stops an engine.
corpus=bad/corpora/page/libfuzzer/corpus
mkdir -p "$corpus/folder" bad/corpora/page/afl/w0/queue
head -c 70000 /dev/urandom >"$corpus/noise"
truncate -s 300M "$corpus/huge"
: >"$corpus/empty"
ln -s nowhere "$corpus/dangling"
printf 'start_time : x\nexecs_done : 7\nafl_banner' >bad/corpora/page/afl/w0/fuzzer_stats
printf '\0\0' >bad/corpora/page/afl/w0/fuzz_bitmap
truncate -s 40M "bad/corpora/page/afl/w0/queue/id:000000,orig:x"
expect 0 '' fuzz --backend buddy --time 12 --out bad --format json
/usr/bin/python3 - <<'P' || fail "damaged corpora: $(cat out err)"
import json
rows = {row["engine"]: row for row in json.load(open("out")) if row["candidate"] == "buddy"}
assert rows["libfuzzer"]["executions"] > 100 and rows["afl++"]["executions"] > 100, rows
assert rows["libfuzzer"]["corpus"] > 10, rows
P
grep -q 'inputs merged to' err || fail "no corpus was merged: $(cat err)"
[ -z "$(find "$corpus" -type f -size +8k)" ] || fail "the merged corpus holds what no program needs"
grep -q '<td>buddy<td>afl++<td>plain<td' bad/report.html && grep -q 'libfuzzer' bad/report.txt ||
  fail "no report was left: $(ls bad)"
! grep -qE 'https?:|<script|<link' bad/report.html || fail "the page is not self-contained"

# One campaign a folder; a killed one has touched each pair, and goes on; no process outlives it.
long="--backend buddy,bitmap --target page,area --engine libfuzzer --time 4 --slice 2 --jobs 2 --out night"
fuzz $long >first 2>&1 &
pid=$!
until [ "$(grep -c 'slices [1-9].* executions [1-9]' night/state 2>/dev/null)" = 4 ]; do
  kill -0 "$pid" 2>/dev/null || { fail "the campaign ended before it could be killed: $(cat first)"; finish; }
  sleep 0.1
done
expect 2 'night: another campaign works there .process [0-9]+.; another folder expected' fuzz $long
kill -9 "$(cat night/lock)"
wait "$pid" 2>/dev/null
! grep -q 'slices [4-9]' night/state || fail "a pair was done before each had its turn: $(cat night/state)"
for ((tries = 0; tries < 300; tries++)); do
  grep -lzE "^PAGELAB_CAMPAIGN=$(cat night/lock)\$" /proc/[0-9]*/environ >left 2>/dev/null || break
  sleep 0.1
done
[ "$tries" -lt 300 ] || fail "a process was left behind: $(cat left)"
expect 0 'page +bitmap +libfuzzer +plain' fuzz $long --resume
grep -qE 'plan: 4 pairs .* about [0-9]+ s in all' err || fail "no plan: $(cat err)"
expect 0 '' fuzz $long --resume
grep -q 'all of it is done already' err || fail "what is done was done again: $(cat err)"
expect 2 'of another campaign' fuzz $long --time 5 --resume

# AFL++'s queues alone become a corpus, too.
expect 0 '' fuzz --backend buddy --engine afl++ --time 3 --out alone
grep -qE ' [1-9][0-9]* inputs merged to [1-9]' err && [ ! -e alone/corpora/page/afl ] &&
  [ -n "$(ls alone/corpora/page/libfuzzer/corpus)" ] || fail "AFL++'s queues were not merged: $(cat err)"

# A write that fails is a line and an exit code.
expect 2 'pagelab fuzz: ' bash -c 'ulimit -f 2; fuzz --backend buddy --engine libfuzzer --time 2 --out small 2>&1 >/dev/null |
  grep -v ^fuzz: >&2; exit ${PIPESTATUS[0]}'

# The page of lines never reached comes from the checkout's script, which gets each candidate's corpora.
mkdir -p fake/tests
printf '#!/bin/sh\nprintf "%%s " "$@"\nwhile [ "$1" != -p ]; do shift; done\necho page >"$2"\n' >fake/tests/coverage.sh
chmod +x fake/tests/coverage.sh
ln -s "$SOURCE/corpora" fake/corpora
expect 0 '' env PAGELAB_ROOT="$WORK/fake" bash -c "cd fake && fuzz $long --out ../night --resume --coverage"
grep -q -- '-n -b buddy,bitmap -p ../night/coverage.html ../night/fuzz-buddy/corpora ../night/fuzz-bitmap/corpora' \
  night/coverage.txt && [ -s night/coverage.html ] || fail "no coverage page: $(cat night/coverage.txt err)"
printf '#!/bin/sh\necho "clang-19: not in PATH" >&2\nexit 2\n' >fake/tests/coverage.sh
expect 2 'lang-19: not in PATH' env PAGELAB_ROOT="$WORK/fake" bash -c \
  "cd fake && fuzz $long --out ../night --resume --coverage 2>&1 >/dev/null | grep -v ^fuzz: >&2; exit \${PIPESTATUS[0]}"

# Of two candidates' files the page names those of the one that was fuzzed, and what it reached.
mkdir -p lines/tests lines/allocators/one lines/allocators/two
printf 'int f(int a)\n{\n    if (a)\n        return 1;\n    return 2;\n}\n' |
  tee lines/allocators/one/one.c >lines/allocators/two/two.c
: >lines/tests/coverage_reasons.txt
/usr/bin/python3 - <<'P'
import json, os
def function(name, count):
    return {"name": name, "filenames": [f"{os.getcwd()}/lines/allocators/{name}/{name}.c"],
            "regions": [[2, 1, 6, 2, count, 0, 0, 0], [4, 9, 4, 17, 0, 0, 0, 0]]}
json.dump({"data": [{"functions": [function("one", 1), function("two", 0)]}]}, open("lines/export", "w"))
P
expect 0 '' /usr/bin/python3 "$SOURCE/tests/coverage.py" "$WORK/lines" lines/export lines/page.html 'percpu+one-hint'
grep -q 'allocators/one: 50.0 % of 2 edges' lines/page.html && grep -q 'one.c:4<td><code>return 1;' lines/page.html &&
  ! grep -q 'two.c' lines/page.html || fail "the page of lines: $(cat lines/page.html)"
finish
