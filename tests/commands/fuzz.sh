# A real campaign with the real engines: each catches the canary, none finds anything in a correct backend, of frames
# or of a system, and each target has a corpus and a dictionary of its own.
. "$SOURCE/tests/commands/expect.sh"
drivers=$SOURCE/build/fuzz/bin
[ -x "$drivers/pagelab-fuzz-libfuzzer" ] && command -v afl-fuzz >/dev/null || exit 77

expect 2 'fuzz: --target .none.: page, vm, area, orb, buffer, all, schedule-page, schedule-all or every expected' \
  "$PAGELAB" fuzz --backend buddy --target page,none --bin "$drivers"

expect 0 '' "$PAGELAB" fuzz --backend buddy --target page,area --time 3 --bin "$drivers" --out good --format json
/usr/bin/python3 - <<'P' || fail "the campaign's table: $(cat out)"
import json
rows = json.load(open("out"))
seen = {(row["target"], row["candidate"], row["engine"]): row for row in rows}
for engine in ("libfuzzer", "afl++"):
    assert seen[("page", "canary", engine)]["verdict"] == "caught", engine
    for target in ("page", "area"):
        assert seen[(target, "buddy", engine)]["executions"] > 100, (target, engine)
        assert seen[(target, "buddy", engine)]["findings"] == 0, (target, engine)
P
for target in page area; do
  [ -s "good/corpora/$target/dictionary" ] || fail "no dictionary of $target"
  [ -n "$(ls good/corpora/$target/libfuzzer/corpus)" ] || fail "no corpus of $target"
done

# The order of accesses is fuzzed, too: what is wrong only where two CPUs meet is caught, what is right is left in peace.
expect 2 'schedule-page, schedule-all' "$PAGELAB" fuzz --backend buddy --target schedule --bin "$drivers"
expect 0 '' "$PAGELAB" fuzz --backend 'percpu(batch=4)+buddy' --target schedule-page,schedule-all --time 4 --bin "$drivers" \
  --out orders --format json
/usr/bin/python3 - <<'P' || fail "the table of schedules: $(cat out)"
import json
rows = json.load(open("out"))
assert not [row for row in rows if row["candidate"] == "canary"], "no driver for whole operations was needed"
for engine in ("libfuzzer", "afl++"):
    mine = [row for row in rows if row["engine"] == engine]
    assert [row["verdict"] for row in mine if row["candidate"] == "canary-race"] == ["caught"], engine
    for row in mine:
        if row["candidate"] != "canary-race":
            assert row["executions"] > 100 and row["findings"] == 0, (row["target"], engine)
P
grep -q 'Extra Counters' orders/corpora/schedule-page/*.log ||
  fail "libFuzzer does not see the interleavings"

# With store buffers, too: what is right stays right, and the canary is caught all the same.
expect 0 'schedule-page +llfree +libfuzzer +plain +[1-9][0-9]* .* 0 +none' "$PAGELAB" fuzz --backend llfree --target schedule-page \
  --tso --time 2 --engine libfuzzer --bin "$drivers" --out buffered
grep -qE 'canary-race .* caught' out || fail "--tso: the canary is not caught: $(cat out)"

# A plug-in is fuzzed as any other candidate, by its path.
cc -std=c17 -I"$SOURCE/include" -fPIC -shared -o mine.so "$SOURCE/examples/plugin/stack.c" || fail "the example does not compile"
expect 0 './mine.so +libfuzzer.* 0 +none' "$PAGELAB" fuzz --backend ./mine.so --time 2 --engine libfuzzer --bin "$drivers" \
  --out foreign
finish
