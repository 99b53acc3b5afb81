#!/bin/sh
# mutants_are_listed.sh ROOT: each PL_MUTANT in the tree has one row in fuzz/mutants/list.c, each row's code is in the
# tree, in the folder that its name begins with, and each says when it is triggered.
set -eu
cd "$1"
list=fuzz/mutants/list.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=$(find allocators systems fuzz/mutants -name '*.[ch]' ! -path "$list")
uses() { grep -ohE "$1\\(\"[^\"]*\"" $sources | sed 's/.*"\(.*\)"/\1/' | sort -u; }
sed -nE 's/^ *\{"([^"]+)",.*/\1/p' "$list" >"$work/rows"
uses 'PL_MUTANT' >"$work/used"
uses 'PL_MUTANT_TRIGGERED' >"$work/triggered"
bad=0
say() { echo "$1" >&2; bad=1; }
[ -s "$work/rows" ] && [ -s "$work/used" ] || say "$list: rows, and PL_MUTANTs in the tree, expected"
for name in $(sort "$work/rows" | uniq -d); do say "$list: $name: one row expected"; done
sort -u "$work/rows" >"$work/sorted"
for name in $(comm -23 "$work/used" "$work/sorted"); do say "PL_MUTANT(\"$name\"): a row in $list expected"; done
for name in $(comm -13 "$work/used" "$work/sorted"); do say "$list: $name: a PL_MUTANT in the tree expected"; done
for name in $(comm -3 "$work/triggered" "$work/sorted"); do say "$name: a row and a PL_MUTANT_TRIGGERED expected"; done
for name in $(cat "$work/sorted"); do
    folder=${name%%-*}
    grep -lF "PL_MUTANT(\"$name\")" $sources | grep -q "/$folder[./]" ||
        say "$list: $name: code in a folder or file called $folder expected"
done
exit $bad
