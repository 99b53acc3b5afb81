# Two results, a folder of them, what must not be compared, and the experiment with twins.
. "$SOURCE/tests/commands/expect.sh"
P=$PAGELAB

# --- a job has twins, and says how sure it is ---
expect 0 'no difference is seen between cells less than' "$P" bench --backend buddy,bitmap --workload repeat --rounds 9 \
  --min-time 0.002 --memory 16MiB --out real.json
expect 0 ',noise,ci_low,ci_high$' "$P" report real.json --format csv
/usr/bin/python3 - <<'X' || fail "real.json"
import json
document = json.load(open("real.json"))
ours = document["context"]["pagelab"]
twins = ours["twins"]
names = {"repeat/buddy/order:0/cpus:1", "repeat/magazine/order:0/cpus:1"}
assert len(twins) == 18 and {twin["run_name"] for twin in twins} == names
assert sorted(twin["repetition_index"] for twin in twins if "buddy" in twin["run_name"]) == list(range(9))
assert [entry["workload"] for entry in ours["noise"]] == ["repeat"] and ours["noise"][0]["pairs"] == 18
assert 0 <= ours["load"]["others_share"] <= 1 and isinstance(ours["marks"], list)
medians = {row["run_name"]: row for row in document["benchmarks"] if row["run_type"] == "aggregate"}
for name in ("repeat/buddy/order:0/cpus:1", "repeat/magazine/order:0/cpus:1"):
    row = medians[name]
    samples = [r["real_time"] for r in document["benchmarks"] if r["run_name"] == name and r["run_type"] == "iteration"]
    assert len(samples) == 9  # none is left out, and the twin is no row
    assert min(samples) <= row["ci_low"] <= row["real_time"] <= row["ci_high"] <= max(samples), row
    assert row["noise"] >= 0.005
# Nobody times one operation: the count fills half of the time at least. A loaded machine only adds to it.
short = [row["run_name"] for row in document["benchmarks"] if row["run_type"] == "iteration"
         and (row["section"] == "frames" or row["workload"] in ("calibrate-calls", "calibrate-cas"))
         and row["iterations"] * row["real_time"] < 1e6]
assert len(short) <= 1, short
X
expect 0 '' "$P" bench --backend buddy --workload repeat --rounds 2 --min-time 0.001 --no-twin --out none.json
grep -q '"noise"' none.json && fail "noise without a twin"

# Nothing but a release build is measured, and this is none.
grep -q 'only a release build is measured' real.json || fail "no mark of the build"
expect 0 'MARKED: .*only a release build is measured' "$P" report real.json
expect 2 'marked .*build' "$P" compare real.json real.json

# --- results that are made up: a release build on a quiet machine, three repetitions, noise 5 % ---
/usr/bin/python3 - <<'X'
import copy, json, os
base = json.load(open("real.json"))
ours = base["context"]["pagelab"]
ours.update(tier="release", marks=[], commit="aaa", mode="bench")
base["benchmarks"] = [row for row in base["benchmarks"]]
for row in base["benchmarks"]:
    row["real_time"] = {"null": 4, "magazine": 6, "buddy": 60, "bitmap": 30}[row["candidate"]]
    row["real_time"] *= 1 + 0.001 * row.get("repetition_index", 4)
    if row["run_type"] == "aggregate":
        row["noise"] = 0.05
def write(path, date, scale, **more):
    new = copy.deepcopy(base)
    new["context"]["date"] = date
    new["context"]["pagelab"].update(more)
    for row in new["benchmarks"]:
        row["real_time"] *= scale.get(row["candidate"], scale.get("all", 1))
    json.dump(new, open(path, "w"))
write("a.json", "2026-01-01T00:00:00+00:00", {})
write("b.json", "2026-01-02T00:00:00+00:00", {"buddy": 1.5, "bitmap": 1.04}, commit="bbb")
write("drift.json", "2026-01-03T00:00:00+00:00", {"all": 1.3})
write("other.json", "2025-12-24T00:00:00+00:00", {"all": 2, "bitmap": 1}, cpu_model="Another one")
write("cut.json", "2026-01-05T00:00:00+00:00", {}, complete=False)
write("debug.json", "2026-01-05T00:00:00+00:00", {}, marks=["a build with a sanitizer"])
write("gone.json", "2026-01-06T00:00:00+00:00", {})
gone = json.load(open("gone.json"))
for row in gone["benchmarks"]:
    if row["candidate"] == "buddy":
        row.update(status="crashed", error_occurred=True, real_time=0)
