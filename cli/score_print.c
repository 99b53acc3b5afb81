/* What a score prints: mutants as a table or as JSON, and controls. */
#include "cli/score_print.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

/* What an oracle or a sanitizer is called, or null. */
static void add_by(cJSON *object, const char *key, const struct score_result *result)
{
    cJSON_AddItemToObject(object, key,
                          result->detected ? cJSON_CreateString(result->by) : cJSON_CreateNull());
}

/* The same mutant in another way: null where it was not tried. */
static void add_way(cJSON *object, const char *key, const struct score_result *result)
{
    cJSON_AddItemToObject(object, key,
                          result->known ? cJSON_CreateBool(result->detected) : cJSON_CreateNull());
}

/* Why a mutant lives: where on the way to a report it stopped. NULL: it does not. */
static const char *reason_of(const struct score_result *result)
{
    return result->detected     ? NULL
           : !result->reached   ? "its code was never reached"
           : !result->triggered ? "its code ran, and behaved as the unaltered code does"
                                : "it did harm, and no oracle or sanitizer saw it";
}

static cJSON *row_object(const struct score_row *row)
{
    const struct score_result *result = &row->ways[SCORE_TARGET];
    const struct score_result *threads = &row->ways[SCORE_THREADS];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "mutant", row->mutant->name);
    cJSON_AddStringToObject(object, "kind", mutant_kind_names[row->mutant->kind]);
    cJSON_AddStringToObject(object, "backend", row->mutant->backend);
    cJSON_AddStringToObject(object, "target", row->mutant->target);
    cJSON_AddBoolToObject(object, "reached", result->reached);
    cJSON_AddBoolToObject(object, "triggered", result->triggered);
    cJSON_AddBoolToObject(object, "detected", result->detected);
    cJSON_AddNumberToObject(object, "executions", result->executions);
    cJSON_AddNumberToObject(object, "seconds", result->seconds);
    add_by(object, "by", result);
    cJSON_AddItemToObject(object, "reason",
                          result->detected ? cJSON_CreateNull() : cJSON_CreateString(reason_of(result)));
    add_way(object, "plain", &row->ways[SCORE_PLAIN]);
    add_way(object, "tsan", threads);
    add_by(object, "tsan_by", threads);
    cJSON_AddItemToObject(object, "tsan_seconds",
                          threads->known ? cJSON_CreateNumber(threads->seconds) : cJSON_CreateNull());
    return object;
}

int score_print_json(const struct score_row *rows, uint32_t count, FILE *out)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].ways[SCORE_TARGET].known)
            cJSON_AddItemToArray(array, row_object(&rows[i]));
    }
    char *text = cJSON_Print(array);
    cJSON_Delete(array);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    bool good = text != NULL && fflush(out) == 0;
    free(text);
    return good ? 0 : -1;
}

static void add_row(struct table *table, const struct score_row *row)
{
    static const char *const words[] = {"no", "yes"};
    const struct score_result *result = &row->ways[SCORE_TARGET];
    const struct score_result *threads = &row->ways[SCORE_THREADS];
    const struct score_result *plain = &row->ways[SCORE_PLAIN];
    char executions[32];
    char seconds[32];
    char threads_seconds[32] = "";
    snprintf(executions, sizeof(executions), "%.0f", result->executions);
    snprintf(seconds, sizeof(seconds), "%.1f", result->seconds);
    if (threads->known)
        snprintf(threads_seconds, sizeof(threads_seconds), "%.1f", threads->seconds);
    const char *cells[] = {row->mutant->name,
                           mutant_kind_names[row->mutant->kind],
                           row->mutant->backend,
                           words[result->reached],
                           words[result->triggered],
                           words[result->detected],
                           executions,
                           seconds,
                           result->by,
                           !threads->known     ? "-"
                           : threads->detected ? threads->by
                                               : "no",
                           threads_seconds,
                           !plain->known ? "-" : words[plain->detected]};
    table_add_row(table, cells);
}

