/* See cost.h. Rows come from files, too: a field that is missing is a dash. */
#include "report/cost.h"

#include <stdlib.h>
#include <string.h>

#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES      128
#define FUNCTIONS_SHOWN 3

const char *const report_cost_counts[] = {"instructions", "locked", "cache_lines", NULL};

void report_cost_high(const char *count, char *key, size_t bytes)
{
    snprintf(key, bytes, "%s_high", count);
}

static void put_number(double value, char *text)
{
    snprintf(text, TEXT_BYTES, value >= 1000 ? "%.0f" : value >= 100 ? "%.1f" : "%.2f", value);
}

/* One number, a range "12.1-12.4", or a dash. */
static void put_count(const cJSON *row, const char *count, char *text)
{
    char key[TEXT_BYTES];
    char high_text[TEXT_BYTES];
    double low = 0;
    if (!result_number(row, count, &low)) {
        snprintf(text, TEXT_BYTES, "-");
        return;
    }
    double high = low;
    report_cost_high(count, key, sizeof(key));
    (void)result_number(row, key, &high);
    put_number(low, text);
    put_number(high, high_text);
    size_t used = strlen(text);
    if (strcmp(text, high_text) != 0)
        snprintf(text + used, TEXT_BYTES - used, "-%.60s", high_text);
}

/* "buddy_free 31.0, buddy_alloc 25.0": they are sorted in the row. */
static void put_functions(const cJSON *row, char *text)
{
    const cJSON *function;
    size_t used = 0;
    unsigned shown = 0;
    text[0] = '\0';
    cJSON_ArrayForEach(function, cJSON_GetObjectItem(row, "functions"))
    {
        double instructions = 0;
        (void)result_number(function, "instructions", &instructions);
        if (shown++ == FUNCTIONS_SHOWN || used >= TEXT_BYTES - 1)
            break;
        int n = snprintf(text + used, TEXT_BYTES - used, "%s%.40s %.1f", used == 0 ? "" : ", ",
                         result_text(function, "name"), instructions);
        used += n < 0 ? 0 : (size_t)n;
    }
}

static int by_instructions(const void *a, const void *b)
{
    double x = 1e300;
    double y = 1e300;
    (void)result_number(*(const cJSON *const *)a, "instructions", &x);
    (void)result_number(*(const cJSON *const *)b, "instructions", &y);
    return x < y ? -1 : x > y ? 1 : 0;
}

static bool same_group(const cJSON *a, const cJSON *b)
{
    return strcmp(result_text(a, "workload"), result_text(b, "workload")) == 0 &&
           cJSON_Compare(cJSON_GetObjectItem(a, "order"), cJSON_GetObjectItem(b, "order"), true);
}

static bool add_heading(struct table *table, const cJSON *row)
{
    char words[2 * TEXT_BYTES];
    double order = 0;
    size_t used = (size_t)snprintf(words, sizeof(words), "%.100s", result_text(row, "workload"));
    if (result_number(row, "order", &order))
        snprintf(words + used, sizeof(words) - used, ", order %.0f", order);
    return table_add_heading(table, words);
}

static bool add_row(struct table *table, const cJSON *row)
{
    char counts[3][TEXT_BYTES];
    char working[TEXT_BYTES];
    char functions[TEXT_BYTES];
    bool ok = strcmp(result_text(row, "status"), "ok") == 0;
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        put_count(row, report_cost_counts[i], counts[i]);
    put_count(row, "working_lines", working);
    put_functions(row, functions);
    const char *cells[] = {result_text(row, "candidate"),
                           counts[0],
                           counts[1],
                           counts[2],
                           working,
                           ok ? functions : result_text(row, "reason")};
    return table_add_row(table, cells);
}

/* The groups in the order in which they stand; in each the least instructions first. */
static bool fill(struct table *table, const cJSON **rows, size_t count)
{
    bool good = true;
    for (size_t at = 0; good && at < count;) {
        size_t end = at + 1;
        while (end < count && same_group(rows[at], rows[end]))
            end++;
        qsort(rows + at, end - at, sizeof(*rows), by_instructions);
        good = add_heading(table, rows[at]);
        for (; good && at < end; at++)
            good = add_row(table, rows[at]);
    }
    return good && table_add_note(table, "An operation is a grant and its end, in a recording each event. "
                                         "Counted under valgrind, below the candidate's hooks; no time.");
}

