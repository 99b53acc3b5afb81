# What machines read: list, bench, import and result files are JSON with the promised keys; compare.py takes ours.
. "$SOURCE/tests/commands/expect.sh"

expect 0 '' "$PAGELAB" list --format json
/usr/bin/python3 - <<'P' || fail "list --format json"
import json
rows = json.load(open("out"))
assert {"reference", "bitmap", "buddy", "jemalloc", "percpu", "null", "magazine"} <= {row["name"] for row in rows}
assert {row["kind"] for row in rows} == {"candidate", "wrapper", "floor", "service"}
assert all(isinstance(row["capabilities"], list) for row in rows)
P
for format in table markdown csv; do
  expect 0 'buddy' "$PAGELAB" list --format "$format"
done
expect 0 'exit codes' "$PAGELAB" --help

expect 0 '' "$PAGELAB" run --smoke --backends 'buddy,percpu(batch=4,high=8)+bitmap' --out r
/usr/bin/python3 - <<'P' || fail "result.json"
import json, re
document = json.load(open("r/result.json"))
text = open("r/result.json").read()
ours = document["context"]["pagelab"]
assert "host_name" not in document["context"] and "executable" not in document["context"]
assert not re.search(r'"/[a-z]', text), "an absolute path"
assert ours["complete"] and ours["abi"] == 1
names = {row["run_name"] for row in document["benchmarks"]}
for workload in ("repeat", "bulk", "replace", "remote"):
    for order in (0, 9):
        for cpus in (1, 2):
            assert f"{workload}/buddy/order:{order}/cpus:{cpus}" in names, (workload, order, cpus)
assert "repeat/percpu(batch=4,high=8)+bitmap/order:0/cpus:2" in names
for row in document["benchmarks"]:
    if row["status"] == "ok" and row["workload"] == "repeat":
        for key in ("failures", "occupancy", "metadata_bytes_per_frame", "largest_free_order"):
            assert key in row or row["candidate"] in ("null",), (key, row["name"])
    if row["candidate"] == "magazine" and row.get("order") == 9 and row["section"] == "frames":
        assert row["status"] == "n/a" and row["real_time"] == 0
    assert ("error_occurred" in row) == (row["status"] != "ok"), row["name"]
P
grep -qE 'https?:' <(sed 's#http://www\.w3\.org##g' r/report.html) && fail "the page names an address"
/usr/bin/python3 /usr/share/benchmark/compare.py benchmarks r/result.json r/result.json >compared 2>&1 ||
  fail "compare.py: $(tail -n 3 compared)"
grep -q 'repeat/buddy/order:0/cpus:1' compared || fail "compare.py did not compare"
expect 0 'repeat' "$PAGELAB" report r/result.json
expect 0 '' "$PAGELAB" report r/result.json --html again.html
[ -s again.html ] || fail "no page"
finish
