/* pagelab report: a result file once more as a table or a page. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/places.h"

static int report_main(int argc, const char **argv)
{
    static char *format_text = NULL;
    static char *html = NULL;
    static struct cli_places places;
    enum report_format format;
    struct report_error error;
    const struct poptOption options[] = {
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        {"html", 'o', POPT_ARG_STRING, &html, 0, "write the page to FILE instead", "FILE"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_report, argc, argv, options, 1, 1, &context);
    if (left == NULL || cli_format("report", format_text, &format) != 0)
        return CLI_MISTAKE;
    char found[4800];
    const char *path = cli_find(left[0], found, sizeof(found));
    int code = CLI_OK;
    cJSON *result = report_read(path, &error);
    if (result != NULL)
        cli_say_version("report", path, result);
    if (result == NULL ||
        (html != NULL ? report_write_html_from(result, html, cli_places_find(&places, path), &error)
                      : report_print(result, format, cli_colour(), stdout, &error)) != 0)
        code = cli_mistake("report", "%s", error.line);
    cJSON_Delete(result);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_report = {.name = "report",
                                       .arguments = "RESULT.json",
                                       .summary = "prints a result file, or makes its page",
                                       .example = "report results/reference/result.json --format markdown",
                                       .main = report_main};
