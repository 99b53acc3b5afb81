/* pagelab nosleep: calls candidates as those who must not sleep do, and lists whatever could block there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/nosleep/nosleep.h"
#include "platform/native/native.h"

#define ROW_LIMIT_S 60u

struct rows {
    struct spec *specs;
    uint32_t spec_count;
    unsigned only;            /* NOSLEEP_SCENARIO_COUNT: all of them */
    struct nosleep_row *rows; /* by candidate, then scenario */
    cJSON **progress;         /* by candidate: see cli_progress */
    struct nosleep_cost cost;
};

static struct nosleep_row *row_at(const struct rows *rows, uint32_t spec, unsigned scenario)
{
    return &rows->rows[spec * NOSLEEP_SCENARIO_COUNT + scenario];
}

static bool wanted(const struct rows *rows, unsigned scenario)
{
    return rows->only == NOSLEEP_SCENARIO_COUNT || rows->only == scenario;
}

static int run_all(struct rows *rows)
{
    bool progress = isatty(STDERR_FILENO) != 0;
    for (uint32_t spec = 0; spec < rows->spec_count; spec++) {
        if (progress)
            fprintf(stderr, "\r\033[Knosleep %s (%" PRIu32 " of %" PRIu32 ") ", rows->specs[spec].name,
                    spec + 1, rows->spec_count);
        for (unsigned i = 0; i < NOSLEEP_SCENARIO_COUNT; i++) {
            if (!wanted(rows, i) || nosleep_run(&rows->specs[spec], (enum nosleep_scenario)i, ROW_LIMIT_S,
                                                &cli_stop, row_at(rows, spec, i)) == 0)
                continue;
            return cli_stop ? CLI_INTERRUPTED
                            : cli_mistake("nosleep", "cannot start a process: %s", strerror(errno));
        }
        rows->progress[spec] = cli_progress(rows->specs[spec].name);
        if (cli_stop)
            return CLI_INTERRUPTED;
    }
    if (progress)
        fputs("\r\033[K", stderr);
    rows->cost = nosleep_measure_region();
    return CLI_OK;
}

/* --- printing --- */

static const char *const kind_names[] = {"wait", "blocks", "system call"};

/* "madvise from arena_decay 3 times; ..." */
static void found_text(const struct nosleep_row *row, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < row->found_count && used + 1 < bytes; i++) {
        const struct nosleep_found *found = &row->found[i];
        int n = snprintf(text + used, bytes - used, "%s%s from %s (%" PRIu64 ")", used == 0 ? "" : "; ",
                         found->name, found->caller, found->count);
        used += n < 0 ? 0 : (size_t)n;
    }
}

static void print_table(const struct rows *rows, enum report_format format)
{
    static const struct table_column columns[] = {
        {"candidate", TABLE_LEFT}, {"progress", TABLE_LEFT},
        {"scenario", TABLE_LEFT},  {"calls", TABLE_RIGHT},
        {"waits", TABLE_RIGHT},    {"system calls", TABLE_RIGHT},
        {"verdict", TABLE_LEFT},   {"refuted", TABLE_LEFT},
        {"found", TABLE_LEFT}, /* not on a terminal: there it stands below */
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns) - (format == REPORT_TABLE ? 1 : 0));
    for (uint32_t spec = 0; spec < rows->spec_count && table != NULL; spec++) {
        for (unsigned i = 0; i < NOSLEEP_SCENARIO_COUNT; i++) {
            const struct nosleep_row *row = row_at(rows, spec, i);
            char numbers[3][24];
            char found[1000];
            if (!wanted(rows, i))
                continue;
            snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, row->calls);
            snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, row->waits);
            snprintf(numbers[2], sizeof(numbers[2]), "%" PRIu64, row->trapped);
            found_text(row, found, sizeof(found));
            bool unseen = nosleep_missing() != NULL;
            const char *cells[] = {rows->specs[spec].name,
                                   cli_progress_class(rows->progress[spec]),
                                   nosleep_scenario_names[i],
                                   numbers[0],
                                   numbers[1],
                                   unseen ? "-" : numbers[2],
                                   row->words,
                                   row->refuted ? "X-5" : "",
                                   found};
            table_add_row(table, cells);
        }
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

