/* pagelab list: what there is to run. */
#include <stdio.h>
#include <string.h>

#include "bench/environment.h"
#include "cli/cli.h"
#include "engine/registry.h"

/* Capabilities as "a,b,c". A wrapper's own depend on what it wraps: those over buddy are shown. */
static void capabilities(const struct pl_candidate *candidate, char *text, size_t bytes)
{
    char name[SPEC_NAME_BYTES];
    struct spec spec;
    struct spec_error error;
    text[0] = '\0';
    snprintf(name, sizeof(name), "%s%s", candidate->name, candidate->kind == PL_KIND_WRAPPER ? "+buddy" : "");
    if (spec_parse(name, &spec, &error) != 0)
        return;
    cJSON *array = environment_candidates(&spec, 1);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, array)
    {
        if (strcmp(cJSON_GetObjectItem(entry, "name")->valuestring, name) != 0)
            continue;
        const cJSON *item;
        text[0] = '\0';
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(entry, "capabilities"))
        {
            size_t used = strlen(text);
            snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : ",", item->valuestring);
        }
    }
    cJSON_Delete(array);
}

static int list_main(int argc, const char **argv)
{
    static char *format_text = NULL;
    enum report_format format;
    const struct poptOption options[] = {
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        POPT_AUTOHELP POPT_TABLEEND};
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT}, {"kind", TABLE_LEFT}, {"capabilities", TABLE_LIST}, {"summary", TABLE_LEFT}};
    poptContext context;
    if (cli_parse(&cli_list, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("list", format_text, &format) != 0)
        return CLI_MISTAKE;
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (const struct pl_candidate *const *entry = registry_candidates; table != NULL && *entry != NULL;
         entry++) {
        char caps[512];
        capabilities(*entry, caps, sizeof(caps));
        const char *cells[] = {(*entry)->name, registry_kind_name((*entry)->kind), caps, (*entry)->summary};
        table_add_row(table, cells);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
    poptFreeContext(context);
    return CLI_OK;
}

const struct cli_command cli_list = {
    .name = "list", .arguments = "", .summary = "names the candidates, wrappers and rods", .main = list_main};
