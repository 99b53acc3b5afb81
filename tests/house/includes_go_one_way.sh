#!/bin/sh
# includes_go_one_way.sh ROOT: contract <- allocators, platform; contract <- systems <- engine <- fuzz, bench, report
# <- cli. A backend includes no other room, and no other backend. Lists each include that goes the wrong way.
set -eu
rules=$(cd "$(dirname "$0")" && pwd)/includes_go_one_way.awk
cd "$1"
find include allocators platform systems engine fuzz bench report cli \
    \( -name '*.[ch]' -o -name '*.cc' \) -print | sort | xargs awk -f "$rules" >&2
