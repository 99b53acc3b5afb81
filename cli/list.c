/* pagelab list: what there is to run. Capabilities are shown as what they are here: claims. */
#include <stdio.h>
#include <string.h>

#include "bench/environment.h"
#include "bench/workloads/workload.h"
#include "cli/cli.h"
#include "engine/registry.h"

/* What it claims, as "a,b,c". */
static void claims_of(const struct spec *spec, char *text, size_t bytes)
{
    text[0] = '\0';
    cJSON *array = environment_candidates(spec, 1);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, array)
    {
        if (strcmp(cJSON_GetObjectItem(entry, "name")->valuestring, spec->name) != 0)
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

/* A wrapper's own depend on what it wraps: those over buddy are shown. */
static void capabilities(const struct pl_candidate *candidate, char *text, size_t bytes)
{
    char name[SPEC_NAME_BYTES];
    struct spec spec;
    struct spec_error error;
    text[0] = '\0';
    snprintf(name, sizeof(name), "%s%s", candidate->name, candidate->kind == PL_KIND_WRAPPER ? "+buddy" : "");
    if (spec_parse(name, &spec, &error) == 0)
        claims_of(&spec, text, bytes);
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

static void add_row(struct table *table, const char *name, const struct pl_candidate *candidate,
                    const char *caps)
{
    const char *cells[] = {name, registry_kind_name(candidate->kind), caps, candidate->summary};
    table_add_row(table, cells);
}

static void add_all(struct table *table)
{
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++) {
        char caps[512];
        capabilities(*entry, caps, sizeof(caps));
        add_row(table, (*entry)->name, *entry, caps);
    }
    for (const struct pl_candidate *const *entry = registry_services; *entry != NULL; entry++) {
        char lent[32];
        lends(*entry, lent, sizeof(lent));
        add_row(table, (*entry)->name, *entry, lent);
    }
}

/* Those that are named, plug-ins too. */
static int add_named(struct table *table, const char **names)
{
    for (; *names != NULL; names++) {
        char caps[512];
        struct spec spec;
        struct spec_error error;
        int code = cli_check_specs("list", &spec, spec_parse(*names, &spec, &error) == 0 ? 1 : -1, &error);
        if (code != CLI_OK)
            return code;
        claims_of(&spec, caps, sizeof(caps));
        add_row(table, spec.name, spec.layers[0].candidate, caps);
    }
    return CLI_OK;
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
        CLI_HELP POPT_TABLEEND};
    /* No more than claims, until `pagelab check` has tried to refute them. */
    static struct table_column columns[] = {
        {"name", TABLE_LEFT}, {"kind", TABLE_LEFT}, {"claims", TABLE_LIST}, {"summary", TABLE_LEFT}};
    poptContext context;
    const char **names = cli_parse(&cli_list, argc, argv, options, 0, SPEC_LIST_LIMIT, &context);
    if (names == NULL || cli_format("list", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (of_workloads && names[0] != NULL)
        return cli_mistake("list", "'%s': no such argument expected with --workloads", names[0]);
    if (of_workloads) {
        poptFreeContext(context);
        return list_workloads(format);
    }
    if (format == REPORT_JSON || format == REPORT_CSV)
        columns[2].name = "capabilities";
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    int code = CLI_OK;
    if (table != NULL && names[0] == NULL)
        add_all(table);
    else if (table != NULL)
        code = add_named(table, names);
    if (table != NULL && code == CLI_OK)
        table_print(table, format, false, stdout);
    table_destroy(table);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_list = {.name = "list",
                                     .arguments = "[CANDIDATE...]",
                                     .summary = "names the candidates, wrappers, rods and services",
                                     .example = "list buddy",
                                     .main = list_main};
