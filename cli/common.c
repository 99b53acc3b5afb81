/* See cli.h. */
#define _GNU_SOURCE
#include "bench/child.h"
#include "cli/cli.h"
#include "engine/program_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/limits.h"
#include "engine/instance.h"
#include "engine/registry.h"
#include "report/output.h"
#include "report/result.h"

int cli_mistake(const char *command, const char *format, ...)
{
    char words[700];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    /* One line, whatever the words hold. */
    for (char *at = words; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    fprintf(stderr, "pagelab %s: %s\n", command, words);
    return CLI_MISTAKE;
}

int cli_printed(const char *command, int code)
{
    bool whole = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (output_is_done(whole, stdout) || code == CLI_MISTAKE)
        return code;
    int mistake = cli_mistake(command, "stdout: cannot be written whole");
    return code == CLI_OK || code == CLI_MISSED ? mistake : code;
}

enum help { HELP_LONG = 1, HELP_SHORT };

static int no_colour;

struct poptOption cli_help_options[] = {
    {"no-color", '\0', POPT_ARG_NONE, &no_colour, 0, "plain text on a terminal, too; as NO_COLOR=1", NULL},
    {"help", '?', POPT_ARG_NONE, NULL, HELP_LONG, "show this help", NULL},
    {"usage", '\0', POPT_ARG_NONE, NULL, HELP_SHORT, "show the options only, in short", NULL},
    POPT_TABLEEND};

void (*cli_describe_options)(const struct cli_command *command, const struct poptOption *options);

void cli_without_colour(void)
{
    no_colour = 1;
}

bool cli_colour(void)
{
    const char *said = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    const char *terminal = getenv("TERM");
    return no_colour == 0 && (said == NULL || said[0] == '\0') && isatty(STDOUT_FILENO) != 0 &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static void print_examples(const char *examples)
{
    const char *separator = "\n";
    while (examples != NULL && *examples != '\0') {
        int length = (int)strcspn(examples, "\n");
        printf("%sexample: pagelab %.*s\n", separator, length, examples);
        separator = "";
        examples += length + (examples[length] == '\n');
    }
}

static PL_NORETURN void help(const struct cli_command *command, poptContext context, enum help form)
{
    if (form == HELP_SHORT) {
        poptPrintUsage(context, stdout, 0);
    } else {
        poptPrintHelp(context, stdout, 0);
        print_examples(command->example);
        cli_limits_print(command->name, stdout);
    }
    exit(cli_printed(command->name, CLI_OK));
}

const char **cli_parse(const struct cli_command *command, int argc, const char **argv,
                       const struct poptOption *options, int least, int most, poptContext *context)
{
    static const char *none[] = {NULL};
    static poptContext kept; /* reachable until the end, also when a mistake ends the program early */
    if (cli_describe_options != NULL) {
        cli_describe_options(command, options);
        return NULL;
    }
    static char usage[64]; /* what popt calls the program */
    snprintf(usage, sizeof(usage), "pagelab %s", command->name);
    argv[0] = usage;
    *context = poptGetContext(command->name, argc, argv, options, 0);
    kept = *context;
    (void)kept;
    poptSetOtherOptionHelp(*context, command->arguments);
    int code = poptGetNextOpt(*context);
    if (code == HELP_LONG || code == HELP_SHORT)
        help(command, *context, (enum help)code);
    if (code < -1) {
        cli_mistake(command->name, "%s: %s; see 'pagelab %s --help'",
                    poptBadOption(*context, POPT_BADOPTION_NOALIAS), poptStrerror(code), command->name);
        return NULL;
    }
    const char **left = poptGetArgs(*context);
    int count = 0;
    while (left != NULL && left[count] != NULL)
        count++;
    if (count < least)
        cli_mistake(command->name, "an argument is missing: pagelab %s %s", command->name,
                    command->arguments);
    else if (count > most)
        cli_mistake(command->name, "'%s': no such argument expected: pagelab %s %s", left[most],
                    command->name, command->arguments);
    else
        return left == NULL ? none : left;
    return NULL;
}

int cli_check_specs(const char *command, const struct spec *specs, int count, struct spec_error *error)
{
    int result = count < 0 ? -1 : instance_check_params(specs, (uint32_t)count, error);
    if (result != 0)
        (void)cli_mistake(command, "%s", error->text);
    return result == 0 ? CLI_OK : result < 0 ? CLI_MISTAKE : CLI_BROKEN;
}

int cli_format(const char *command, const char *text, enum report_format *format)
{
    *format = REPORT_TABLE;
    if (text == NULL || report_format_parse(text, format))
        return 0;
    cli_mistake(command, "--format '%s': table, json, markdown or csv expected", text);
    return -1;
}

bool cli_bytes(const char *command, const char *option, const char *text, uint64_t *bytes)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    *bytes = 0;
    if (text == NULL)
        return true;
    char *end = NULL;
    errno = 0;
    unsigned long long number = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    for (size_t i = 0; end != NULL && errno == 0 && i < PL_COUNT_OF(units); i++) {
        if (strcmp(end, units[i].suffix) == 0 && number <= (UINT64_C(1) << 52) >> units[i].shift) {
            *bytes = (uint64_t)number << units[i].shift;
            return true;
        }
    }
    cli_mistake(command, "%s '%s': bytes expected, as in 64MiB, 1GiB or 1073741824", option, text);
    return false;
}

bool cli_floors(const char *command, const char *text, struct pl_floors *floors, bool *own)
{
    uint64_t *values[] = {&floors->interrupt, &floors->system, &floors->normal};
    const char *at = text;
    *own = text != NULL && strcmp(text, "freebsd") != 0;
    *floors = (struct pl_floors){0};
    for (size_t i = 0; *own && i < PL_COUNT_OF(values); i++) {
        char *end = NULL;
        errno = 0;
        *values[i] = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        char wanted = i + 1 < PL_COUNT_OF(values) ? '/' : '\0';
        if (end == NULL || errno != 0 || *end != wanted || *values[i] > UINT64_C(1) << 40) {
            cli_mistake(command, "--floors '%s': freebsd, or INTERRUPT/SYSTEM/NORMAL in frames, expected",
                        text);
            return false;
        }
        at = end + 1;
    }
    return true;
}

int cli_every_candidate(struct spec *specs, struct spec_error *error)
{
    static char list[SPEC_LIST_LIMIT * SPEC_NAME_BYTES];
    size_t used = 0;
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++) {
        if ((*entry)->kind == PL_KIND_CANDIDATE && used + SPEC_NAME_BYTES < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s,", (*entry)->name);
    }
    snprintf(list + used, sizeof(list) - used, "percpu+buddy,percpu+bitmap");
    return spec_parse_list(list, specs, error);
}

void cli_say_version(const char *command, const char *path, const cJSON *result)
{
    const cJSON *ours = result_pagelab(result);
    const char *version = result_text(ours, "version");
    double abi = PL_ABI;
    (void)result_number(ours, "abi", &abi);
    if ((version[0] == '\0' || strcmp(version, PAGELAB_VERSION) == 0) && abi == PL_ABI)
        return;
    (void)cli_mistake(command, "%.300s is of pagelab %.40s, ABI %g; this is " PAGELAB_VERSION ", ABI %u",
                      path, version[0] == '\0' ? "unknown" : version, abi, (unsigned)PL_ABI);
}

const char *cli_call(void)
{
    bool is_here = access("pagelab", X_OK) == 0 && access("pagelab/.", F_OK) != 0;
    return getenv("PAGELAB_ROOT") != NULL || is_here ? "./pagelab" : "pagelab";
}

const char *cli_program(void)
{
    static char path[4096];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[bytes < 0 ? 0 : bytes] = '\0';
    return path;
}

const char *cli_sim_program(void)
{
    static char path[4096 + 16];
    child_beside("pagelab-sim", path, sizeof(path));
    return path;
}

const char *cli_find(const char *path, char *buffer, size_t bytes)
{
    return program_file_find(path, buffer, bytes);
}

#define FILE_BYTES_MAX ((size_t)64 << 20)

uint8_t *cli_read_file(const char *command, const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = file == NULL ? NULL : malloc(FILE_BYTES_MAX);
    if (file == NULL) {
        cli_mistake(command, "%s: a stored program or compact trace expected: %s", path, strerror(errno));
        return NULL;
    }
    *bytes = data == NULL ? 0 : fread(data, 1, FILE_BYTES_MAX, file);
    if (data == NULL || ferror(file) || *bytes == 0 || *bytes == FILE_BYTES_MAX) {
        cli_mistake(command, "%s: a file of 1 byte to 64 MiB expected", path);
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

const char *cli_drivers(const char *own, const char *preset, char *buffer, size_t bytes)
{
    const char *root = getenv("PAGELAB_ROOT");
    if (own != NULL)
        return own;
    snprintf(buffer, bytes, "%s/build/%s/bin", root == NULL ? "." : root, preset);
    return buffer;
}

int cli_make_directory(const char *path)
{
    char part[4096];
    if (strlen(path) >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (size_t i = 1;; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        if (path[i] == '\0')
            break;
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return access(path, W_OK);
}
