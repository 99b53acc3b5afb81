# Two instances of AFL++ on one sync folder, as on two machines (docs/ci.md): the second starts with the empty
# program alone and takes over what the first found.
. "$SOURCE/tests/commands/expect.sh"
drivers=$SOURCE/build/fuzz/bin
[ -x "$drivers/pagelab-fuzz-afl" ] && [ -f "$drivers/pagelab-mutator-afl.so" ] && command -v afl-fuzz >/dev/null || exit 77
export PAGELAB_TARGET=page PAGELAB_BACKEND=buddy AFL_CUSTOM_MUTATOR_LIBRARY=$drivers/pagelab-mutator-afl.so
export AFL_CUSTOM_MUTATOR_ONLY=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
mkdir seeds empty
cp "$SOURCE"/corpora/seeds/page/*.bin seeds
head -c 8 /dev/zero >empty/empty

instance() { # NAME SEEDS SECONDS
  exec afl-fuzz -i "$2" -o sync -S "$1" -m none -t 5000 -V "$3" -- "$drivers/pagelab-fuzz-afl" >"$1.log" 2>&1
}
# The first goes on until the second has ended, however slow the machine is.
(instance first seeds 240) &
first=$!
for _ in $(seq 300); do
  [ "$(ls sync/first/queue 2>/dev/null | wc -l)" -gt 3 ] && break
  sleep 0.2
done
(AFL_IMPORT_FIRST=1 instance second empty 5) || fail "the second instance: $(tail -n 10 second.log)"
kill $first 2>/dev/null || fail "the first instance: $(tail -n 10 first.log)"
wait $first
for name in first second; do
  [ "$(sed -n 's/^execs_done *: //p' sync/$name/fuzzer_stats)" -gt 10 ] || fail "$name ran nothing: $(tail -n 10 $name.log)"
  [ -z "$(find sync/$name/crashes -name 'id:*')" ] || fail "$name found something in buddy"
done
find sync/second/queue -name '*sync:first*' | grep -q . ||
  fail "the second took nothing over: $(ls sync/second/queue | head -n 5)"
finish
