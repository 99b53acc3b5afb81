/* The checkout that this program was built from, as it was then. Generated: cmake/commit.cmake. */
#ifndef BENCH_BUILT_H
#define BENCH_BUILT_H

#include <stdbool.h>

extern const char built_commit[]; /* empty: built outside of a checkout */
extern const bool built_dirty;    /* with changes that were not committed */

#endif
