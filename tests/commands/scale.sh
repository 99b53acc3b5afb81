# pagelab scale: small machines and few CPUs quickly; rows, exponents and counts are there, and no time beyond the real
# CPUs. What stops a candidate is a line, what a person gets wrong another.
. "$SOURCE/tests/commands/expect.sh"
quick="--to 512MiB --min-time 0.001"

# shellcheck disable=SC2086 # words on purpose
expect 0 'n\^' "$PAGELAB" scale bitmap percpu+buddy $quick --cpus 1,64 --out result.json
grep -q 'contents\|not concurrent' out && fail "a note that nobody asked for: $(cat out)"
/usr/bin/python3 - "$(dirname "$PAGELAB")/pagelab-sim" <<'P' || fail "result.json"
import json, os, sys
document = json.load(open("result.json"))
memory, growth, cpus = document["memory"], document["growth"], document["cpus"]
assert [row["memory_bytes"] for row in memory if row["candidate"] == "bitmap"] == [64 << 20, 512 << 20]
for row in memory:
    assert row["status"] == "ok" and row["init_ms"] > 0 and row["repeat_ns"] > 0 and row["replace_ns"] > 0, row
    assert 0 < row["metadata_touched_init_bytes"] <= row["metadata_touched_bytes"], row
    assert row["metadata_touched_bytes"] <= row["metadata_reserved_bytes"] + 4096, row
assert all(row["metadata"]["points"] == 2 for row in growth) and len(growth) == 2
for row in cpus:
    assert (row["repeat_ns"] is not None) == (row["cpus"] <= document["real_cpus"]), row
    if os.path.exists(sys.argv[1]):
        assert row["bulk"]["calls"] > 0 and row["bulk"]["locked_per_call"] > 0, row
        assert row["candidate"] != "bitmap" or row["repeat"]["locked"] - row["repeat"]["cas_failed"] == row["repeat"]["calls"]
        assert row["cpus"] > 1 or row["repeat"]["cas_failed"] == 0, row
    else:
        assert "not beside" in row["sim_reason"], row
P
absent result.json.part

# The counts are those of one schedule, so they repeat.
# shellcheck disable=SC2086
for again in 1 2; do
  expect 0 '' "$PAGELAB" scale llfree $quick --from 512MiB --cpus 8 --format json
  /usr/bin/python3 -c 'import json; print([(r.get("repeat"), r.get("bulk")) for r in json.load(open("out"))["cpus"]])' \
    >counts.$again
done
cmp -s counts.1 counts.2 || fail "counts do not repeat: $(cat counts.1 counts.2)"

# A library is timed on the real CPUs and not counted; whoever keeps links in frames says what is counted.
# shellcheck disable=SC2086
expect 0 'a library or a plug-in is not instrumented|not beside' "$PAGELAB" scale jemalloc $quick --cpus 1
# shellcheck disable=SC2086
expect 0 'contents count as metadata' "$PAGELAB" scale freelist --to 64MiB --min-time 0.001 --cpus none
for format in markdown csv; do
  # shellcheck disable=SC2086
  expect 0 'bitmap' "$PAGELAB" scale bitmap $quick --cpus 2 --format $format
done

# Alone, without pagelab-sim beside it.
cp "$PAGELAB" alone
# shellcheck disable=SC2086
expect 0 'pagelab-sim is not beside this program' ./alone scale bitmap $quick --cpus 4

# Beside one that counts calls that failed, which is said, and one that dies, which is a broken contract.
cat >pagelab-sim <<'S'
#!/bin/sh
echo '{"repeat":{"calls":10,"failures":3,"locked":5},"bulk":{"calls":4,"failures":0,"locked":8}}'
S
chmod +x pagelab-sim
expect 0 '3 of 10 calls of repeat failed while they were counted' ./alone scale bitmap --to 64MiB --min-time 0.001 --cpus 64
printf '#!/bin/sh\nkill -ABRT $$\n' >pagelab-sim
expect 3 'killed by signal 6' ./alone scale bitmap --to 64MiB --min-time 0.001 --cpus 64
grep -q "'bitmap' broke its contract or died" err || fail "a dead program counts as well: $(cat err)"

for wrong in , 1, ,1 1,,2; do
  expect 2 "cpus '$wrong'" "$PAGELAB" scale bitmap --to 64MiB --cpus $wrong
done
expect 2 "cpus '0'" "$PAGELAB" scale bitmap --cpus 0
expect 2 "cpus '1,65'" "$PAGELAB" scale bitmap --cpus 1,65
expect 2 "from 'lots'" "$PAGELAB" scale bitmap --from lots
expect 2 '16TiB' "$PAGELAB" scale bitmap --to 17TiB
expect 2 'smaller first' "$PAGELAB" scale bitmap --from 1GiB --to 64MiB
expect 2 "'nosuch'" "$PAGELAB" scale nosuch
expect 2 'time-limit' "$PAGELAB" scale bitmap --time-limit 0
# Nothing is measured that could not be written.
mkdir folder
expect 2 "'folder': a file expected" timeout 15 "$PAGELAB" scale --out folder
expect 0 '' "$PAGELAB" scale bitmap --to 64MiB --min-time 0.001 --cpus none --out /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
expect 2 'nowhere/r' "$PAGELAB" scale bitmap --to 64MiB --out nowhere/r
absent nowhere
finish
