# On a terminal there is colour unless somebody says no, and progress; elsewhere neither.
. "$SOURCE/tests/commands/expect.sh"

# What a command writes to a terminal, both streams.
on_terminal() {
  /usr/bin/python3 -c 'import pty, sys
pty.spawn(sys.argv[1:])' "$@" >terminal </dev/null || true
}
bold=$(printf '\033[1m')
clear=$(printf '\033[K')
result=$SOURCE/results/reference/result.json
unset NO_COLOR
export TERM=xterm
on_terminal "$PAGELAB" report "$result"
grep -qF "$bold" terminal || fail "no bold heading on a terminal: $(head -c 300 terminal)"
for way in "report $result --no-color" "--no-color report $result"; do
  # shellcheck disable=SC2086 # words on purpose
  on_terminal "$PAGELAB" $way
  [ -s terminal ] || fail "$way prints nothing"
  ! grep -qF "$bold" terminal || fail "colour in spite of: $way"
done
# Nobody but cli_colour asks whether stdout is a terminal: else --no-color would be in vain there.
! grep -n 'isatty(STDOUT' "$SOURCE"/cli/*.c "$SOURCE"/cli/sim/*.c "$SOURCE"/report/*.c | grep -v 'cli/common\.c' || fail "colour without cli_colour"
NO_COLOR=1 on_terminal "$PAGELAB" report "$result"
! grep -qF "$bold" terminal || fail "colour in spite of NO_COLOR"
NO_COLOR='' on_terminal "$PAGELAB" report "$result"
grep -qF "$bold" terminal || fail "an empty NO_COLOR counts"
TERM=dumb on_terminal "$PAGELAB" report "$result"
! grep -qF "$bold" terminal || fail "colour on a dumb terminal"
expect 0 '' "$PAGELAB" report "$result"
! grep -qF "$bold" out || fail "colour in a file"

# Progress: on a terminal a line that is drawn anew, elsewhere nothing.
on_terminal "$PAGELAB" check buddy --id X-1
grep -qF "$clear" terminal || fail "no progress on a terminal"
expect 0 '' "$PAGELAB" check buddy --id X-1
[ ! -s err ] || fail "progress in a file: $(cat err)"
expect 0 '' "$PAGELAB" bench --backend buddy --workload bulk --smoke
[ ! -s err ] || fail "progress in a file: $(cat err)"
expect 0 '' "$PAGELAB" shrink "$SOURCE/corpora/seeds/page/floor-edges.txt" --backend null -o small.txt
[ "$(wc -l <err)" = 1 ] || fail "what came of it, and nothing else, expected: $(cat err)"
finish
