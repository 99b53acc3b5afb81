/* Reads the trace that valgrind's tool lackey writes (--trace-mem=yes), line by line while it is written:
 * which 64-byte lines of data each call of a hook touched, and which function was the first to touch them.
 *
 *     I  0012ab30,4        an instruction of 4 bytes
 *      L 1ffeffe7e,8       a load, of the instruction above; S a store, M both
 *     pagelab-mark ...     from here on: a store to the mark begins a hook's call, and another one ends it */
#ifndef BENCH_COST_LACKEY_H
#define BENCH_COST_LACKEY_H

#include "bench/cost/profile.h"

struct lackey;

/* NULL: out of memory. */
struct lackey *lackey_new(void);
void lackey_delete(struct lackey *lackey); /* NULL is allowed */

/* One line, with or without its end. False: out of memory. */
bool lackey_line(struct lackey *lackey, const char *line);

/* After the last line: into the profile. Functions that are no part of this program go by "(library)". 0, or
 * -1 and one line in `error`. */
int lackey_finish(struct lackey *lackey, struct cost_profile *profile, struct cost_error *error);

#endif
