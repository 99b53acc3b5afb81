# A schedule replays: the same lines and the same digest each time, at least one place named by function and line, and plain
# words for what cannot be run so.
. "$SOURCE/tests/commands/expect.sh"
[ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || exit 77
program=$SOURCE/corpora/schedules/two-cpus.txt

expect 0 '' "$PAGELAB" replay "$program" --schedule --backend 'percpu(batch=2)+buddy'
cp out first
# Columns: a CPU each, then interrupts; nothing behind the last word of a line.
grep -qE '^ access  CPU 0 +CPU 1 +interrupt +where$' first || fail "no columns: $(cat first)"
! grep -n ' $' first || fail "blanks at the end of a line"
grep -q '^ *[0-9]* *op 0 preempted  *goes on  ' first || fail "no switch in the listing: $(cat first)"
grep -qE '^ +[0-9]+  op 0 interrupted +on CPU 0 begins +.*at ' first || fail "no interrupt in the listing: $(cat first)"
expect 0 '' "$PAGELAB" replay "$program" --schedule --backend 'percpu(batch=2)+buddy'
cmp -s first out || fail "a second replay is another one"
expect 0 '' "$PAGELAB" replay "$program" --schedule --all --backend bitmap
[ "$(grep -c ' bytes  at ' out)" -gt 100 ] || fail "--all does not print each access"
expect 0 '' "$PAGELAB" replay "$program" --schedule --admitted --backend buddy,tables=stack
grep -q 'no finding' out || fail "no verdict: $(cat out)"

# An NMI's request in the midst of a drain, which has all numbers in its hands: refused, and that is no finding.
expect 0 'no finding' "$PAGELAB" replay "$SOURCE/corpora/schedules/nmi-in-a-drain.txt" --schedule --backend llfree
grep -q 'on CPU [0-9] begins  *.*at llfree_move' out || fail "no NMI in the drain: $(cat out)"

sim=$(dirname "$PAGELAB")/pagelab-sim
expect 0 '"class":"blocking".*"held_up":"pl_relax cpu.h:[0-9]* in bitmap_alloc' "$sim" progress bitmap
expect 0 '"class":"lock-free"' "$sim" progress nbbs
expect 0 '"class":"wait-free"' "$sim" progress null
expect 0 '"class":"opaque","reason":"not compiled for the simulated platform' "$sim" progress no-such
expect 0 '"class":"n/a","reason":"backend .fault.buddy' "$sim" progress fault+buddy

# Without --schedule the same file is a program of whole operations.
expect 0 '' "$PAGELAB" replay "$program" --quiet --backend buddy

# The same as trace events: of a run that ends well, and of a deadlock.
expect 0 '' "$PAGELAB" show "$program" --backend 'percpu(batch=2)+buddy' --format perfetto
grep -qF "$(sed -n 's/^schedule: .*digest //p' first)" out || fail "the trace events are those of another schedule"
/usr/bin/python3 "$SOURCE/tests/commands/perfetto.py" out 2 || fail "no trace events: $(head -c 600 out)"
cat >crossed.txt <<'P'
pagelab program 1
machine 8@0x0 cpus=2
cpu1 task    alloc s1 order=0
cpu0 task    alloc s0 order=0
cpu1 task    preempt after=11 do=switch
cpu1 task    free s1
P
expect 3 '' "$SICK" show crossed.txt --backend stack-crossed --format perfetto
/usr/bin/python3 "$SOURCE/tests/commands/perfetto.py" out 2 unfinished || fail "no trace events of a deadlock: $(head -c 600 out)"
expect 2 'backend NAME expected' "$PAGELAB" show "$program" --format perfetto
expect 2 'text or perfetto expected' "$PAGELAB" show "$program" --format html

expect 2 'not compiled for the simulated platform' "$PAGELAB" replay "$program" --schedule --backend jemalloc
expect 2 'a program of frames expected' "$PAGELAB" replay "$SOURCE/corpora/seeds/vm/tour.txt" --schedule --backend buddy
expect 2 'nothing-here' "$PAGELAB" replay nothing-here --schedule --backend buddy
finish
