#!/bin/bash -eu
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite ask for them: $OUT/TARGET_CANDIDATE, with its seeds,
# dictionary and options beside it. $SRC, $WORK, $OUT, $CC, $CXX, $CFLAGS, $CXXFLAGS, $LIB_FUZZING_ENGINE, $SANITIZER,
# $FUZZING_ENGINE and $ARCHITECTURE are theirs. Ours, all optional:
#
#   PAGELAB_SOURCE  the checkout (default: $SRC/pagelab)
#   PAGELAB_PAIRS   TARGET:CANDIDATE;... instead of all
#   PAGELAB_EXTRA_BACKENDS  folders of backends to build in (docs/ci.md)
#
# Exit code 2: an engine, a sanitizer or an architecture that the targets are not made for.
source=${PAGELAB_SOURCE:-$SRC/pagelab}

refuse() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 2
}
case $FUZZING_ENGINE in
  libfuzzer | afl) ;;
  *) refuse "FUZZING_ENGINE=$FUZZING_ENGINE: libfuzzer or afl expected" ;;
esac
# Schedules are chosen where the thread sanitizer would look, and jump between stacks: the address sanitizer has no room
# beside it, and the counters of coverage would be data races.
schedules=ON
case $SANITIZER in
  address | coverage) schedules=OFF ;;
  undefined | none) ;;
  *) refuse "SANITIZER=$SANITIZER: address, undefined, coverage or none expected" ;;
esac
if [ "$SANITIZER" = undefined ]; then
  # Unsigned numbers wrap by definition. Their image asks for a word on each that does, and AFL++ takes it for a crash.
  export CFLAGS="$CFLAGS -fno-sanitize=unsigned-integer-overflow" CXXFLAGS="$CXXFLAGS -fno-sanitize=unsigned-integer-overflow"
fi
[ "$ARCHITECTURE" = x86_64 ] || refuse "ARCHITECTURE=$ARCHITECTURE: x86_64 expected"

build=$WORK/pagelab-$FUZZING_ENGINE-$SANITIZER
rm -rf "$build"
cmake -S "$source" -B "$build" -G Ninja -DPL_FUZZ=ON -DPL_FUZZ_ENGINE="$FUZZING_ENGINE" \
  -DPL_FUZZ_LINK="$LIB_FUZZING_ENGINE" -DPL_FUZZ_SCHEDULES=$schedules -DPL_FUZZ_PAIRS="${PAGELAB_PAIRS:-}" \
  -DPAGELAB_EXTRA_BACKENDS="${PAGELAB_EXTRA_BACKENDS:-}"
cmake --build "$build"

# A seed's name is its sum, as the engines name what they keep. CMake's zip: there may be no other.
kit() { # TARGET
  LLVM_PROFILE_FILE=/dev/null ASAN_OPTIONS=detect_leaks=0 \
    "$build/kit/pagelab-fuzz-kit" "$1" "$source/corpora/seeds" "$build/$1"
  (
    cd "$build/$1/seeds"
    for seed in *; do
      sum=$(sha1sum <"$seed")
      mv "$seed" "${sum%% *}"
    done
    cmake -E tar cf ../seeds.zip --format=zip -- *
  )
}
for program in "$build"/bin/*; do
  name=${program##*/}
  target=${name%%_*}
  [ -f "$build/$target/seeds.zip" ] || kit "$target"
  cp "$program" "$OUT/$name"
  cp "$build/$target/seeds.zip" "$OUT/${name}_seed_corpus.zip"
  cp "$build/$target/dictionary" "$OUT/$name.dict"
  cp "$build/$target/options" "$OUT/$name.options"
done
