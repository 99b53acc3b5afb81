# A kill at any moment loses at most the row in progress; an interrupted run goes on with --resume.
. "$SOURCE/tests/commands/expect.sh"

rows() {
  /usr/bin/python3 -c 'import json, sys
document = json.load(open(sys.argv[1]))
print(sum(1 for row in document["benchmarks"] if row["run_type"] == "iteration"),
      document["context"]["pagelab"]["complete"])' "$1"
}

"$PAGELAB" run --smoke --min-time 0.0017 --backends buddy --out killed >/dev/null 2>&1 &
pid=$!
until [ -f killed/result.json ] && [ "$(rows killed/result.json | cut -d' ' -f1)" -ge 10 ]; do
  kill -0 "$pid" 2>/dev/null || { fail "the run ended before it could be killed"; finish; }
  sleep 0.02
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
# Other tests run cells at the same time; ours have a time that nobody else asks for.
for _ in $(seq 100); do
  pgrep -f 'bench-cell.*min-time=0.001700' >/dev/null || break
  sleep 0.1
done
! pgrep -f 'bench-cell.*min-time=0.001700' >/dev/null || fail "a child outlived its run"
read -r kept complete <<<"$(rows killed/result.json)"
[ "$kept" -ge 10 ] || fail "only $kept rows kept"
[ "$complete" = False ] || fail "a killed run says that it is complete"

grep -q 'smoke mode: a few' killed/result.json || fail "a killed run has lost its marks"
# What an earlier sitting was marked for stays.
/usr/bin/python3 - <<'X' || fail "no marks in a killed run's result"
import json
document = json.load(open("killed/result.json"))
ours = document["context"]["pagelab"]
ours["marks"].append("a loaded machine: others used 77 % of its time, the host took 0 %")
ours["load"]["others_share"] = 0.77
json.dump(document, open("killed/result.json", "w"))
X
expect 0 '' "$PAGELAB" run --smoke --min-time 0.0017 --backends buddy --out killed --resume
/usr/bin/python3 - <<'X' || fail "a resumed run has lost what marked it"
import json
ours = json.load(open("killed/result.json"))["context"]["pagelab"]
assert ours["load"]["others_share"] >= 0.77
assert sum(mark.startswith("a loaded machine: ") for mark in ours["marks"]) == 1, ours["marks"]
X
read -r all complete <<<"$(rows killed/result.json)"
[ "$complete" = True ] || fail "the resumed run is not complete"
expect 0 '' "$PAGELAB" run --smoke --min-time 0.0017 --backends buddy --out whole
[ "$(rows whole/result.json)" = "$all True" ] || fail "resumed: $all rows; in one go: $(rows whole/result.json)"

# stop DIR OPTION...: a run that is interrupted after a few rows.
stop() {
  local folder=$1 pid code=0
  shift
  "$PAGELAB" run --smoke --min-time 0.0017 --out "$folder" "$@" >/dev/null 2>&1 &
  pid=$!
  until [ -f "$folder/result.json" ] && [ "$(rows "$folder/result.json" | cut -d' ' -f1)" -ge 5 ]; do
    kill -0 "$pid" 2>/dev/null || { fail "the run ended before it could be stopped"; finish; }
    sleep 0.02
  done
  kill -INT "$pid"
  wait "$pid" || code=$?
  [ "$code" = 130 ] || fail "interrupted: exit $code, 130 expected"
}
stop stopped --backends buddy
expect 2 'same commit' "$PAGELAB" run --smoke --min-time 0.0017 --admission exact --out stopped --resume
[ -s stopped/report.html ] || fail "an interrupted run has no page"

# Without --backends it is every candidate that there is, and the two that are cached.
stop every
"$PAGELAB" list --format json >list.json || fail "list: exit $?"
/usr/bin/python3 - <<'P' || fail "a run without --backends is not of every candidate"
import json
listed = [row["name"] for row in json.load(open("list.json")) if row["kind"] == "candidate"]
run = [one["name"] for one in json.load(open("every/result.json"))["context"]["pagelab"]["candidates"] if one["kind"] != "floor"]
assert len(listed) >= 10 and run == listed + ["percpu+buddy", "percpu+bitmap"], (listed, run)
P
finish
