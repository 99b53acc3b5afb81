# --help says what is explored and what is not, below the options; every command has it and ends with 0.
. "$SOURCE/tests/commands/expect.sh"

# The paragraph is broken into lines: as one line.
says() { # WORDS COMMAND...
  local words=$1
  shift
  expect 0 '' "$@" --help
  tr '\n' ' ' <out | grep -qF -- "$words" || fail "$* --help does not say '$words': $(cat out)"
  [ "$(sed -n '/xplored/,$p' out | awk 'length > 79' | wc -l)" = 0 ] || fail "$* --help: lines of at most 79 columns expected"
}
opaque="inline assembly; the code of libraries and plug-ins, which is opaque to schedules but not to single step"
for command in explore fuzz score replay nosleep; do
  says "sequentially consistent orders" "$PAGELAB" $command
  says "TSO" "$PAGELAB" $command
  says "Not explored: memory orders weaker than these (ARM, POWER); $opaque" "$PAGELAB" $command
done
says "before each instruction of any binary, libraries, plug-ins and inline assembly included" "$PAGELAB" interrupt
says "sequentially consistent plus TSO, no inline assembly, libraries opaque" "$PAGELAB" interrupt
says "every system call of any binary" "$PAGELAB" nosleep
sim=$(dirname "$PAGELAB")/pagelab-sim
[ ! -x "$sim" ] || says "$opaque" "$sim"

# The table of exit codes names each command that can end with 1.
row=$(grep '^| 1 |' "$SOURCE/docs/results.md")
for command in $(cd "$SOURCE/cli" && grep -l CLI_MISSED ./*.c | sed 's,./\(.*\)\.c,\1,' | grep -vxE 'main|common') cost fuzz; do
  [[ $row == *"\`$command"* ]] || fail "docs/results.md does not say when $command ends with 1"
done

for command in $("$PAGELAB" --help | sed -n 's/^  \([a-z-]\{3,\}\)  .*/\1/p' | grep -vxE "test|setup"); do
  expect 0 '--help +show this help' "$PAGELAB" "$command" --help
  expect 0 'Usage: ' "$PAGELAB" "$command" --usage
  expect 2 'no-such-option: unknown option' "$PAGELAB" "$command" --no-such-option
done
finish
