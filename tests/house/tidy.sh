#!/bin/sh
# tidy.sh ROOT BUILD [deep]: clang-tidy over every C source of ours that this build compiles; deep adds the static
# analyzer, which takes minutes. 77 where it is not installed.
set -eu
command -v clang-tidy-19 >/dev/null || exit 77
cd "$1"
checks=
[ "${3:-}" != deep ] ||
    checks='--checks=clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-optin.performance.Padding'
# Generated files are in the build folder. Its notes on how much it hid go nowhere.
found=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$2/compile_commands.json" | grep '\.c$' | grep -v "^$2/" |
    sort -u | xargs -P 2 -n 4 clang-tidy-19 --quiet $checks -p "$2" --extra-arg=-Wno-unknown-warning-option 2>/dev/null) ||
    {
        echo "$found" >&2
        exit 1
    }
