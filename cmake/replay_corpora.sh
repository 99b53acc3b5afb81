# sh replay_corpora.sh PAGELAB CANDIDATE CORPORA: replays every stored input of CORPORA (seeds, regressions) on the
# candidate. Exit code 0; 3: a finding, named on stderr; 2: an input that cannot be run.
set -u
count=0
worst=0
for input in "$3"/seeds/*/*.bin "$3"/regress/*.bin; do
  [ -f "$input" ] || continue
  count=$((count + 1))
  got=0
  said=$("$1" replay "$input" --quiet --backend "$2" 2>&1) || got=$?
  [ "$got" = 0 ] || printf '%s: %s\n' "$input" "$said" >&2
  [ "$got" -le "$worst" ] || worst=$got
done
if [ "$count" = 0 ]; then
  printf '%s: stored inputs expected: seeds/, regress/\n' "$3" >&2
  exit 2
fi
printf '%s inputs replayed on %s\n' "$count" "$2"
exit "$worst"
