/*
 * The noise of a run, from the twins that it measured: one candidate as if it were two, in the same rounds as
 * all others (context.pagelab.twins). What tells the twins apart is no difference between candidates.
 */
#ifndef REPORT_NOISE_H
#define REPORT_NOISE_H

#include <cjson/cJSON.h>

/*
 * Puts `noise`, `ci_low`, `ci_high` and `bimodal` into each median row that is ok.
 *
 * `noise` says how far from 1 a ratio of this cell to an equal one may be by chance: 0.06 is 6 per cent. It
 * is the largest of what the twins of its workload say, what those of its order and CPUs say, and what its
 * own repetitions differ by. It is absent where no twin was measured in its workload or section.
 *
 * `ci_low` and `ci_high` are 95 per cent of its median, in ns; absent with one repetition. `bimodal` is true,
 * or absent.
 *
 * Into context.pagelab comes a list `noise`, by workload, of what the twins gave. Idempotent.
 */
void noise_annotate(cJSON *result);

#endif