json.dump(gone, open("gone.json", "w"))
less = json.load(open("a.json"))
less["benchmarks"] = [row for row in less["benchmarks"] if row["candidate"] != "buddy"]
json.dump(less, open("less.json", "w"))
for name, source, blind in (("blind", "a", ("buddy", "bitmap")), ("doubtful", "b", ("buddy",))):
    new = json.load(open(f"{source}.json"))
    rows = [row for row in new["benchmarks"] if row["candidate"] in blind]
    for row in rows:
        row.pop("noise", None)
    # With fewer repetitions than the other, so that its noise cannot stand for this.
    new["benchmarks"] = [row for row in new["benchmarks"] if row not in rows or row.get("repetition_index", 0) < 7]
    json.dump(new, open(f"{name}.json", "w"))
# More than a trend takes: the newest of them jumps.
os.mkdir("many")
for day in range(70):
    # Named against their dates: what counts is the date.
    write(f"many/{99 - day}.json", f"2026-0{1 + day // 28}-{1 + day % 28:02}T00:00:00+00:00", {"buddy": 2 if day == 69 else 1})
X
verdicts() { # BEFORE AFTER [OPTION...]: candidate verdict, for repeat
  "$P" compare "$@" --format csv >cells.csv || return 1
  awk -F, '$2 == "repeat" { print $3, $NF }' cells.csv | sort | paste -sd';'
}
same() { [ "$1" = "$2" ] || fail "$3: '$1', '$2' expected"; }
same "$(verdicts a.json a.json)" 'bitmap no difference seen;buddy no difference seen;magazine rod;null rod' 'itself'
same "$(verdicts a.json b.json)" 'bitmap no difference seen;buddy slower;magazine rod;null rod' 'after a change'
same "$(verdicts b.json a.json)" 'bitmap no difference seen;buddy faster;magazine rod;null rod' 'before a change'
same "$(verdicts a.json drift.json)" 'bitmap no difference seen;buddy no difference seen;magazine rod;null rod' 'a slower day'
same "$(verdicts a.json other.json)" 'bitmap faster;buddy no difference seen;magazine rod;null rod' 'another machine'
same "$(verdicts a.json gone.json)" 'bitmap no difference seen;buddy no time any more;magazine rod;null rod' 'a crash'
expect 0 'repeat/buddy/order:0/cpus:1 +60[.0-9]* +90[.0-9]* +\+50.0 .*slower' "$P" compare a.json b.json
grep -q 'before: 2026-01-01.*commit aaa' out || fail "no word of what is compared: $(cat out)"
expect 0 'No difference seen in any cell' "$P" compare a.json a.json --format markdown
expect 0 'nanoseconds do not travel' "$P" compare a.json other.json
expect 0 '' "$P" compare a.json b.json --fail-on-slower 60
expect 1 '' "$P" compare a.json b.json --fail-on-slower 20
grep -q 'repeat/buddy/order:0/cpus:1 by 50' err || fail "the gate names nobody: $(cat err)"
expect 0 '' "$P" compare a.json drift.json --fail-on-slower 5
expect 1 '' "$P" compare a.json gone.json --fail-on-slower 60
expect 1 '' "$P" compare a.json less.json --fail-on-slower 60
grep -q 'not in the second result: 1' err || fail "a candidate is gone: $(cat err)"
expect 2 'noise unknown, nothing can be gated' "$P" compare blind.json blind.json --fail-on-slower 5
expect 2 '1 cell looks slower by more than 5 %' "$P" compare a.json doubtful.json --fail-on-slower 5
expect 0 '' "$P" compare a.json doubtful.json --fail-on-slower 60
"$P" compare less.json b.json --format json >ours.json || fail "compare --format json"
/usr/bin/python3 - <<'X' || fail "compare --format json: $(cat ours.json)"
import json
rows = {row["name"]: row for row in json.load(open("ours.json"))}
assert rows["repeat/buddy/order:0/cpus:1"]["verdict"] == "only after"
assert "commit aaa" in rows["repeat/bitmap/order:0/cpus:1"]["before_run"]
assert "commit bbb" in rows["repeat/bitmap/order:0/cpus:1"]["after_run"]
X
"$P" compare debug.json less.json --force --format csv | grep -q 'repeat/buddy.*a build with a sanitizer.*only before' ||
  fail "no marks, or no word of what is gone"
