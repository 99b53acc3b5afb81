/*
 * A result as tables. For people one group of rows a workload, order and CPUs, the reasons of what is missing
 * below; for machines one flat table with everything a row knows.
 */
#include "report/cells.h"
#include "report/error.h"
#include "report/print_age.h"
#include "report/result.h"

#include <string.h>

#define CELL_TEXT_MAX 16
#define NAME_TEXT_MAX 240 /* a candidate and what it models */

static const struct table_column people_columns[] = {
    {"candidate", TABLE_LEFT},   {"ns/op", TABLE_RIGHT},        {"x floor", TABLE_RIGHT},
    {"x magazine", TABLE_RIGHT}, {"calls/op", TABLE_RIGHT},     {"failures", TABLE_RIGHT},
    {"occupancy", TABLE_RIGHT},  {"meta B/frame", TABLE_RIGHT}, {"free order", TABLE_RIGHT},
    {"status", TABLE_LEFT},
};

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

enum { PEOPLE_COLUMNS = sizeof people_columns / sizeof people_columns[0] };
enum { PEOPLE_CALLS = 4 }; /* the column that is left out where no cell has it */
enum { MACHINE_COLUMNS = sizeof machine_columns / sizeof machine_columns[0] };

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

/* For people three significant digits, and no exponent while the number fits a column; for machines all that
 * count. */
static void number_format(double value, bool machine, char text[CELL_TEXT_MAX])
{
    double size = value < 0 ? -value : value;
    int decimals = size >= 100 || value == 0 ? 0 : size >= 10 ? 1 : 2;

    if (machine) {
        snprintf(text, CELL_TEXT_MAX, "%.9g", value);
    } else if (size >= 1e9 || (size > 0 && size < 0.005)) {
        snprintf(text, CELL_TEXT_MAX, "%.2e", value);
    } else {
        snprintf(text, CELL_TEXT_MAX, "%.*f", decimals, value);
    }
}

static void field_format(const cJSON *row, const char *key, bool machine, char text[CELL_TEXT_MAX])
{
    double value = 0;

    if (result_number(row, key, &value)) {
        number_format(value, machine, text);
    } else {
        strcpy(text, "-");
    }
}

static void field_format_whole(const cJSON *row, const char *key, char text[CELL_TEXT_MAX])
{
    double value = 0;

    if (result_number(row, key, &value)) {
        snprintf(text, CELL_TEXT_MAX, "%.0f", value);
    } else {
        strcpy(text, "-");
    }
}

/* Mostly whole for people: an operation makes two calls, or none. */
static void calls_format(const cJSON *row, bool machine, char text[CELL_TEXT_MAX])
{
    double calls = 0;
    bool whole = result_number(row, "allocator_calls", &calls) && calls >= 0 && calls < 1e9 &&
                 calls == (double)(long long)calls;

    if (whole) {
        snprintf(text, CELL_TEXT_MAX, "%.0f", calls);
    } else {
        field_format(row, "allocator_calls", machine, text);
    }
}

/*
 * Times and ratios need an ok cell, ratios rods that are not void as well. Of the rest a failed cell still
 * tells what the shadow model saw (the share of memory it reached); one that never ran to its end (crashed,
 * timeout, n/a) tells nothing.
 */
static void cell_numbers_fill(struct cell_numbers *numbers, const struct report_cell *cell, bool ratios_count,
                              bool machine)
{
    bool counted = cell_ok(cell) || strcmp(cell->status, "failed") == 0;
    const cJSON *counts = counted ? cell->row : NULL;
    const cJSON *ratios = cell_ok(cell) && ratios_count ? cell->row : NULL;

    if (cell_ok(cell)) {
        number_format(cell->ns, machine, numbers->ns);
    } else {
        strcpy(numbers->ns, "-");
    }
    field_format(ratios, "ratio_to_floor", machine, numbers->floor_ratio);
    field_format(ratios, "ratio_to_magazine", machine, numbers->magazine_ratio);
    calls_format(cell_ok(cell) ? cell->row : NULL, machine, numbers->calls);
    field_format_whole(counts, "failures", numbers->failures);
    field_format(counts, "occupancy", machine, numbers->occupancy);
    field_format(counts, "metadata_bytes_per_frame", machine, numbers->metadata);
    field_format_whole(counts, "largest_free_order", numbers->largest);
}

