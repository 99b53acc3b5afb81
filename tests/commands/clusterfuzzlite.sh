# .clusterfuzzlite/build.sh without a container, with the environment that OSS-Fuzz gives it: for each of CONFIGURATIONS
# (engine-sanitizer), what lies in $OUT is complete, runs with the C library alone, from its seeds, and sees the canary.
. "$SOURCE/tests/commands/expect.sh"
[ -z "${NIGHT:-}" ] || [ -n "${PAGELAB_NIGHT:-}" ] || exit 77 # minutes
for tool in clang-19 clang++-19 llvm-cov-19 readelf nm; do command -v $tool >/dev/null || exit 77; done
export ARCHITECTURE=x86_64 SRC=$WORK PAGELAB_SOURCE=$SOURCE
common="-fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
undefined=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute
undefined+=,shift,signed-integer-overflow,unreachable,vla-bound,vptr

# What their image sets: base-builder's `compile` and `compile_afl`.
configure() { # ENGINE SANITIZER
  local flags
  FUZZING_ENGINE=$1 SANITIZER=$2
  case $2 in
    address) flags="-fsanitize=address -fsanitize-address-use-after-scope" ;;
    undefined) flags="-fsanitize=$undefined,unsigned-integer-overflow -fno-sanitize-recover=$undefined" ;;
    coverage) flags="-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed -Wl,-ldl -Wl,-lm -Wno-unused-command-line-argument" ;;
    none) flags= ;;
  esac
  if [ "$1" = afl ]; then
    CC=afl-clang-fast CXX=afl-clang-fast++ LIB_FUZZING_ENGINE=$WORK/libFuzzingEngine.a
    cp "$(find /usr/lib/afl /usr/local/lib/afl -name libAFLDriver.a 2>/dev/null | head -n 1)" "$LIB_FUZZING_ENGINE"
    export AFL_QUIET=1
  else
    CC=clang-19 CXX=clang++-19 LIB_FUZZING_ENGINE=-fsanitize=fuzzer
    [ "$2" = coverage ] || flags+=" -fsanitize=fuzzer-no-link"
  fi
  CFLAGS="${LEVEL:--O1} $common $flags" CXXFLAGS=$CFLAGS
  OUT=$WORK/products/$1-$2 WORK_OF_BUILD=$WORK/work
  mkdir -p "$OUT" "$WORK_OF_BUILD"
  export FUZZING_ENGINE SANITIZER CC CXX LIB_FUZZING_ENGINE CFLAGS CXXFLAGS OUT
}
script=${SCRIPT:-$SOURCE/.clusterfuzzlite/build.sh}
build() { WORK=$WORK_OF_BUILD bash -eu "$script"; }

# Each program has a name that they take, what lies beside it, and nothing from outside but the C library.
complete() {
  local program name
  [ -n "$(ls "$OUT")" ] || fail "nothing in \$OUT"
  for program in "$OUT"/*; do
    name=${program##*/}
    case $name in *.zip | *.dict | *.options) continue ;; esac
    [[ $name =~ ^[a-zA-Z0-9_-]+$ ]] && [ -x "$program" ] || fail "$name: no program that they start"
    grep -q LLVMFuzzerTestOneInput "$program" || fail "$name: they look for LLVMFuzzerTestOneInput in it"
    readelf -d "$program" >dynamic
    if grep -oE '(NEEDED|RPATH|RUNPATH).*\[.*\]' dynamic |
      grep -vE 'NEEDED.*\[(lib(c|m|dl|rt|pthread|resolv)\.so\.[0-9]+|ld-linux-x86-64\.so\.2)\]'; then
      fail "$name needs more than the C library: $(ldd "$program")"
    fi
    for beside in "_seed_corpus.zip" .dict .options; do
      [ -s "$program$beside" ] || fail "$name$beside is missing"
    done
    grep -q '^\[libfuzzer\]' "$program.options" || fail "$name.options: $(cat "$program.options")"
  done
}

