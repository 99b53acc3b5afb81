/* See print_tail.h. In front of each group stands the clock: the empty operation on the same schedule, in the
 * same company. What is not above it is not seen. */
#include "report/print_tail.h"

#include "report/result.h"

#include <string.h>

#define TEXT_MAX 32
#define CLOCK    "calibrate-clock"

const char *const tail_keys[TAIL_KEYS] = {
    "p50_ns",         "p99_ns",         "p99_9_ns",         "p99_99_ns",         "worst_ns",
    "service_p50_ns", "service_p99_ns", "service_p99_9_ns", "service_p99_99_ns", "service_worst_ns",
    "arrivals",       "interval_ns",    "antagonist",       "sections",          "sections_per_call",
    "preempted",      "instructions",
};

static const struct table_column columns[] = {
    {"candidate", TABLE_LEFT}, {"p50", TABLE_RIGHT},       {"p99", TABLE_RIGHT},
    {"p99.9", TABLE_RIGHT},    {"p99.99", TABLE_RIGHT},    {"worst", TABLE_RIGHT},
    {"own p50", TABLE_RIGHT},  {"own p99.9", TABLE_RIGHT}, {"own worst", TABLE_RIGHT},
    {"busy", TABLE_RIGHT},     {"preempted", TABLE_RIGHT}, {"instructions", TABLE_RIGHT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

bool cell_has_tail(const struct report_cell *cell)
{
    double value = 0;

    return cell_ok(cell) && result_number(cell->row, "p99_99_ns", &value);
}

static bool is_clock(const struct report_cell *cell)
{
    return strncmp(cell->workload, CLOCK, strlen(CLOCK)) == 0;
}

/* Whole nanoseconds, and from a hundred thousand on in the unit that leaves three digits or more. */
static void time_format(const cJSON *row, const char *key, char text[TEXT_MAX])
{
    double ns = 0;

    if (!result_number(row, key, &ns)) {
        strcpy(text, "-");
    } else if (ns < 1e5) {
        snprintf(text, TEXT_MAX, "%.0f ns", ns);
    } else if (ns < 1e8) {
        snprintf(text, TEXT_MAX, "%.0f us", ns / 1e3);
    } else {
        snprintf(text, TEXT_MAX, "%.0f ms", ns / 1e6);
    }
}

static void count_format(const cJSON *row, const char *key, char text[TEXT_MAX])
{
    double count = 0;

    if (result_number(row, key, &count)) {
        snprintf(text, TEXT_MAX, "%.0f", count);
    } else {
        strcpy(text, "-");
    }
}

/* The share of an interval that an operation takes; above 100 % the queue only grows. */
static void busy_format(const struct report_cell *cell, char text[TEXT_MAX])
{
    double interval = 0;

    if (result_number(cell->row, "interval_ns", &interval) && interval > 0) {
        snprintf(text, TEXT_MAX, "%.1f %%", cell->ns / interval * 100);
    } else {
        strcpy(text, "-");
    }
}

static bool has_sections(const struct report_cell *cell)
{
    double sections = 0;

    return result_number(cell->row, "sections", &sections);
}

/* What has no arrival is held against the clock's own times: `like` says beside which row this one stands. */
static bool tail_row(struct table *table, const struct report_cell *cell, const struct report_cell *like)
{
    static const size_t places[] = {0, 1, 2, 3, 4, 5, 7, 9}; /* in tail_keys */
    size_t first = cell != like && has_sections(like) ? 5 : 0;
    char texts[COLUMNS][TEXT_MAX];
    const char *cells[COLUMNS] = {is_clock(cell) ? "(the clock)" : cell->candidate};
    size_t at = 1;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t place = first + places[i];

        time_format(cell->row, first != 0 && place >= 10 ? "" : tail_keys[place], texts[at++]);
    }
    busy_format(cell, texts[at++]);
    count_format(cell->row, "preempted", texts[at++]);
    count_format(cell->row, "instructions", texts[at]);
    for (size_t i = 1; i < COLUMNS; i++) {
        cells[i] = texts[i];
    }
    return table_add_row(table, cells);
}

static double company_of(const struct report_cell *cell)
{
    double company = 0;

    result_number(cell->row, "antagonist", &company);
    return company;
}

static bool clock_row(struct table *table, const struct report_cells *cells, const struct report_cell *group)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (is_clock(cell) && cell_has_tail(cell) && company_of(cell) == company_of(group)) {
            return tail_row(table, cell, group);
        }
    }
    return true;
}

static bool tail_heading(struct table *table, const struct report_cell *cell)
{
    char text[256];

    snprintf(text, sizeof text, "%.100s: %s", cell->workload,
             has_sections(cell) ? "interrupts held off, at most"
                                : "from the intended arrival; own: without what was before");
    return table_add_heading(table, text);
}

bool tail_print(const struct report_cells *cells, enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    const struct report_cell *group = NULL;
    bool complete = table != NULL;

    for (size_t i = 0; complete && i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (!cell_has_tail(cell) || is_clock(cell)) {
            continue;
        }
        if (group == NULL || !cells_same_group(group, cell)) {
            complete = tail_heading(table, cell) && clock_row(table, cells, cell);
            group = cell;
        }
        complete = complete && tail_row(table, cell, cell);
    }
    complete = complete && fputc('\n', out) != EOF && table_print(table, format, colour, out);
    table_destroy(table);
    return complete;
}
