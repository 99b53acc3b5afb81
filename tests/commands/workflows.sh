# The workflow files for others: they can be read, and each command in them is one that stands, with options and targets
# that it knows.
. "$SOURCE/tests/commands/expect.sh"
reader=$SOURCE/tests/commands/workflows.py
kernel=$SOURCE/examples/kernel-tree
expect 0 '' /usr/bin/python3 "$reader" "$SOURCE"/.github/workflows/*.yml "$kernel"/.github/workflows/*.yml
cp out read.json
[ "$(wc -l <read.json)" = 7 ] || fail "seven workflow files expected: $(cat read.json)"

cat >list.py <<'P'
import json, sys
for line in open("read.json"):
    found = json.loads(line)
    for what in found[sys.argv[1]]:
        print(found["file"].replace(" ", "_"), what)
P
# ClusterFuzzLite's four modes, each by the actions of its first version.
for mode in code-change batch prune coverage; do
  /usr/bin/python3 list.py modes | grep -q " $mode$" || fail "no workflow has the mode $mode"
done
/usr/bin/python3 list.py uses | grep -vE ' (google/clusterfuzzlite/actions/(build|run)_fuzzers@v1|actions/(checkout|cache/restore|cache/save|upload-artifact)@v4)$' &&
  fail "an action that is not known here"

# What is kept of a campaign: findings and reports, and no name with a colon, which the upload of all would stop at.
keeps() { # FILE PATHS
  local pair=${2%/*} kept
  rm -rf ground
  mkdir -p "ground/${pair//\*/runs-page}/corpora/page/buddy/afl/main/queue"
  (
    cd "ground/${pair//\*/runs-page}" && touch state lock buddy-page-A2-0badf00d.bin buddy-page-A2-0badf00d.txt report.txt &&
      touch corpora/page/buddy/afl/main/queue/id:000000,time:0 corpora/page/buddy/afl/main/fuzzer_stats
  )
  # shellcheck disable=SC2086 # a pattern on purpose
  kept=$(cd ground && find $2 2>/dev/null)
  for name in 0badf00d.bin 0badf00d.txt report.txt; do
    [[ $kept == *$name* ]] || fail "$1 keeps no $name: $kept"
  done
  [[ $kept != *:* ]] || fail "$1 keeps names that are refused: $kept"
}
/usr/bin/python3 list.py kept >kept
[ "$(wc -l <kept)" = 3 ] || fail "three workflows that keep findings expected: $(cat kept)"
while read -r file paths; do keeps "$file" "$paths"; done <kept

# The kernel's tree has the targets that its workflows build.
cmake -S "$kernel" -B tree -G Ninja -DPAGELAB="$SOURCE" >log 2>&1 || fail "the kernel's tree: $(tail -n 5 log)"
ninja -C tree -t targets all | sed 's/: .*//' >targets
while read -r file command; do
  case $command in
    *./pagelab*) pagelab_words=${command#*./pagelab } ;;
    *"/pagelab "*) pagelab_words=${command#*/pagelab } ;;
    "cmake --build build --target "*)
      target=$(cut -d' ' -f5 <<<"$command")
      grep -qx "$target" targets || fail "$file: $command: no such target"
      # One campaign's finding does not keep the others from starting.
      [[ $target != *-@(fuzz|change) || $command == *" -- -k 0" ]] || fail "$file: $command: -k 0 expected"
      continue ;;
    "cmake -S . -B build "*)
      for option in $(grep -oE -- '-D[A-Z_]+' <<<"$command"); do
        grep -q "^${option#-D}:" tree/CMakeCache.txt || fail "$file: $command: $option is no option"
      done
      continue ;;
    "apt-get update && apt-get install "* | "git -c safe.directory='*' worktree add base HEAD^1") continue ;;
    *) fail "$file: '$command' is not known here"; continue ;;
  esac
  case $command in # what another program starts
    "sh cmake/"*) [ -f "$SOURCE/$(cut -d' ' -f2 <<<"$command")" ] || fail "$file: $command: no such script"; continue ;;
  esac
  # shellcheck disable=SC2086 # words on purpose
  set -- $pagelab_words
  case $1 in
    setup | test)
      grep -qE "^  $1\)" "$SOURCE/pagelab" || fail "$file: the wrapper has no command $1"
      continue ;;
  esac
  "$PAGELAB" "$1" --help >help 2>err || fail "$file: pagelab $1 --help: $(head -n 2 err)"
  for option in "$@"; do
    [[ $option != --* ]] || grep -qE -- "$option(=| |$)" help || fail "$file: pagelab $1 has no $option"
  done
done < <(/usr/bin/python3 list.py run)
for candidate in $(/usr/bin/python3 list.py candidates | cut -d' ' -f2); do
  expect 0 '' "$PAGELAB" list "$candidate"
done
# None of ours is left out of a change.
/usr/bin/python3 list.py candidates | sed -n 's,^.*/change\.yml ,,p' | sort >tried
{ "$PAGELAB" list | awk '$2 == "candidate" && $1 !~ /^(jemalloc|mimalloc)/ { print $1 }'; echo percpu+buddy; } | sort >ours
diff ours tried >differ || fail "change.yml: the candidates whose source is ours expected: $(cat differ)"

# What replays the stored inputs tells a finding from none, and nothing from something.
mkdir -p corpora/seeds/page corpora/regress
expect 2 'stored inputs expected' sh "$SOURCE/cmake/replay_corpora.sh" "$PAGELAB" buddy corpora
cp "$SOURCE"/corpora/seeds/page/*.bin corpora/seeds/page
expect 0 '^[1-9][0-9]* inputs replayed on buddy$' sh "$SOURCE/cmake/replay_corpora.sh" "$PAGELAB" buddy corpora
expect 3 '' sh "$SOURCE/cmake/replay_corpora.sh" "$PAGELAB" 'fault(after=1)+null' corpora
# A file that is damaged is said, with its line.
sed 's/^jobs:$/jobs/' "$SOURCE/.github/workflows/change.yml" >wrong.yml
expect 1 '' /usr/bin/python3 "$reader" wrong.yml
grep -q '^wrong.yml: line [0-9]*: ' err || fail "a damaged file: $(cat err)"
sed 's/if: always()/if: success()/' "$kernel/.github/workflows/night.yml" >wrong.yml
expect 1 '' /usr/bin/python3 "$reader" wrong.yml
grep -q 'saved always expected' err || fail "corpora that are lost with a finding: $(cat err)"
finish
