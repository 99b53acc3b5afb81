/*
 * A result as tables: for people see print_people.h; for machines one flat table with everything a row knows.
 */
#include "report/error.h"
#include "report/output.h"
#include "report/print_age.h"
#include "report/print_context.h"
#include "report/print_numbers.h"
#include "report/print_people.h"
#include "report/print_tail.h"
#include "report/print_worst.h"
#include "report/result.h"

#include <string.h>

#define RODS_TEXT_MAX 1024

static const struct table_column machine_columns[] = {
    {"workload", TABLE_LEFT},
    {"order", TABLE_RIGHT},
    {"cpus", TABLE_RIGHT},
    {"variant", TABLE_LEFT},
    {"candidate", TABLE_LEFT},
    {"ns_per_op", TABLE_RIGHT},
    {"ratio_to_floor", TABLE_RIGHT},
    {"ratio_to_magazine", TABLE_RIGHT},
    {"allocator_calls", TABLE_RIGHT},
    {"failures", TABLE_RIGHT},
    {"occupancy", TABLE_RIGHT},
    {"metadata_bytes_per_frame", TABLE_RIGHT},
    {"largest_free_order", TABLE_RIGHT},
    {"status", TABLE_LEFT},
    {"reason", TABLE_LEFT},
    {"admission", TABLE_LEFT},
    {"command", TABLE_LEFT},
    {"model_of", TABLE_LEFT},
};

enum { MACHINE_COLUMNS = sizeof machine_columns / sizeof machine_columns[0] };

/* What only some workloads know comes last, and only where one of them has it: what reads columns by place
 * goes on. */
struct extra {
    bool (*has)(const struct report_cell *cell);
    const char *const *keys;
    size_t key_count;
};

/* Medians only. */
static const char *const noise_keys[] = {"noise", "ci_low", "ci_high"};

enum { NOISE_KEYS = sizeof noise_keys / sizeof noise_keys[0] };

static bool cell_has_noise(const struct report_cell *cell)
{
    return cell_ok(cell) &&
           (cJSON_HasObjectItem(cell->row, "noise") || cJSON_HasObjectItem(cell->row, "ci_low"));
}

enum { EXTRA_KEYS = AGE_KEYS + TAIL_KEYS + WORST_KEYS + NOISE_KEYS + CONTEXT_KEYS };

static const struct extra extras[] = {
    {cell_has_age, age_keys, AGE_KEYS},
    {cell_has_tail, tail_keys, TAIL_KEYS},
    {cell_has_worst, worst_keys, WORST_KEYS},
    {cell_has_noise, noise_keys, NOISE_KEYS},
    {cell_has_contexts, context_keys, CONTEXT_KEYS},
};

enum { EXTRAS = sizeof extras / sizeof extras[0] };

static struct table *machine_table_create(const struct report_cells *cells)
{
    struct table_column columns[MACHINE_COLUMNS + EXTRA_KEYS];
    size_t count = MACHINE_COLUMNS;

    memcpy(columns, machine_columns, sizeof machine_columns);
    for (size_t i = 0; i < EXTRAS; i++) {
        bool there = cells_any(cells, extras[i].has);

        for (size_t k = 0; k < extras[i].key_count && there; k++) {
            columns[count++] = (struct table_column){extras[i].keys[k], TABLE_RIGHT};
        }
    }
    return table_create(columns, count);
}