for limit in -5 nan five ''; do
  expect 2 '0 or more, expected' "$P" compare a.json a.json --fail-on-slower "$limit"
done
expect 2 'marked .a build with a sanitizer' "$P" compare a.json debug.json
expect 0 '' "$P" compare a.json debug.json --force
expect 2 'marked .not complete' "$P" compare a.json cut.json
expect 2 'ns or rods' "$P" compare a.json b.json --by seconds
expect 2 'nowhere.json' "$P" compare a.json nowhere.json
expect 2 'two results, or a folder' "$P" compare a.json

# --- Google Benchmark's compare.py says the same of the same files ---
for pair in 'a.json b.json' 'real.json a.json' 'a.json drift.json'; do
  # shellcheck disable=SC2086 # two words
  /usr/bin/python3 /usr/share/benchmark/compare.py -d theirs.json benchmarks $pair >/dev/null 2>&1 || fail "compare.py $pair"
  # shellcheck disable=SC2086
  "$P" compare $pair --force --by ns --format json >ours.json || fail "compare $pair"
  /usr/bin/python3 - <<'X' || fail "compare.py and compare differ on $pair"
import json
theirs = {row["name"]: row["measurements"][0] for row in json.load(open("theirs.json")) if row["name"].endswith("_median")}
ours = json.load(open("ours.json"))
assert len(ours) >= 4
for row in ours:
    other = theirs[row["name"] + "_median"]
    assert abs(row["before"] / other["real_time"] - 1) < 1e-6, (row, other)
    assert abs(row["after"] / other["real_time_other"] - 1) < 1e-6, (row, other)
    assert abs(row["change"] - other["time"]) < 1e-4, (row, other)
X
done

# --- a folder ---
mkdir -p trend/third
cp a.json trend/2.json && cp b.json trend/1.json && cp drift.json trend/third/result.json && cp other.json debug.json trend
echo '{}' >trend/no.json
expect 0 '^repeat/buddy/order:0/cpus:1 +3 +60[.0-9]* 90[.0-9]* 78' "$P" compare trend
grep -q '^repeat/buddy.* 2026-01-02 +50 %' out || fail "no jump: $(cat out)"
grep '^repeat/bitmap' out | grep -q '2026-01' && fail "a jump where there was none: $(cat out)"
grep -q 'other.json' err && fail "another machine's result is no mistake"
[ "$(grep -c 'left out' err)" = 2 ] || fail "left out: $(cat err)"
expect 0 '^repeat/buddy/order:0/cpus:1 +64 .* 2026-03-14 .100 %' "$P" compare many
[ "$(grep -c 'too many results' err)" = 6 ] || fail "left out: $(cat err)"
grep 'left out' err | grep -qvE 'many/9[4-9]' && fail "the newest were left out: $(cat err)"
expect 2 'two results, no folder' "$P" compare trend --fail-on-slower 5
expect 2 'two results, no folder' "$P" compare trend --by rods
mkdir empty
expect 2 'a folder of results expected' "$P" compare empty

# --- the experiment ---
small="--workload repeat --memory 16MiB --rounds 4 --min-time 0.0005"
for n in 2 3; do
  got=0
  # shellcheck disable=SC2086 # words on purpose
  "$P" noise $small --repetitions $n --out noise.json $([ $n = 3 ] && echo --resume) --format csv >out 2>err || got=$?
  [ $got -le 1 ] || fail "noise: exit $got: $(cat err)"
  grep -qE "^repeat,$n,[0-9]+,[-0-9.]+,[-0-9.]+,[-0-9.]+,[0-9]+,[0-9.]+,[-0-9.]+," out || fail "noise: $(cat out)"
  grep -q 'buddy,4,.*only a release build' out || fail "no candidate, rounds or marks: $(cat out)"
  cp noise.json "noise$n.json"
