/* pagelab choose: which candidates a kernel with given needs may take, and what each gives up. */
#include "cli/choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/workloads/workload.h"
#include "cli/cli.h"
#include "cli/newest.h"
#include "engine/checks/check.h"

#define PROFILES_FOLDER "profiles"
#define PROFILE_LIMIT   8u
#define PATH_BYTES      4096u

/* Options that are needs: a flag, or a value. */
static const struct {
    const char *name;
    const char *words;
    const char *value; /* NULL: a flag */
} needs[] = {
    {"interrupt-safe", "an interrupt may allocate inside an unfinished call", NULL},
    {"nmi-safe", "the same at any instruction, masked or not", NULL},
    {"never-sleeps", "nothing in a call blocks", NULL},
    {"no-metadata-in-frames", "free frames are never written to", NULL},
    {"masked-time", "interrupts held off for at most so many instructions, or a time", "10000|5us"},
    {"bounded-worst-case", "instructions of the dearest call found, at most", "N"},
    {"contiguous-after-ageing", "share of free memory usable at order 9, at least", "SHARE"},
    {"bytes-per-frame", "of metadata, at most", "BYTES"},
    {"cpus", "at once", "N"},
    {"memory-size", "of the machine", "BYTES"},
    {"capability", "claimed and tested", "NAME"},
};

enum { NEED_OPTIONS = sizeof(needs) / sizeof(needs[0]) };

struct asked {
    struct decide_profile profiles[PROFILE_LIMIT];
    size_t count;
    char *names;
    char *from;
    char *trace;
    char *format;
};

/* --- profiles --- */

/* A recording has the name of its file, which need not be here. */
static bool is_workload(const char *name)
{
    static const char *const recorded[] = {"replay-", "age-"};
    for (size_t i = 0; i < PL_COUNT_OF(recorded); i++) {
        size_t length = strlen(recorded[i]);
        if (strncmp(name, recorded[i], length) == 0)
            return name[length] != '\0';
    }
    return strchr(name, ':') == NULL && workload_find(name) != NULL;
}

/* A name without a slash and a point is one of those that are shipped. */
static int read_profile(struct asked *asked, const char *name)
{
    struct report_error error;
    char path[PATH_BYTES + 16];
    char found[PATH_BYTES];
    bool shipped = strpbrk(name, "/.") == NULL;
    if (asked->count == PROFILE_LIMIT)
        return cli_mistake("choose", "--profile: at most %u expected", PROFILE_LIMIT);
    snprintf(path, sizeof(path), shipped ? PROFILES_FOLDER "/%s.txt" : "%s", name);
    const char *real =
        shipped ? cli_find_shared(path, found, sizeof(found)) : cli_find(path, found, sizeof(found));
    char folder[PATH_BYTES];
    if (shipped && access(cli_find_shared(PROFILES_FOLDER, folder, sizeof(folder)), F_OK) != 0)
        return cli_mistake("choose",
                           "--profile '%s': " PROFILES_FOLDER
                           "/ is neither here nor installed; a checkout or "
                           "PAGELAB_ROOT, or a file as in ./mine.txt, expected",
                           name);
    if (shipped && access(real, F_OK) != 0)
        return cli_mistake("choose", "--profile '%s': rtos, hypervisor, server, teaching or a file expected",
                           name);
    if (!decide_profile_read(real, is_workload, &asked->profiles[asked->count], &error))
        return cli_mistake("choose", "%s", error.line);
    asked->count++;
    return CLI_OK;
}

static int read_profiles(struct asked *asked)
{
    char list[PATH_BYTES];
    char *rest = list;
    int code = CLI_OK;
    snprintf(list, sizeof(list), "%s", asked->names == NULL ? "" : asked->names);
    while (asked->names != NULL && code == CLI_OK && rest != NULL) {
        char *comma = strchr(rest, ',');
        if (comma != NULL)
            *comma = '\0';
        code = read_profile(asked, rest);
        rest = comma == NULL ? NULL : comma + 1;
    }
    if (asked->names == NULL)
        decide_profile_init(&asked->profiles[asked->count++], "your needs");
    return code;
}