static cJSON *row_json(const struct nosleep_row *row, const char *candidate, unsigned scenario,
                       const cJSON *progress)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "candidate", candidate);
    cJSON_AddStringToObject(object, "scenario", nosleep_scenario_names[scenario]);
    cJSON_AddItemToObject(object, "progress", cJSON_Duplicate(progress, true));
    cJSON_AddStringToObject(object, "status", nosleep_verdict_names[row->verdict]);
    cJSON_AddStringToObject(object, "verdict", row->words);
    cJSON_AddBoolToObject(object, "refuted", row->refuted);
    cJSON_AddNumberToObject(object, "calls", (double)row->calls);
    cJSON_AddNumberToObject(object, "waits", (double)row->waits);
    if (nosleep_missing() == NULL)
        cJSON_AddNumberToObject(object, "system_calls", (double)row->trapped);
    else
        cJSON_AddNullToObject(object, "system_calls");
    if (scenario == NOSLEEP_MAP || scenario == NOSLEEP_ORB)
        cJSON_AddNumberToObject(object, "allocator_calls", (double)row->allocator_calls);
    cJSON *list = cJSON_AddArrayToObject(object, "found");
    for (uint32_t i = 0; i < row->found_count; i++) {
        const struct nosleep_found *found = &row->found[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "kind", kind_names[found->kind]);
        cJSON_AddStringToObject(entry, "name", found->name);
        cJSON_AddNumberToObject(entry, "count", (double)found->count);
        cJSON_AddStringToObject(entry, "caller", found->caller);
        cJSON_AddStringToObject(entry, "at", found->at);
        cJSON_AddStringToObject(entry, "stack", found->stack);
        cJSON_AddItemToArray(list, entry);
    }
    return object;
}

static void print_json(const struct rows *rows)
{
    cJSON *document = cJSON_CreateObject();
    const char *missing = nosleep_missing();
    cJSON_AddStringToObject(document, "system_calls", missing == NULL ? "seen" : missing);
    cJSON *region = cJSON_AddObjectToObject(document, "region");
    cJSON_AddNumberToObject(region, "ns", rows->cost.alone_ns);
    cJSON_AddNumberToObject(region, "empty_ns", rows->cost.empty_ns);
    cJSON_AddNumberToObject(region, "inside_ns", rows->cost.inside_ns);
    cJSON *list = cJSON_AddArrayToObject(document, "rows");
    for (uint32_t spec = 0; spec < rows->spec_count; spec++) {
        for (unsigned i = 0; i < NOSLEEP_SCENARIO_COUNT; i++) {
            if (wanted(rows, i))
                cJSON_AddItemToArray(
                    list, row_json(row_at(rows, spec, i), rows->specs[spec].name, i, rows->progress[spec]));
        }
    }
    char *text = cJSON_Print(document);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(document);
}

/* For people: everything that was found, with the way there. */
static void print_found(const char *candidate, unsigned scenario, const struct nosleep_row *row)
{
    if (row->refuted && row->found_count == 0)
        printf("broken  %s %s X-5: %s\n", candidate, nosleep_scenario_names[scenario], row->words);
    for (uint32_t i = 0; i < row->found_count; i++) {
        const struct nosleep_found *found = &row->found[i];
        printf("%s  %s %s%s: %s %" PRIu64 " times: %s\n",
               row->refuted && found->kind != NOSLEEP_CALL ? "broken" : "found ", candidate,
               nosleep_scenario_names[scenario], row->refuted && found->kind != NOSLEEP_CALL ? " X-5" : "",
               found->name, found->count, found->stack);
    }
}

