# Every workload on every candidate in smoke mode: no row but ok or n/a.
. "$SOURCE/tests/commands/expect.sh"
all=$("$PAGELAB" list --format csv | awk -F, '$2 == "candidate" { print $1 }' | paste -sd,)
all=$all,percpu+reference,percpu+bitmap,percpu+buddy,percpu+jemalloc

# sound CANDIDATES: nothing died or broke, and only these, by a pattern, may have been refused memory.
sound() {
  ! grep -E ',(broken|crashed|timeout),' out || return 1
  ! grep -E ',failed,' out | grep -vE "$1" | grep .
}

case $WORKLOAD in
  replay)
    trace=$SOURCE/corpora/traces/nginx.pltrace
    for how in "" --parallel "--admission exact"; do
      # shellcheck disable=SC2086 # words on purpose
      expect 0 '' "$PAGELAB" bench --backend "$all" --smoke --rounds 1 --format csv --workload "replay:$trace" $how
      # A library's own metadata is an eighth of so small a machine; xnu has no whole blocks left after a while.
      sound 'jemalloc|mimalloc|,xnu,' || fail "replay $how"
    done ;;
  age)
    trace=$SOURCE/corpora/traces/nginx.pltrace
    for name in age "age:$trace"; do
      expect 0 'usable_order_9' "$PAGELAB" bench --backend "$all" --smoke --rounds 2 --format csv --workload "$name"
      # Libraries pad large blocks, and cannot hold so many of them; xnu and llfree soon have none.
      sound 'jemalloc|mimalloc|,xnu,|,llfree,' || fail "$name"
    done
    # A seed is a seed: two runs come to the same, to the frame.
    for run in 1 2; do
      expect 0 'of free memory usable' "$PAGELAB" bench --backend buddy,percpu+bitmap --smoke --rounds 1 --no-rods \
        --workload age --cpus 2 --operations 40000 --out "age$run.json"
      /usr/bin/python3 - "age$run.json" <<'P' >"age$run.txt" || fail "age$run.json"
import json, sys
for row in json.load(open(sys.argv[1]))["benchmarks"]:
    assert row["status"] == "ok", row["reason"]
    assert "--operations 40000" in row["command"]
    assert set(row["age_maps"]) == {"young", "between", "old", "over_time"} and row["age_maps"]["over_time"]
    print(row["name"], row["age_maps"], {k: v for k, v in row.items() if "order" in k or "run_" in k or "fail" in k})
P
    done
    cmp age1.txt age2.txt || fail "two runs of one seed differ"
    expect 0 ',n/a,' "$PAGELAB" bench --backend magazine --smoke --rounds 1 --format csv --workload age
    expect 2 'operations' "$PAGELAB" bench --backend buddy --workload age --operations -1
    expect 2 'nowhere' "$PAGELAB" bench --backend buddy --workload age:nowhere.pltrace
    "$PAGELAB" report age1.json --html age.html && grep -q age_maps age.html || fail "no page" ;;
  systems | harness | tail | worst)
    # Whoever stands on a candidate, the price of the checks, and the tail: each at its own size.
    expect 0 '' "$PAGELAB" list --workloads --format csv
    names=$(awk -F, -v section="$WORKLOAD" '$2 == section { print $1 }' out)
    [ -n "$names" ] || fail "no workload of section $WORKLOAD"
    for name in $names; do
      expect 0 "^$name," "$PAGELAB" bench --backend "$all" --smoke --rounds 1 --format csv --workload "$name"
      sound none || fail "$name"
      cp out "$name.csv"
    done
    # What was allocated beforehand makes no call of the allocator.
    for name in orb-fixed area-map; do
      [ "$WORKLOAD" = systems ] || break
      awk -F, -v name="$name" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "allocator_calls") calls = i }
        $1 == name { rows++; if (!calls || $calls != "0") bad = 1 }
        END { exit bad || rows < 9 }' "$name.csv" || fail "$name calls the allocator: $(cat "$name.csv")"
    done
    if [ "$WORKLOAD" = tail ]; then
      # Percentiles never go down, none is below the operation alone, and the clock stands beside them.
      # With one CPU alone there is none for the antagonist, which is said.
      wants_two() { [[ $1 == *-antagonist || $1 == masked-time || $1 == irq-latency ]]; }
      for name in $names; do
        if [ "$(nproc)" -lt 2 ] && wants_two "$name"; then
          grep -q "^$name," "$name.csv" || fail "$name on one CPU: no row: $(cat "$name.csv")"
          ! grep "^$name," "$name.csv" | grep -v ',n/a,n/a (machine): the antagonist wants a real CPU of its own,' ||
            fail "$name on one CPU: $(cat "$name.csv")"
          continue
        fi
        expect 0 '^.the clock. ' "$PAGELAB" bench --backend slate,llfree,buddy --smoke --rounds 2 --workload "$name" --out t.json
        /usr/bin/python3 - t.json "$name" <<'P' || fail "$name: $(grep -E '(p|worst_)[0-9_]*ns' t.json | head -n 30)"
