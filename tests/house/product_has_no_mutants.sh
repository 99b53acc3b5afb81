#!/bin/sh
# product_has_no_mutants.sh WITH OBJECT...: no object of the product knows a mutant. Each would have to ask which one is
# alive, by a function's name (include/pagelab/mutant.h), and say its own. WITH is an object that has mutants compiled
# in: if they are not seen there, this test is blind.
set -eu
with=$1
shift
asks() { nm "$1" | grep -c ' pl_mutant_' || true; }
[ "$(asks "$with")" -gt 0 ] || { echo "$with: a question for mutants expected: this test sees nothing" >&2; exit 1; }
bad=0
for object in "$@"; do
    if nm "$object" | grep ' pl_mutant_' >&2; then
        echo "$object: no question for mutants expected" >&2
        bad=1
    fi
done
exit $bad