static void print_sum(const struct rows *rows, const unsigned *counts, unsigned refuted)
{
    for (unsigned i = 0; i <= NOSLEEP_DIED; i++) {
        if (counts[i] != 0)
            printf("%u %s, ", counts[i], nosleep_verdict_names[i]);
    }
    printf("%u promises refuted\n", refuted);
    if (nosleep_missing() != NULL)
        printf("system calls were not checked: %s\n", nosleep_missing());
    if (native_real_cpu_count() < 2)
        puts("contended: one real CPU, so that two threads hardly ever meet");
    puts("progress: blocking, a CPU that stands still in a call can hold up another for ever; lock-free, a "
         "call can be\nstarved by others that go on, which is no finding; wait-free, neither; opaque, of a "
         "library or plug-in");
    printf("a no-sleep region costs %.2f ns by itself; an empty call takes %.2f ns, and %.2f ns inside one\n",
           rows->cost.alone_ns, rows->cost.empty_ns, rows->cost.inside_ns);
}

/* Returns the exit code. */
static int print_verdict(const struct rows *rows, bool words)
{
    unsigned counts[NOSLEEP_DIED + 1] = {0};
    unsigned refuted = 0;
    for (uint32_t spec = 0; spec < rows->spec_count; spec++) {
        for (unsigned i = 0; i < NOSLEEP_SCENARIO_COUNT; i++) {
            const struct nosleep_row *row = row_at(rows, spec, i);
            if (!wanted(rows, i))
                continue;
            counts[row->verdict]++;
            refuted += row->refuted ? 1 : 0;
            if (words)
                print_found(rows->specs[spec].name, i, row);
        }
    }
    if (words)
        print_sum(rows, counts, refuted);
    return refuted == 0 ? CLI_OK : CLI_BROKEN;
}

/* --- the command --- */

static bool scenario_of(const char *text, unsigned *scenario)
{
    *scenario = 0;
    while (text != NULL && *scenario < NOSLEEP_SCENARIO_COUNT &&
           strcmp(text, nosleep_scenario_names[*scenario]) != 0)
        ++*scenario;
    if (text == NULL)
        *scenario = NOSLEEP_SCENARIO_COUNT;
    else if (*scenario == NOSLEEP_SCENARIO_COUNT)
        cli_mistake("nosleep",
                    "--scenario '%s': cold, warm, exhausted, contended, map-ptes or orb-fixed expected",
                    text);
    return text == NULL || *scenario < NOSLEEP_SCENARIO_COUNT;
}

static int nosleep_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static char *format_text = NULL;
    static char *backend = NULL;
    static char *scenario = NULL;
    enum report_format format;
    struct spec_error error;
    struct rows rows = {.specs = specs};
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "the candidates (every built-in one)", "LIST"},
        {"scenario", 's', POPT_ARG_STRING, &scenario, 0,
         "only cold, warm, exhausted, contended, map-ptes or orb-fixed", "NAME"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_nosleep, argc, argv, options, 0, 0, &context);
    if (left == NULL || cli_format("nosleep", format_text, &format) != 0 ||
        !scenario_of(scenario, &rows.only))
        return CLI_MISTAKE;
    int count =
        backend == NULL ? cli_every_candidate(specs, &error) : spec_parse_list(backend, specs, &error);
    int code = cli_check_specs("nosleep", specs, count, &error);
    if (code != CLI_OK)
        return code;
    rows.spec_count = (uint32_t)count;
    rows.rows = calloc((size_t)rows.spec_count * NOSLEEP_SCENARIO_COUNT, sizeof(*rows.rows));
    rows.progress = calloc(rows.spec_count, sizeof(*rows.progress));
    code =
        rows.rows != NULL && rows.progress != NULL ? run_all(&rows) : cli_mistake("nosleep", "out of memory");
    if (code == CLI_OK && format == REPORT_JSON)
        print_json(&rows);
    else if (code == CLI_OK)
        print_table(&rows, format);
    if (code == CLI_OK)
        code = print_verdict(&rows, format == REPORT_TABLE);
    for (uint32_t i = 0; rows.progress != NULL && i < rows.spec_count; i++)
        cJSON_Delete(rows.progress[i]);
    free(rows.progress);
    free(rows.rows);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_nosleep = {.name = "nosleep",
                                        .arguments = "[--backend LIST]",
                                        .summary = "looks for whatever blocks in calls that must not sleep",
                                        .example = "nosleep --backend slate,jemalloc",
                                        .main = nosleep_main};
