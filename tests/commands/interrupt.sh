# pagelab interrupt: an interrupt before each instruction, at labelled points, and by signals. What claims nothing is a
# fact and exit 0, a refuted claim is exit 3; a failure is named with its place, both stacks and the command that replays it.
. "$SOURCE/tests/commands/expect.sh"
short_program
cc -std=c17 -O1 -DSPINS -I"$SOURCE/include" -fPIC -shared -o spins.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "spins.so"
cc -std=c17 -O1 -DSPINS -DCLAIMS -I"$SOURCE/include" -fPIC -shared -o claims.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "claims.so"
cc -std=c17 -O1 -DSPINS -DSLEEPS -DCLAIMS -I"$SOURCE/include" -fPIC -shared -o sleeps.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "sleeps.so"
cc -std=c17 -O1 -DSLOW -DCLAIMS -I"$SOURCE/include" -fPIC -shared -o slow.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "slow.so"
cc -std=c17 -O1 -I"$SOURCE/include" -fPIC -shared -o masks.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "masks.so"
cc -std=c17 -O1 -DUNTRAPPED -DCLAIMS -I"$SOURCE/include" -fPIC -shared -o untrapped.so "$SOURCE/tests/commands/plugins/interrupted.c" || fail "untrapped.so"

# At labelled points: cheap, and no kernel is asked.
"$PAGELAB" interrupt short.txt --backend buddy --mode points >out 2>&1
grep -q 'n/a (not under ThreadSanitizer' out || expect 0 'buddy .*survives [1-9][0-9]* interrupts .*deadlock at 0:p0 in buddy_' "$PAGELAB" interrupt short.txt --backend buddy --mode points
grep -q 'n/a (not under ThreadSanitizer' out || expect 0 'no labelled points' "$PAGELAB" interrupt short.txt --backend ./masks.so --mode points

# By single step, if this machine can.
"$PAGELAB" interrupt short.txt --backend llfree --level nmi >out 2>err || fail "llfree: $(cat out err)"
if grep -q 'n/a (' out; then
  expect 0 'trap flag|single step|ThreadSanitizer' "$PAGELAB" interrupt short.txt --backend llfree
else
  grep -qE 'llfree .*survives [1-9][0-9]* interrupts' out || fail "llfree: $(cat out)"
  expect 0 'fact: endless on ./spins.so' "$PAGELAB" interrupt short.txt --backend ./spins.so --level irq
  expect 3 'finding: endless on ./claims.so' "$PAGELAB" interrupt short.txt --backend ./claims.so --level irq
  grep -q 'interrupting  *interrupted_enter+0x' out || fail "the stuck function is not named: $(cat out)"
  grep -q 'interrupted  *interrupted_' out || fail "the interrupted function is not named: $(cat out)"
  replay=$(sed -n "s/^  replay  *.\/pagelab //p" out | head -n 1)
  eval "\"\$PAGELAB\" $replay" >again && fail "replay: exit 0, 3 expected: $(cat again)"
  grep -q "finding: endless on ./claims.so: interrupt at" again || fail "replay: $(cat again)"
  expect 0 'survives [1-9]' "$PAGELAB" interrupt short.txt --backend ./masks.so --level irq
  expect 0 'fact: (broken|crash|deadlock|endless) .*masks.so' "$PAGELAB" interrupt short.txt --backend ./masks.so --level nmi

  # Who cannot be stepped has no verdict.
  expect 0 'untrapped.so .*n/a \(cannot be stepped: it blocks or takes SIGTRAP' "$PAGELAB" interrupt short.txt --backend ./untrapped.so --level irq

  # A library that deadlocks where nothing protects it is a fact. A sanitizer's instructions would be stepped, too, for most
  # of a minute, and say nothing of these.
  if ! sanitized; then
    expect 0 'fact: (deadlock|endless|crash|broken) .*jemalloc' "$PAGELAB" interrupt short.txt --backend jemalloc --level nmi
    expect 0 'fact: deadlock on sleepy' "$PAGELAB" interrupt short.txt --backend 'sleepy(by=mutex)+buddy' --level nmi
    grep -q 'actual  *sleeps (futex)' out || fail "a mutex: $(cat out)"
    expect 0 'buddy.*survives' "$PAGELAB" interrupt short.txt --backend buddy --level irq --do pair
  fi

  # What takes longer than the limit is partial, with its share of all points, and refutes nothing.
  expect 0 'xnu .* [0-9]+ \(partial: [0-9]+ %\) .*survives' "$PAGELAB" interrupt "$SOURCE/corpora/seeds/interrupt/cold-and-warm.txt" --backend xnu --level irq --limit 1
  "$PAGELAB" interrupt "$SOURCE/corpora/seeds/interrupt/cold-and-warm.txt" --backend xnu --level irq --limit 1 --format json >json 2>err || fail "partial: $(cat err)"
  /usr/bin/python3 - <<'P' || fail "partial: $(cat json)"
