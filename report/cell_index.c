/* See cell_index.h. Two sorted lists of addresses, each searched by halves. */
#include "report/cell_index.h"

#include <stdlib.h>
#include <string.h>

/* Names are unique in a result: rows of one name are one cell. */
static int name_compare(const void *left, const void *right)
{
    const struct report_cell *const *a = left;
    const struct report_cell *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

static int beside_compare(const struct report_cell *a, const struct report_cell *b)
{
    int order = cells_group_compare(a, b);

    if (order == 0) {
        order = strcmp(a->candidate, b->candidate);
    }
    return order != 0 ? order : cell_ok(b) - cell_ok(a);
}

static int group_compare(const void *left, const void *right)
{
    const struct report_cell *const *a = left;
    const struct report_cell *const *b = right;
    int order = beside_compare(*a, *b);

    return order != 0 ? order : (*a > *b) - (*a < *b);
}

bool cell_index_make(const struct report_cells *cells, struct cell_index *index)
{
    size_t room = cells->count + 1; /* never zero, so that NULL means no memory */

    *index = (struct cell_index){.by_name = calloc(room, sizeof *index->by_name),
                                 .by_group = calloc(room, sizeof *index->by_group),
                                 .count = cells->count};
    if (index->by_name == NULL || index->by_group == NULL) {
        cell_index_free(index);
        return false;
    }
    for (size_t i = 0; i < cells->count; i++) {
        index->by_name[i] = &cells->list[i];
        index->by_group[i] = &cells->list[i];
    }
    qsort(index->by_name, index->count, sizeof *index->by_name, name_compare);
    qsort(index->by_group, index->count, sizeof *index->by_group, group_compare);
    return true;
}

void cell_index_free(struct cell_index *index)
{
    free(index->by_name);
    free(index->by_group);
    *index = (struct cell_index){0};
}

const struct report_cell *cell_index_find(const struct cell_index *index, const char *name)
{
    const struct report_cell wanted = {.name = name};
    const struct report_cell *key = &wanted;
    const struct report_cell *const *found =
        index->count == 0 ? NULL
                          : bsearch(&key, index->by_name, index->count, sizeof *index->by_name, name_compare);

    return found == NULL ? NULL : *found;
}

const struct report_cell *cell_index_beside(const struct cell_index *index, const struct report_cell *cell,
                                            const char *candidate)
{
    struct report_cell wanted = *cell; /* its group */
    size_t low = 0;
    size_t high = index->count;

    wanted.candidate = candidate;
    wanted.status = "ok";
    while (low < high) { /* the first that is not before what is wanted; bsearch finds any */
        size_t middle = low + (high - low) / 2;

        if (beside_compare(index->by_group[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < index->count && beside_compare(index->by_group[low], &wanted) == 0 ? index->by_group[low]
                                                                                    : NULL;
}
