# Each command's --help ends with an example or more, and each of them runs as it stands, with less to do where it would
# measure: in a folder that has what the checkout has.
. "$SOURCE/tests/commands/expect.sh"
export PAGELAB_ROOT=$WORK # so that results go here
cp -r "$SOURCE/corpora" corpora
mkdir -p results/reference bin tests
ln -s "$SOURCE"/results/reference/* results/reference
ln -s "$SOURCE/tests/data" tests/data
ln -s "$SOURCE/profiles" profiles
printf '#!/bin/sh\nexec "%s" "$@"\n' "$PAGELAB" >bin/pagelab
chmod +x bin/pagelab
PATH=$WORK/bin:$PATH

# The exit code that is right: a gate that fails on purpose would say so here.
run_example() {
  local command=$1 wanted=0 got=0
  case $command in
    *"pagelab fuzz "*|*"pagelab score "*) # fuzz.sh and score.sh run them; here: the words are right, the drivers are missing
      command="$command --bin nowhere" wanted=2 ;;
    *"pagelab explore "*|*"pagelab cost "*|*--schedule*|*perfetto*) ! sanitized || return 0 ;;
    *"pagelab doctor") command="$command || [ \$? = 1 ]" ;; # what it says of this machine is doctor.sh's
    *"pagelab run "*|*"pagelab bench "*) command="$command --smoke" ;;
    *"pagelab gate "*) # of a reference whose costs nobody has counted yet, one candidate's
      [ -e results/reference/cost.json ] || ! command -v valgrind >/dev/null || sanitized ||
        pagelab cost --workload repeat --backend buddy --operations 100 --no-lines --out results/reference/cost.json >out 2>err
      [ -e results/reference/cost.json ] || return 0 ;;
    *"pagelab noise "*) command="$command --rounds 2 --min-time 0.001 --workload repeat || [ \$? = 1 ]" ;;
    *"pagelab compare "*) command="$command --force" ;;
    *"pagelab scale "*) command="${command/--to 1GiB/--to 64MiB} --cpus 2 --min-time 0.001" ;;
    *"pagelab check "*--id*) ;;
    *"pagelab check "*) command="$command --id X-1" ;; # the whole matrix is the label checks'
    *"pagelab interrupt "*|*"pagelab masked "*) # by step, a sanitizer's instructions are not worth it
      ! sanitized || return 0 ;;
  esac
  case $command in *"pagelab interrupt "*) command="$command --limit 1" ;; esac
  bash -c "$command" >out 2>err </dev/null || got=$?
  [ "$got" = "$wanted" ] || fail "'$command': exit $got, $wanted expected: $(head -c 300 err)"
  [ "$wanted" = 0 ] || grep -q nowhere err || fail "'$command' does not look for its drivers: $(head -c 300 err)"
}

count=0
for command in $("$PAGELAB" --help | sed -n 's/^  \([a-z-]\{3,\}\)  .*/\1/p' | grep -vxE "test|setup"); do
  "$PAGELAB" "$command" --help | sed -n 's/^example: //p' >examples
  [ -s examples ] || fail "$command --help has no line 'example: '"
  while IFS= read -r example <&3; do
    count=$((count + 1))
    case $example in "pagelab $command "*|"pagelab $command") ;; *) fail "the example of $command calls something else: $example" ;; esac
    run_example "$example"
  done 3<examples
done
[ "$count" -ge 20 ] || fail "only $count examples found"
finish
