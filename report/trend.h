/* Many results of one machine by date: what became of each cell. */
#ifndef REPORT_TREND_H
#define REPORT_TREND_H

#include "report/report.h"

#define TREND_RESULTS_MAX 64u

/*
 * `results` are checked, at least one, in any order; sorted by date here. Those of another machine than the
 * newest are left out, and counted in the heading. A line a cell of the newest: its last medians, the change
 * since the first one, and every step that is more than chance. 0, or -1 and *error.
 */
int trend_print(const cJSON **results, size_t count, enum report_format format, bool colour, FILE *out,
                struct report_error *error);

/* By date: below 0, 0, above 0. */
int trend_order(const cJSON *left, const cJSON *right);

#endif
