# The wrapper where it cannot install: it names what is missing and exits 2.
. "$SOURCE/tests/commands/expect.sh"
mkdir bin
real=$PATH
# A Debian without our packages, and nobody is root.
printf '#!/bin/sh\nexit 1\n' >bin/dpkg-query
printf '#!/bin/sh\necho 1000\n' >bin/id
chmod +x bin/*
expect 2 'missing packages: .*libbenchmark-dev.*apt-get install' env PATH="$WORK/bin:$real" "$SOURCE/pagelab" list
# No Debian at all: only the tools of a bare system.
mkdir bare
for tool in bash env sh id dirname readlink paste sed grep cat mktemp; do
  ln -s "$(command -v $tool)" bare/$tool
done
expect 2 'missing: .*cmake' /usr/bin/env PATH="$WORK/bare" "$SOURCE/pagelab" list
finish
