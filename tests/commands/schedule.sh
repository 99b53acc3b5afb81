# A schedule replays: the same lines and the same digest each time, at least one place named by function and line, and plain
# words for what cannot be run so.
. "$SOURCE/tests/commands/expect.sh"
[ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || exit 77
program=$SOURCE/corpora/schedules/two-cpus.txt

expect 0 '' "$PAGELAB" replay "$program" --schedule --backend 'percpu(batch=2)+buddy'
cp out first
grep -q 'preempted, CPU 1 goes on' first || fail "no switch in the listing: $(cat first)"
grep -q ' interrupt  at ' first || fail "no interrupt in the listing: $(cat first)"
expect 0 '' "$PAGELAB" replay "$program" --schedule --backend 'percpu(batch=2)+buddy'
cmp -s first out || fail "a second replay is another one"
expect 0 '' "$PAGELAB" replay "$program" --schedule --all --backend bitmap
[ "$(grep -c ' bytes  at ' out)" -gt 100 ] || fail "--all does not print each access"
expect 0 '' "$PAGELAB" replay "$program" --schedule --admitted --backend buddy,tables=stack
grep -q 'no finding' out || fail "no verdict: $(cat out)"

# An NMI's request in the midst of a drain, which has all numbers in its hands: refused, and that is no finding.
expect 0 'no finding' "$PAGELAB" replay "$SOURCE/corpora/schedules/nmi-in-a-drain.txt" --schedule --backend llfree
grep -q 'interrupt  at llfree_move' out || fail "no NMI in the drain: $(cat out)"

sim=$(dirname "$PAGELAB")/pagelab-sim
expect 0 '"class":"blocking".*"held_up":"pl_relax cpu.h:[0-9]* in bitmap_alloc' "$sim" progress bitmap
expect 0 '"class":"lock-free"' "$sim" progress nbbs
expect 0 '"class":"wait-free"' "$sim" progress null
expect 0 '"class":"opaque","reason":"not compiled for the simulated platform' "$sim" progress no-such
expect 0 '"class":"n/a","reason":"backend .fault.buddy' "$sim" progress fault+buddy

# Without --schedule the same file is a program of whole operations.
expect 0 '' "$PAGELAB" replay "$program" --quiet --backend buddy

expect 2 'not compiled for the simulated platform' "$PAGELAB" replay "$program" --schedule --backend jemalloc
expect 2 'a program of frames expected' "$PAGELAB" replay "$SOURCE/corpora/seeds/vm/tour.txt" --schedule --backend buddy
expect 2 'nothing-here' "$PAGELAB" replay nothing-here --schedule --backend buddy
finish
