/*
 * Finding cells without looking at all: by name, and those of a candidate beside another cell. An index is as
 * good as the cells that it points to: it is made after they were sorted, and freed before them.
 */
#ifndef REPORT_CELL_INDEX_H
#define REPORT_CELL_INDEX_H

#include "report/cells.h"

struct cell_index {
    const struct report_cell **by_name;
    const struct report_cell *
        *by_group; /* then by candidate, those that are ok first, in their list's order */
    size_t count;
};

/* False: no memory, nothing to free. */
bool cell_index_make(const struct report_cells *cells, struct cell_index *index);
void cell_index_free(struct cell_index *index);

/* NULL: there is none of that name. */
const struct report_cell *cell_index_find(const struct cell_index *index, const char *name);

/* The first cell of `candidate` that is ok and in the group of `cell`, which is of the same result; NULL. */
const struct report_cell *cell_index_beside(const struct cell_index *index, const struct report_cell *cell,
                                            const char *candidate);

#endif