import json
(row,) = json.load(open("json"))
assert row["partial"].endswith("cold-and-warm.txt") and 0 < row["points"] < row["points_there"], row
P

  "$PAGELAB" interrupt short.txt --backend "$(sanitized || echo buddy,)./spins.so" --format json >json 2>err || fail "json: $(cat err)"
  /usr/bin/python3 - "$(sanitized && echo sanitized)" <<'P' || fail "json: $(cat json)"
import json, sys
rows = {row["candidate"]: row for row in json.load(open("json"))}
buddy, spins = rows.get("buddy"), rows["./spins.so"]
assert spins["longest_masked"]["instructions"] == 0 and not spins["irq"]["claimed"]
assert spins["irq"]["verdict"] == "endless" and spins["irq"]["interrupting"][0].startswith("interrupted_enter"), spins
if sys.argv[1] == "sanitized":
    sys.exit()
assert buddy["points"] > 100 and buddy["irq"]["interrupts"] == buddy["points"], buddy
assert buddy["irq"]["claimed"] and buddy["irq"]["verdict"] == "survives" and buddy["irq"]["failures"] == 0
assert buddy["nmi"]["verdict"] == "deadlock" and buddy["nmi"]["at"] and "buddy_" in buddy["nmi"]["function"], buddy
assert 0 < buddy["longest_masked"]["instructions"] < buddy["points"] and "buddy_" in buddy["longest_masked"]["function"]
P
  expect 0 'survives, [1-9][0-9]* calls at interrupt level' "$PAGELAB" replay short.txt --backend buddy --interrupt 0:5
  expect 2 'a place that the program reaches' "$PAGELAB" replay short.txt --backend buddy --interrupt 0:999999
  expect 2 'a place that the program reaches' "$PAGELAB" replay short.txt --backend buddy --interrupt 77:0
fi

# Ctrl-C: at once, with what was done until then.
"$PAGELAB" interrupt --backend llfree,buddy >out 2>err &
pid=$!
sleep 1
interrupt "$pid"
wait "$pid"
got=$?
[ "$got" = 130 ] || grep -q 'ThreadSanitizer' out || fail "interrupted: exit $got, 130 expected"

# By signals and timers: bounded, and it says that nobody can replay it.
expect 0 'not replayable' "$PAGELAB" interrupt --mode stress --level irq --backend buddy --limit 100
grep -qE 'survives [1-9][0-9]* interrupts|n/a \(not under ThreadSanitizer' out || fail "stress: $(cat out)"
if ! grep -q 'n/a (not under ThreadSanitizer' out; then
  # What is only slow is partial, and refutes nothing; who spins or sleeps for ever is seen long before the limit.
  expect 0 'slow.so .*survives [1-9][0-9]* interrupts \(partial: [0-9]+ %\)' "$PAGELAB" interrupt --mode stress --level irq --backend ./slow.so --limit 1
  expect 3 'refuted +endless: CPU [01] was 3 s of its own processor time' "$PAGELAB" interrupt --mode stress --level irq --backend ./claims.so
  expect 3 'refuted +(deadlock: every CPU that still worked|endless)' "$PAGELAB" interrupt --mode stress --level irq --backend ./sleeps.so
fi

expect 2 "interrupt '5'" "$PAGELAB" replay short.txt --interrupt 5
expect 2 "interrupt '1:x'" "$PAGELAB" replay short.txt --interrupt 1:x
expect 2 "do 'dance'" "$PAGELAB" replay short.txt --interrupt 0:1 --do dance
expect 2 "mode 'often'" "$PAGELAB" interrupt --mode often
expect 2 "level 'high'" "$PAGELAB" interrupt --level high
expect 2 "do 'dance'" "$PAGELAB" interrupt --do dance
expect 2 'limit 0' "$PAGELAB" interrupt --limit 0
expect 2 'missing.txt' "$PAGELAB" interrupt missing.txt --backend buddy
expect 2 'no program expected' "$PAGELAB" interrupt short.txt --mode stress
expect 2 "'nosuch'" "$PAGELAB" interrupt short.txt --backend nosuch
finish
