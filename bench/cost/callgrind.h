/* Reads what valgrind's tool callgrind writes ("Callgrind Format Specification" in its manual): what each
 * function executed itself. */
#ifndef BENCH_COST_CALLGRIND_H
#define BENCH_COST_CALLGRIND_H

#include <stdio.h>

#include "bench/cost/profile.h"

/* Adds the events Ir and Ge (--collect-bus=yes) of each function but the harness's own. A function without a
 * name goes by its file's: "libjemalloc.so.2". 0, or -1 and one line in `error`, which begins with `where`.
 */
int callgrind_read(FILE *file, const char *where, struct cost_profile *profile, struct cost_error *error);

#endif
