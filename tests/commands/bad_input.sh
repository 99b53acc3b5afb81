# What a person can get wrong: one line that says what, where and what was expected; exit 2; nothing half-written.
. "$SOURCE/tests/commands/expect.sh"

expect 2 'command expected' "$PAGELAB"
expect 2 "'frobnicate': unknown command" "$PAGELAB" frobnicate
expect 2 'unknown option' "$PAGELAB" run --frobnicate
expect 2 "'nosuch': unknown" "$PAGELAB" run --smoke --backends buddy,nosuch --out r
expect 2 'needs a backend' "$PAGELAB" run --smoke --backends percpu --out r
expect 2 'wrong parameters' "$PAGELAB" run --smoke --backends 'percpu(batch=0)+buddy' --out r
expect 2 'takes no parameters' "$PAGELAB" bench --backend 'buddy(x=1)' --workload repeat
expect 2 "floors '1/2'" "$PAGELAB" bench --backend buddy --workload repeat --floors 1/2
expect 2 "unknown service 'va=nowhere'; for va= there are: list, rbtree" "$PAGELAB" run --smoke --backends buddy,va=nowhere --out r
expect 2 "'extra': unknown" "$PAGELAB" list extra
expect 2 "no such argument" "$PAGELAB" list --workloads extra
expect 2 "format 'yaml'" "$PAGELAB" list --format yaml
expect 2 'backend expected' "$PAGELAB" bench --workload repeat
expect 2 "workload 'nosuch': unknown; one of those that 'pagelab list --workloads' names expected\$" "$PAGELAB" bench --backend buddy --workload nosuch
expect 0 '^replay:FILE ' "$PAGELAB" list --workloads
expect 2 'order 99' "$PAGELAB" bench --backend buddy --workload repeat --order 99
expect 2 'order -1: 0 to' "$PAGELAB" bench --backend buddy --workload repeat --order -1
expect 2 'rounds 0: 1 to 1000 expected' "$PAGELAB" run --smoke --backends buddy --rounds 0 --out r
expect 2 'rounds -1: 1 to 1000 expected' "$PAGELAB" run --smoke --backends buddy --rounds -1 --out r
expect 2 'min-time above 0' "$PAGELAB" run --smoke --backends buddy --min-time 0 --out r
absent r
expect 2 'cpus 0' "$PAGELAB" bench --backend buddy --workload repeat --cpus 0
expect 2 "memory 'lots'" "$PAGELAB" bench --backend buddy --workload repeat --memory lots
expect 2 'missing.pltrace' "$PAGELAB" bench --backend buddy --workload replay:missing.pltrace
mkdir tr
printf 'noise, no trace' >tr/noise.pltrace
printf 'kept' >kept.json
expect 2 'noise.pltrace' "$PAGELAB" bench --backend buddy --workload replay:tr/noise.pltrace --out kept.json
[ "$(cat kept.json)" = kept ] || fail "a mistake overwrote a result"
expect 2 'noise.pltrace' "$PAGELAB" run --smoke --backends buddy --traces tr --out r3
absent r3/result.json

expect 2 'argument is missing' "$PAGELAB" import
expect 2 '-o FILE expected' "$PAGELAB" import x
expect 2 'missing.txt' "$PAGELAB" import missing.txt -o t
: >empty
expect 2 'empty' "$PAGELAB" import empty -o t
head -c 100000 /dev/urandom >noise
expect 2 'noise' "$PAGELAB" import noise -o t
cp "$SOURCE/tests/data/traces/ftrace.txt" good.txt
sed '/mm_page_alloc/{s/pfn=/pfn=zzz/;}' good.txt >bad.txt
expect 2 'bad.txt:[0-9]+' "$PAGELAB" import bad.txt -o t
head -c -20 good.txt >cut.txt
expect 2 'cut.txt:[0-9]+' "$PAGELAB" import cut.txt -o t
zstd -q good.txt -o good.zst
head -c 60 good.zst >cut.zst
expect 2 'cut.zst' "$PAGELAB" import cut.zst -o t
expect 2 'nowhere' "$PAGELAB" import good.txt -o nowhere/t
absent t nowhere
expect 0 'events read' "$PAGELAB" import good.txt -o t
[ -s t ] || fail "import wrote nothing"

: >file
expect 2 'file' "$PAGELAB" run --smoke --backends buddy --out file
expect 2 'file/below' "$PAGELAB" run --smoke --backends buddy --out file/below
expect 2 'resume' "$PAGELAB" run --smoke --resume
mkdir fresh
expect 2 'resume' "$PAGELAB" run --smoke --resume --out fresh
absent fresh/report.html
expect 2 'nowhere' "$PAGELAB" run --smoke --traces nowhere --out r2