import json, sys
points = ["p50_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "worst_ns"]
seen = {}
for row in json.load(open(sys.argv[1]))["benchmarks"]:
    if row["status"] != "ok" or "p50_ns" not in row:
        continue
    values = [row[key] for key in points]
    assert values == sorted(values), row["name"]
    assert values[0] >= 0 and row["real_time"] > 0, row["name"]
    if "service_p50_ns" in row:
        alone = [row["service_" + key] for key in points]
        assert alone == sorted(alone) and alone[0] > 0, row["name"]
        assert row["arrivals"] > 0 and 4000 < row["interval_ns"] < 6000, row["name"]
        if row["workload"] != "irq-latency":  # there, alone is what the handler does after it was entered
            assert all(a <= b * 1.01 for a, b in zip(alone, values)), row["name"]
    if "instructions" in row:
        assert row["instructions"] >= 1 and (row["candidate"] == "null" or row["instructions"] > 20), row["name"]
    seen.setdefault(row["workload"], set()).add(row["candidate"])
clock = [name for name in seen if name.startswith("calibrate-clock")]
other = sys.argv[2].endswith("-antagonist") or sys.argv[2] in ("masked-time", "irq-latency")
assert clock == ["calibrate-clock-antagonist" if other else "calibrate-clock"], clock
assert {"slate", "llfree"} <= seen[sys.argv[2]], seen
P
      done
      "$PAGELAB" report t.json --html tail.html && grep -q p99_99_ns tail.html || fail "no page"
      expect 0 '^irq-preempt,.*,n/a,n/a .capability.: no labelled point' \
        "$PAGELAB" bench --backend jemalloc --smoke --rounds 1 --format csv --workload irq-preempt
      for name in mask point; do
        expect 0 "^calibrate-$name,.*,ok," "$PAGELAB" bench --backend null --smoke --rounds 1 --format csv \
          --workload calibrate-$name
      done
      # Who dies in a handler is a row, and the others go on.
      for name in irq-idle irq-preempt irq-latency; do
        [ "$(nproc)" -ge 2 ] || ! wants_two $name || continue
        expect 3 "^$name,.*,sick-handler,.*,crashed," "$SICK" bench --backend sick-handler,reference --smoke --rounds 1 \
          --format csv --workload $name
        grep -qE "^$name,.*,reference,.*,(ok|n/a)," out || fail "$name: nothing after the crash: $(cat out)"
        # Whose handler takes longer than an interval never catches up; the cell ends all the same.
        expect 0 "^$name,.*,sick-slow,.*,ok," "$SICK" bench --backend sick-slow --no-rods --smoke --rounds 1 --time-limit 20 \
          --format csv --workload $name
      done
    fi
    if [ "$WORKLOAD" = systems ]; then
      expect 0 'segments' "$PAGELAB" bench --backend buddy --smoke --rounds 1 --workload buffer-segments --out s.json
      grep -q '"segments"' s.json || fail "no count of segments"
      expect 0 ',n/a,' "$PAGELAB" bench --backend null --smoke --rounds 1 --format csv --workload vm-alloc-normal
      expect 0 ',n/a,' "$PAGELAB" bench --backend buddy --smoke --rounds 1 --format csv --workload area-map --cpus 2
    fi ;;
  services)
    # Each lent service alone, held to what is known of it: the calls of the candidate beneath are counted facts.
    measure() { # KEY SERVICES WORKLOADS
      names=$(for service in $2; do printf 'buddy,%s%s\n' "$1" "$service"; done | paste -sd,)
      for name in $3; do
        expect 0 '' "$PAGELAB" bench --backend "$names" --smoke --rounds 3 --no-rods --workload "$name" --out "$name.json"
      done
    }
    measure va= "list rbtree vmem" "space-few space-crowded space-fragmented space-bounded"
    measure tables= "direct stack prealloc" "tables-churn tables-burst tables-dry"
    measure buf= "pages run pool" "plan-churn plan-mixed plan-scattered"
    for name in $("$PAGELAB" list --workloads --format csv | awk -F, '$2 == "services" { print $1 }'); do
      [ -s "$name.json" ] || fail "$name is not measured here"
    done
    # What is random is a mean of many plans: so long until there were, however slow the machine is.
    for name in plan-mixed plan-scattered; do
      for seconds in 0.01 0.1 1 10; do
        expect 0 '' "$PAGELAB" bench --backend buddy,buf=pages --min-time $seconds --rounds 1 --no-rods --workload $name --out $name.many
        /usr/bin/python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["benchmarks"]
