/* See gate.h. */
#include "report/gate.h"

#include <stdarg.h>
#include <string.h>

#include "report/cost.h"
#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES      128
#define FUNCTIONS_SHOWN 5
#define ROUNDING        1e-6

struct sheet {
    struct report_gate *gate;
    struct table *table;
    bool good;
};

/* --- two ranges --- */

struct range {
    double low;
    double high;
};

/* False: the row has no such count. */
static bool range_of(const cJSON *row, const char *count, struct range *range)
{
    char key[TEXT_BYTES];
    if (!result_number(row, count, &range->low))
        return false;
    range->high = range->low;
    report_cost_high(count, key, sizeof(key));
    (void)result_number(row, key, &range->high);
    return true;
}

static bool is_beyond(double from, double to, double percent)
{
    return to - from >= REPORT_GATE_LEAST && to > from * (1 + percent / 100) + ROUNDING;
}

/* From the nearest ends; above 0: grown. */
static double change_of(const struct range *before, const struct range *after)
{
    return after->low > before->high   ? after->low - before->high
           : after->high < before->low ? after->high - before->low
                                       : 0;
}

/* --- lines --- */

static void put_number(double value, char *text)
{
    snprintf(text, TEXT_BYTES, "%.15g", value);
}

/* Growth from nothing has no per cent. */
static void put_percent(double before, double change, char *text)
{
    snprintf(text, TEXT_BYTES, "-");
    if (before > 0)
        snprintf(text, TEXT_BYTES, "%.1f", change * 100 / before);
}

static void add_line(struct sheet *sheet, const char *name, const char *count, const char *function,
                     const char *const numbers[3], const char *verdict)
{
    const char *cells[] = {name, count, function, numbers[0], numbers[1], numbers[2], verdict};
    sheet->good = sheet->good && table_add_row(sheet->table, cells);
}

static void fail(struct sheet *sheet, const char *format, ...)
{
    va_list args;
    if (sheet->gate->failed++ != 0)
        return;
    va_start(args, format);
    vsnprintf(sheet->gate->first, sizeof(sheet->gate->first), format, args);
    va_end(args);
}

/* --- functions --- */

struct change {
    const char *function;
    double before; /* below 0: it was not there */
    double after;  /* below 0: it is not there any more */
    double by;
};

static const cJSON *function_named(const cJSON *row, const char *name)
{
    const cJSON *function;
    cJSON_ArrayForEach(function, cJSON_GetObjectItemCaseSensitive(row, "functions"))
    {
        if (strcmp(result_text(function, "name"), name) == 0)
            return function;
    }
    return NULL;
}

/* Keeps those that changed most, the most grown first. */
static void keep(struct change changes[FUNCTIONS_SHOWN], size_t *count, const struct change *change)
{
    size_t at = *count;
    while (at > 0 && changes[at - 1].by < change->by)
        at--;
    if (at == FUNCTIONS_SHOWN)
        return;
    *count += *count < FUNCTIONS_SHOWN;
    memmove(&changes[at + 1], &changes[at], (*count - at - 1) * sizeof(*changes));
    changes[at] = *change;
}

/* Those that grew, and those that came; what went explains no growth. */
static void find_grown(const cJSON *base, const cJSON *next, const char *count,
                       struct change changes[FUNCTIONS_SHOWN], size_t *used)
{
    const cJSON *function;
    cJSON_ArrayForEach(function, cJSON_GetObjectItemCaseSensitive(next, "functions"))
    {
        struct change change = {.function = result_text(function, "name")};
        const cJSON *old = function_named(base, change.function);
        (void)result_number(function, count, &change.after);
        (void)result_number(old, count, &change.before);
        change.by = change.after - change.before;
        if (old == NULL)
            change.before = -1;
        if (change.by >= REPORT_GATE_LEAST)
            keep(changes, used, &change);
    }
}

static void add_functions(struct sheet *sheet, const char *name, const char *count,
                          const struct change *changes, size_t used)
{
    for (size_t i = 0; i < used; i++) {
        char before[TEXT_BYTES] = "-";
        char after[TEXT_BYTES];
        char percent[TEXT_BYTES];
        const char *numbers[] = {before, after, percent};
        if (changes[i].before >= 0)
            put_number(changes[i].before, before);
        put_number(changes[i].after, after);
        put_percent(changes[i].before, changes[i].by, percent);
        add_line(sheet, name, count, changes[i].function, numbers, changes[i].before < 0 ? "new" : "grew");
    }
}

/* --- rows --- */

static void compare_count(struct sheet *sheet, const cJSON *base, const cJSON *next, const char *count)
{
    char texts[3][TEXT_BYTES];
    const char *numbers[] = {texts[0], texts[1], texts[2]};
    struct change changes[FUNCTIONS_SHOWN + 1];
    size_t used = 0;
    struct range before;
    struct range after;
    const char *name = result_text(base, "name");
    if (!range_of(base, count, &before))
        return;
    if (!range_of(next, count, &after)) {
        add_line(sheet, name, count, "", (const char *const[]){"", "", ""}, "missing");
        fail(sheet, "%.150s: %s: not counted any more", name, count);
        return;
    }
    bool grew = is_beyond(before.high, after.low, sheet->gate->percent);
    double change = change_of(&before, &after);
    put_number(change < 0 ? before.low : before.high, texts[0]);
    put_number(change < 0 ? after.high : after.low, texts[1]);
    put_percent(change < 0 ? before.low : before.high, change, texts[2]);
    if (grew) {
        find_grown(base, next, count, changes, &used);
        add_line(sheet, name, count, "", numbers, "grew");
        add_functions(sheet, name, count, changes, used);
        fail(sheet, "%.150s: %s grew from %s to %s an operation, most in %.90s", name, count, texts[0],
             texts[1], used == 0 ? "no function that either file names" : changes[0].function);
    } else if (is_beyond(after.high, before.low, sheet->gate->percent)) {
        add_line(sheet, name, count, "", numbers, "shrank");
    }
}

