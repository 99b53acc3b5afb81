#!/bin/sh
# no_machine_paths.sh ROOT: no source names a folder of somebody's machine. Tests may make scratch folders.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/sources.sh"
found=$({ list_sources; list_scripts; } | grep -v '^\./tests/' |
    xargs grep -nE '(^|[^A-Za-z0-9_.}-])/(home|root|tmp|Users)/' || true)
if [ -n "$found" ]; then
    echo "$found" >&2
    exit 1
fi