# In the folder and with the environment of nobody, as run_fuzzer starts it.
start() { # PROGRAM ARGUMENT...
  local program=$1
  shift
  (cd "$OUT" && env -i "LLVM_PROFILE_FILE=$WORK/%p.profraw" "./$program" "$@") >log 2>&1 </dev/null
}
seeds_of() { # PROGRAM
  rm -rf "$WORK/seeds" "$WORK/kept" && mkdir -p "$WORK/seeds" "$WORK/kept"
  (cd "$WORK/seeds" && cmake -E tar xf "$OUT/$1_seed_corpus.zip") || fail "$1_seed_corpus.zip cannot be unpacked"
  [ "$(ls "$WORK/seeds" | wc -l)" -gt 10 ] || fail "$1: $(ls "$WORK/seeds" | wc -l) seeds"
}
# A file of nothing that is a program changes nothing and is no finding; one that is not there is said.
wrong_inputs() { # PROGRAM
  head -c 300000 /usr/bin/env >"$WORK/wrong"
  : >"$WORK/nothing"
  start "$1" "$WORK/wrong" "$WORK/nothing" || fail "$1: a wrong input: $(tail -n 5 log)"
  ! start "$1" "$WORK/absent" || [ "$FUZZING_ENGINE" = afl ] || fail "$1: an absent input is no mistake"
}
run_libfuzzer() { # PROGRAM
  seeds_of "$1"
  start "$1" -seed=1337 -runs=4 && grep -q 'Done 4 runs' log || fail "$1: from nothing: $(tail -n 5 log)"
  start "$1" -runs=300 "-dict=$1.dict" $(sed -n 's/^\([a-z_]*\) = \(.*\)/-\1=\2/p' "$OUT/$1.options") "$WORK/kept" "$WORK/seeds" &&
    grep -q 'Done ' log || fail "$1: with its seeds: $(tail -n 5 log)"
  if [ "$SANITIZER" != coverage ]; then
    [ "$(grep -oE 'Loaded 1 modules +\([0-9]+' log | grep -oE '[0-9]+$')" -ge 100 ] || fail "$1: no instrumentation"
  fi
  wrong_inputs "$1"
}
run_afl() { # PROGRAM
  seeds_of "$1"
  (cd "$OUT" && env -i PATH="$PATH" AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_SKIP_CRASHES=1 \
    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_FAST_CAL=1 afl-fuzz -i "$WORK/seeds" -o "$WORK/kept" -m none -V 3 -t 5000 \
    -x "$1.dict" -- "./$1") >log 2>&1 || fail "$1: afl-fuzz: $(tail -n 15 log)"
  [ "$(sed -n 's/^execs_done *: //p' "$WORK/kept/default/fuzzer_stats")" -gt 100 ] || fail "$1: AFL++ ran nothing"
  wrong_inputs "$1"
}
# A candidate that is wrong on purpose, which the program knows by how it was built alone.
canary() { # TARGET CANDIDATE
  seeds_of "$1_$2"
  local got=0 wanted=77 # libFuzzer's code for what it found
  if [ "$FUZZING_ENGINE" = afl ]; then
    wanted=134 # by signal 6
    start "$1_$2" "$WORK"/seeds/* || got=$?
  else
    start "$1_$2" -runs=300000 "-artifact_prefix=$WORK/kept/" "$WORK/kept" "$WORK/seeds" || got=$?
  fi
  [ "$got" = "$wanted" ] || fail "$1_$2: exit $got, $wanted expected: it is not caught"
  grep -q "pagelab finding: .* backend=$2 target=$1" log || fail "$1_$2: $(tail -n 5 log)"
}

# What a coverage report is made of: the runs have covered lines of the candidate.
covered() {
  llvm-profdata-19 merge -o all.profdata "$WORK"/*.profraw &&
    llvm-cov-19 export -format=lcov -instr-profile=all.profdata "$OUT/page_buddy" >lcov &&
    sed -n '/^SF:.*\/buddy\.c$/,/^end_of_record/p' lcov | grep -q '^DA:[0-9]*,[1-9]'
}

# AFL++'s clang may be one of which no schedule is fuzzed, since it sees races that there are not; ours is none.
blind_compiler() { # ENGINE LOG
  [ "$1" = afl ] && grep -q 'no schedule targets' "$2"
}

for configuration in ${CONFIGURATIONS:-libfuzzer-address}; do
  engine=${configuration%-*} sanitizer=${configuration#*-}
  [ "$engine" != afl ] || command -v afl-clang-fast >/dev/null || exit 77
  configure "$engine" "$sanitizer"
  # shellcheck disable=SC2086 # words on purpose
  echo 'int main(void) { return 0; }' | $CC $CFLAGS -x c - -o probe 2>probe.log ||
    { echo "$CC has no runtime for $configuration: $(tail -n 1 probe.log)"; exit 77; }
  export PAGELAB_PAIRS=${PAIRS:-page:buddy;page:canary}
  build >build.log 2>&1 || fail "$configuration: $(tail -n 20 build.log)"
  complete
  pairs=${PAGELAB_PAIRS//;/ }
  for pair in $pairs; do
    name=$(sed -E 's/[^a-zA-Z0-9_-]+/_/g' <<<"$pair")
    ! blind_compiler "$engine" build.log || [[ $name != schedule* ]] || { echo "skipped: $name, this compiler has no schedule targets"; continue; }
    [ -x "$OUT/$name" ] || { [[ $name-$sanitizer =~ ^schedule.*-(address|coverage)$ ]] || fail "$configuration: no $name"; continue; }
    case $pair in
      *:canary*) canary "${pair%:*}" "${pair#*:}" ;;
      *) "run_$engine" "$name" ;;
    esac
  done
  case $sanitizer in
    address) nm "$OUT/page_canary" | grep -q __asan_report ;;
    undefined) nm "$OUT/page_canary" | grep -q __ubsan_handle ;;
    coverage) covered ;;
    none) ! nm "$OUT/page_canary" | grep -qE '__(asan_report|ubsan_handle)' ;;
  esac || fail "$configuration: built without it"
done

# Without pairs, every candidate whose source is ours has its programs: configured, not built.
every_pair() {
  local candidate
  "$PAGELAB" list >listed || fail "pagelab list: $?"
  awk '$2 == "candidate" { print $1 }' listed | grep -vE '^(jemalloc|jemalloc-notcache|mimalloc)$' >ours
  for candidate in $(cat ours) percpu_buddy; do
    printf '%s\n' {page,all,schedule-page}_"$candidate"
  done >wanted
  printf '%s\n' {vm,area,orb,buffer,schedule-all}_buddy >>wanted
  cmake -S "$SOURCE" -B every -G Ninja -DPL_FUZZ=ON -DPL_FUZZ_ENGINE="$FUZZING_ENGINE" \
    -DPL_FUZZ_LINK="$LIB_FUZZING_ENGINE" >every.log 2>&1 || fail "all pairs: $(tail -n 5 every.log)"
  ninja -C every -t targets all | sed -n 's,^bin/\([^:]*\):.*,\1,p' | sort >every.names
  ! blind_compiler "$FUZZING_ENGINE" every.log || sed -i '/^schedule-/d' wanted
  sort wanted | diff - every.names >differ || fail "programs that are built without PAGELAB_PAIRS: $(cat differ)"
}
[ -n "${SCRIPT:-}" ] || every_pair # a script of others has pairs of its own

# What the targets are not made for is one line.
refused() { # VARIABLE VALUE
  local was=${!1}
  export "$1=$2"
  expect 2 "^build.sh: $1=$2: .* expected" build
  export "$1=$was"
}
refused FUZZING_ENGINE honggfuzz
refused SANITIZER memory
refused ARCHITECTURE i386
finish