static bool is_ok(const cJSON *row)
{
    return strcmp(result_text(row, "status"), "ok") == 0;
}

/* Were both counted on the same machine, for as long? */
static bool same_way(const cJSON *base, const cJSON *next, struct report_error *error)
{
    static const char *const keys[] = {"memory_bytes", "operations", "line_operations"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        double a = 0;
        double b = 0;
        (void)result_number(base, keys[i], &a);
        (void)result_number(next, keys[i], &b);
        if (a == b || (strcmp(keys[i], "line_operations") == 0 && (a == 0 || b == 0)))
            continue;
        report_error_set(error, "cannot compare, %.150s, %s %.15g and %.15g, expected the same",
                         result_text(base, "name"), keys[i], a, b);
        return false;
    }
    return true;
}

static const cJSON *row_named(const cJSON *rows, const char *name)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        if (strcmp(result_text(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

/* False: they were counted in different ways. */
static bool compare_row(struct sheet *sheet, const cJSON *base, const cJSON *next, struct report_error *error)
{
    static const char *const none[] = {"", "", ""};
    const char *name = result_text(base, "name");
    if (next != NULL)
        sheet->gate->compared++;
    if (!is_ok(base))
        return true;
    if (next == NULL || !is_ok(next)) {
        const char *status = next == NULL ? "missing" : result_text(next, "status");
        add_line(sheet, name, "", "", none, status);
        fail(sheet, "%.150s: %.40s%s%.100s", name, status, next == NULL ? " in the new file" : ": ",
             next == NULL ? "" : result_text(next, "reason"));
        return true;
    }
    if (!same_way(base, next, error))
        return false;
    for (size_t i = 0; report_cost_counts[i] != NULL; i++)
        compare_count(sheet, base, next, report_cost_counts[i]);
    return true;
}

/* What else may be the reason of a growth. */
static bool add_notes(struct sheet *sheet, const cJSON *base, const cJSON *next)
{
    static const char *const keys[] = {"compiler", "tier", "valgrind", "cpu_model"};
    char words[400];
    bool good = true;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *a = result_text(result_pagelab(base), keys[i]);
        const char *b = result_text(result_pagelab(next), keys[i]);
        snprintf(words, sizeof(words), "Not the same %s: %.120s, then %.120s.", keys[i], a, b);
        if (strcmp(a, b) != 0)
            good = good && table_add_note(sheet->table, words);
    }
    snprintf(words, sizeof(words), "%zu rows compared, %zu failures; growth of more than %.15g %% is one.",
             sheet->gate->compared, sheet->gate->failed, sheet->gate->percent);
    return good && table_add_note(sheet->table, words);
}

static bool compare_rows(struct sheet *sheet, const cJSON *bases, const cJSON *nexts,
                         struct report_error *error)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, bases)
    {
        if (!compare_row(sheet, row, row_named(nexts, result_text(row, "name")), error))
            return false;
    }
    cJSON_ArrayForEach(row, nexts)
    {
        if (row_named(bases, result_text(row, "name")) == NULL)
            add_line(sheet, result_text(row, "name"), "", "", (const char *const[]){"", "", ""}, "new row");
    }
    if (sheet->gate->compared != 0)
        return true;
    report_error_set(error, "cannot compare, the two files, no row in common, expected the same cells");
    return false;
}

/* A run that was interrupted misses rows, which would pass as if nothing had ever been counted there. */
static bool is_whole(const cJSON *document, const char *path, struct report_error *error)
{
    if (!cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(result_pagelab(document), "complete")))
        return true;
    report_error_set(error, "interrupted, %.200s, expected the file of a count that came to its end", path);
    return false;
}

int report_gate_print(const cJSON *base, const cJSON *next, const char *base_path, const char *next_path,
                      struct report_gate *gate, enum report_format format, bool colour, FILE *out,
                      struct report_error *error)
{
    static const struct table_column columns[] = {{"cell", TABLE_LEFT},     {"counted", TABLE_LEFT},
                                                  {"function", TABLE_LEFT}, {"before", TABLE_RIGHT},
                                                  {"after", TABLE_RIGHT},   {"growth_percent", TABLE_RIGHT},
                                                  {"verdict", TABLE_LEFT}};
    struct sheet sheet = {.gate = gate, .good = true};
    const cJSON *bases = report_cost_rows(base, base_path, error);
    const cJSON *nexts = bases == NULL ? NULL : report_cost_rows(next, next_path, error);
    gate->compared = 0;
    gate->failed = 0;
    gate->first[0] = '\0';
    if (nexts == NULL || !is_whole(base, base_path, error) || !is_whole(next, next_path, error))
        return -1;
    sheet.table = table_create(columns, COUNT_OF(columns));
    sheet.good = sheet.table != NULL && table_add_heading(sheet.table, "What changed, an operation");
    int result = compare_rows(&sheet, bases, nexts, error) ? 0 : -1;
    if (result == 0 && !(sheet.good && add_notes(&sheet, base, next) &&
                         output_is_done(table_print(sheet.table, format, colour, out), out))) {
        report_error_set(error, "cannot print, the output, expected one that takes it");
        result = -1;
    }
    table_destroy(sheet.table);
    return result;
}
