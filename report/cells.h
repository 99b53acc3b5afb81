/*
 * Cells: what a run measured, one for each candidate, workload and setting.
 *
 * A cell gathers the rows of one name (its repetitions and their median) and lets one of them speak: the
 * first that went wrong, else the median, else the middle repetition. So no time is shown for a cell of which
 * one repetition failed.
 */
#ifndef REPORT_CELLS_H
#define REPORT_CELLS_H

#include "report/report.h"

struct report_cell {
    const cJSON *row; /* the row that speaks; belongs to the result, as all texts here do */
    const char *name;
    const char *candidate;
    const char *workload;
    const char *status; /* "ok" exactly where ns may be shown */
    const char *reason;
    char variant[64];     /* settings in the name other than order and CPUs, as "mode:serial"; "" for none */
    double order;         /* -1: the workload has none */
    double cpus;          /* -1: not said */
    double ns;            /* valid where the cell is ok, in nanoseconds whatever unit the file uses */
    double *samples;      /* ns of each repetition that went well, in the order of the file */
    const cJSON **rounds; /* the row of each of them */
    size_t sample_count;
    size_t first_row;      /* place in the file */
    size_t workload_place; /* place of the workload's first row in the file, calibrations behind all others */
};

struct report_cells {
    struct report_cell *list; /* in the order of the file */
    size_t count;
};

/* `result` is checked, and outlives the cells. False: no memory, nothing to free. */
bool cells_collect(const cJSON *result, struct report_cells *cells);
void cells_free(struct report_cells *cells);

bool cell_ok(const struct report_cell *cell);

/* Is there one of which that is true? */
bool cells_any(const struct report_cells *cells, bool (*is)(const struct report_cell *cell));

/* Sorts into groups of one workload, order, CPUs and variant; within a group the fastest first, failed ones
 * last. */
void cells_sort(struct report_cells *cells);
bool cells_same_group(const struct report_cell *a, const struct report_cell *b);

/* Below 0, 0 or above 0: which group comes first; both cells are of one result. */
int cells_group_compare(const struct report_cell *a, const struct report_cell *b);

#endif
