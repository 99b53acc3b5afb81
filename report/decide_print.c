/* A decision in its formats, and in the three lines that end a run. */
#include "report/decide_screen.h"
#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {"profile", TABLE_LEFT},
    {"candidate", TABLE_LEFT},
    {"verdict", TABLE_LEFT},
    {"need", TABLE_LEFT},
    {"fact", TABLE_LEFT},
    {"row", TABLE_LEFT},
    {"file", TABLE_LEFT},
    {"command", TABLE_LEFT},
    {"speed_ns", TABLE_RIGHT},
    {"tail_ns", TABLE_RIGHT},
    {"memory_bytes_per_frame", TABLE_RIGHT},
    {"fragmentation", TABLE_RIGHT},
};

enum { COLUMNS = sizeof columns / sizeof columns[0], VALUES = 4, FIRST_VALUE = COLUMNS - VALUES };

static bool facts_add(struct table *table, const cJSON *profile, const cJSON *from, const char *key)
{
    const cJSON *fact = NULL;
    bool good = true;

    cJSON_ArrayForEach(fact, cJSON_GetObjectItemCaseSensitive(from, key))
    {
        const char *cells[COLUMNS] = {
            result_text(profile, "name"), result_text(fact, "candidate"), key,
            result_text(fact, "need"),    result_text(fact, "fact"),      result_text(fact, "row"),
            result_text(fact, "file"),    result_text(fact, "command")};
        good = good && table_add_row(table, cells);
    }
    return good;
}

/* The rows of an axis, all of them. */
static void rows_join(const cJSON *one, const char *axis, char *text, size_t bytes)
{
    const cJSON *all =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(one, "all_rows"), axis);
    const cJSON *row = NULL;
    size_t used = 0;

    snprintf(text, bytes, "%s", result_text(cJSON_GetObjectItemCaseSensitive(one, "rows"), axis));
    cJSON_ArrayForEach(row, all)
    {
        int n = used + 1 < bytes
                    ? snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : "; ", row->valuestring)
                    : 0;
        used += n < 0 ? 0 : (size_t)n;
    }
}

/* One row an axis of those that are left: what it gives up on it. */
static bool standing_add(struct table *table, const cJSON *profile, const char *key, const cJSON *one)
{
    const cJSON *axis = NULL;
    bool good = true;

    cJSON_ArrayForEach(axis, cJSON_GetObjectItemCaseSensitive(one, "rows"))
    {
        const char *name = axis->string;
        const char *loss = result_text(cJSON_GetObjectItemCaseSensitive(one, "losses"), name);
        const char *by = result_text(one, "by");
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(one, "values")->child;
        char numbers[VALUES][32];
        char words[400];
        char rows[2000];
        const char *cells[COLUMNS] = {result_text(profile, "name"),
                                      result_text(one, "candidate"),
                                      key,
                                      name,
                                      words,
                                      rows,
                                      result_text(cJSON_GetObjectItemCaseSensitive(one, "files"), name),
                                      result_text(cJSON_GetObjectItemCaseSensitive(one, "commands"), name)};

        snprintf(words, sizeof words, "%s%s",
                 by[0] != '\0'     ? "nowhere better than "
                 : loss[0] != '\0' ? "gives up "
                                   : "best",
                 by[0] != '\0' ? by : loss);
        rows_join(one, name, rows, sizeof rows);
        for (size_t i = 0; i < VALUES && value != NULL; i++, value = value->next) {
            snprintf(numbers[i], sizeof numbers[i], "%.6g", value->valuedouble);
            cells[FIRST_VALUE + i] = numbers[i];
        }
        good = good && table_add_row(table, cells);
    }
    return good;
}

static bool standings_add(struct table *table, const cJSON *profile, const char *key)
{
    const cJSON *one = NULL;
    bool good = true;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(profile, key))
    {
        good = good && standing_add(table, profile, key, one) && facts_add(table, profile, one, "passed");
    }
    return good;
}

/* Whom the checks know and the run has not: of no profile. */
static bool unmeasured_add(struct table *table, const cJSON *decision)
{
    const cJSON *one = NULL;
    bool good = true;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(decision, "unmeasured"))
    {
        const char *cells[COLUMNS] = {"",
                                      cJSON_GetStringValue(one),
                                      "unmeasured",
                                      "",
                                      "known to the checks, not measured by this run",
                                      "",
                                      "",
                                      ""};
        good = good && table_add_row(table, cells);
    }
    return good;
}

static bool flat_print(const cJSON *decision, enum report_format format, FILE *out)
{
    struct table *table = table_create(columns, COLUMNS);
    const cJSON *profile = NULL;
    bool good = table != NULL;

    cJSON_ArrayForEach(profile, cJSON_GetObjectItemCaseSensitive(decision, "profiles"))
    {
        good = good && standings_add(table, profile, "front") && standings_add(table, profile, "dominated") &&
               facts_add(table, profile, profile, "unknown") && facts_add(table, profile, profile, "out");
    }
    good = good && unmeasured_add(table, decision) && table_print(table, format, false, out);
    table_destroy(table);
    return good;
}

int decide_print(const cJSON *decision, enum report_format format, bool colour, FILE *out,
                 struct report_error *error)
{
    const cJSON *profile = NULL;
    bool good = true;
    bool first = true;

    if (format == REPORT_JSON) {
        char *text = cJSON_Print(decision);

        good = text != NULL && fprintf(out, "%s\n", text) > 0;
        cJSON_free(text);
    } else if (format != REPORT_TABLE) {
        good = flat_print(decision, format, out);
    } else {
        cJSON_ArrayForEach(profile, cJSON_GetObjectItemCaseSensitive(decision, "profiles"))
        {
            good = good && (first || fputc('\n', out) != EOF) &&
                   decide_screen_print(decision, profile, colour, out);
            first = false;
        }
    }
    good = output_is_done(good, out);
    if (!good) {
        report_error_set(error, "the decision cannot be printed: no memory, or its output is in error");
    }
    return good ? 0 : -1;
}
