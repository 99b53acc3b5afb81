/* pagelab explore: every schedule of a small program. The candidates must be compiled for the simulated
 * platform, so another program does it: cli/sim/explore.c. */
#include <stdio.h>

#include "cli/sim_words.h"

#define DEFAULT_PREEMPTIONS 2

static int explore_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct sim_words words;
    static char *backends = NULL;
    static char *format_text = NULL;
    static char *path = NULL;
    static int preemptions = DEFAULT_PREEMPTIONS;
    static int no_interrupts = 0;
    static int no_races = 0;
    static int list = 0;
    char number[24];
    char found[4096];
    enum report_format format;
    struct spec_error error;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backends, 0, "the candidates (all)", "LIST"},
        {"preemptions", 'k', POPT_ARG_INT, &preemptions, 0, "at most so many switches and interrupts (2)",
         "K"},
        {"no-interrupts", 0, POPT_ARG_NONE, &no_interrupts, 0, "switches only", NULL},
        {"no-races", 0, POPT_ARG_NONE, &no_races, 0, "without the data race detector: twice as fast", NULL},
        {"path", 0, POPT_ARG_STRING, &path, 0, "run this one schedule, as a finding names it, and list it",
         "PATH"},
        {"list", 'l', POPT_ARG_NONE, &list, 0, "with --path: list every access", NULL},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **programs = cli_parse(&cli_explore, argc, argv, options, 1, 32, &context);
    if (programs == NULL || cli_format("explore", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (preemptions < 0 || preemptions > 16)
        return cli_mistake("explore", "--preemptions %d: 0 to 16 expected", preemptions);
    int count =
        backends == NULL ? cli_every_candidate(specs, &error) : spec_parse_list(backends, specs, &error);
    int code = cli_check_specs("explore", specs, count, &error);
    if (code != CLI_OK)
        return code;
    snprintf(number, sizeof(number), "%d", preemptions);
    sim_words_add(&words, "preemptions", number);
    sim_words_add(&words, "interrupts", no_interrupts ? "0" : "1");
    sim_words_add(&words, "races", no_races ? "0" : "1");
    sim_words_add(&words, "all", list ? "1" : "0");
    if (path != NULL)
        sim_words_add(&words, "path", path);
    sim_words_add(&words, "format", format_text == NULL ? "table" : format_text);
    for (int i = 0; i < count; i++)
        sim_words_add(&words, "backend", specs[i].name);
    for (size_t i = 0; programs[i] != NULL; i++)
        sim_words_add(&words, "program", cli_find(programs[i], found, sizeof(found)));
    return sim_words_start(&words, "explore");
}

const struct cli_command cli_explore = {
    .name = "explore",
    .arguments = "PROGRAM... [--backend LIST]",
    .summary = "every schedule of a small program with a few preemptions or interrupts",
    .example = "explore corpora/explore/free-free.txt --preemptions 1 --backend bitmap",
    .main = explore_main};