static struct table *people_table(const cJSON *document)
{
    static const struct table_column columns[] = {
        {"candidate", TABLE_LEFT},    {"instructions", TABLE_RIGHT},  {"locked", TABLE_RIGHT},
        {"cache lines", TABLE_RIGHT}, {"working lines", TABLE_RIGHT}, {"most of it in", TABLE_LEFT}};
    const cJSON *array = cJSON_GetObjectItem(document, "cost");
    size_t count = (size_t)cJSON_GetArraySize(array);
    const cJSON **rows = calloc(count + 1, sizeof(const cJSON *));
    struct table *table = table_create(columns, COUNT_OF(columns));
    const cJSON *row;
    size_t used = 0;
    if (rows != NULL)
        cJSON_ArrayForEach(row, array) rows[used++] = row;
    if (rows == NULL || table == NULL || !fill(table, rows, used)) {
        table_destroy(table);
        table = NULL;
    }
    free((void *)rows);
    return table;
}

/* Every field of a row but its functions. */
static struct table *machine_table(const cJSON *document)
{
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT},           {"status", TABLE_LEFT},
        {"instructions", TABLE_RIGHT},  {"instructions_high", TABLE_RIGHT},
        {"locked", TABLE_RIGHT},        {"locked_high", TABLE_RIGHT},
        {"cache_lines", TABLE_RIGHT},   {"cache_lines_high", TABLE_RIGHT},
        {"working_lines", TABLE_RIGHT}, {"operations", TABLE_RIGHT},
        {"runs", TABLE_RIGHT},          {"memory_bytes", TABLE_RIGHT},
        {"reason", TABLE_LEFT},         {"command", TABLE_LEFT}};
    struct table *table = table_create(columns, COUNT_OF(columns));
    bool good = table != NULL;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "cost"))
    {
        char numbers[COUNT_OF(columns)][TEXT_BYTES];
        const char *cells[COUNT_OF(columns)];
        for (size_t i = 0; i < COUNT_OF(columns); i++) {
            double value = 0;
            cells[i] = columns[i].align == TABLE_LEFT ? result_text(row, columns[i].name) : numbers[i];
            snprintf(numbers[i], TEXT_BYTES, "-");
            if (columns[i].align == TABLE_RIGHT && result_number(row, columns[i].name, &value))
                snprintf(numbers[i], TEXT_BYTES, "%.15g", value);
        }
        good = good && table_add_row(table, cells);
    }
    if (!good) {
        table_destroy(table);
        table = NULL;
    }
    return table;
}

int report_cost_print(const cJSON *document, enum report_format format, bool colour, FILE *out,
                      struct report_error *error)
{
    report_error_set(error, "cannot print, the output, expected one that takes it");
    if (format == REPORT_JSON)
        return output_is_done(result_print(document, out), out) ? 0 : -1;
    struct table *table = format == REPORT_CSV ? machine_table(document) : people_table(document);
    bool good = table != NULL && table_print(table, format, colour, out) && !ferror(out);
    table_destroy(table);
    return output_is_done(good, out) ? 0 : -1;
}

/* Counts of a row that are there and below 0. */
static bool has_negative(const cJSON *row, const char **which)
{
    for (size_t i = 0; report_cost_counts[i] != NULL; i++) {
        double count = 0;
        *which = report_cost_counts[i];
        if (result_number(row, *which, &count) && count < 0)
            return true;
    }
    return false;
}

const cJSON *report_cost_rows(const cJSON *document, const char *where, struct report_error *error)
{
    const cJSON *rows = cJSON_GetObjectItem(document, "cost");
    const cJSON *row;
    const char *which;
    bool good = cJSON_IsArray(rows);
    cJSON_ArrayForEach(row, rows) good =
        good && result_text(row, "name")[0] != '\0' && result_text(row, "status")[0] != '\0';
    if (!good)
        report_error_set(error, "no cost file, %s, expected what 'pagelab cost --workload ... --out' writes",
                         where);
    for (row = good ? rows->child : NULL; row != NULL && good; row = row->next) {
        good = !has_negative(row, &which);
        if (!good)
            report_error_set(error, "negative %s, %.200s, row %.200s, expected a count of 0 or more", which,
                             where, result_text(row, "name"));
    }
    return good ? rows : NULL;
}
