# docs/your-kernel.md, followed: its allocator is built from its text, its commands run as they stand, with --smoke where
# they would measure. Recorded, imported and replayed is a moment of this machine, where it permits that. What candidates
# make of a recording is seen on a moment that is made up, the same on every machine.
if [ "$(id -u)" = 0 ] && [ -z "${INSIDE:-}" ] && unshare -m true 2>/dev/null; then
  INSIDE=1 exec unshare -m bash "$0" # what the guide mounts is this test's own
fi
. "$SOURCE/tests/commands/expect.sh"
guide=$SOURCE/docs/your-kernel.md
export PAGELAB_ROOT=$WORK
mkdir results
for name in corpora include profiles results/reference; do
  [ ! -e "$SOURCE/$name" ] || ln -s "$SOURCE/$name" "$name"
done
printf '#!/bin/sh\nexec "%s" "$@"\n' "$PAGELAB" >pagelab
chmod +x pagelab

# The blocks of one language, a line as "LANGUAGE<tab>TEXT".
awk '/^```/ { language = substr($0, 4); next } language != "" { print language "\t" $0 }' "$guide" >blocks
sed -n 's/^c\t//p' blocks >mine.c
sed -n 's/^sh\t//p' blocks >commands
[ "$(wc -l <mine.c)" -ge 50 ] && [ "$(wc -l <mine.c)" -le 75 ] || fail "an allocator of about 60 lines expected: $(wc -l <mine.c)"

instance=/sys/kernel/tracing/instances/pagelab
can_record() {
  [ -n "${INSIDE:-}" ] && [ ! -e "$instance" ] || return 1
  mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing 2>/dev/null || return 1
  mkdir "$instance" 2>/dev/null || return 1
  [ -w "$instance/events/kmem/mm_page_alloc/enable" ]
  local can=$?
  rmdir "$instance"
  return $can
}
recording=0
can_record && recording=1
trap 'cd /; rmdir "$instance" 2>/dev/null' EXIT
[ "$recording" = 1 ] || { trap - EXIT; cp "$SOURCE/tests/data/traces/ftrace.txt" trace.txt; }

# 3000 allocations on two CPUs, of 512 slots that live for a while, one of 32 of order 3: some hundreds of frames in use.
awk 'function event(cpu, what) { printf "task-10%d [00%d] ..... %.6f: mm_page_%s\n", cpu, cpu, 10 + ++time / 1e6, what }
function give(slot) { event(cpu, "free: page=0000000000000001 pfn=" pfn[slot] " order=" order[slot]); delete pfn[slot] }
BEGIN {
  seed = 1
  for (i = 1; i <= 3000; i++) {
    seed = (seed * 1103 + 12345) % 1000003
    slot = seed % 512
    cpu = int(seed / 512) % 2
    if (slot in pfn) give(slot)
    order[slot] = i % 32 == 0 ? 3 : 0
    pfn[slot] = sprintf("0x%x", 4096 + 8 * i)
    event(cpu, "alloc: page=0000000000000001 pfn=" pfn[slot] " order=" order[slot] " migratetype=0 gfp_flags=GFP_KERNEL")
  }
}' >moment.txt

count=0
while IFS= read -r line <&3; do
  case $line in
    apt-get*|"git clone"*|"cd pagelab"|trace-cmd*|perf*) continue ;;
    trace=*|mountpoint*|mkdir\ \$trace|echo*|cat*|rmdir*|sleep*) # 8192 KiB of a moment
      [ "$recording" = 1 ] || continue
      # Something must happen meanwhile: a recording of a quiet moment is of a machine of a dozen frames.
      line=$(printf '%s' "$line" | sed 's/^sleep 10/for i in $(seq 100); do \/bin\/true; done/; s/echo 65536/echo 8192/') ;;
    *"pagelab run"*)
      expect 0 'events read' ./pagelab import moment.txt -o traces/mine.pltrace
      line="$line --smoke" ;;
  esac
  count=$((count + 1))
  got=0
  eval "$line" >out 2>err </dev/null || got=$?
  [ "$got" = 0 ] || fail "'$line': exit $got: $(head -c 400 err)"
done 3<commands
[ "$count" -ge 12 ] || fail "only $count commands found in the guide"

grep -q 'events read' <(./pagelab import trace.txt -o again.pltrace) || fail "no table of an import"
/usr/bin/python3 - <<'P' || fail "results/mine: $(head -c 300 results/mine/result.json)"
import json
rows = json.load(open("results/mine/result.json"))["benchmarks"]
mine = {row["candidate"]: row for row in rows if row["workload"] == "replay-mine"}
for name in ("buddy", "slate"):
    assert mine[name]["status"] == "ok", mine[name]
for name in ("./mine.so", "percpu+./mine.so"): # a simple one may find no block where a moment's recording leaves holes
    row = mine[name]
    assert row["status"] == "ok" or "allocations of the recording failed" in row.get("reason", ""), row
P
[ -s results/mine/report.html ] && grep -q 'replay-mine' mine.html || fail "no page"

# The mistake that the guide shows.
sed 's/, \.order = want->order//; s/\.order = want->order, //; s/\.order = want->order//' mine.c >wrong.c
! cmp -s mine.c wrong.c && cc -std=c17 -O2 -fPIC -shared -Iinclude -o wrong.so wrong.c || fail "the guide's mistake cannot be made"
expect 3 '^broken +./wrong.so +X-1: .*a block of 2\^order frames' ./pagelab check ./wrong.so
finish
