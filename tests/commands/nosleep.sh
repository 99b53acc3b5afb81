# pagelab nosleep: candidates that do not sleep, each planted way to sleep with its name and caller, promises not to
# allocate, and the shape of the result. Where the kernel shows no system calls, only the platform's own word counts.
. "$SOURCE/tests/commands/expect.sh"

expect 0 'a no-sleep region costs [0-9.]+ ns by itself' "$PAGELAB" nosleep --backend buddy,percpu+bitmap
seen=yes
grep -q 'system calls were not checked' out && seen=no
if [ $seen = yes ]; then
  [ "$(grep -c 'never slept (' out)" = 8 ] || fail "eight quiet rows expected: $(cat out)"
  [ "$(grep -c 'allocates nothing ([0-9]* calls, 0 of the allocator)' out)" = 4 ] || fail "four promises: $(cat out)"
fi

expect 3 'broken +sleepy\(by=wait\)\+buddy cold X-5: wait 12 times: sleepy_block' \
  "$PAGELAB" nosleep --backend 'sleepy(by=wait)+buddy'
if [ $seen = yes ]; then
  for way in futex:futex nanosleep:clock_nanosleep yield:sched_yield; do
    expect 3 "sleeps: ${way#*:} from sleepy_block at [a-z_]+\+0x" \
      "$PAGELAB" nosleep --scenario warm --backend "sleepy(by=${way%:*})+bitmap"
  done
  expect 3 'sleeps: futex from sleepy_(alloc|free)' \
    "$PAGELAB" nosleep --scenario contended --backend 'sleepy(by=mutex)+buddy'
  # The check of the promise looks, too.
  expect 3 'broken +sleepy\(by=futex\)\+buddy X-5: cold: sleeps: futex from sleepy_block' \
    "$PAGELAB" check --id X-5 'sleepy(by=futex)+buddy'
  # Who claims that it may sleep is reported, and refutes nothing.
  expect 0 'found +sleepy\(by=futex\)\+jemalloc cold: futex' \
    "$PAGELAB" nosleep --scenario cold --backend 'sleepy(by=futex)+jemalloc'
fi

expect 3 '' "$PAGELAB" nosleep --scenario cold --backend 'sleepy(by=might)+buddy,buddy' --format json
/usr/bin/python3 - <<'P' || fail "nosleep --format json"
import json
document = json.load(open("out"))
sleepy, buddy = document["rows"]
seen = document["system_calls"] == "seen"
assert sleepy["candidate"] == "sleepy(by=might)+buddy" and sleepy["scenario"] == "cold" and sleepy["refuted"] is True
assert sleepy["status"] == "sleeps" and sleepy["waits"] == 12 and sleepy["calls"] > 12
assert sleepy["system_calls"] == (0 if seen else None)
(found,) = sleepy["found"]
assert found["kind"] == "wait" and found["name"] == "might_sleep" and found["count"] == 12
assert found["caller"] == "sleepy_block" and found["stack"] == "sleepy_block < sleepy_alloc" or "sleepy_free" in found["stack"]
assert buddy["status"] == ("never slept" if seen else "not checked") and not buddy["refuted"] and buddy["found"] == []
region = document["region"]
assert region["ns"] > 0 and region["empty_ns"] > 0 and region["inside_ns"] > 0
P
expect 0 '' "$PAGELAB" nosleep --scenario map-ptes --backend null,buddy --format json
/usr/bin/python3 - <<'P' || fail "a promise"
import json
null, buddy = json.load(open("out"))["rows"]
assert null["status"] == "n/a" and buddy["allocator_calls"] == 0 and buddy["calls"] == 128
P
for format in markdown csv; do
  expect 0 'orb-fixed' "$PAGELAB" nosleep --scenario orb-fixed --backend buddy --format $format
done

# The class of progress stands on each row: tried where the sources are ours, opaque of libraries, and not checked where
# the program that tries is not there, which is never taken for a class.
expect 0 'progress: blocking, a CPU that stands still' "$PAGELAB" nosleep --scenario cold --backend bitmap
expect 0 '' "$PAGELAB" nosleep --scenario cold --backend bitmap,nbbs,jemalloc --format json
SIM=$(dirname "$PAGELAB")/pagelab-sim /usr/bin/python3 - <<'P' || fail "the classes of progress: $(cat out)"
import json, os
bitmap, nbbs, jemalloc = (row["progress"] for row in json.load(open("out"))["rows"])
if os.access(os.environ["SIM"], os.X_OK):
    assert bitmap["class"] == "blocking" and 0 < bitmap["blocking"] < bitmap["points"] and "bitmap_" in bitmap["held_up"]
    assert nbbs["class"] == "lock-free" and nbbs["blocking"] == 0
    assert jemalloc["class"] == "opaque"
else:
    assert all(one["class"] == "not checked" and "pagelab-sim" in one["reason"] for one in (bitmap, nbbs, jemalloc))
P
cp "$PAGELAB" alone
expect 0 '^buddy +not checked ' ./alone nosleep --scenario cold --backend buddy

# A candidate that does not come back is a row; what it had done is told.
expect 3 'died: (signal|exit code)' "$SICK" nosleep --scenario cold --backend sick-crash,buddy

# A recorded kernel: what could not sleep there does not sleep here, checked and timed.
"$PAGELAB" import "$SOURCE/tests/data/traces/ftrace.txt" -o tiny.pltrace >/dev/null || fail "import"
sleepy='sleepy(by=wait,every=2)+buddy'
expect 0 'no finding' "$PAGELAB" replay tiny.pltrace --backend percpu+buddy
expect 3 'X-5' "$PAGELAB" replay tiny.pltrace --backend "$sleepy"
grep -q 'it could have slept: wait' out || fail "replay: $(cat out)"
"$PAGELAB" bench --backend "$sleepy,buddy" --smoke --rounds 1 --no-rods --format csv \
  --workload "replay:$SOURCE/corpora/traces/nginx.pltrace" >out 2>err
grep 'sleepy' out | grep -q ',failed,.*could not sleep' || fail "bench: $(cat out err)"
grep -E '(^|,)buddy,' out | grep -q ',ok,' || fail "bench buddy: $(cat out err)"

expect 2 "'nosuch'" "$PAGELAB" nosleep --backend nosuch
expect 2 "scenario 'hot'" "$PAGELAB" nosleep --scenario hot
expect 2 "wrong parameters" "$PAGELAB" nosleep --backend 'sleepy(by=dream)+buddy'
expect 2 "format 'yaml'" "$PAGELAB" nosleep --format yaml
expect 2 'no such argument' "$PAGELAB" nosleep buddy
finish
