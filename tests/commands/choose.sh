# choose: four profiles on a screen each, the newest run before the reference, one's own trace, mistakes in one line; and
# the three lines that end a run.
. "$SOURCE/tests/commands/expect.sh"
export PAGELAB_ROOT=$WORK/root
mkdir -p root/results elsewhere
for name in corpora profiles; do ln -s "$SOURCE/$name" "root/$name"; done
ln -s "$SOURCE/results/reference" root/results/reference
cd elsewhere || exit 1 # profiles, runs and the reference are the checkout's, wherever one stands

for profile in rtos hypervisor server teaching; do
  expect 0 'results/reference/result.json, the reference: ' "$PAGELAB" choose --profile $profile
  [ "$(wc -l <out)" -le 40 ] || fail "$profile: $(wc -l <out) lines"
  [ "$(awk 'length > 100' out | wc -l)" = 0 ] || fail "$profile: lines of at most 100 columns expected"
done
expect 0 '"profiles"' "$PAGELAB" choose --profile rtos,server --nmi-safe --format json
/usr/bin/python3 - "$PAGELAB_ROOT/results/reference/result.json" <<'P' || fail "choose --format json"
import json, sys
measured = {row["candidate"] for row in json.load(open(sys.argv[1]))["benchmarks"]} - {"null", "magazine"}
document = json.load(open("out"))
assert [profile["name"] for profile in document["profiles"]] == ["rtos", "server"]
assert document["source"]["reference"] and document["source"]["commit"]
assert not any(file["file"].startswith("/") for file in document["source"]["evidence"])
for profile in document["profiles"]:
    assert any(need["need"] == "nmi-safe" for need in profile["needs"])
    who = [set(one["candidate"] for one in profile[key]) for key in ("front", "dominated", "out", "unknown")]
    assert sum(map(len, who)) == len(set.union(*who)) and set.union(*who) == measured, who
    for fact in profile["out"] + profile["unknown"]:
        assert fact["fact"] and fact["command"].startswith("./pagelab "), fact
    for one in profile["front"] + profile["dominated"]:
        assert set(one["rows"]) == {"speed", "tail", "memory", "fragmentation"}
        assert all(command.startswith("./pagelab bench ") for command in one["commands"].values())
P
for format in markdown csv; do
  expect 0 'deadlock at' "$PAGELAB" choose --nmi-safe --format $format
done

# 0.2 s are asked for: 600 million instructions of the reference's machine, which are the same on a busy one.
if ! sanitized && command -v valgrind >/dev/null; then
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$PAGELAB" choose --profile server >out 2>err || fail "choose under valgrind: $(tail -n 2 err)"
  count=$(sed -n 's/.*Collected : //p' err)
  [ "${count:-0}" -gt 0 ] && [ "$count" -lt 600000000 ] || fail "choose takes ${count:-no} instructions, 600,000,000 expected at most"
fi

expect 2 "rtos, hypervisor, server, teaching or a file expected" "$PAGELAB" choose --profile nobody
expect 2 "a profile expected: No such file" "$PAGELAB" choose --profile ./nobody.txt
echo 'sleeps-well = yes' >own.txt
expect 2 "own.txt:1: 'sleeps-well': unknown need" "$PAGELAB" choose --profile own.txt
echo 'speed = repat/order:0/cpus:1' >own.txt
expect 2 "own.txt:1: speed: 'repat': unknown workload" "$PAGELAB" choose --profile own.txt
printf 'speed = replay-mine, age-mine, vm-alloc-normal, repeat\ntail = irq-idle\n' >own.txt
expect 0 'replay-mine' "$PAGELAB" choose --profile own.txt --format json
echo 'capability = exact-count # nothing is cached' >own.txt
expect 0 '^own$' "$PAGELAB" choose --profile own.txt
expect 2 "choose: --masked-time 'soon': instructions" "$PAGELAB" choose --masked-time soon
expect 2 'no-such-need: unknown option' "$PAGELAB" choose --no-such-need
expect 2 'a result, or the folder of a run, expected' "$PAGELAB" choose --from nowhere
expect 2 'expected the result file of a run' "$PAGELAB" choose --from own.txt
expect 2 "pagelab import' makes one" "$PAGELAB" choose --trace own.txt

# Installed, and no checkout anywhere: profiles and the reference lie beside it.
mkdir -p "$WORK/prefix/bin" "$WORK/prefix/share/pagelab/results"
cp "$PAGELAB" "$WORK/prefix/bin/pagelab"
expect 2 "'rtos': profiles/ is neither here nor installed" env -u PAGELAB_ROOT "$WORK/prefix/bin/pagelab" choose --profile rtos
ln -s "$SOURCE/profiles" "$WORK/prefix/share/pagelab/profiles"
expect 2 'results/reference/result.json: a result expected' env -u PAGELAB_ROOT "$WORK/prefix/bin/pagelab" choose
ln -s "$SOURCE/results/reference" "$WORK/prefix/share/pagelab/results/reference"
expect 0 'the reference: quick run' env -u PAGELAB_ROOT "$WORK/prefix/bin/pagelab" choose --profile rtos

# The README shows the beginning of what it says.
sed -n '/^rtos: /,/^```/p' "$SOURCE/README.md" | grep -vE '^(\.\.\.|```)' >shown
expect 0 '' "$PAGELAB" choose --profile rtos
[ "$(wc -l <shown)" -ge 8 ] || fail "the README shows no output of choose"
head -n "$(wc -l <shown)" out | diff - shown >differs || fail "the README shows another output: $(head -c 600 differs)"