static void add_survivor(struct table *table, const struct score_row *row)
{
    const struct score_result *result = &row->ways[SCORE_TARGET];
    char words[300];
    snprintf(words, sizeof(words), "survives: %s: %s in %.0f executions, %.1f s", row->mutant->name,
             reason_of(result), result->executions, result->seconds);
    table_add_note(table, words);
}

void score_print_table(const struct score_row *rows, uint32_t count, enum report_format format)
{
    static const struct table_column columns[] = {
        {"mutant", TABLE_LEFT},      {"kind", TABLE_LEFT},      {"candidate", TABLE_LEFT},
        {"reached", TABLE_LEFT},     {"triggered", TABLE_LEFT}, {"detected", TABLE_LEFT},
        {"executions", TABLE_RIGHT}, {"seconds", TABLE_RIGHT},  {"by", TABLE_LEFT},
        {"threads", TABLE_LEFT},     {"seconds", TABLE_RIGHT},  {"plain", TABLE_LEFT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        if (rows[i].ways[SCORE_TARGET].known)
            add_row(table, &rows[i]);
    }
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        if (rows[i].ways[SCORE_TARGET].known && !rows[i].ways[SCORE_TARGET].detected)
            add_survivor(table, &rows[i]);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

static void add_counts(struct table *table, const char *target, const char *candidate, double executions,
                       double seconds, uint32_t reports, const char *by)
{
    char texts[3][32] = {""};
    if (executions >= 0)
        snprintf(texts[0], sizeof(texts[0]), "%.0f", executions);
    snprintf(texts[1], sizeof(texts[1]), "%.1f", seconds);
    snprintf(texts[2], sizeof(texts[2]), "%u", reports);
    const char *cells[] = {target, candidate, texts[0], texts[1], texts[2], by};
    table_add_row(table, cells);
}

/* What a target's candidates had together, where there are several; at the first of them. */
static void add_total(struct table *table, const struct score_row *rows, uint32_t count, uint32_t first)
{
    const char *target = rows[first].mutant->target;
    double executions = 0;
    double seconds = 0;
    uint32_t reports = 0;
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < count && rows[first].ways[SCORE_TARGET].known; i++) {
        if (strcmp(rows[i].mutant->target, target) != 0 || !rows[i].ways[SCORE_TARGET].known)
            continue;
        if (i < first)
            return;
        pairs++;
        executions += rows[i].executions[SCORE_TARGET];
        seconds += rows[i].seconds[SCORE_TARGET];
        reports += rows[i].reports[SCORE_TARGET];
    }
    if (pairs > 1)
        add_counts(table, target, "(together)", executions, seconds, reports, "");
}

bool score_print_controls(const struct score_row *rows, uint32_t count, enum report_format format, FILE *out)
{
    static const struct table_column columns[] = {
        {"target", TABLE_LEFT},   {"candidate", TABLE_LEFT}, {"executions", TABLE_RIGHT},
        {"seconds", TABLE_RIGHT}, {"reports", TABLE_RIGHT},  {"by", TABLE_LEFT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        const struct score_row *row = &rows[i];
        if (row->ways[SCORE_TARGET].known)
            add_counts(table, row->mutant->target, row->mutant->backend, row->executions[SCORE_TARGET],
                       row->seconds[SCORE_TARGET], row->reports[SCORE_TARGET], row->ways[SCORE_TARGET].by);
        if (row->ways[SCORE_THREADS].known)
            add_counts(table, "threads", row->mutant->backend, -1, row->seconds[SCORE_THREADS],
                       row->reports[SCORE_THREADS], row->ways[SCORE_THREADS].by);
    }
    for (uint32_t i = 0; table != NULL && i < count; i++)
        add_total(table, rows, count, i);
    bool good = table != NULL && table_print(table, format, false, out);
    table_destroy(table);
    return good && fflush(out) == 0;
}
