#!/bin/bash -eu
# The fuzz targets of the kernel's own allocator, with pagelab's build.sh.
kernel=${KERNEL_SOURCE:-$SRC/kernel}
export PAGELAB_SOURCE=${PAGELAB_SOURCE:-$kernel/third_party/pagelab}
export PAGELAB_EXTRA_BACKENDS=$kernel/pagelab
export PAGELAB_PAIRS=${PAGELAB_PAIRS:-page:runs;all:runs;schedule-page:runs}
bash -eu "$PAGELAB_SOURCE/.clusterfuzzlite/build.sh"
