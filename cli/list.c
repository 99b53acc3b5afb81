/* pagelab list: what there is to run. Capabilities are shown as what they are here: claims. */
#include <stdio.h>
#include <string.h>

#include "bench/environment.h"
#include "bench/workloads/workload.h"
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

/* What a service lends, in the words that ask for it. */
static void lends(const struct pl_candidate *service, char *text, size_t bytes)
{
    static const char *const words[] = {"va", "tables", "buf"};
    unsigned lent = registry_lends(service);
    text[0] = '\0';
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        size_t used = strlen(text);
        if ((lent >> i & 1) != 0)
            snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : ",", words[i]);
    }
}

static void add_row(struct table *table, const struct pl_candidate *candidate, const char *caps)
{
    const char *cells[] = {candidate->name, registry_kind_name(candidate->kind), caps, candidate->summary};
    table_add_row(table, cells);
}

/* The workloads of `bench`, in the order of the list. */
static int list_workloads(enum report_format format)
{
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT}, {"section", TABLE_LEFT}, {"summary", TABLE_LEFT}};
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (size_t i = 0; table != NULL && workloads[i] != NULL; i++) {
        const char *cells[] = {workloads[i]->name, workloads[i]->section, workloads[i]->summary};
        table_add_row(table, cells);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
    return CLI_OK;
}

static int list_main(int argc, const char **argv)
{
    static char *format_text = NULL;
    static int of_workloads = 0;
    enum report_format format;
    const struct poptOption options[] = {
        {"workloads", 0, POPT_ARG_NONE, &of_workloads, 0, "the workloads of 'pagelab bench' instead", NULL},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        POPT_AUTOHELP POPT_TABLEEND};
    static const struct table_column columns[] = {
        {"name", TABLE_LEFT}, {"kind", TABLE_LEFT}, {"claims", TABLE_LIST}, {"summary", TABLE_LEFT}};
    poptContext context;
    if (cli_parse(&cli_list, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("list", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (of_workloads) {
        poptFreeContext(context);
        return list_workloads(format);
    }
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (const struct pl_candidate *const *entry = registry_candidates; table != NULL && *entry != NULL;
         entry++) {
        char caps[512];
        capabilities(*entry, caps, sizeof(caps));
        add_row(table, *entry, caps);
    }
    for (const struct pl_candidate *const *entry = registry_services; table != NULL && *entry != NULL;
         entry++) {
        char lent[32];
        lends(*entry, lent, sizeof(lent));
        add_row(table, *entry, lent);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
    poptFreeContext(context);
    return CLI_OK;
}

const struct cli_command cli_list = {.name = "list",
                                     .arguments = "",
                                     .summary = "names the candidates, wrappers, rods and services",
                                     .main = list_main};
