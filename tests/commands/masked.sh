# pagelab masked: the longest masked section of stored programs, and the search for a worse one. What is stored as the worst
# must be no better than the seeds; what a search finds is kept, whoever ends it.
. "$SOURCE/tests/commands/expect.sh"
short_program
"$PAGELAB" masked short.txt --backend buddy >out 2>err || fail "short.txt: $(cat out err)"
if ! grep -qE 'under a sanitizer|trap flag|single step' out; then
  "$PAGELAB" masked short.txt --backend buddy,null --format json >json 2>err || fail "json: $(cat err)"
  /usr/bin/python3 - <<'P' || fail "json: $(cat json)"
import json
rows = {row["candidate"]: row for row in json.load(open("json"))}
buddy = rows["buddy"]
assert 10 < buddy["worst_instructions"] < 1000 and buddy["masked_in"].startswith("buddy_"), buddy
assert buddy["program"] == "short.txt" and buddy["frames"] == 64, buddy
assert 0 < buddy["ns_median"] <= buddy["ns_longest"] and buddy["seeds_instructions"] is None, buddy
assert rows["null"]["worst_instructions"] == 0 and rows["null"]["ns_median"] is None, rows["null"]
P
  short=$(/usr/bin/python3 -c 'import json; print(json.load(open("json"))[0]["worst_instructions"])')

  # What is stored is as bad as the seeds; a stored program that is not is a missed goal.
  expect 0 'corpora/masked/buddy.txt' "$PAGELAB" masked --backend buddy
  mkdir -p corpora/masked
  cp short.txt corpora/masked/buddy.txt
  expect 1 'buddy .*corpora/seeds/.* is worse' "$PAGELAB" masked --backend buddy

  # A search finds a program, which is a program like any other, and counts what was found.
  expect 0 'found/buddy.txt' "$PAGELAB" masked short.txt --backend buddy --search 2 --out found
  "$PAGELAB" masked found/buddy.txt --backend buddy --format json >json 2>err || fail "found: $(cat err)"
  worse=$(/usr/bin/python3 -c 'import json; print(json.load(open("json"))[0]["worst_instructions"])')
  [ "$worse" -gt "$short" ] || fail "a search found $worse instructions, $short were there"
  expect 0 'no finding' "$PAGELAB" replay found/buddy.txt --backend buddy

  # Ctrl-C: long before its time is over, and the best so far is kept; a busy machine has one later.
  for seconds in 4 20 100; do
    "$PAGELAB" masked --backend buddy --search 2000 --out kept >out 2>err &
    pid=$!
    sleep $seconds
    interrupt "$pid"
    wait "$pid"
    got=$?
    [ "$got" = 130 ] || fail "interrupted: exit $got, 130 expected: $(cat out err)"
    [ ! -f kept/buddy.txt ] || break
  done
  expect 0 'kept/buddy.txt' "$PAGELAB" masked kept/buddy.txt --backend buddy
fi
expect 2 'search -1' "$PAGELAB" masked --search -1
expect 2 'missing.txt' "$PAGELAB" masked missing.txt --backend buddy
expect 2 "'nosuch'" "$PAGELAB" masked --backend nosuch
finish
