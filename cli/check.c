/* pagelab check: conformance by number, a matrix of promises and candidates, and what is left of their
 * claims. Each cell and each check of a claim is a process of its own. */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli/claims.h"
#include "cli/cli.h"
#include "engine/checks/check.h"
#include "engine/isolate.h"

#define CELL_LIMIT_S 60u

struct cell {
    enum check_verdict verdict;
    char words[400];
    char ids[64];
};

struct matrix {
    struct spec *specs;
    uint32_t spec_count;
    const char *only; /* --id, or NULL */
    enum contract contract;
    struct cell *cells; /* by promise, then candidate */
};

static const char *const verdict_names[] = {"holds", "broken", "n/a"};

static struct cell *cell_at(const struct matrix *matrix, unsigned promise, uint32_t spec)
{
    return &matrix->cells[promise * matrix->spec_count + spec];
}

static bool wanted(const struct matrix *matrix, unsigned promise)
{
    return matrix->only == NULL || strcmp(matrix->only, check_promise(promise)->id) == 0;
}

/* --- running --- */

struct work {
    const struct promise *promise;
    const struct spec *spec;
    enum contract contract;
};

static void work(void *argument, void *result)
{
    const struct work *self = argument;
    struct cell *cell = result;
    struct check check;
    (void)isolate_stdout();
    check_run(self->promise, self->spec, self->contract, &check);
    memset(cell, 0, sizeof(*cell));
    cell->verdict = check.verdict;
    memcpy(cell->words, check.words, sizeof(cell->words));
    memcpy(cell->ids, check.ids, sizeof(cell->ids));
}

/* False: interrupted. */
static bool run_cell(const struct matrix *matrix, unsigned promise, uint32_t spec)
{
    struct work self = {check_promise(promise), &matrix->specs[spec], matrix->contract};
    struct cell *cell = cell_at(matrix, promise, spec);
    char how[100] = "";
    enum isolate_outcome outcome =
        isolate_run(work, &self, cell, sizeof(*cell), CELL_LIMIT_S, &cli_stop, how, sizeof(how));
    if (outcome == ISOLATE_DONE)
        return true;
    memset(cell, 0, sizeof(*cell));
    cell->verdict = CHECK_BROKEN;
    snprintf(cell->ids, sizeof(cell->ids), "%s", self.promise->id);
    if (outcome == ISOLATE_NO_PROCESS)
        snprintf(cell->words, sizeof(cell->words), "no process could be started");
    else
        snprintf(cell->words, sizeof(cell->words), "the process of this cell died: %s", how);
    return outcome != ISOLATE_INTERRUPTED;
}

/* A finding names every promise that it shows broken; they are all broken, whichever check saw it. */
static void spread(const struct matrix *matrix)
{
    for (unsigned seen = 0; seen < CHECK_PROMISE_COUNT; seen++) {
        for (uint32_t spec = 0; spec < matrix->spec_count; spec++) {
            const struct cell *from = cell_at(matrix, seen, spec);
            char ids[64];
            char *save = NULL;
            if (from->verdict != CHECK_BROKEN)
                continue;
            memcpy(ids, from->ids, sizeof(ids));
            for (char *id = strtok_r(ids, " ", &save); id != NULL; id = strtok_r(NULL, " ", &save)) {
                for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
                    struct cell *to = cell_at(matrix, i, spec);
                    if (wanted(matrix, i) && strcmp(check_promise(i)->id, id) == 0 &&
                        to->verdict == CHECK_HOLDS) {
                        to->verdict = CHECK_BROKEN;
                        snprintf(to->words, sizeof(to->words), "seen by the check of %s",
                                 check_promise(seen)->id);
                    }
                }
            }
        }
    }
}

static int run_all(struct matrix *matrix)
{
    bool progress = isatty(STDERR_FILENO) != 0;
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        if (!wanted(matrix, i))
            continue;
        if (progress)
            fprintf(stderr, "\rcheck %s (%u of %u) ", check_promise(i)->id, i + 1, CHECK_PROMISE_COUNT);
        for (uint32_t spec = 0; spec < matrix->spec_count; spec++) {
            if (!run_cell(matrix, i, spec))
                return CLI_INTERRUPTED;
        }
    }
    if (progress)
        fputs("\r\033[K", stderr);
    spread(matrix);
    return CLI_OK;
}

/* --- printing --- */