/* The need of an option, for every profile. */
static int add_need(struct asked *asked, const char *key, const char *value)
{
    struct report_error error;
    for (size_t i = 0; i < asked->count; i++) {
        if (!decide_profile_set(&asked->profiles[i], key, value, &error))
            return cli_mistake("choose", "--%s", error.line);
    }
    return CLI_OK;
}

/* The user's own trace says what is fast. */
static int add_trace(struct asked *asked)
{
    int code = add_need(asked, "trace", asked->trace);
    for (size_t i = 0; i < asked->count && code == CLI_OK; i++) {
        struct decide_profile *profile = &asked->profiles[i];
        profile->speed_count = 1;
        profile->speed[0] = (struct decide_cell){.order = -1, .cpus = -1, .weight = 1};
        decide_trace_workload(asked->trace, profile->speed[0].workload, sizeof(profile->speed[0].workload));
    }
    return code;
}

/* --- from where --- */

/* What was asked for, or the newest. False after an error was printed. */
static bool find_source(const char *from, struct cli_newest *source)
{
    struct stat status;
    char found[PATH_BYTES];
    if (from == NULL) {
        if (cli_newest_run(source))
            return true;
        cli_mistake("choose", "%s/result.json: a result expected; 'pagelab run --quick' writes one",
                    source->folder);
        return false;
    }
    *source = (struct cli_newest){.reference = false};
    const char *real = cli_find(from, found, sizeof(found));
    if (strlen(from) >= sizeof(source->folder) || stat(real, &status) != 0) {
        cli_mistake("choose", "--from '%.300s': a result, or the folder of a run, expected", from);
        return false;
    }
    snprintf(source->folder, sizeof(source->folder), "%s", from);
    snprintf(source->real, sizeof(source->real), "%s", real);
    source->reference = strcmp(from, CLI_REFERENCE_FOLDER) == 0;
    return true;
}

/* A folder's result.json, or the file itself and the folder it is in. */
static void split_source(struct cli_newest *source, char *shown, char *real, size_t bytes)
{
    struct stat status;
    bool folder = stat(source->real, &status) == 0 && S_ISDIR(status.st_mode);
    snprintf(shown, bytes, "%s%s", source->folder, folder ? "/result.json" : "");
    snprintf(real, bytes, "%s%s", source->real, folder ? "/result.json" : "");
    char *slash = strrchr(source->real, '/');
    if (!folder && slash != NULL)
        *slash = '\0';
    else if (!folder)
        snprintf(source->real, sizeof(source->real), ".");
}

static int decide(struct asked *asked, enum report_format format)
{
    static struct cli_newest source;
    struct report_error error;
    char shown[sizeof(source.real) + 16];
    char real[sizeof(source.real) + 16];
    char found[PATH_BYTES];
    if (!find_source(asked->from, &source))
        return CLI_MISTAKE;
    if (source.skipped[0] != '\0')
        fprintf(stderr, "pagelab choose: a newer result is left out, %s\n", source.skipped);
    split_source(&source, shown, real, sizeof(real));
    cJSON *result = report_read(real, &error);
    if (result == NULL)
        return cli_mistake("choose", "%s", error.line);
    cli_say_version("choose", shown, result);
    int code = asked->trace == NULL ? CLI_OK : choose_trace(result, asked->trace);
    const struct decide_sources sources = {
        .result = result,
        .file = shown,
        .which = asked->from != NULL ? NULL
                 : source.reference  ? "the reference"
                                     : "the newest run",
        .reference = source.reference,
        .folder = source.real,
        .committed = source.reference ? NULL : cli_find_shared(CLI_REFERENCE_FOLDER, found, sizeof(found)),
        .strict = true,
        .promises = CHECK_PROMISE_COUNT,
    };
    cJSON *decision = code != CLI_OK ? NULL : decide_json(&sources, asked->profiles, asked->count, &error);
    if (code == CLI_OK &&
        (decision == NULL || decide_print(decision, format, cli_colour(), stdout, &error) != 0))
        code = cli_mistake("choose", "%s", error.line);
    cJSON_Delete(decision);
    cJSON_Delete(result);
    return code;
}

