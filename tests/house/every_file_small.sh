#!/bin/sh
# every_file_small.sh ROOT: a source of more than 600 lines is two.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/sources.sh"
list_sources | xargs awk '
    FNR == 601 { printf "%s: more than 600 lines\n", FILENAME; bad = 1 }
    END { exit bad }' >&2
