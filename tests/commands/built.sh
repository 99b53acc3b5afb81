# A program that is started by its path knows the commit that it was built from; the wrapper's word wins; a tree without
# .git has none, and an unchanged answer builds nothing anew.
. "$SOURCE/tests/commands/expect.sh"
command -v git >/dev/null || exit 77
unset PAGELAB_COMMIT PAGELAB_DIRTY
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org

asked() { cmake -D "SOURCE=$1" -D "OUTPUT=$WORK/built.c" -P "$SOURCE/cmake/commit.cmake" >log 2>&1 || fail "commit.cmake: $(cat log)"; }
says() { # COMMIT DIRTY
  grep -qx "const char built_commit\[\] = \"$1\";" built.c && grep -qx "const bool built_dirty = $2;" built.c ||
    fail "commit '$1', dirty $2 expected: $(grep const built.c)"
}
mkdir tree && echo one >tree/file
asked "$WORK/tree"
says '' false # no checkout
git init -q tree
asked "$WORK/tree"
says '' false # no commit yet
git -C tree add file && git -C tree commit -qm one
first=$(git -C tree rev-parse --short=12 HEAD)
asked "$WORK/tree"
says "$first" false
touch -d '2001-01-01' built.c
asked "$WORK/tree"
[ "$(date -r built.c +%Y)" = 2001 ] || fail "the same answer was written once more"
GIT_DIR=$WORK/nowhere asked "$WORK/tree" # as a hook of another checkout has it
says "$first" false
echo two >tree/file
asked "$WORK/tree"
says "$first" true
git -C tree commit -qam two
asked "$WORK/tree"
says "$(git -C tree rev-parse --short=12 HEAD)" false
mkdir tree/archive # unpacked in somebody else's checkout
asked "$WORK/tree/archive"
says '' false

# What the program says of itself.
in_result() { # COMMIT DIRTY [VARIABLE=VALUE...]
  local commit=$1 dirty=$2
  shift 2
  expect 0 '' env "$@" "$PAGELAB" bench --smoke --backend buddy --workload repeat --out result.json
  grep -qE "\"commit\":[[:space:]]*\"$commit\"" result.json && grep -qE "\"dirty\":[[:space:]]*$dirty" result.json ||
    fail "$*: commit $commit, dirty $dirty expected: $(grep -E '"(commit|dirty)"' result.json)"
  rm result.json
}
built=$(sed -n 's/^const char built_commit.*"\(.*\)";$/\1/p' "$BUILD/bench/built.c")
dirty=$(sed -n 's/^const bool built_dirty = \(.*\);$/\1/p' "$BUILD/bench/built.c")
in_result "${built:-unknown}" "$dirty"
in_result 0123456789ab false PAGELAB_COMMIT=0123456789ab
in_result 0123456789ab true PAGELAB_COMMIT=0123456789ab PAGELAB_DIRTY=1
finish
