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
    bool known;
};

/* Shares of the processor time of all CPUs: 0 to 1. */
struct load_shares {
    double others;
    double steal; /* that the host took away */
    bool unknown; /* the machine does not say: 0 is no answer */
};

/* Above these a result is marked as measured on a loaded machine. */
#define LOAD_OTHERS_LIMIT 0.10
#define LOAD_STEAL_LIMIT  0.05

/* False: the machine does not say, and nothing is known. */
bool load_now(struct load *load);

/* The same of the text of /proc/stat, with `tick_s` seconds a tick and `own_s` seconds of our own. */
bool load_of_text(const char *text, double tick_s, double own_s, struct load *load);

/* 0 where less than 0.2 s have passed. */
struct load_shares load_between(const struct load *then, const struct load *now);
struct load_shares load_since(const struct load *then);

/* The larger of each, into *worst. */
void load_worst(struct load_shares *worst, const struct load_shares *shares);

/* What an earlier sitting left in its context.pagelab, for load_record; the caller deletes it. */
cJSON *load_earlier(const cJSON *ours);

/*
 * Into context.pagelab: `load` (others_share and steal_share since `then`, and the worst round's), and
 * `marks`, a list of what makes its times worth little: a build with assertions or a sanitizer, smoke mode,
 * load. Of a run of several sittings the worst counts, and no mark of an earlier one goes. `earlier`: NULL in
 * the first.
 */
void load_record(cJSON *ours, const struct load *then, const struct load_shares *worst_round,
                 const cJSON *earlier);

#endif