static void cell_text(const struct cell *cell, char *text, size_t bytes)
{
    if (cell->verdict == CHECK_NA)
        snprintf(text, bytes, "n/a (%s)", cell->words);
    else
        snprintf(text, bytes, "%s", verdict_names[cell->verdict]);
}

/* One object, id -> candidate -> "holds", "broken" or "n/a (reason)". */
static void print_json(const struct matrix *matrix)
{
    cJSON *all = cJSON_CreateObject();
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        if (!wanted(matrix, i))
            continue;
        cJSON *row = cJSON_AddObjectToObject(all, check_promise(i)->id);
        for (uint32_t spec = 0; spec < matrix->spec_count; spec++) {
            char text[500];
            cell_text(cell_at(matrix, i, spec), text, sizeof(text));
            cJSON_AddStringToObject(row, matrix->specs[spec].name, text);
        }
    }
    char *text = cJSON_Print(all);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(all);
}

static void print_table(const struct matrix *matrix, enum report_format format)
{
    struct table_column columns[SPEC_LIST_LIMIT + 2];
    const char *cells[SPEC_LIST_LIMIT + 2];
    char texts[SPEC_LIST_LIMIT][500];
    columns[0] = (struct table_column){"id", TABLE_LEFT};
    for (uint32_t spec = 0; spec < matrix->spec_count; spec++)
        columns[spec + 1] = (struct table_column){matrix->specs[spec].name, TABLE_LEFT};
    columns[matrix->spec_count + 1] = (struct table_column){"promise", TABLE_LEFT};
    struct table *table = table_create(columns, matrix->spec_count + 2);
    for (unsigned i = 0; table != NULL && i < CHECK_PROMISE_COUNT; i++) {
        if (!wanted(matrix, i))
            continue;
        cells[0] = check_promise(i)->id;
        for (uint32_t spec = 0; spec < matrix->spec_count; spec++) {
            const struct cell *cell = cell_at(matrix, i, spec);
            cell_text(cell, texts[spec], sizeof(texts[spec]));
            /* On a terminal the reasons stand below, once each. */
            cells[spec + 1] = format == REPORT_TABLE ? verdict_names[cell->verdict] : texts[spec];
        }
        cells[matrix->spec_count + 1] = check_promise(i)->words;
        table_add_row(table, cells);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

/* Ids by reason, one line a reason and candidate. */
static void print_reasons(const struct matrix *matrix)
{
    for (uint32_t spec = 0; spec < matrix->spec_count; spec++) {
        for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
            const struct cell *cell = cell_at(matrix, i, spec);
            if (!wanted(matrix, i) || cell->verdict != CHECK_NA)
                continue;
            bool told = false;
            for (unsigned before = 0; before < i && !told; before++)
                told = cell_at(matrix, before, spec)->verdict == CHECK_NA && wanted(matrix, before) &&
                       strcmp(cell_at(matrix, before, spec)->words, cell->words) == 0;
            if (told)
                continue;
            printf("n/a     %s (%s):", matrix->specs[spec].name, cell->words);
            for (unsigned same = i; same < CHECK_PROMISE_COUNT; same++) {
                const struct cell *other = cell_at(matrix, same, spec);
                if (wanted(matrix, same) && other->verdict == CHECK_NA &&
                    strcmp(other->words, cell->words) == 0)
                    printf(" %s", check_promise(same)->id);
            }
            putchar('\n');
        }
    }
}

/* Returns the exit code. */
static int print_verdict(const struct matrix *matrix, bool words)
{
    unsigned counts[3] = {0};
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        for (uint32_t spec = 0; spec < matrix->spec_count && wanted(matrix, i); spec++) {
            const struct cell *cell = cell_at(matrix, i, spec);
            counts[cell->verdict]++;
            if (cell->verdict == CHECK_BROKEN && words)
                printf("broken  %s %s: %s\n", matrix->specs[spec].name, check_promise(i)->id, cell->words);
        }
    }
    if (words)
        printf("%u hold, %u broken, %u n/a (%s contract)\n", counts[CHECK_HOLDS], counts[CHECK_BROKEN],
               counts[CHECK_NA], matrix->contract == CONTRACT_REAL ? "real" : "documented");
    return counts[CHECK_BROKEN] == 0 ? CLI_OK : CLI_BROKEN;
}

/* --- the list of promises --- */

static const char *contract_name(enum check_contract contract)
{
    return contract == CHECK_DOC_ONLY ? "doc" : contract == CHECK_REAL_ONLY ? "real" : "both";
}

