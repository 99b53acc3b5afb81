#!/usr/bin/env bash
# coverage.sh [-b CANDIDATES] [-d BUILD] [PATH...]: what stored programs reach of systems/ and allocators/.
#
# Replays every PATH, a program or a folder of them such as a campaign's corpora (default: all that is stored), and the
# boundary inputs of each family, in the plain runner of preset cover. Prints regions, lines and branches of each
# file, then the lines that were never reached. Needs clang-19 and llvm-19. Exit status: 0; 1 if a program had a
# finding, which is printed too; 2 if something is missing.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
candidates=reference,bitmap,buddy,percpu+buddy
build=$root/build/cover
while getopts b:d: option; do
  case $option in
    b) candidates=$OPTARG ;;
    d) build=$OPTARG ;;
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
cmake --build "$build" --target replay_all >"$scratch/log" 2>&1 || { grep -E 'error|FAILED' "$scratch/log" >&2; exit 2; }
program=$build/tests/regress/replay_all

# Stored texts and what explains them lie in the same folders; notes are no programs.
find "$@" -type f ! -name '*.md' ! -name '*.log' ! -name dictionary -print0 >"$scratch/files"
status=0
run() {
  local got=0
  LLVM_PROFILE_FILE=$scratch/%p.profraw "$@" 2>>"$scratch/findings" || got=$?
  case $got in 0 | 77) ;; *) status=1 ;; esac
}
for family in page vm area orb buffer all; do
  run "$program" -k -e "$family" "$candidates"
done
export LLVM_PROFILE_FILE=$scratch/%p.profraw
xargs -0 -r -n 2000 "$program" -k "$candidates" <"$scratch/files" 2>>"$scratch/findings" || status=1
[ ! -s "$scratch/findings" ] || head -n 40 "$scratch/findings" >&2

llvm-profdata-19 merge -o "$scratch/all.profdata" "$scratch"/*.profraw
cover() { llvm-cov-19 "$@" "$program" -instr-profile="$scratch/all.profdata" "$root/systems" "$root/allocators"; }

printf '%-44s %9s %9s %9s\n' file regions lines branches
cover report | awk '
  function percent(total, missed) { return total == 0 ? "-" : sprintf("%.1f%%", 100 * (total - missed) / total) }
  $1 ~ /\.[ch]$/ || $1 == "TOTAL" { printf "%-44s %9s %9s %9s\n", $1, percent($2, $3), percent($8, $9), percent($11, $12) }' |
  LC_ALL=C sort -k 1,1
printf '\nnever reached\n'
cover export -format=lcov | awk -v root="$root/" '
  function flush() {
    if (from == 0) return
    printf "%s%s%s", (shown++ ? ", " : "  " file ": "), from, (to > from ? "-" to : "")
    from = 0
  }
  /^SF:/ { file = substr($0, 4); sub("^" root, "", file); shown = 0; from = 0 }
  /^DA:/ {
    split(substr($0, 4), cell, ",")
    if (cell[2] > 0) flush(); else { if (from == 0) from = cell[1]; to = cell[1] }
  }
  /^end_of_record/ { flush(); if (shown) printf "\n" }' | LC_ALL=C sort
exit "$status"
