/* A result for people: groups of rows under headings, the reasons of what is missing below each. */
#ifndef REPORT_PRINT_PEOPLE_H
#define REPORT_PRINT_PEOPLE_H

#include "report/cells.h"
#include "report/table.h"

/* `heading` comes first. What counts calls of the candidate is a table of its own, after the others. */
bool people_print(const struct report_cells *cells, const char *heading, bool ratios_count,
                  enum report_format format, bool colour, FILE *out);

/* Whether its frees and allocations were exact or batched. */
const char *cell_admission(const struct report_cell *cell);

#endif