# A reader that leaves early, as head does, is no error: no line, and the code that the command would have had; 7 is a pipe
# whose reader has gone. A device that is full is one.
mkfifo pipe
exec 6<>pipe 7>pipe 6<&-
result=$SOURCE/results/reference/result.json
cost=$SOURCE/results/reference/cost.json
unread() { # CODE COMMAND...
  local code=$1 got=0
  shift
  "$PAGELAB" "$@" >&7 2>err </dev/null || got=$?
  [ "$got" = "$code" ] || fail "$* to a closed pipe: exit $got, $code expected"
  ! grep -vE 'has grown|grew|slower' err || fail "$* to a closed pipe says so"
  [ "$code" = 0 ] || return 0
  expect 2 'stdout: cannot be written|cannot (be )?print' bash -c '"$@" >/dev/full' full "$PAGELAB" "$@"
}
for format in table json markdown csv; do
  unread 0 report "$result" --format $format
  unread 0 choose --from "$result" --format $format
done
unread 0 report "$result" --help
unread 0 --help
unread 0 --version
unread 0 compare "$result" "$result"
unread 0 gate "$cost" "$cost"
unread 0 triage "$SOURCE/corpora/regress" --backend buddy
unread 3 show "$SOURCE/corpora/seeds/page/drain.bin" --backend 'sleepy(by=might)+buddy'
sed -E 's/"(instructions|instructions_high)":[^0-9]*[0-9.]+/"\1": 1/' "$cost" >less.json
unread 1 gate less.json "$cost"
exec 7>&-

# A limit on files is an error like a full disk: no death by signal, and what was there stays.
limited() { bash -c 'ulimit -f 2; exec "$@"' limited "$PAGELAB" "$@"; }
expect 2 'small.html.*(File too large|cannot be written)' limited report "$result" --html small.html
expect 2 'kept.json.*(File too large|written)' limited bench --backend null --no-rods --rounds 1 --smoke --workload repeat --order 0 --out kept.json
/usr/bin/python3 -m json.tool kept.json >/dev/null || fail "a limit on files left a result that is not whole"
[ -z "$(find . -name '*.part' -o -name '*.tmp' -o -name 'small.html')" ] || fail "half-written files were left: $(ls)"

expect 2 'replay' "$PAGELAB" replay
expect 2 'missing' "$PAGELAB" replay missing
for command in show masked shrink to-c $(sanitized || echo cost); do
  expect 2 'missing: a stored program.* expected: No such file' "$PAGELAB" $command missing --backend buddy
done
expect 2 'the mutant drivers expected' "$PAGELAB" score --mutant buddy-uncharge-one --bin . --out left/score
absent left
printf 'pagelab program 1\nmachine 64@0 cpus=1\ncpu0 task alloc s0 order=zero\n' >bad.prog
expect 2 'bad.prog:3' "$PAGELAB" replay bad.prog
expect 2 'missing' "$PAGELAB" report missing
printf '{"context": {}}' >bad.json
expect 2 'bad.json' "$PAGELAB" report bad.json
expect 2 'bad.json' "$PAGELAB" report bad.json --html x.html
absent x.html

# A time that is none where all is well; a result of another version is read, and both versions are said.
made() { # VERSION ABI TIME
  printf '{"context": {"pagelab": {"version": "%s", "abi": %s, "tier": "release", "complete": true, "candidates": []}},
    "benchmarks": [{"name": "repeat/x/order:0", "candidate": "x", "workload": "repeat", "status": "ok", "real_time": %s}]}' "$@"
}
for time in 0 -5; do
  made 0.1.0 1 "$time" >made.json
  for command in report 'report --html x.html' 'compare made.json' 'choose --from'; do
    expect 2 "real_time $time, made.json, row repeat/x/order:0, expected a time above 0" "$PAGELAB" $command made.json
  done
done
absent x.html
made 9.8.7 1 20 >made.json
for command in report 'report --html x.html' 'compare made.json' 'choose --from'; do
  expect 0 '' "$PAGELAB" $command made.json
  grep -qE "^pagelab [a-z]+: made.json is of pagelab 9.8.7, ABI 1; this is [0-9.]+, ABI [0-9]+$" err ||
    fail "$command: another version is not said: $(cat err)"
done
made "$("$PAGELAB" --version | grep -oE '[0-9]+[.][0-9]+[.][0-9]+' | head -n 1)" 77 20 >made.json
expect 0 '' "$PAGELAB" report made.json
grep -qE 'ABI 77; this is' err || fail "another ABI is not said: $(cat err)"
finish
