/*
 * What is left after a long life, as a table of its own: it has other columns than the times have.
 */
#ifndef REPORT_PRINT_AGE_H
#define REPORT_PRINT_AGE_H

#include "report/cells.h"

/* The numbers that a row of an ageing workload has beside the others; for machines, in this order. */
#define AGE_KEYS 21
extern const char *const age_keys[AGE_KEYS];

/* Was it looked at in old age? Too many failures take its time away, but not what was seen. */
bool cell_has_age(const struct report_cell *cell);

/* Behind an empty line. False: no memory, or `out` is in error. */
bool age_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out);

#endif
