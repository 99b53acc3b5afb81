# For the command tests: sourced, with PAGELAB (the program) and WORK (an empty directory) set.
set -u
failures=0
cd "$WORK" || exit 1
# Repositories that tests make are theirs, whatever hook or settings they run under.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=commit.gpgsign GIT_CONFIG_VALUE_0=false
export GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null

fail() {
  printf 'FAIL: %s\n' "$*" >&2
  failures=$((failures + 1))
}

# expect CODE PATTERN COMMAND...: the exit code, and for a mistake (2) exactly one line on stderr that matches.
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >out 2>err </dev/null || got=$?
  [ "$got" = "$code" ] || fail "$*: exit $got, $code expected: $(head -c 300 err)"
  if [ "$code" = 2 ]; then
    [ "$(wc -l <err)" = 1 ] || fail "$*: one line on stderr expected: $(head -c 600 err)"
    grep -qE -- "$pattern" err || fail "$*: stderr does not say '$pattern': $(cat err)"
  elif [ -n "$pattern" ]; then
    grep -qE -- "$pattern" out || fail "$*: stdout does not say '$pattern': $(head -c 600 out)"
  fi
}

# Is the program built with a sanitizer? Such a build has no simulated twin beside it.
sanitized() { [ ! -x "$(dirname "$PAGELAB")/pagelab-sim" ]; }

# absent PATH...: nothing half-written was left.
absent() {
  local path
  for path in "$@"; do
    [ ! -e "$path" ] || fail "$path was left behind"
  done
}

# interrupt PID: Ctrl-C for a program in the background, once it listens: before that it ignores what is sent, as the shell
# lets it begin.
interrupt() {
  local caught
  for _ in $(seq 600); do
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ -n "$caught" ] && ! ((0x$caught & 2)) || break # signal 2
    sleep 0.05
  done
  kill -INT "$1"
}

# Writes short.txt: one frame taken and given back.
short_program() {
  cat >short.txt <<'P'
pagelab program 1
machine 64@0x40 cpus=1 floors=0/0/0
cpu0 task    alloc s0 order=0
cpu0 task    free s0
P
}

finish() { exit $((failures > 0)); }
