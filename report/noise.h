/*
 * The noise of a run, from the twins that it measured: one candidate as if it were two, in the same rounds as
 * all others (context.pagelab.twins). What tells the twins apart is no difference between candidates.
 */
#ifndef REPORT_NOISE_H
#define REPORT_NOISE_H

#include <cjson/cJSON.h>

/*
 * Puts into each median row that is ok
 *   noise            how far from 1 a ratio of two cells of its workload may be by chance: 0.06 is 6 per
 * cent; absent: no twin was measured in its workload or section ci_low, ci_high  95 per cent of its median,
 * ns; absent: one repetition bimodal          true, or absent and into context.pagelab a list `noise`, by
 * workload, of what the twins gave. Idempotent.
 */
void noise_annotate(cJSON *result);

#endif
