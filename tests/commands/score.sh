# The score with the real drivers: an easy mutant is found by one of the first inputs, one that the target cannot come to
# is reported so, a killed score goes on where it was, an interrupted one ends with 130.
. "$SOURCE/tests/commands/expect.sh"
drivers=$SOURCE/build/fuzz/bin
for driver in fuzz stress plain; do [ -x "$drivers/pagelab-$driver-mutants" ] || exit 77; done

expect 2 "score: --set 'none'" "$PAGELAB" score --set none --bin "$drivers"
expect 2 "score: --mutant 'none'" "$PAGELAB" score --set schedule --mutant none --bin "$drivers"
expect 2 'score: --seeds' "$PAGELAB" score --seeds 0 --bin "$drivers"
expect 2 "score: --corpus 'mine'" "$PAGELAB" score --corpus mine --bin "$drivers"
expect 2 'the mutant drivers expected' "$PAGELAB" score --mutant buddy-uncharge-one --bin "$WORK" --out nowhere

expect 0 '' "$PAGELAB" score --mutant buddy-uncharge-one --seeds 3 --seconds 20 --bin "$drivers" --out easy --format json
/usr/bin/python3 - <<'P' || fail "the score: $(cat out)"
import json
rows = json.load(open("out"))
assert len(rows) == 1
row = rows[0]
assert set(row) == {"mutant", "kind", "backend", "target", "reached", "triggered", "detected", "executions", "seconds",
                    "by", "reason", "plain", "tsan", "tsan_by", "tsan_seconds"}, row
assert (row["mutant"], row["kind"], row["backend"]) == ("buddy-uncharge-one", "arithmetic", "buddy")
assert row["reached"] is True and row["triggered"] is True and row["detected"] is True
assert row["seconds"] > 0 and 0 < row["executions"] < 10000 and "F-2" in row["by"], row # by one of the first inputs
assert row["plain"] in (True, False) and row["reason"] is None, row
assert row["tsan"] is None and row["tsan_by"] is None and row["tsan_seconds"] is None
P
cmp -s out easy/score.json || fail "score.json is not what was printed"
grep -q '<svg' easy/score.html && grep -q 'our targets: 1 of 1 detected' easy/score.html &&
  grep -q '<td>buddy-uncharge-one<td>arithmetic' easy/score.html || fail "a page with a curve and a row expected"
! grep -qE 'https?:|<script|<link' easy/score.html || fail "the page is not self-contained"

# With no mutant alive the same target is silent; one that speaks misses the goal. Neither is in a score's array.
expect 0 '' "$PAGELAB" score --control --mutant buddy-uncharge-one --seeds 1 --seconds 1 --bin "$drivers" --out easy --format json
/usr/bin/python3 - <<'P' || fail "the control: $(cat out)"
import json
row, = json.load(open("out"))
assert (row["target"], row["candidate"], row["reports"], row["by"]) == ("page", "buddy", 0, ""), row
assert row["executions"] > 1000, row
assert json.load(open("easy/control.json")) == [row]
assert [row["mutant"] for row in json.load(open("easy/score.json"))] == ["buddy-uncharge-one"]
P
# Until each target had its executions: of a target's pairs each its part, with a line for all of them; a second sitting
# runs nothing.
expect 2 'score: --executions' "$PAGELAB" score --executions 100 --bin "$drivers"
counted="score --control --executions 6e3 --no-threads --set out-of-memory --target page --seconds 20 --bin $drivers --out sittings"
expect 0 '' "$PAGELAB" $counted --format json
/usr/bin/python3 - <<'P' || fail "the counted control: $(cat out)"
import json
*pairs, total = json.load(open("out"))
assert total["candidate"] == "(together)" and total["executions"] >= 6000 and total["reports"] == 0, total
assert len(pairs) > 1 and all(row["executions"] >= 6000 / min(len(pairs), 10) for row in pairs), pairs
assert total["executions"] == sum(row["executions"] for row in pairs)
P
made=$(stat -c '%n %i %y' sittings/runs/*)
expect 0 '' "$PAGELAB" $counted
[ "$(stat -c '%n %i %y' sittings/runs/*)" = "$made" ] || fail "what was known was run again: $(ls -l sittings/runs)"
mkdir loud
printf '#!/bin/sh\necho "pagelab finding: id=F-1 backend=b" >&2\nexit 77\n' >loud/pagelab-fuzz-mutants
chmod +x loud/pagelab-fuzz-mutants
expect 1 '' "$PAGELAB" score --control --mutant buddy-uncharge-one --seeds 2 --bin loud --out spoke
grep -q 'page *buddy .* 2  *F-1' out || fail "two reports of F-1 expected: $(cat out)"

# One call after the other never waits for the lock that sleeps.
expect 1 '' "$PAGELAB" score --mutant mutex-sleep-locked --target page --no-threads --no-plain --seeds 1 --seconds 1 \
  --bin "$drivers" --out never --format json
/usr/bin/python3 - <<'P' || fail "the score of what cannot be reached: $(cat out)"
import json
row, = json.load(open("out"))
assert row["reached"] is False and row["triggered"] is False and row["detected"] is False, row
assert row["reason"] == "its code was never reached", row
assert row["by"] is None and row["executions"] > 1000, row
P

# Killed after the first of two runs that take their whole time.
never="score --mutant mutex-sleep-locked --target page --no-threads --no-plain --jobs 1 --seconds 1.5 --bin $drivers --out killed"
"$PAGELAB" $never --seeds 2 >/dev/null 2>&1 &
pid=$!
until [ -s killed/runs/mutex-sleep-locked.target.1 ]; do
  kill -0 "$pid" 2>/dev/null || { fail "the score ended before it could be killed"; finish; }
  sleep 0.05
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
before=$(stat -c %Y.%i killed/runs/mutex-sleep-locked.target.1)
expect 1 '' "$PAGELAB" $never --seeds 2
[ -s killed/runs/mutex-sleep-locked.target.2 ] || fail "one run was left to do: $(ls killed/runs)"
[ "$(stat -c %Y.%i killed/runs/mutex-sleep-locked.target.1)" = "$before" ] || fail "a result that was known was made again"

"$PAGELAB" $never --seeds 9 >/dev/null 2>&1 &
pid=$!
sleep 0.7
interrupt "$pid"
code=0
wait "$pid" || code=$?
[ "$code" = 130 ] || fail "interrupted: exit $code, 130 expected"
finish
