#!/bin/sh
# no_writable_static_data.sh OBJECT...: backends keep all state in the metadata that the caller owns. Lists every
# symbol of an object in a writable section; .data.rel.ro is constant once the program runs.
set -eu
bad=0
for object in "$@"; do
    found=$(objdump -t "$object" | awk '
        { section = ""; for (i = 2; i <= NF; i++) if ($i ~ /^(\.|\*COM\*)/) { section = $i; break } }
        section ~ /^\.(data|bss|tdata|tbss)/ && section !~ /^\.data\.rel\.ro/ && $NF != section { print $NF }
        section == "*COM*" { print $NF }')
    if [ -n "$found" ]; then
        echo "$object: writable static data: $(echo "$found" | tr '\n' ' ')" >&2
        bad=1
    fi
done
exit $bad
