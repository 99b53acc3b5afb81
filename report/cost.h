/* Prints what 'pagelab cost' counted (bench/cost): per operation, by candidate, with the functions that take
 * most of it. */
#ifndef REPORT_COST_H
#define REPORT_COST_H

#include "report/report.h"

/* `document` is {context, cost}. TABLE and MARKDOWN group by workload and order, least instructions first;
 * CSV is flat, and JSON the document itself. 0, or -1 and *error. */
int report_cost_print(const cJSON *document, enum report_format format, bool colour, FILE *out,
                      struct report_error *error);

/* The rows of a cost file that was read. NULL: it is none, and *error says so. */
const cJSON *report_cost_rows(const cJSON *document, const char *where, struct report_error *error);

/* The counts of a row, in the order in which they are printed; NULL-terminated. */
extern const char *const report_cost_counts[];

/* The key of a range's upper end. */
void report_cost_high(const char *count, char *key, size_t bytes);

#endif
