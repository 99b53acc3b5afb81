/* See print_age.h. A cell that was given up, or that is a rod, has none of these numbers and is left out. */
#include "report/print_age.h"

#include "report/result.h"

#include <string.h>

#define TEXT_MAX 48

const char *const age_keys[] = {
    "usable_order_9",   "usable_order_9_young", "usable_order_9_undrained",
    "usable_order_4",   "usable_order_4_young", "held_old",
    "order_9_exist",    "order_9_granted",      "order_9_granted_undrained",
    "run_64_exist",     "run_64_granted",       "run_64_granted_undrained",
    "run_512_exist",    "run_512_granted",      "run_512_granted_undrained",
    "run_4096_exist",   "run_4096_granted",     "run_4096_granted_undrained",
    "requests_order_9", "failures_order_9",     "metadata_bytes_per_frame_peak",
};

static const struct table_column columns[] = {
    {"candidate", TABLE_LEFT},       {"held", TABLE_RIGHT},         {"usable 9", TABLE_RIGHT},
    {"young", TABLE_RIGHT},          {"undrained", TABLE_RIGHT},    {"usable 4", TABLE_RIGHT},
    {"young", TABLE_RIGHT},          {"order 9", TABLE_RIGHT},      {"run 64", TABLE_RIGHT},
    {"run 512", TABLE_RIGHT},        {"run 4096", TABLE_RIGHT},     {"failed", TABLE_RIGHT},
    {"failed order 9", TABLE_RIGHT}, {"meta B/frame", TABLE_RIGHT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

bool cell_has_age(const struct report_cell *cell)
{
    bool counted = cell_ok(cell) || strcmp(cell->status, "failed") == 0;
    double share = 0;

    return counted && result_number(cell->row, "usable_order_9", &share);
}

static void percent_format(const cJSON *row, const char *key, char text[TEXT_MAX])
{
    double share = 0;

    if (result_number(row, key, &share)) {
        snprintf(text, TEXT_MAX, "%.1f %%", share * 100);
    } else {
        strcpy(text, "-");
    }
}

/* "43/43": granted of what there was; "40/43 (12)": so many before the caches were drained. */
static void probe_format(const cJSON *row, const char *probe, char text[TEXT_MAX])
{
    char key[64];
    double exist = 0;
    double granted = 0;
    double undrained = 0;

    snprintf(key, sizeof key, "%s_exist", probe);
    bool known = result_number(row, key, &exist);
    snprintf(key, sizeof key, "%s_granted", probe);
    if (!known || !result_number(row, key, &granted)) {
        strcpy(text, "n/a");
        return;
    }
    int used = snprintf(text, TEXT_MAX, "%.0f/%.0f", granted, exist);
    snprintf(key, sizeof key, "%s_granted_undrained", probe);
    if (result_number(row, key, &undrained) && undrained != granted && used > 0 && used < TEXT_MAX) {
        snprintf(text + used, TEXT_MAX - (size_t)used, " (%.0f)", undrained);
    }
}

static void share_format(const cJSON *row, const char *part_key, const char *whole_key, char text[TEXT_MAX])
{
    double part = 0;
    double whole = 0;

    if (result_number(row, part_key, &part) && result_number(row, whole_key, &whole) && whole > 0) {
        snprintf(text, TEXT_MAX, "%.3g %%", part / whole * 100);
    } else {
        strcpy(text, "-");
    }
}

static bool age_row(struct table *table, const struct report_cell *cell)
{
    static const char *const shares[] = {
        "held_old",       "usable_order_9",      "usable_order_9_young", "usable_order_9_undrained",
        "usable_order_4", "usable_order_4_young"};
    static const char *const probes[] = {"order_9", "run_64", "run_512", "run_4096"};
    char texts[COLUMNS][TEXT_MAX];
    const char *cells[COLUMNS] = {cell->candidate};
    size_t at = 1;
    double metadata = 0;

    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        percent_format(cell->row, shares[i], texts[at++]);
    }
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        probe_format(cell->row, probes[i], texts[at++]);
    }
    share_format(cell->row, "failures", "requests", texts[at++]);
    share_format(cell->row, "failures_order_9", "requests_order_9", texts[at++]);
    result_number(cell->row, "metadata_bytes_per_frame_peak", &metadata);
    snprintf(texts[at++], TEXT_MAX, "%.2f", metadata);
    for (size_t i = 1; i < COLUMNS; i++) {
        cells[i] = texts[i];
    }
    return table_add_row(table, cells);
}

static bool age_heading(struct table *table, const struct report_cell *cell)
{
    char text[256];
    char cpus[32] = "";

    if (cell->cpus > 1) {
        snprintf(cpus, sizeof cpus, ", %.0f CPUs", cell->cpus);
    }
    snprintf(text, sizeof text,
             "%.100s%s: of free memory usable, young and old; requests granted of those there are",
             cell->workload, cpus);
    return table_add_heading(table, text);
}

bool age_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    const struct report_cell *group = NULL;
    bool complete = table != NULL;

    for (size_t i = 0; complete && i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (!cell_has_age(cell)) {
            continue;
        }
        if (group == NULL || !cells_same_group(group, cell)) {
            complete = age_heading(table, cell);
            group = cell;
        }
        complete = complete && age_row(table, cell);
    }
    complete = complete && fputc('\n', out) != EOF && table_print(table, format, colour, out);
    table_destroy(table);
    return complete;
}
