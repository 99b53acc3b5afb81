# The gate of a kernel's own tree, whose base is the commit before, by the commands of its workflow. In place of pagelab stands a
# tree with its CMake file, whose builds are quick: each folder as a plug-in of this program. Four runs under valgrind.
. "$SOURCE/tests/commands/expect.sh"
command -v valgrind >/dev/null && command -v git >/dev/null || exit 77
mkdir -p pagelab/cmake
cp "$SOURCE/cmake/kernel.cmake" pagelab/cmake/
cat >pagelab/CMakeLists.txt <<P
cmake_minimum_required(VERSION 3.25)
project(stand_in C)
function(pagelab_add_backend name sources)
    add_library(\${name} MODULE \${ARGN})
    target_include_directories(\${name} PRIVATE "$SOURCE/include")
    set_target_properties(\${name} PROPERTIES PREFIX "" C_STANDARD 17 LIBRARY_OUTPUT_DIRECTORY "\${CMAKE_BINARY_DIR}/bin")
endfunction()
add_subdirectory("\${PAGELAB_EXTRA_BACKENDS}" folder)
add_custom_target(pagelab DEPENDS runs COMMAND cp "$WORK/program" bin/pagelab)
add_custom_target(pagelab-sim)
P
cat >program <<P
#!/bin/sh
cd "\$(dirname "\$0")" || exit 1
for word; do shift; [ "\$word" != runs ] || word=./runs.so; set -- "\$@" "\$word"; done
[ "\$1" != cost ] || set -- "\$@" --runs 1 # not three, as of a plug-in
exec "$PAGELAB" "\$@"
P
chmod +x program
cp -r "$SOURCE/examples/kernel-tree" kernel
cd kernel || exit 1
commit() { git add -A && git -c user.name=test -c user.email=test@localhost commit -q --allow-empty -m "$1"; }
run_of() { sed -n "s/^ *run: \($1 .*\)/\1/p" .github/workflows/change.yml; }
git init -q . && commit before
sed -i 's/return runs->count == 0/for (volatile int i = 0; i < 5; i++) {}\n    &/' mm/runs.c && commit after
git diff --quiet HEAD^1 && fail "nothing was planted in the kernel's tree"
expect 0 '' sh -ec "$(run_of 'git -c')"
expect 0 '' sh -ec "$(run_of 'cmake -S') -DPAGELAB=$WORK/pagelab"
has_gate() { ninja -C build -t commands runs-change | grep -q ' gate --percent 1 '; }
expect 1 "PAGELAB_BASE '" sh -c "cmake -S . -B wrong -DPAGELAB=$WORK/pagelab -DPAGELAB_BASE=$WORK/nowhere 2>&1"
has_gate || fail "a change of the kernel's tree does not have to pass the gate"
expect 1 'instructions +mm_runs_take .*grew' cmake --build build --target runs-gate
git -C base checkout -q --detach "$(git rev-parse HEAD)"
expect 0 '0 failures' cmake --build build --target runs-gate
# The change that brings the allocator in has nothing to be held against; without a base there is no gate.
rm -r base/pagelab
expect 0 '' cmake -S . -B build
expect 0 'runs: nothing to hold it against' cmake --build build --target runs-gate
expect 0 '' cmake -S . -B build -DPAGELAB_BASE=
expect 1 'PAGELAB_BASE: the tree before the change expected' cmake --build build --target runs-gate
has_gate && fail 'a gate without a base'
finish
