# A backend's own sources, out of the tree, built in by one option or by a kernel's own tree: schedules then see into them,
# and find what is wrong. A build without optimization, which compiles faster than it is linked.
. "$SOURCE/tests/commands/expect.sh"
[ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || exit 77
program=$SOURCE/corpora/explore/alloc-alloc.txt

cp -r "$SOURCE/examples/plugin" example
expect 0 'my-own: written' "$PAGELAB" new-backend my-own
mkdir torn
sed 's/"mine"/"torn"/
     s/pl_lock_masked(&stack->lock, cpu)/0/
     s/pl_unlock_masked(&stack->lock, cpu, before)/(void)before/' "$SOURCE/examples/plugin/stack.c" >torn/torn.c
echo 'pagelab_add_backend(torn SOURCES torn.c)' >torn/CMakeLists.txt

expect 1 '' cmake -S "$SOURCE" -B refused -G Ninja -DBUILD_TESTING=OFF -DPAGELAB_EXTRA_BACKENDS="$WORK/nowhere"
tr -s '\n ' ' ' <err | grep -q 'nowhere: a CMakeLists.txt expected that calls pagelab_add_backend' || fail "a folder that is not there: $(cat err)"
mkdir twins
cp example/stack.c twins/
echo 'pagelab_add_backend(mine yours SOURCES stack.c)' >twins/CMakeLists.txt
expect 1 '' cmake -S "$SOURCE" -B refused -G Ninja -DBUILD_TESTING=OFF -DPAGELAB_EXTRA_BACKENDS="$WORK/twins"
tr -s '\n ' ' ' <err | grep -q 'twins: pagelab_add_backend(mine yours ...): one name expected' || fail "two names: $(cat err)"

# The kernel's own tree with these folders beside its own: each name has all of its targets.
cp -r "$SOURCE/examples/kernel-tree" kernel
for folder in example my-own torn; do
  echo "add_subdirectory($WORK/$folder \${CMAKE_BINARY_DIR}/$folder)" >>kernel/CMakeLists.txt
done
expect 0 '' cmake -S kernel -B kernel/build -G Ninja -DPAGELAB="$SOURCE" -DPAGELAB_OPTIONS="-DCMAKE_BUILD_TYPE=;-DPL_RELEASE=OFF"
ninja -C kernel/build -t targets all | sed 's/: .*//' >targets
for name in runs mine my-own torn; do
  for what in check replay explore count gate bench fuzz-page fuzz-all fuzz-schedule-page fuzz change; do
    grep -qx "$name-$what" targets || fail "the kernel's tree has no target $name-$what"
  done
done
expect 0 '' cmake --build kernel/build # the kernel alone
[ ! -e kernel/build/pagelab/programs ] || fail "the kernel's own build builds pagelab, too"
kernel_refuses() { # CALL WHAT: one line in the tree's own folder, and what is said of it
  echo "$1" >kernel/pagelab/CMakeLists.txt
  expect 1 '' cmake -S kernel -B kernel/wrong -DPAGELAB="$SOURCE"
  tr -s '\n ' ' ' <err | grep -qF "$2" || fail "$1: $(cat err)"
}
kernel_refuses 'pagelab_add_backend(nothing)' 'NAME SOURCES file... expected'
kernel_refuses 'pagelab_add_backend(runs yours SOURCES adapter.c)' 'pagelab_add_backend(runs yours ...): one name expected'
cp "$SOURCE/examples/kernel-tree/pagelab/CMakeLists.txt" kernel/pagelab/
expect 0 '' cmake --build kernel/build --target pagelab-simulator
built=kernel/build/pagelab/programs
sim=$built/bin/pagelab-sim

# The command gives them to that program by name, as it does ours.
explore() { "$sim" explore preemptions=1 interrupts=1 races=1 "backend=$1" "program=$program"; }
for name in runs mine my-own; do
  expect 0 "$name +1 +[1-9][0-9]* .*holds" explore $name
  expect 0 '"class":"blocking".*"held_up":"' "$sim" progress $name
done
expect 3 'finding: race' explore torn
grep -q 'torn.c' out || fail "no line of the plug-in's source is named: $(cat out)"

# A finding replays through the command, and is made smaller.
cp "$PAGELAB" "$built/bin/pagelab"
cat >torn.txt <<'P'
pagelab program 1
machine 64@0x0 cpus=2 floors=0/0/0
cpu0 task    alloc s3 order=0
cpu0 task    free s3
cpu1 task    alloc s4 order=0
cpu0 task    preempt after=2 do=switch for=1
cpu0 task    alloc s0 order=0
cpu1 task    alloc s1 order=0
cpu1 task    free s4
P
expect 0 'no finding' "$built/bin/pagelab" replay torn.txt --schedule --backend mine
expect 3 'finding: race on torn' "$built/bin/pagelab" replay torn.txt --schedule --backend torn
whole=$(grep -cE '^cpu[01] ' out)
expect 3 'finding: race on torn' "$built/bin/pagelab" replay torn.txt --schedule --shrink --backend torn
shrunk=$(grep -cE '^cpu[01] ' out)
[ "$whole" = 7 ] && [ "$shrunk" -ge 2 ] && [ "$shrunk" -le 3 ] || fail "shrunk from $whole lines to $shrunk: $(cat out)"
finish
