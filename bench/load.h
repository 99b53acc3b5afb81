/* What others did to the machine while something was measured: /proc/stat, less what this process and its
 * children used. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct load {
    double busy_s; /* of all CPUs, ours taken off */
    double steal_s;
    double total_s;
};

/* Shares of the processor time of all CPUs: 0 to 1. */
struct load_shares {
    double others;
    double steal; /* that the host took away */
};

/* Above these a result is marked as measured on a loaded machine. */
#define LOAD_OTHERS_LIMIT 0.10
#define LOAD_STEAL_LIMIT  0.05

/* False: the machine does not say, and *load is 0. */
bool load_now(struct load *load);

/* Since then; 0 where less than 0.2 s have passed or the machine does not say. */
struct load_shares load_since(const struct load *then);

/*
 * Into context.pagelab: `load` (others_share and steal_share since `then`, and the worst round's), and
 * `marks`, a list of what makes its times worth little: a build with assertions or a sanitizer, smoke mode,
 * load.
 */
void load_record(cJSON *ours, const struct load *then, const struct load_shares *worst_round);

#endif