# A run ends with three lines: who was fastest of those that passed, what it gives up, what to type.
expect 0 '^repeat, order 0, 1 CPU' "$PAGELAB" run --quick --smoke --backends slate,bitmap --out "$PAGELAB_ROOT/results/smoke"
tail -n 3 out >last
sed -n 1p last | grep -qE '^fastest that passed: (slate|bitmap|none)' || fail "the first of three lines: $(cat last)"
sed -n 3p last | grep -qE '^next: \./pagelab ' || fail "the third of three lines: $(cat last)"
[ "$(wc -l <last)" = 3 ] || fail "three lines expected: $(cat last)"

# Whatever the clock of this machine says, the smoke run is newer than the reference.
sed -i '0,/"date":/s/"date":[^,]*/"date": "2998-01-01T00:00:00+00:00"/' "$PAGELAB_ROOT/results/smoke/result.json"
# A smoke run is left out, and said to be; of two runs the newer one answers, and what it has not is the reference's.
expect 0 'the reference: quick run' "$PAGELAB" choose
grep -q 'newer result is left out, results/smoke/result.json: a smoke run$' err || fail "nothing is said of the smoke run: $(cat err)"
for day in 05 07 06; do
  mkdir "$PAGELAB_ROOT/results/of-$day"
  sed -e "0,/\"date\":/s/\"date\":[^,]*/\"date\": \"2999-01-${day}T00:00:00+00:00\"/" -e 's/"mode":[^,]*/"mode": "quick"/' \
    -e 's/"arrivals":[^,]*/"arrivals": 40000/' \
    "$PAGELAB_ROOT/results/smoke/result.json" >"$PAGELAB_ROOT/results/of-$day/result.json"
done
expect 0 'results/of-07/result.json, the newest run: quick run of 2999-01-07' "$PAGELAB" choose --interrupt-safe
grep -q "are the reference's, the oldest of 20" out || fail "the reference's checks are not named: $(cat out)"
sed -i '0,/"date":/s/"date":[^,]*/"date": "2999-01-06T23:00:00-05:00"/' "$PAGELAB_ROOT/results/of-06/result.json"
expect 0 'results/of-06/result.json, the newest run: ' "$PAGELAB" choose
sed -i '0,/"date":/s/"date":[^,]*/"date": "2999-01-06T00:00:00+00:00"/' "$PAGELAB_ROOT/results/of-06/result.json"
sed -i 's/"tier":[^,]*/"tier": "release"/' "$PAGELAB_ROOT/results/of-05/result.json"
sed -i 's/"tier":[^,]*/"tier": "debug"/' "$PAGELAB_ROOT/results/of-07/result.json"
expect 0 'results/of-05/result.json, the newest run: ' "$PAGELAB" choose
grep -q 'left out, results/of-07/result.json: of a debug build, not of a release$' err || fail "nothing is said of the debug build: $(cat err)"
mkdir "$PAGELAB_ROOT/results/late"
for change in 's/"complete":[^,]*/"complete": false/;not whole' 's/"mode":[^,]*/"mode": "bench"/;written by .bench.'; do
  sed -e "${change%;*}" -e '0,/"date":/s/"date":[^,]*/"date": "2999-02-01T00:00:00+00:00"/' \
    "$PAGELAB_ROOT/results/of-05/result.json" >"$PAGELAB_ROOT/results/late/result.json"
  expect 0 'results/of-05/result.json, the newest run: ' "$PAGELAB" choose
  grep -q "left out, results/late/result.json: ${change#*;}" err || fail "not said: ${change#*;}: $(cat err)"
done
rm -r "$PAGELAB_ROOT/results/late"
sed -i 's/"tier":[^,]*/"tier": "debug"/' "$PAGELAB_ROOT/results/of-05/result.json"
expect 0 'From results/reference/result.json: ' "$PAGELAB" choose --from results/reference

# One's own recording, of the name that one of the run's has: replayed once by the candidates of that run, then known,
# until it changes.
cp "$SOURCE/corpora/traces/fork.pltrace" fork.pltrace
grep -q '"replay-fork/slate' "$PAGELAB_ROOT/results/of-07/result.json" || fail "the run has no recording of that name"
expect 0 'trace fork.pltrace' "$PAGELAB" choose --trace fork.pltrace
grep -q 'fork.pltrace was not replayed yet: now, 2 candidates' err || fail "no word of the replay: $(cat err)"
grep -qE 'speed replay-fork/X' out || fail "the replay is not the row that decides: $(cat out)"
expect 0 'speed replay-fork/X' "$PAGELAB" choose --trace fork.pltrace
grep -q 'not replayed yet' err && fail "replayed again though it was kept"
grep -q 'The replays are from results/traces/replay-fork.json' out || fail "the file of the replays is not named: $(cat out)"
# A kept replay that lacks a candidate, or that another build measured, is measured again.
kept=results/traces/replay-fork.json
/usr/bin/python3 - "$kept" <<'P'
import json, sys
document = json.load(open(sys.argv[1]))
document["benchmarks"] = [row for row in document["benchmarks"] if row["candidate"] != "bitmap"]
json.dump(document, open(sys.argv[1], "w"))
P
expect 0 'speed replay-fork/X' "$PAGELAB" choose --trace fork.pltrace
grep -q 'not replayed yet' err || fail "not replayed again though bitmap is missing"
sed -i 's/"tier":[^,]*/"tier": "other"/' "$kept"
expect 0 'speed replay-fork/X' "$PAGELAB" choose --trace fork.pltrace
grep -q 'not replayed yet' err || fail "not replayed again though another build measured it"
touch -d '2999-01-01' fork.pltrace
expect 0 'speed replay-fork/X' "$PAGELAB" choose --trace fork.pltrace
grep -q 'not replayed yet' err || fail "not replayed again though it changed"
finish