static bool cells_have_calls(const struct report_cells *cells)
{
    double calls = 0;

    for (size_t i = 0; i < cells->count; i++) {
        if (result_number(cells->list[i].row, "allocator_calls", &calls)) {
            return true;
        }
    }
    return false;
}

static struct table *people_table_create(bool calls)
{
    struct table_column columns[PEOPLE_COLUMNS];
    size_t count = 0;

    for (size_t i = 0; i < PEOPLE_COLUMNS; i++) {
        if (calls || i != PEOPLE_CALLS) {
            columns[count++] = people_columns[i];
        }
    }
    return table_create(columns, count);
}

static bool people_row(struct table *table, const struct report_cell *cell, bool ratios_count, bool calls)
{
    struct cell_numbers numbers;

    cell_numbers_fill(&numbers, cell, ratios_count, false);

    const char *model = result_text(cell->row, "model_of");
    char candidate[NAME_TEXT_MAX];
    snprintf(candidate, sizeof candidate, "%s%s%s%s", cell->candidate, *model == '\0' ? "" : " (models ",
             model, *model == '\0' ? "" : ")");

    const char *cells[PEOPLE_COLUMNS] = {
        candidate,        numbers.ns,        numbers.floor_ratio, numbers.magazine_ratio, numbers.calls,
        numbers.failures, numbers.occupancy, numbers.metadata,    numbers.largest,        cell->status,
    };

    if (!calls) {
        memmove(&cells[PEOPLE_CALLS], &cells[PEOPLE_CALLS + 1],
                (PEOPLE_COLUMNS - PEOPLE_CALLS - 1) * sizeof cells[0]);
    }
    return table_add_row(table, cells);
}

static bool people_heading(struct table *table, const struct report_cell *cell)
{
    char text[256];
    char order[32] = "";
    char cpus[32] = "";

    if (cell->order >= 0) {
        snprintf(order, sizeof order, ", order %.0f", cell->order);
    }
    if (cell->cpus >= 0) {
        snprintf(cpus, sizeof cpus, ", %.0f CPU%s", cell->cpus, cell->cpus > 1 ? "s" : "");
    }
    snprintf(text, sizeof text, "%.100s%s%s%s%s", cell->workload, order, cpus,
             cell->variant[0] != '\0' ? ", " : "", cell->variant);
    return table_add_heading(table, text);
}

static const char *cell_reason(const struct report_cell *cell)
{
    return cell->reason;
}

static const char *cell_admission(const struct report_cell *cell)
{
    return result_text(cell->row, "admission");
}

/* Whom a note is about: the first few by name, the rest counted. */
struct note_names {
    char text[256];
    size_t used;
    size_t count;
};

#define NOTE_NAMES_MAX 3

static void note_names_add(struct note_names *names, const char *candidate)
{
    if (names->count++ < NOTE_NAMES_MAX) {
        names->used += (size_t)snprintf(names->text + names->used, sizeof names->text - names->used,
                                        "%s%.48s", names->used > 0 ? ", " : "", candidate);
    }
}

static bool people_note(struct table *table, const char *subject, const struct note_names *names,
                        size_t group_count, const char *text)
{
    char note[1024];
    char more[32] = "";

    if (names->count > NOTE_NAMES_MAX) {
        snprintf(more, sizeof more, " and %zu more", names->count - NOTE_NAMES_MAX);
    }
    if (names->count == group_count) {
        snprintf(note, sizeof note, "%s%s", subject, text);
    } else {
        snprintf(note, sizeof note, "%s%s: %s%s", names->text, more, subject, text);
    }
    return table_add_note(table, note);
}

