/* See print_worst.h. */
#include "report/print_worst.h"

#include "report/print_numbers.h"
#include "report/result.h"
#include "report/table.h"

const char *const worst_keys[WORST_KEYS] = {
    "call_instructions", "call_accesses", "call_locked", "call_ns_least",
    "call_ns_longest",   "call_runs",     "call_frames",
};

static const struct table_column columns[] = {
    {"candidate", TABLE_LEFT}, {"ns, median", TABLE_RIGHT},   {"least", TABLE_RIGHT},
    {"longest", TABLE_RIGHT},  {"instructions", TABLE_RIGHT}, {"accesses", TABLE_RIGHT},
    {"locked", TABLE_RIGHT},   {"frames", TABLE_RIGHT},       {"operation", TABLE_LEFT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

bool cell_has_worst(const struct report_cell *cell)
{
    double runs = 0;

    return cell_ok(cell) && result_number(cell->row, "call_runs", &runs);
}

static bool worst_row(struct table *table, const struct report_cell *cell)
{
    static const char *const shown[] = {"real_time",         "call_ns_least", "call_ns_longest",
                                        "call_instructions", "call_accesses", "call_locked",
                                        "call_frames"};
    char texts[COLUMNS][CELL_TEXT_MAX];
    const char *cells[COLUMNS] = {cell->candidate};
    size_t at = 1;

    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++, at++) {
        field_format_whole(cell->row, shown[i], texts[at]);
        cells[at] = texts[at];
    }
    cells[at] = result_text(cell->row, "operation");
    return table_add_row(table, cells);
}

bool worst_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    const struct report_cell *group = NULL;
    bool complete = table != NULL;

    for (size_t i = 0; complete && i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (!cell_has_worst(cell)) {
            continue;
        }
        if (group == NULL || !cells_same_group(group, cell)) {
            complete = table_add_heading(table, cell->workload);
            group = cell;
        }
        complete = complete && worst_row(table, cell);
    }
    complete = complete && fputc('\n', out) != EOF && table_print(table, format, colour, out);
    table_destroy(table);
    return complete;
}
