#!/bin/sh
# format.sh ROOT: every source is as clang-format leaves it. 77 where that is not installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/sources.sh"
command -v clang-format-19 >/dev/null || exit 77
list_sources | xargs clang-format-19 --dry-run --Werror
