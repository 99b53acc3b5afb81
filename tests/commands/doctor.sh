# doctor: a line a probe, with a remedy for whatever is not fine; what is taken away is missed.
. "$SOURCE/tests/commands/expect.sh"

# The state of one probe, of the JSON in `out`.
state_of() { tr -d '\n' <out | grep -oE "\"state\":[[:space:]]*\"[a-z]+\",[[:space:]]*\"what\":[[:space:]]*\"$1\"" | cut -d '"' -f 4; }

wanted=0
! sanitized || wanted=1 # pagelab-sim is essential
"$PAGELAB" doctor --format json >out 2>err
got=$?
[ "$got" = 0 ] || [ "$got" = 1 ] || fail "doctor: exit $got: $(cat err)"
for probe in build cores memory 'huge machines' schedules 'system calls' 'single step' noise clock frequency recording \
  compiler clang 'AFL\+\+' 'fuzz drivers' valgrind browser; do
  case $(state_of "$probe") in ok|limited|missing) ;; *) fail "doctor does not say anything of $probe: $(cat out)" ;; esac
done
[ "$(state_of schedules)" = "$([ "$wanted" = 0 ] && echo ok || echo missing)" ] || fail "pagelab-sim is not seen as it is"
"$PAGELAB" doctor >out
# A remedy for each that is not fine, and for no other.
sed -n '2,$p' out | grep -E '^(ok|limited|missing)' | while IFS= read -r line; do
  case $line in
    ok*" -") ;;
    ok*) echo "$line" ;;
    *" -") echo "$line" ;;
  esac
done >wrong
[ ! -s wrong ] || fail "a remedy where it is not fine, and only there, expected: $(cat wrong)"

# Nothing in PATH, and one CPU: both are seen, and the second is essential.
PATH=/nowhere "$PAGELAB" doctor --format json >out
for probe in compiler clang 'AFL\+\+' valgrind browser; do
  [ "$(state_of "$probe")" = missing ] || fail "$probe is found in an empty PATH"
done
if command -v taskset >/dev/null; then
  cpu=$(taskset -pc $$ | sed 's/.*: *//; s/[,-].*//')
  expect 1 '^limited +cores +1 of' taskset -c "$cpu" "$PAGELAB" doctor
fi
if ! sanitized; then
  (ulimit -v 4000000 && "$PAGELAB" doctor --format json >out)
  [ "$(state_of 'huge machines')" = limited ] || fail "a limit of addresses is not seen: $(cat out)"
fi
finish
