# Every command in the README and the docs runs as it stands, with --smoke where it would measure.
. "$SOURCE/tests/commands/expect.sh"
export PAGELAB_ROOT=$WORK # so that results go here
ln -s "$SOURCE/corpora" corpora
ln -s "$SOURCE/profiles" profiles
mkdir results
ln -s "$SOURCE/results/reference" results/reference
cp "$SOURCE/tests/data/traces/ftrace.txt" trace.txt
cc -std=c17 -I"$SOURCE/include" -fPIC -shared -o mine.so "$SOURCE/examples/plugin/stack.c" || fail "the example does not compile"
mkdir -p bin
printf '#!/bin/sh\nexec "%s" "$@"\n' "$PAGELAB" >pagelab
chmod +x pagelab

count=0
declare -A done
grep -nE '@[A-Z]+@' "$SOURCE/README.md" && fail "the README has a place that was not filled in"
for link in $(grep -ohE '\]\([a-z][^):#]*' "$SOURCE/README.md" | sed 's/^](//'); do
  [ -e "$SOURCE/$link" ] || fail "the README links to $link, which is not there"
done
while IFS= read -r line; do
  command=${line%%#*}
  case $command in
    *"pagelab test"*) continue ;; # this is it
    *"pagelab fuzz"*) continue ;; # fuzz.sh
    *"pagelab cost"*--workload*) command="$command --no-lines" ;;
    *"pagelab explore"*|*"pagelab cost"*|*"pagelab replay"*--schedule*|*perfetto*) [ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || continue ;;
    *"pagelab run"*|*"pagelab bench"*) command="$command --smoke" ;;
    *"pagelab compare"*--fail-on-slower*) command="$command --force || [ \$? = 2 ]" ;; # smoke has no twins: nothing to gate by
    *"pagelab compare"*) command="$command --force" ;; # of smoke
    *"pagelab noise"*) command="$command --repetitions 1 --rounds 2 --min-time 0.001 --workload repeat || [ \$? = 1 ]" ;;
    *"pagelab scale"*) command="$command --to 64MiB --cpus 2 --min-time 0.001" ;;
    *"pagelab masked"*--search*) command=$(printf '%s' "$command" | sed 's/--search [0-9]*/--search 1/') ;;
    *"pagelab check"*--id*|*"pagelab check"*--claims*) ;;
    *"pagelab interrupt --mode"*) ;;
    *"pagelab interrupt"*) # partial; all of it is for a night, and a sanitizer's instructions are not worth it
      [ -x "$(dirname "$PAGELAB")/pagelab-sim" ] || continue
      command="$command --limit 1" ;;
    *"pagelab check"*) command="$command --id X-1" ;; # the whole matrix is the label checks'
  esac
  count=$((count + 1))
  said=$(printf '%s' "$command" | tr -s ' ' | sed 's/ $//')
  [ -z "${done[$said]:-}" ] || continue # two documents name it
  done[$said]=1
  got=0
  bash -c "$command" >out 2>err </dev/null || got=$?
  [ "$got" = 0 ] || fail "'$command': exit $got: $(head -c 300 err)"
done < <(find "$SOURCE/docs" -name '*.md' ! -name your-kernel.md | sort | # guide.sh follows that one
  xargs sed -n '/^```sh/,/^```/p' "$SOURCE/README.md" | grep -E '^\./pagelab ')
[ "$count" -ge 5 ] || fail "only $count commands found in the README"
finish