sys.exit(not all(row["status"] == "ok" and row["iterations"] >= 200 for row in rows if row["run_type"] == "iteration"))' $name.many && break
      done
    done
    /usr/bin/python3 - ./*.json <<'P' || fail "services"
import json, sys
rows = {}
for path in sys.argv[1:]:
    for row in json.load(open(path))["benchmarks"]:
        if row["run_type"] == "iteration":
            rows.setdefault((row["workload"], row["candidate"].split("=")[1]), []).append(row)
def every(key, workload, service):
    assert len(rows[workload, service]) == 3
    for row in rows[workload, service]:
        assert row["status"] == "ok" and row["iterations"] > 0, row
    return [row[key] for row in rows[workload, service]]
for service in "list", "rbtree", "vmem":
    for workload in "few", "crowded", "fragmented", "bounded":
        assert every("allocator_calls", "space-" + workload, service) == [0] * 3
assert every("allocator_calls", "tables-churn", "direct") == [2] * 3
assert every("allocator_calls", "tables-burst", "direct") == [2 * 32] * 3
assert 0 < min(every("allocator_calls", "tables-burst", "stack")) < 2 * 32
for workload in "churn", "burst", "dry":
    assert every("allocator_calls", "tables-" + workload, "prealloc") == [0] * 3
for service in "direct", "stack":
    assert all(row["status"] == "failed" and row["failures"] > 0 for row in rows["tables-dry", service])
assert every("allocator_calls", "plan-churn", "pages") == [2 * 16] * 3
assert every("allocator_calls", "plan-churn", "run") == [2] * 3
assert every("allocator_calls", "plan-churn", "pool") == [0] * 3
for workload in "churn", "mixed", "scattered":
    assert every("segments", "plan-" + workload, "run") == [1] * 3
def many(workload):
    row = json.load(open(workload + ".many"))["benchmarks"][0]
    assert row["status"] == "ok" and row["iterations"] >= 200, row
    return row["segments"]
assert many("plan-scattered") > 3 * many("plan-mixed")
P
    ;;
  *)
    for order in 0 9; do
      for cpus in 1 2; do
        expect 0 '' "$PAGELAB" bench --backend "$all" --smoke --rounds 1 --memory 128MiB --format csv \
          --workload "$WORKLOAD" --order $order --cpus $cpus
        # Libraries pad blocks of order 9, and cannot hold so many of them; what mimalloc's other thread freed is out of reach.
        sound '(jemalloc|mimalloc).*order.?9|order.?9.*(jemalloc|mimalloc)|^replace,0,2,.*mimalloc' || fail "$WORKLOAD $order $cpus"
      done
    done ;;
esac
finish