done
/usr/bin/python3 - <<'X' || fail "noise.json"
import json
two, three = (json.load(open(f"noise{n}.json"))["noise_trial"]["workloads"][0] for n in (2, 3))
assert two["steps"] == three["steps"] >= 1 and two["jobs"] == three["jobs"][:2] and len(three["jobs"]) == 3
assert all(len(job) == 4 and all(len(times) == 4 and min(times) > 0 for times in job) for job in three["jobs"])
X
got=0
"$P" noise noise.json --format csv >again 2>err || got=$?
[ $got -le 1 ] && cmp out again || fail "noise FILE: exit $got: $(cat err again)"
expect 2 'that .pagelab noise --out. wrote' "$P" noise a.json
expect 2 'of the same commit, candidate, rounds' "$P" noise $small --rounds 5 --out noise.json --resume
expect 2 'another memory_bytes' "$P" noise --workload repeat --memory 32MiB --rounds 4 --min-time 0.0005 --out noise.json --resume
sed 's/"cpu_model":.*/"cpu_model": "another",/' noise.json >elsewhere.json
expect 2 'another cpu_model' "$P" noise $small --out elsewhere.json --resume
sed 's/"tier":.*/"tier": "another",/' noise.json >tier.json
expect 2 'another tier' "$P" noise $small --out tier.json --resume
grep -q '"complete":.*true' noise.json || fail "all jobs are done, and the file is not complete"
expect 2 'repeat, bulk, replace or remote' "$P" noise --workload age
expect 2 'repeat, bulk, replace or remote' "$P" noise --workload ''
expect 2 'repeat, bulk, replace or remote' "$P" noise --workload ,
expect 2 'exactly one candidate' "$P" noise --backend buddy,linux
expect 2 'not a backend|unknown' "$P" noise --backend nobody
expect 2 '1 to' "$P" noise --rounds 0

# rank.py, which prints the reference's tables of counts against times: by known ranks, and of the stored files.
/usr/bin/python3 - <<'X'
import json
names = ["null", "magazine", "freelist", "a", "b", "c"]
def files(workload, ns, instructions):
    result = [{"run_name": f"{workload}/{name}", "aggregate_name": "median", "status": "ok", "real_time": time} for name, time in zip(names, ns)]
    cost = [{"name": f"{workload}/{name}", "candidate": name, "workload": workload, "status": "ok", "instructions": count, "locked": 7 - count}
            for name, count in zip(names, instructions)]
    return result, cost
repeat = files("repeat", [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])
bulk = files("bulk", [1, 2, 9, 4, 5, 6], [2, 1, 3, 4, 5, 6])
json.dump({"benchmarks": repeat[0] + bulk[0]}, open("ranked.json", "w"))
json.dump({"cost": repeat[1] + bulk[1] + [{**bulk[1][0], "candidate": "lost", "name": "bulk/lost"}]}, open("counted.json", "w"))
X
rank=$SOURCE/results/reference/rank.py
expect 0 '^6 candidates:$' /usr/bin/python3 "$rank" ranked.json counted.json
sed -n '/^4 candidates, without the rods/,$p' out >no_rods
grep -qxF '| instructions | 1.00 | 0.60 | - |' out && grep -qxF '| locked operations | -1.00 | -0.60 | - |' out &&
  grep -qxF '| instructions | 1.00 | -0.20 | - |' no_rods && grep -qxF '| the same without `freelist` | -1.00 | -1.00 | - |' no_rods ||
  fail "rank.py: $(cat out)"
expect 0 '^[|] instructions [|]( -?[01]\.[0-9]{2} [|]){3}$' /usr/bin/python3 "$rank"
[ "$(grep -c ' candidates' out)" = 2 ] || fail "rank.py of the stored files: $(cat out)"
finish