static bool machine_fill(struct table *table, const struct report_cells *cells, bool ratios_count)
{
    bool there[EXTRAS];

    for (size_t e = 0; e < EXTRAS; e++) {
        there[e] = cells_any(cells, extras[e].has);
    }
    for (size_t i = 0; i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];
        struct cell_numbers numbers;
        char order[CELL_TEXT_MAX];
        char cpus[CELL_TEXT_MAX];

        cell_numbers_fill(&numbers, cell, ratios_count, true);
        field_format_whole(cell->order >= 0 ? cell->row : NULL, "order", order);
        field_format_whole(cell->cpus >= 0 ? cell->row : NULL, "cpus", cpus);

        const char *texts[MACHINE_COLUMNS + EXTRA_KEYS] = {
            cell->workload,
            order,
            cpus,
            cell->variant,
            cell->candidate,
            numbers.ns,
            numbers.floor_ratio,
            numbers.magazine_ratio,
            numbers.calls,
            numbers.failures,
            numbers.occupancy,
            numbers.metadata,
            numbers.largest,
            cell->status,
            cell->reason,
            cell_admission(cell),
            result_text(cell->row, "command"),
            result_text(cell->row, "model_of"),
        };
        char extra_texts[EXTRA_KEYS][CELL_TEXT_MAX];
        size_t used = 0;

        for (size_t e = 0; e < EXTRAS; e++) {
            const cJSON *row = extras[e].has(cell) ? cell->row : NULL;

            for (size_t k = 0; k < extras[e].key_count && there[e]; k++, used++) {
                field_format(row, extras[e].keys[k], true, extra_texts[used]);
                texts[MACHINE_COLUMNS + used] = extra_texts[used];
            }
        }

        if (!table_add_row(table, texts)) {
            return false;
        }
    }
    return true;
}

static bool machine_print(const struct report_cells *cells, bool ratios_count, enum report_format format,
                          bool colour, FILE *out)
{
    struct table *table = machine_table_create(cells);
    bool good =
        table != NULL && machine_fill(table, cells, ratios_count) && table_print(table, format, colour, out);

    table_destroy(table);
    return good;
}

/* And what makes the times worth little. */
static void rods_line(const cJSON *result, enum rods_state rods, const char *words, char text[RODS_TEXT_MAX])
{
    static const char *const titles[] = {
        [RODS_HOLD] = "Rods hold",
        [RODS_VOID] = "Rods VOID, no ratio in this run counts",
        [RODS_UNCHECKED] = "Rods not checked",
    };

    int used = snprintf(text, RODS_TEXT_MAX, "%s: %.400s", titles[rods], words);
    const char *mark = NULL;

    for (int i = 0; used < RODS_TEXT_MAX - 256 && (mark = result_mark(result, i)) != NULL; i++) {
        used += snprintf(text + used, RODS_TEXT_MAX - (size_t)used, "; MARKED: %.200s", mark);
    }
}

int report_print(const cJSON *result, enum report_format format, bool colour, FILE *out,
                 struct report_error *error)
{
    bool machine = format == REPORT_JSON || format == REPORT_CSV;
    struct report_cells cells;
    const char *words = NULL;
    char rods_text[RODS_TEXT_MAX];
    bool good;

    if (!result_check(result, "the result", error)) {
        return -1;
    }

    enum rods_state rods = result_rods(result, &words);
    bool ratios_count = rods != RODS_VOID;

    report_error_set(error, "no memory, printing a result, expected a few megabytes");
    if (!cells_collect(result, &cells)) {
        return -1;
    }
    cells_sort(&cells);
    rods_line(result, rods, words, rods_text);
    if (machine) {
        good = machine_print(&cells, ratios_count, format, colour, out);
    } else {
        good = people_print(&cells, rods_text, ratios_count, format, colour, out) &&
               (!cells_any(&cells, cell_has_age) || age_print(&cells, format, colour, out)) &&
               (!cells_any(&cells, cell_has_contexts) || context_print(&cells, format, colour, out)) &&
               (!cells_any(&cells, cell_has_tail) || tail_print(&cells, format, colour, out)) &&
               (!cells_any(&cells, cell_has_worst) || worst_print(&cells, format, colour, out));
    }
    if (ferror(out)) {
        report_error_set(error, "cannot print, the output, expected one that takes it");
    }
    cells_free(&cells);
    return output_is_done(good, out) ? 0 : -1;
}
