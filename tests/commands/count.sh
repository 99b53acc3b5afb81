# pagelab cost --workload, and gate: counts under valgrind. Those of our candidates are equal in two runs, to the last digit; a
# slow-down that is planted in a plug-in fails the gate, which names its function. Half a minute: each run is under valgrind.
. "$SOURCE/tests/commands/expect.sh"
mkdir empty

# At night all candidates whose source is ours, and the rods, each counted twice.
if [ -n "${NIGHT:-}" ]; then
  [ -n "${PAGELAB_NIGHT:-}" ] && command -v valgrind >/dev/null || exit 77
  ours=$("$PAGELAB" list --format json | /usr/bin/python3 -c 'import json, sys
rows = [row for row in json.load(sys.stdin) if row["kind"] in ("candidate", "floor")]
print(",".join(row["name"] for row in rows if "outside-state" not in row["capabilities"]))')
  expect 0 '' "$PAGELAB" cost --backend "$ours,percpu+buddy,percpu+bitmap" --workload repeat,bulk,replace --memory 16MiB --runs 2 --out all.json
  /usr/bin/python3 - <<'P' || fail "not the same twice: $(head -c 2000 all.json)"
import json
rows = json.load(open("all.json"))["cost"]
assert len(rows) >= 3 * 16 and all(row["status"] == "ok" for row in rows), rows
for row in rows:
    for count in ("instructions", "locked", "cache_lines"):
        assert row[count] == row[count + "_high"], row
P
  finish
fi

# What a person can get wrong.
expect 2 "workload 'nosuch'.*repeat, bulk, replace" "$PAGELAB" cost --workload nosuch
expect 2 "workload 'age'" "$PAGELAB" cost --workload repeat,age
expect 2 "workload ''" "$PAGELAB" cost --workload repeat,
expect 2 'missing.pltrace' "$PAGELAB" cost --workload replay:missing.pltrace
expect 2 "order '99'" "$PAGELAB" cost --workload repeat --order 0,99
long=$(printf 'a%.0s' {1..600})
expect 2 "workload 'a+\.\.\.': less than 512" "$PAGELAB" cost --workload "repeat,$long"
expect 2 "order 'a+\.\.\.': less than 512" "$PAGELAB" cost --workload repeat --order "$long"
expect 2 'operations 0' "$PAGELAB" cost --workload repeat --operations 0
expect 2 'runs 0' "$PAGELAB" cost --workload repeat --runs 0
expect 2 'time-limit -1' "$PAGELAB" cost --workload repeat --time-limit -1
# Options of the one form in the other.
for option in '--order 0' '--memory 8MiB' '--operations 5' '--runs 3' --no-lines '--time-limit 600'; do
  # shellcheck disable=SC2086 # words on purpose
  expect 2 "${option%% *}: --workload expected" "$PAGELAB" cost --backend buddy $option
done
expect 2 "'some.txt'.*not both" "$PAGELAB" cost some.txt --workload repeat
expect 2 "nosuch" "$PAGELAB" cost --workload repeat --backend nosuch
expect 2 'valgrind expected on PATH' /usr/bin/env PATH="$WORK/empty" "$PAGELAB" cost --workload repeat --backend buddy
# A valgrind that fails, and one that never ends, say nothing against a candidate.
mkdir broken slow
printf '#!/bin/sh\necho no tool >&2; exit 1\n' >broken/valgrind
printf '#!/bin/sh\n[ "$1" = --version ] || exec sleep 60\n' >slow/valgrind
chmod +x broken/valgrind slow/valgrind
expect 2 'broken/valgrind cannot run this program: .*no tool' \
  /usr/bin/env PATH="$WORK/broken" "$PAGELAB" cost --workload repeat --backend buddy
expect 3 'no result within 1 s' /usr/bin/env PATH="$WORK/slow" "$PAGELAB" cost --workload repeat --backend buddy --time-limit 1
grep -q 'a run took longer than --time-limit' err && ! grep -q 'a candidate' err || fail "stderr: $(cat err)"
echo 'noise' >noise.json
expect 2 'missing.json' "$PAGELAB" gate missing.json missing.json
expect 2 'no JSON, noise.json' "$PAGELAB" gate noise.json noise.json
expect 2 'no cost file' "$PAGELAB" gate "$SOURCE/results/reference/scale.json" "$SOURCE/results/reference/scale.json"
expect 2 'percent: 0 to' "$PAGELAB" gate noise.json noise.json --percent -1
command -v valgrind >/dev/null || { echo 'no valgrind: the rest is skipped'; exit $((failures > 0 ? 1 : 77)); }

# Twice, with the lines. What is no candidate's own is not in it: the functions are its own, and their sums are the row's.
# The environment outside has no part in it.
expect 0 '' "$PAGELAB" cost --backend percpu+buddy --workload repeat --operations 2000 --memory 8MiB --out a.json
expect 0 '' env SOMETHING="$(seq 200)" "$PAGELAB" cost --backend percpu+buddy --workload repeat --operations 2000 --memory 8MiB --out b.json
# Twice in one command, of another kind: each has a range of one number. One of them has no such order.
expect 0 '^replace/slate/order:0/cpus:1,ok' "$PAGELAB" cost --backend slate --workload replace --memory 8MiB --no-lines --runs 2 --time-limit 300 --format csv --out c.json
expect 0 'magazine .*n/a' "$PAGELAB" cost --backend magazine --workload bulk --order 3 --no-lines
# A recording, found in the checkout although the child's environment is empty; each event is an operation.
expect 0 '^replay-nginx/buddy/mode:serial,ok' "$PAGELAB" cost --backend buddy --workload replay:corpora/traces/nginx.pltrace --no-lines --format csv
expect 3 'killed by signal 11' "$SICK" cost --backend sick-crash --workload repeat --no-lines
grep -q 'a candidate broke its contract or died' err || fail "stderr: $(cat err)"
/usr/bin/python3 - <<'P' || fail "counts: $(head -c 2000 a.json) $(head -c 1000 c.json)"
import json
a, b, c = (json.load(open(name)) for name in ("a.json", "b.json", "c.json"))
assert a["cost"] == b["cost"]
row = a["cost"][0]
names = {f["name"] for f in row["functions"]}
assert {"percpu_alloc", "percpu_free"} <= names <= {"percpu_alloc", "percpu_free", "buddy_alloc", "buddy_free"}, names
for count in ("instructions", "locked", "cache_lines"):
    assert row[count] == row[count + "_high"]
    assert abs(sum(f[count] for f in row["functions"]) - row[count]) < 0.001, row
# The fast path of a magazine has no locked operation, and is not for nothing.
assert row["locked"] == 0 and 10 < row["instructions"] < 500 and 2 <= row["cache_lines"] < 20, row
assert row["operations"] == 2000 and row["line_operations"] == 200 and row["working_lines"] <= row["cache_lines"], row
row = c["cost"][0]
assert row["runs"] == 2 and row["instructions"] == row["instructions_high"] > 10 and "cache_lines" not in row, row
words = row["command"].split()
assert "--runs 2 --time-limit 300 --no-lines" in " ".join(words) and "--runs" not in a["cost"][0]["command"], words
ours = a["context"]["pagelab"]
assert ours["complete"] and ours["valgrind"].startswith("valgrind") and ours["mode"] == "cost" and "host_name" not in a["context"]
P
expect 0 '1 rows compared, 0 failures' "$PAGELAB" gate a.json b.json --percent 0

# A planted slow-down: the same plug-in, with a loop in the hook that takes frames back.
build() { cc -std=c17 -O2 -I"$SOURCE/include" -fPIC -shared -o mine.so "$1" || fail "$1 does not compile"; }
sed '/stack->frame\[stack->count++\] = run->first;/i\    for (volatile int i = 0; i < 5; i++) {}' \
  "$SOURCE/examples/plugin/stack.c" >slow.c
cmp -s slow.c "$SOURCE/examples/plugin/stack.c" && fail "nothing was planted"
build "$SOURCE/examples/plugin/stack.c"
expect 0 '' "$PAGELAB" cost --backend ./mine.so --workload repeat --no-lines --runs 1 --out before.json
build slow.c
expect 0 '' "$PAGELAB" cost --backend ./mine.so --workload repeat --no-lines --runs 1 --out after.json
expect 1 'instructions +give +[0-9.]+ +[0-9.]+ +[0-9.]+ +grew' "$PAGELAB" gate before.json after.json
grep -qE 'instructions grew from [0-9.]+ to [0-9.]+ an operation, most in give$' err || fail "stderr: $(cat err)"
grep -q ' take ' out && fail "take did not grow: $(cat out)"
expect 0 'shrank' "$PAGELAB" gate after.json before.json
expect 0 '0 failures' "$PAGELAB" gate before.json after.json --percent 900
expect 1 '"function":[^"]*"give"' "$PAGELAB" gate before.json after.json --format json
finish
