#!/usr/bin/env bash
# coverage.sh [-nt] [-b CANDIDATES] [-d BUILD] [-o FILE] [-p PAGE] [PATH...]: what stored programs reach of systems/, allocators/.
#
# Replays every PATH, a program or a folder of them such as a campaign's corpora (default: all that is stored), and,
# without -n, the boundary inputs of each family, in the plain runner of preset cover; -t runs the test suite in it as
# well. Prints the edges and lines reached of each file, then the lines that never were, with the reasons of
# coverage_reasons.txt; -p writes the same of CANDIDATES only as a page, candidate by candidate; -o keeps llvm-cov's
# export, from which coverage.py prints that again. What only a failed assertion or a lie would
# take is no edge. Needs clang-19 and llvm-19. Exit status: 0; 1 if a program had a finding or a test failed, which is
# printed too; 2 if something is missing.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
candidates='reference,bitmap,buddy,percpu+buddy,percpu(batch=4,high=8)+bitmap,buddy,va=list,tables=stack,buf=run,'
candidates+='buddy,va=vmem,tables=prealloc,buf=pool,linux,freebsd,xnu,freelist,llfree,nbbs,nbbs-hint,tlsf,tlsf-runs,'
candidates+='slate,jemalloc-notcache,mimalloc'
build=$root/build/cover
tests=
keep=
page=
boundary='page vm area orb buffer all'
while getopts ntb:d:o:p: option; do
  case $option in
    n) boundary= ;;
    t) tests=1 ;;
    p) page=$OPTARG ;;
    b) candidates=$OPTARG ;;
    d) build=$OPTARG ;;
    o) keep=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- "$root/corpora/seeds" "$root/corpora/regress"
for tool in clang-19 llvm-profdata-19 llvm-cov-19; do
  command -v "$tool" >/dev/null || { echo "coverage: $tool: not in PATH" >&2; exit 2; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[ -f "$build/build.ninja" ] || (cd "$root" && cmake --preset cover -B "$build") >"$scratch/log" 2>&1 ||
  { tail -n 20 "$scratch/log" >&2; exit 2; }
cmake --build "$build" --target "$([ -n "$tests" ] && echo all || echo replay_all)" >"$scratch/log" 2>&1 ||
  { grep -E 'error|FAILED' "$scratch/log" >&2; exit 2; }
program=$build/tests/regress/replay_all

# Stored texts and what explains them lie in the same folders; notes are no programs, nor is what a fuzzer keeps about
# them (AFL++'s .cur_input, .state/, fuzzer_stats ...) or an empty file. Corpora share most of their seeds: once each.
find "$@" -name '.?*' -prune -o -type f -size +0 ! -name '*.md' ! -name '*.log' ! -name dictionary \
  ! -name 'fuzzer_s*' ! -name plot_data ! -name cmdline ! -name fastresume.bin ! -name target_hash \
  ! -name fuzz_bitmap -print0 | xargs -0 -r md5sum -z | sort -z -u -k 1,1 | cut -z -c 35- >"$scratch/files"
status=0
run() {
  local got=0
  LLVM_PROFILE_FILE=$scratch/%4m.profraw "$@" 2>>"$scratch/findings" || got=$?
  case $got in 0 | 77) ;; *) status=1 ;; esac
}
for family in $boundary; do
  run "$program" -k -e "$family" "$candidates"
done
export LLVM_PROFILE_FILE=$scratch/%4m.profraw
xargs -0 -r -n 500 -P 2 "$program" -k "$candidates" <"$scratch/files" 2>>"$scratch/findings" || status=1
if [ -n "$tests" ]; then
  # The liars and the lying systems are other code under the same names.
  ctest --test-dir "$build" -j 2 -LE 'house|bench-smoke' -E '^lies|runner|expect|commands.fuzz' >"$scratch/log" 2>&1 ||
    { status=1; grep -E 'Failed|Timeout' "$scratch/log" >&2 || true; }
fi
[ ! -s "$scratch/findings" ] || head -n 40 "$scratch/findings" >&2

llvm-profdata-19 merge -o "$scratch/all.profdata" "$scratch"/*.profraw
# Inline functions of headers count for the program that has them: the unit tests', too.
objects=()
if [ -n "$tests" ]; then
  mapfile -t objects < <(find "$build/tests/unit" -maxdepth 1 -type f -perm -100 -name 'test_*' \
    ! -name '*runner' ! -name '*expect' -printf '-object\n%p\n')
fi
llvm-cov-19 export "$program" "${objects[@]}" -instr-profile="$scratch/all.profdata" "$root/systems" \
  "$root/allocators" >"$scratch/all.json"
[ -z "$keep" ] || cp "$scratch/all.json" "$keep"
/usr/bin/python3 "$root/tests/coverage.py" "$root" "$scratch/all.json" ${page:+"$page" "$candidates"}
exit "$status"