void choose_brief(const cJSON *result, const char *folder, bool newest)
{
    static struct decide_profile profile;
    struct report_error error;
    char file[PATH_BYTES + 16];
    char word[PATH_BYTES];
    char next[PATH_BYTES + 64];
    char found[PATH_BYTES];
    snprintf(file, sizeof(file), "%s/result.json", folder);
    decide_shell_word(folder, word, sizeof(word));
    snprintf(next, sizeof(next), "%s choose --profile server%s%s", cli_call(), newest ? "" : " --from ",
             newest ? "" : word);
    decide_profile_init(&profile, "any");
    const struct decide_sources sources = {.result = result,
                                           .file = file,
                                           .folder = folder,
                                           .committed =
                                               cli_find_shared(CLI_REFERENCE_FOLDER, found, sizeof(found)),
                                           .strict = true,
                                           .promises = CHECK_PROMISE_COUNT};
    cJSON *decision = decide_json(&sources, &profile, 1, &error);
    if (decision == NULL)
        fprintf(stderr, "pagelab run: no decision: %s\n", error.line);
    else
        decide_print_brief(decision, next, stdout);
    cJSON_Delete(decision);
}

static int choose_main(int argc, const char **argv)
{
    static struct asked asked;
    static char *values[NEED_OPTIONS];
    static int flags[NEED_OPTIONS];
    static struct poptOption options[NEED_OPTIONS + 6] = {
        {"profile", 'p', POPT_ARG_STRING, &asked.names, 0,
         "rtos, hypervisor, server, teaching, or a file; several by commas", "NAME"},
        {"from", 0, POPT_ARG_STRING, &asked.from, 0,
         "a result, or its folder (the newest run, else the reference)", "RESULT"},
        {"trace", 't', POPT_ARG_STRING, &asked.trace, 0,
         "a recording of yours says what is fast; it is replayed now if it was not yet", "FILE"},
        {"format", 'f', POPT_ARG_STRING, &asked.format, 0, "table, json, markdown or csv", "FORMAT"},
    };
    const struct poptOption end[] = {CLI_HELP POPT_TABLEEND};
    enum report_format format;
    poptContext context;
    for (size_t i = 0; i < NEED_OPTIONS; i++) {
        bool flag = needs[i].value == NULL;
        options[4 + i] = (struct poptOption){needs[i].name,
                                             '\0',
                                             flag ? POPT_ARG_NONE : POPT_ARG_STRING,
                                             flag ? (void *)&flags[i] : (void *)&values[i],
                                             0,
                                             needs[i].words,
                                             needs[i].value};
    }
    memcpy(&options[4 + NEED_OPTIONS], end, sizeof(end));
    if (cli_parse(&cli_choose, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("choose", asked.format, &format) != 0)
        return CLI_MISTAKE;
    int code = read_profiles(&asked);
    for (size_t i = 0; i < NEED_OPTIONS && code == CLI_OK; i++) {
        if (flags[i] != 0 || values[i] != NULL)
            code = add_need(&asked, needs[i].name, values[i] != NULL ? values[i] : "yes");
    }
    if (code == CLI_OK && asked.trace != NULL)
        code = add_trace(&asked);
    if (code == CLI_OK)
        code = decide(&asked, format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_choose = {
    .name = "choose",
    .arguments = "[--profile NAME] [--NEED...]",
    .example = "choose --profile rtos",
    .summary = "which candidate for which kernel: who is out, and what the others give up",
    .main = choose_main};
