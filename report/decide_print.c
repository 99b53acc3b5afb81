/* A decision in its formats, and in the three lines that end a run. */
#include "report/decide_screen.h"
#include "report/error.h"
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

static bool facts_add(struct table *table, const cJSON *profile, const char *key)
{
    const cJSON *fact = NULL;
    bool good = true;

    cJSON_ArrayForEach(fact, cJSON_GetObjectItemCaseSensitive(profile, key))
    {
        const char *cells[COLUMNS] = {
            result_text(profile, "name"), result_text(fact, "candidate"), key,
            result_text(fact, "need"),    result_text(fact, "fact"),      result_text(fact, "row"),
            result_text(fact, "file"),    result_text(fact, "command")};
        good = good && table_add_row(table, cells);
    }
    return good;
}

/* One row a value of those that are left: what it is best at or gives up by, its row and command. */
static bool standings_add(struct table *table, const cJSON *profile, const char *key)
{
    const cJSON *one = NULL;
    bool good = true;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(profile, key))
    {
        const cJSON *rows = cJSON_GetObjectItemCaseSensitive(one, "rows");
        const cJSON *row = NULL;

        cJSON_ArrayForEach(row, rows)
        {
            const cJSON *value = cJSON_GetObjectItemCaseSensitive(one, "values")->child;
            const cJSON *lost = NULL;
            char numbers[VALUES][32];
            char by[300] = "";
            const char *axis = row->string;
            const char *cells[COLUMNS] = {
                result_text(profile, "name"),
                result_text(one, "candidate"),
                key,
                axis,
                by,
                result_text(rows, axis),
                "",
                result_text(cJSON_GetObjectItemCaseSensitive(one, "commands"), axis)};

            if (result_text(one, "by")[0] != '\0') {
                snprintf(by, sizeof by, "nowhere better than %s", result_text(one, "by"));
            }
            cJSON_ArrayForEach(lost, cJSON_GetObjectItemCaseSensitive(one, "gives_up"))
            {
                const char *text = cJSON_GetStringValue(lost);

                if (text != NULL && strstr(text, result_text(rows, axis)) != NULL) {
                    snprintf(by, sizeof by, "gives up %s", text);
                }
            }
            for (size_t i = 0; i < VALUES && value != NULL; i++, value = value->next) {
                snprintf(numbers[i], sizeof numbers[i], "%.6g", value->valuedouble);
                cells[FIRST_VALUE + i] = numbers[i];
            }
            good = good && table_add_row(table, cells);
        }
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
               facts_add(table, profile, "unknown") && facts_add(table, profile, "out");
    }
    good = good && table_print(table, format, false, out);
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
    if (!good) {
        report_error_set(error, "the decision cannot be printed: no memory, or its output is in error");
    }
    return good ? 0 : -1;
}