/* `text_of` gives what a note says; cells with equal texts share one. */
static bool people_notes(struct table *table, const struct report_cell *group, size_t count,
                         const char *subject, const char *(*text_of)(const struct report_cell *))
{
    for (size_t i = 0; i < count; i++) {
        const char *text = text_of(&group[i]);
        struct note_names names = {.used = 0};
        bool said = text[0] == '\0';

        for (size_t j = 0; j < count; j++) {
            if (strcmp(text_of(&group[j]), text) == 0) {
                said = said || j < i;
                note_names_add(&names, group[j].candidate);
            }
        }
        if (!said && !people_note(table, subject, &names, count, text)) {
            return false;
        }
    }
    return true;
}

static bool people_fill(struct table *table, const struct report_cells *cells, bool ratios_count)
{
    bool calls = cells_have_calls(cells);

    for (size_t first = 0, next = 0; first < cells->count; first = next) {
        const struct report_cell *group = &cells->list[first];

        if (!people_heading(table, group)) {
            return false;
        }
        while (next < cells->count && cells_same_group(group, &cells->list[next])) {
            if (!people_row(table, &cells->list[next++], ratios_count, calls)) {
                return false;
            }
        }
        if (!people_notes(table, group, next - first, "", cell_reason) ||
            !people_notes(table, group, next - first, "admission ", cell_admission)) {
            return false;
        }
    }
    return true;
}

/* What only ageing knows comes last, and only where something has aged: what reads columns by place goes on.
 */
static struct table *machine_table_create(bool age)
{
    struct table_column columns[MACHINE_COLUMNS + AGE_KEYS];

    memcpy(columns, machine_columns, sizeof machine_columns);
    for (size_t i = 0; i < AGE_KEYS; i++) {
        columns[MACHINE_COLUMNS + i] = (struct table_column){age_keys[i], TABLE_RIGHT};
    }
    return table_create(columns, age ? MACHINE_COLUMNS + AGE_KEYS : MACHINE_COLUMNS);
}

static bool machine_fill(struct table *table, const struct report_cells *cells, bool ratios_count)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];
        struct cell_numbers numbers;
        char order[CELL_TEXT_MAX];
        char cpus[CELL_TEXT_MAX];

        cell_numbers_fill(&numbers, cell, ratios_count, true);
        field_format_whole(cell->order >= 0 ? cell->row : NULL, "order", order);
        field_format_whole(cell->cpus >= 0 ? cell->row : NULL, "cpus", cpus);

        const char *texts[MACHINE_COLUMNS + AGE_KEYS] = {
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
        char ages[AGE_KEYS][CELL_TEXT_MAX];

        for (size_t k = 0; k < AGE_KEYS; k++) {
            field_format(cell_has_age(cell) ? cell->row : NULL, age_keys[k], true, ages[k]);
            texts[MACHINE_COLUMNS + k] = ages[k];
        }

        if (!table_add_row(table, texts)) {
            return false;
        }
    }
    return true;
}

static bool rods_line(struct table *table, enum rods_state rods, const char *words)
{
    static const char *const titles[] = {
        [RODS_HOLD] = "Rods hold",
        [RODS_VOID] = "Rods VOID, no ratio in this run counts",
        [RODS_UNCHECKED] = "Rods not checked",
    };
    char text[512];

    snprintf(text, sizeof text, "%s: %.400s", titles[rods], words);
    return table_add_heading(table, text);
}

int report_print(const cJSON *result, enum report_format format, bool colour, FILE *out,
                 struct report_error *error)
{
    bool machine = format == REPORT_JSON || format == REPORT_CSV;
    struct report_cells cells;
    struct table *table = NULL;
    const char *words = NULL;
    int status = -1;

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
    table = machine ? machine_table_create(cells_have_age(&cells))
                    : people_table_create(cells_have_calls(&cells));
    if (table != NULL &&
        (machine ? machine_fill(table, &cells, ratios_count)
                 : rods_line(table, rods, words) && people_fill(table, &cells, ratios_count))) {
        status = table_print(table, format, colour, out) ? 0 : -1;
        if (status == 0 && !machine && cells_have_age(&cells) && !age_print(&cells, format, colour, out)) {
            status = -1;
        }
        if (ferror(out)) {
            report_error_set(error, "cannot print, the output, expected one that takes it");
        }
    }
    table_destroy(table);
    cells_free(&cells);
    return status;
}
