/* pagelab gate: has anything grown between two files of pagelab cost? */
#include <stdio.h>

#include "cli/cli.h"
#include "report/gate.h"
#include "report/result.h"

#define PERCENT_MAX 1000.0

static int gate_main(int argc, const char **argv)
{
    static struct report_gate gate = {.percent = 1};
    static char *format_text = NULL;
    enum report_format format;
    struct report_error error;
    poptContext context;
    char found[4800];
    const struct poptOption options[] = {
        {"percent", 'p', POPT_ARG_DOUBLE, &gate.percent, 0, "the growth of a count that is let pass (1)",
         "P"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    const char **paths = cli_parse(&cli_gate, argc, argv, options, 2, 2, &context);
    if (paths == NULL || cli_format("gate", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (!(gate.percent >= 0 && gate.percent <= PERCENT_MAX))
        return cli_mistake("gate", "--percent: 0 to %.0f expected", PERCENT_MAX);
    cJSON *base = result_read(cli_find(paths[0], found, sizeof(found)), &error);
    cJSON *next = base == NULL ? NULL : result_read(cli_find(paths[1], found, sizeof(found)), &error);
    int result = next == NULL ? -1
                              : report_gate_print(base, next, paths[0], paths[1], &gate, format, cli_colour(),
                                                  stdout, &error);
    cJSON_Delete(base);
    cJSON_Delete(next);
    if (result != 0)
        return cli_mistake("gate", "%s", error.line);
    if (gate.failed == 0)
        return CLI_OK;
    fflush(stdout);
    fprintf(stderr, "pagelab gate: %s\n", gate.first);
    return CLI_MISSED;
}

const struct cli_command cli_gate = {.name = "gate",
                                     .arguments = "BASE.json NEW.json",
                                     .example =
                                         "gate results/reference/cost.json results/reference/cost.json",
                                     .summary = "has a count of 'pagelab cost' grown, and in which function?",
                                     .main = gate_main};
