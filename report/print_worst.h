/*
 * The worst programs that searches have found, as a table of its own: of each one call, timed alone, and what
 * was counted of it.
 */
#ifndef REPORT_PRINT_WORST_H
#define REPORT_PRINT_WORST_H

#include "report/cells.h"

/* The numbers that a row of such a workload has beside the others; for machines, in this order. */
#define WORST_KEYS 7
extern const char *const worst_keys[WORST_KEYS];

/* Is it one call of a stored program? */
bool cell_has_worst(const struct report_cell *cell);

/* Behind an empty line. False: no memory, or `out` is in error. */
bool worst_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out);

#endif
