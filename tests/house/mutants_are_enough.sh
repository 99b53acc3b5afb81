#!/bin/sh
# mutants_are_enough.sh ROOT: at least 70 mutants, ten of each kind, and four in the code of each backend whose source is
# ours. A rod that serves nothing, the wrappers of tests, what lies under a candidate, and libraries count for none.
set -eu
cd "$1"
list=fuzz/mutants/list.c
others=" null fault sleepy slower services jemalloc mimalloc "
bad=0
say() { echo "$1" >&2; bad=1; }
rows() { grep -cE "^ *\\{\"[^\"]+\", $1," "$list" || true; }
[ "$(rows 'MUTANT_[A-Z]+')" -ge 70 ] || say "$list: $(rows 'MUTANT_[A-Z]+') mutants, at least 70 expected"
for kind in SEQUENCE ARITHMETIC MEMORY RACE; do
    [ "$(rows "MUTANT_$kind")" -ge 10 ] || say "$list: $(rows "MUTANT_$kind") of MUTANT_$kind, at least 10 expected"
done
# Each family of promises is broken several times.
for family in F L S B X; do
    count=$(grep -cE "(\"|[ ])$family-[0-9]+[a-c]?[^\"]*\", (NULL|TWELVE)" "$list" || true)
    [ "$count" -ge 5 ] || say "$list: $count mutants break a promise $family, at least 5 expected"
done
backends=0
for folder in allocators/*/; do
    name=$(basename "$folder")
    case $others in *" $name "*) continue ;; esac
    backends=$((backends + 1))
    count=$(grep -ohE 'PL_MUTANT\("[^"]*"' "$folder"*.[ch] | sort -u | wc -l)
    [ "$count" -ge 4 ] || say "$folder: $count mutants, at least 4 expected"
done
[ "$backends" -ge 13 ] || say "allocators/: $backends backends seen, at least 13 expected"
exit $bad
