/* See print_context.h. */
#include "report/print_context.h"

#include "report/print_numbers.h"
#include "report/table.h"

#include "report/result.h"

const char *const context_keys[CONTEXT_KEYS] = {
    "context_task_events",    "context_task_p50_ns",    "context_task_p99_ns",    "context_softirq_events",
    "context_softirq_p50_ns", "context_softirq_p99_ns", "context_hardirq_events", "context_hardirq_p50_ns",
    "context_hardirq_p99_ns", "context_nmi_events",     "context_nmi_p50_ns",     "context_nmi_p99_ns",
};

static const struct table_column columns[] = {
    {"candidate", TABLE_LEFT}, {"task events", TABLE_RIGHT},      {"p50 ns", TABLE_RIGHT},
    {"p99 ns", TABLE_RIGHT},   {"softirq events", TABLE_RIGHT},   {"p50 ns", TABLE_RIGHT},
    {"p99 ns", TABLE_RIGHT},   {"interrupt events", TABLE_RIGHT}, {"p50 ns", TABLE_RIGHT},
    {"p99 ns", TABLE_RIGHT},   {"nmi events", TABLE_RIGHT},       {"p50 ns", TABLE_RIGHT},
    {"p99 ns", TABLE_RIGHT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

bool cell_has_contexts(const struct report_cell *cell)
{
    double events = 0;

    for (size_t i = 0; i < CONTEXT_KEYS; i += 3) {
        if (cell_ok(cell) && result_number(cell->row, context_keys[i], &events)) {
            return true;
        }
    }
    return false;
}

static bool context_row(struct table *table, const struct report_cell *cell)
{
    char texts[CONTEXT_KEYS][CELL_TEXT_MAX];
    const char *cells[COLUMNS] = {cell->candidate};

    for (size_t i = 0; i < CONTEXT_KEYS; i++) {
        field_format_whole(cell->row, context_keys[i], texts[i]);
        cells[i + 1] = texts[i];
    }
    return table_add_row(table, cells);
}

bool context_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    const struct report_cell *group = NULL;
    bool complete = table != NULL;

    for (size_t i = 0; complete && i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (!cell_has_contexts(cell)) {
            continue;
        }
        if (group == NULL || !cells_same_group(group, cell)) {
            char heading[256];

            snprintf(heading, sizeof heading, "%.200s, by context", cell->workload);
            complete = table_add_heading(table, heading);
            group = cell;
        }
        complete = complete && context_row(table, cell);
    }
    complete = complete && fputc('\n', out) != EOF && table_print(table, format, colour, out);
    table_destroy(table);
    return complete;
}
