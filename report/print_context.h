/*
 * Replays split by the context that their events were recorded in, as a table of its own.
 */
#ifndef REPORT_PRINT_CONTEXT_H
#define REPORT_PRINT_CONTEXT_H

#include "report/cells.h"

/* The numbers that a row of a replay has beside the others; for machines, in this order. */
#define CONTEXT_KEYS 12
extern const char *const context_keys[CONTEXT_KEYS];

/* Was each event timed for itself? */
bool cell_has_contexts(const struct report_cell *cell);

/* Behind an empty line. False: no memory, or `out` is in error. */
bool context_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out);

#endif
