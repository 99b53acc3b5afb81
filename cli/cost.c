/* pagelab cost, in two forms. Without --workload: the dearest calls of stored programs and of what campaigns
 * kept. The candidates must be compiled for the simulated platform, so another program does it:
 * cli/sim/cost.c. With --workload: what operations cost on average, counted under valgrind: count.h. */
#include <stdio.h>

#include "cli/count.h"
#include "cli/sim_words.h"

#define SEEDS_FOLDER  "corpora/seeds/page"
#define STORED_FOLDER "corpora/cost"
#define INPUT_LIMIT   32

static int cost_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct sim_words words;
    static char *backends = NULL;
    static char *format_text = NULL;
    static char *out = NULL;
    static struct count_arguments counted = COUNT_DEFAULTS;
    enum report_format format;
    struct spec_error error;
    char found[4096];
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backends, 0, "the candidates (all)", "LIST"},
        {"out", 'o', POPT_ARG_STRING, &out, 0,
         "store the worst program of each, made small, as KIND/CANDIDATE.txt, where it is worse than the one "
         "that is there; with --workload: also write the counts to this file, as JSON",
         "FOLDER|FILE"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        COUNT_OPTIONS(counted),
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **inputs = cli_parse(&cli_cost, argc, argv, options, 0, INPUT_LIMIT, &context);
    if (inputs == NULL || cli_format("cost", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (counted.workloads != NULL && inputs[0] != NULL)
        return cli_mistake("cost", "'%s': a program, or --workload, expected, not both", inputs[0]);
    if (counted.workloads != NULL) {
        counted.backends = backends;
        counted.out = out;
        return count_main(&counted, format);
    }
    if (count_option_given(&counted) != NULL)
        return cli_mistake("cost", "%s: --workload expected with it", count_option_given(&counted));
    int count =
        backends == NULL ? cli_every_candidate(specs, &error) : spec_parse_list(backends, specs, &error);
    int code = cli_check_specs("cost", specs, count, &error);
    if (code != CLI_OK)
        return code;
    sim_words_add(&words, "format", format_text == NULL ? "table" : format_text);
    sim_words_add(&words, "seeds", cli_find(SEEDS_FOLDER, found, sizeof(found)));
    sim_words_add(&words, "stored", cli_find(STORED_FOLDER, found, sizeof(found)));
    if (out != NULL)
        sim_words_add(&words, "out", out);
    for (int i = 0; i < count; i++)
        sim_words_add(&words, "backend", specs[i].name);
    for (size_t i = 0; inputs[i] != NULL; i++)
        sim_words_add(&words, "input", cli_find(inputs[i], found, sizeof(found)));
    return sim_words_start(&words, "cost");
}

const struct cli_command cli_cost = {
    .name = "cost",
    .arguments = "[PROGRAM|FOLDER...] [--backend LIST] [--out FOLDER] | --workload LIST [--backend LIST]",
    .summary = "counts: the dearest single calls; with --workload what an operation costs on average",
    .example = "cost corpora/seeds/page --backend buddy",
    .main = cost_main};
