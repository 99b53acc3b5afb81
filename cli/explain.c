/* pagelab explain: a promise by its number: the rule in words, whose it is, where it is checked and asserted,
 * the lie that proves the check, and a program of a few lines that is fine on an honest system and broken
 * under that lie. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <pagelab/caps.h>

#include "cli/cli.h"
#include "cli/limits.h"
#include "engine/checks/check.h"
#include "engine/program_file.h"

#define IDS_LIMIT (int)CHECK_PROMISE_COUNT
#define INDENT    11

static const struct promise *find(const char *id)
{
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        if (strcasecmp(check_promise(i)->id, id) == 0)
            return check_promise(i);
    }
    return NULL;
}

static void print_item(const char *name, const char *text)
{
    printf("%-*s", INDENT, name);
    cli_wrap(text, INDENT, stdout);
}

static void print_asked(const struct promise *promise)
{
    char text[300] = "every candidate";
    size_t used = 0;
    const char *separator = "candidates with ";
#define ASKED(name, word)                                                                                    \
    if ((promise->needs & PL_CAP_##name) != 0 && used < sizeof(text)) {                                      \
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", separator, word);                 \
        separator = ", ";                                                                                    \
    }
    PL_CAP_NAMES(ASKED)
#undef ASKED
    print_item("asked of", text);
}

static void print_tests(const struct promise *promise)
{
    static const char *const contracts[] = {"the documented and the real", "the documented only",
                                            "the real only"};
    char text[400];
    print_item("contract", contracts[promise->contract]);
    print_asked(promise);
    snprintf(text, sizeof(text), "%s; %s check --id %s", promise->tested, cli_call(), promise->id);
    print_item("checked", text);
    print_item("asserted", promise->asserted);
    if (strcmp(promise->lie, "system") == 0)
        snprintf(
            text, sizeof(text),
            "LIE(\"%s\") in systems/, in a copy that only the tests build; ctest -R 'lies.%s$' shows that "
            "the check sees it",
            promise->id, promise->id);
    else
        snprintf(text, sizeof(text),
                 "the candidate %s of tests/liars; ctest -R 'lies.%s$' shows that the check sees it",
                 promise->lie, promise->id);
    print_item("lie", text);
}

/* CLI_OK if there is none to print, too. */
static int print_program(const struct promise *promise)
{
    static struct program_file file;
    struct program_error error;
    char path[64];
    char found[4096];
    char text[300];
    snprintf(path, sizeof(path), "corpora/explain/%s.txt", promise->id);
    const char *real = cli_find(path, found, sizeof(found));
    if (strcmp(promise->id, "X-12") == 0) {
        print_item("breaks it", "no program: one runs on one candidate, and this is about two");
        return CLI_OK;
    }
    if (program_file_read(real, &file, &error) != 0)
        return cli_mistake("explain", "%s (run it in the checkout, or installed)", error.text);
    bool scheduled = strcmp(promise->id, "X-11") == 0; /* it takes CPUs at the same time */
    snprintf(text, sizeof(text),
             "this program, where the lie is told (ctest -R '^explained%s$'); elsewhere it is fine: %s "
             "replay %s %s--backend buddy",
             scheduled ? ".X-11" : "", cli_call(), path, scheduled ? "--schedule --admitted " : "");
    print_item("breaks it", text);
    putchar('\n');
    program_print(&file.program, stdout);
    program_file_fini(&file);
    return CLI_OK;
}

static int explain(const struct promise *promise)
{
    print_item(promise->id, promise->words);
    putchar('\n');
    print_item("source", promise->source);
    print_tests(promise);
    return print_program(promise);
}

static int explain_main(int argc, const char **argv)
{
    const struct poptOption options[] = {CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **ids = cli_parse(&cli_explain, argc, argv, options, 1, IDS_LIMIT, &context);
    int code = ids == NULL ? CLI_MISTAKE : CLI_OK;
    for (int i = 0; code == CLI_OK && ids[i] != NULL; i++) {
        const struct promise *promise = find(ids[i]);
        if (i > 0)
            putchar('\n');
        code = promise != NULL
                   ? explain(promise)
                   : cli_mistake(
                         "explain",
                         "'%.40s': a promise's number expected, as in F-8; 'pagelab check --list' has all",
                         ids[i]);
    }
    if (ids != NULL)
        poptFreeContext(context);
    return code;
}

const struct cli_command cli_explain = {
    .name = "explain",
    .arguments = "ID...",
    .summary = "a promise by its number: the rule, its source, its tests, a program that breaks it",
    .example = "explain F-8",
    .main = explain_main};
