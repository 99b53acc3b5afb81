/*
 * The tail of single operations, as a table of its own: percentiles and the worst, and the clock's beside
 * them.
 */
#ifndef REPORT_PRINT_TAIL_H
#define REPORT_PRINT_TAIL_H

#include "report/cells.h"

/* The numbers that a row of such a workload has beside the others; for machines, in this order. */
#define TAIL_KEYS 17
extern const char *const tail_keys[TAIL_KEYS];

/* Was each operation timed for itself? Also true of the clock. */
bool cell_has_tail(const struct report_cell *cell);

/* Behind an empty line. False: no memory, or `out` is in error. */
bool tail_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out);

#endif
