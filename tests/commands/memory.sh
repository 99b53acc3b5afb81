# A machine that is larger than this computer is a row with a reason: nobody is ended by the kernel.
. "$SOURCE/tests/commands/expect.sh"
huge="--memory 16TiB --memory-cap 64MiB --smoke --rounds 1 --format csv"

# Metadata, contents, a list of grants, the harness's own record: whatever is too much of it.
for workload in repeat replace vm-alloc-normal; do
  # shellcheck disable=SC2086 # words on purpose
  expect 0 '' "$PAGELAB" bench --backend reference,bitmap,freelist,percpu+buddy --workload $workload --no-rods $huge
  [ "$(grep -c "^$workload,.*,n/a,n/a (machine): touches more memory than the cap of 64 MiB," out)" = 4 ] ||
    fail "$workload: $(cat out)"
done
# What is timed beside them is no machine.
# shellcheck disable=SC2086
expect 0 '^calibrate-cas,.*,ok,' "$PAGELAB" bench --backend bitmap --workload repeat $huge
expect 0 '^repeat,.*buddy,[0-9.]+,' "$PAGELAB" bench --backend buddy --workload repeat --no-rods --memory 64MiB --memory-cap 1GiB \
  --smoke --rounds 1 --format csv
expect 2 "memory-cap 'much'" "$PAGELAB" bench --backend buddy --workload repeat --memory-cap much

# The counting program and the axis of machines have the same guard.
sim=$(dirname "$PAGELAB")/pagelab-sim
if [ -x "$sim" ]; then
  expect 86 '' "$sim" freelist 2 17592186044416 1 67108864
  grep -q 'touches more memory than the cap of 64 MiB' err || fail "pagelab-sim: $(cat err)"
fi
expect 0 'stops here: touches more memory than the cap of 32 MiB' "$PAGELAB" scale reference --from 256GiB --to 256GiB \
  --min-time 0.001 --cpus none --memory-cap 32MiB
finish
