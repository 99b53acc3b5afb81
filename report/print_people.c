/* See print_people.h. */
#include "report/print_people.h"

#include "report/print_numbers.h"
#include "report/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_TEXT_MAX 240 /* a candidate and what it models */

static const struct table_column people_columns[] = {
    {"candidate", TABLE_LEFT},   {"ns/op", TABLE_RIGHT},        {"x floor", TABLE_RIGHT},
    {"x magazine", TABLE_RIGHT}, {"calls/op", TABLE_RIGHT},     {"failures", TABLE_RIGHT},
    {"occupancy", TABLE_RIGHT},  {"meta B/frame", TABLE_RIGHT}, {"free order", TABLE_RIGHT},
    {"status", TABLE_LEFT},
};

enum { PEOPLE_COLUMNS = sizeof people_columns / sizeof people_columns[0] };
enum { PEOPLE_CALLS = 4 }; /* the column that is left out of the table of those that have none */

static bool have_calls(const struct report_cell *cells, size_t count)
{
    double calls = 0;

    for (size_t i = 0; i < count; i++) {
        if (result_number(cells[i].row, "allocator_calls", &calls)) {
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

const char *cell_admission(const struct report_cell *cell)
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

/* What a cell of a group says, and the place of the first cell that says the same. */
struct said {
    const char *text;
    size_t place;
    size_t first;
};

static int said_by_text(const void *left, const void *right)
{
    const struct said *a = left;
    const struct said *b = right;
    int order = strcmp(a->text, b->text);

    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static int said_by_first(const void *left, const void *right)
{
    const struct said *a = left;
    const struct said *b = right;

    if (a->first != b->first) {
        return a->first > b->first ? 1 : -1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* Brings those who say the same together, in the order of the first who does. */
static void said_sort(struct said *said, size_t count)
{
    qsort(said, count, sizeof *said, said_by_text);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && strcmp(said[i].text, said[i - 1].text) == 0;

        said[i].first = again ? said[i - 1].first : said[i].place;
    }
    qsort(said, count, sizeof *said, said_by_first);
}

/* `text_of` gives what a note says; cells with equal texts share one. */
static bool people_notes(struct table *table, const struct report_cell *group, size_t count,
                         const char *subject, const char *(*text_of)(const struct report_cell *))
{
    struct said *said = calloc(count, sizeof *said);
    size_t used = 0;
    bool good = said != NULL;

    for (size_t i = 0; good && i < count; i++) {
        const char *text = text_of(&group[i]);

        if (text[0] != '\0') {
            said[used++] = (struct said){.text = text, .place = i};
        }
    }
    if (used > 0) {
        said_sort(said, used);
    }
    for (size_t first = 0, next = 0; good && first < used; first = next) {
        struct note_names names = {.used = 0};

        for (; next < used && said[next].first == said[first].first; next++) {
            note_names_add(&names, group[said[next].place].candidate);
        }
        good = people_note(table, subject, &names, count, said[first].text);
    }
    free(said);
    return good;
}

static const char *cell_modes(const struct report_cell *cell)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(cell->row, "bimodal"))
               ? "bimodal: the repetitions lie in two heaps, and the median in one of them"
               : "";
}

/* Equal for all cells of a group with equally many repetitions; the widest is said. */
static bool noise_note(struct table *table, const struct report_cell *group, size_t count)
{
    char text[128];
    double widest = 0;

    for (size_t i = 0; i < count; i++) {
        double noise = 0;

        if (cell_ok(&group[i]) && result_number(group[i].row, "noise", &noise) && noise > widest) {
            widest = noise;
        }
    }
    snprintf(text, sizeof text, "no difference is seen between cells less than %.1f %% apart", 100 * widest);
    return widest <= 0 || table_add_note(table, text);
}

/* The groups that have calls, or those that have none. */
static bool people_fill(struct table *table, const struct report_cells *cells, bool ratios_count, bool calls)
{
    for (size_t first = 0, next = 0; first < cells->count; first = next) {
        const struct report_cell *group = &cells->list[first];

        while (next < cells->count && cells_same_group(group, &cells->list[next])) {
            next++;
        }
        if (have_calls(group, next - first) != calls) {
            continue;
        }
        if (!people_heading(table, group)) {
            return false;
        }
        for (size_t i = first; i < next; i++) {
            if (!people_row(table, &cells->list[i], ratios_count, calls)) {
                return false;
            }
        }
        if (!people_notes(table, group, next - first, "", cell_reason) ||
            !noise_note(table, group, next - first) ||
            !people_notes(table, group, next - first, "", cell_modes) ||
            !people_notes(table, group, next - first, "admission ", cell_admission)) {
            return false;
        }
    }
    return true;
}

bool people_print(const struct report_cells *cells, const char *heading, bool ratios_count,
                  enum report_format format, bool colour, FILE *out)
{
    bool good = true;

    for (int calls = 0; good && calls <= have_calls(cells->list, cells->count); calls++) {
        struct table *table = people_table_create(calls != 0);

        good = table != NULL && (calls != 0 || table_add_heading(table, heading)) &&
               people_fill(table, cells, ratios_count, calls != 0);
        if (good) {
            fputs(calls != 0 ? "\n" : "", out);
            good = table_print(table, format, colour, out);
        }
        table_destroy(table);
    }
    return good;
}
