# Candidates that crash, hang or exit become rows; the others complete; exit 3.
. "$SOURCE/tests/commands/expect.sh"

expect 3 '' "$SICK" bench --backend sick-crash,sick-hang,sick-exit,sick-misexit,buddy --workload repeat --smoke --rounds 1 \
  --time-limit 5 --out result.json --format json # of the one that hangs; the others, started on a busy machine, need some of it
statuses=$(/usr/bin/python3 - <<'P'
import json
rows = {}
for row in json.load(open("result.json"))["benchmarks"]:
    if row["workload"] == "repeat":
        rows[row["candidate"]] = row
for name in ("sick-crash", "sick-hang", "sick-exit", "sick-misexit", "buddy"):
    row = rows[name]
    print(name, row["status"], "error_occurred" in row, row["real_time"] > 0)
print(rows["sick-crash"]["reason"])
print(rows["sick-hang"]["reason"])
print(rows["sick-exit"]["reason"])
P
)
wanted='sick-crash crashed True False
sick-hang timeout True False
sick-exit crashed True False
sick-misexit crashed True False
buddy ok False True'
[ "$(head -n 5 <<<"$statuses")" = "$wanted" ] || fail "rows: $statuses"
grep -qE 'signal 11|ABORTING' <<<"$statuses" || fail "no signal named: $statuses"
grep -q 'within 5 s' <<<"$statuses" || fail "no limit named: $statuses"
grep -q 'without a result' <<<"$statuses" || fail "no exit named: $statuses"
for sick in crash exit misexit; do
  expect 3 "finding: crash on sick-$sick" "$SICK" replay "$SOURCE/corpora/seeds/page/fill-and-drain.txt" \
    --backend sick-$sick
done
! pgrep -f "$SICK bench-cell" >/dev/null || fail "a child was left running"
finish
