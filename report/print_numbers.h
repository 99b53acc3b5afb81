/* The numbers of a cell as text, for the tables of people and of machines. */
#ifndef REPORT_PRINT_NUMBERS_H
#define REPORT_PRINT_NUMBERS_H

#include "report/cells.h"

#define CELL_TEXT_MAX 16

/* The eight numbers of a cell, as text; "-" where the cell has none. */
struct cell_numbers {
    char ns[CELL_TEXT_MAX];
    char floor_ratio[CELL_TEXT_MAX];
    char magazine_ratio[CELL_TEXT_MAX];
    char calls[CELL_TEXT_MAX]; /* systems only: that an operation made of the candidate */
    char failures[CELL_TEXT_MAX];
    char occupancy[CELL_TEXT_MAX];
    char metadata[CELL_TEXT_MAX];
    char largest[CELL_TEXT_MAX];
};

void cell_numbers_fill(struct cell_numbers *numbers, const struct report_cell *cell, bool ratios_count,
                       bool machine);

/* A row's number; "-" where it has none, also if `row` is NULL. The first as the numbers above, the second
 * without decimals. */
void field_format(const cJSON *row, const char *key, bool machine, char text[CELL_TEXT_MAX]);
void field_format_whole(const cJSON *row, const char *key, char text[CELL_TEXT_MAX]);

#endif