static int print_list(enum report_format format)
{
    static const struct table_column columns[] = {
        {"id", TABLE_LEFT},       {"contract", TABLE_LEFT}, {"tested", TABLE_LEFT},
        {"asserted", TABLE_LEFT}, {"lie", TABLE_LEFT},      {"promise", TABLE_LEFT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (unsigned i = 0; table != NULL && i < CHECK_PROMISE_COUNT; i++) {
        const struct promise *promise = check_promise(i);
        const char *cells[] = {promise->id,     contract_name(promise->contract),
                               promise->tested, promise->asserted,
                               promise->lie,    promise->words};
        table_add_row(table, cells);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
    return CLI_OK;
}

/* --- the command --- */

static int named_specs(const char **names, struct spec *specs, struct spec_error *error)
{
    char list[4096] = "";
    size_t used = 0;
    for (unsigned i = 0; names[i] != NULL && used < sizeof(list); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ",", names[i]);
    if (used >= sizeof(list)) {
        snprintf(error->text, sizeof(error->text), "candidates: fewer names expected");
        return -1;
    }
    return spec_parse_list(list, specs, error);
}

static bool known_id(const char *id)
{
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        if (strcmp(check_promise(i)->id, id) == 0)
            return true;
    }
    return false;
}

static int run_matrix(struct matrix *matrix, enum report_format format)
{
    matrix->cells = calloc((size_t)CHECK_PROMISE_COUNT * matrix->spec_count, sizeof(*matrix->cells));
    if (matrix->cells == NULL)
        return cli_mistake("check", "out of memory");
    int code = run_all(matrix);
    if (code == CLI_OK && format == REPORT_JSON)
        print_json(matrix);
    else if (code == CLI_OK)
        print_table(matrix, format);
    if (code == CLI_OK && format == REPORT_TABLE)
        print_reasons(matrix);
    if (code == CLI_OK)
        code = print_verdict(matrix, format == REPORT_TABLE);
    free(matrix->cells);
    if ((code != CLI_OK && code != CLI_BROKEN) || format != REPORT_TABLE || matrix->only != NULL)
        return code;
    int claims_code = claims_check(matrix->specs, matrix->spec_count, matrix->contract, NULL);
    return claims_code == CLI_OK ? code : claims_code;
}

static int check_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static char *format_text = NULL;
    static char *contract = NULL;
    static char *id = NULL;
    int list = 0;
    int claims = 0;
    enum report_format format;
    struct spec_error error;
    const struct poptOption options[] = {
        {"contract", 'c', POPT_ARG_STRING, &contract, 0, "doc (default) or real", "CONTRACT"},
        {"id", 'i', POPT_ARG_STRING, &id, 0, "this promise only", "ID"},
        {"list", 'l', POPT_ARG_NONE, &list, 0, "list the promises, and where each is tested; run nothing",
         NULL},
        {"claims", 0, POPT_ARG_NONE, &claims, 0,
         "only the claims: which capabilities a check tested or refuted, and by which", NULL},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_check, argc, argv, options, 0, SPEC_LIST_LIMIT, &context);
    if (left == NULL || cli_format("check", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (contract != NULL && strcmp(contract, "doc") != 0 && strcmp(contract, "real") != 0)
        return cli_mistake("check", "--contract '%s': doc or real expected", contract);
    if (id != NULL && !known_id(id))
        return cli_mistake("check", "--id '%s': no such promise; see 'pagelab check --list'", id);
    if (claims != 0 && (id != NULL || list != 0))
        return cli_mistake("check", "--claims: neither --id nor --list expected beside it");
    if (list != 0) {
        poptFreeContext(context);
        return print_list(format);
    }
    int count = left[0] == NULL ? cli_every_candidate(specs, &error) : named_specs(left, specs, &error);
    int code = cli_check_specs("check", specs, count, &error);
    if (code != CLI_OK)
        return code;
    struct matrix matrix = {
        .specs = specs,
        .spec_count = (uint32_t)count,
        .only = id,
        .contract = contract != NULL && contract[0] == 'r' ? CONTRACT_REAL : CONTRACT_DOC,
    };
    code = claims != 0 ? claims_check(specs, (uint32_t)count, matrix.contract, &format)
                       : run_matrix(&matrix, format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_check = {.name = "check",
                                      .arguments = "[CANDIDATE...]",
                                      .summary = "checks every promise of the contract, by number",
                                      .example = "check buddy slate\ncheck --id F-7 --contract real",
                                      .main = check_main};
