/* pagelab regress add: keeps a finding for good, under a name that says what went wrong. The tests of every
 * preset then run it on every candidate. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/stored.h"
#include "engine/op_common.h"
#include "engine/shrink/session.h"
#include "fuzz/campaign_files.h"

#define LIMIT_S        20u
#define PATH_BYTES     4096
#define NAME_MAX_BYTES 80
#define HEX_LONG       8u /* so many hexadecimal digits are nobody's word; */
#define HEX_WORD       6u /* nor so many, some of 0 to 9 among them */

struct regress {
    const char *path;
    const char *backend;
    const char *name;
    const char *folder;
    bool shrink;
    struct spec spec;
};

static void run_trial(void *self, const struct program *program, struct trial_result *result)
{
    const struct regress *regress = self;
    struct trial trial = {.program = program,
                          .spec = &regress->spec,
                          .fit = true, /* as the tests do */
                          .silent = true,
                          .limit_s = LIMIT_S,
                          .stop = &cli_stop};
    trial_run(&trial, result);
}

static bool is_hash(const char *word, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)word[i]))
            return false;
        digits += isdigit((unsigned char)word[i]) ? 1u : 0;
    }
    return length >= HEX_LONG || (length >= HEX_WORD && digits > 0);
}

/* What is wrong with a name, or NULL. */
static const char *name_fault(const char *name)
{
    unsigned words = 0;
    if (strlen(name) > NAME_MAX_BYTES ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
        return "words of a-z and 0-9 with - between them expected";
    for (const char *word = name;;) {
        size_t length = strcspn(word, "-");
        if (length == 0)
            return "words of a-z and 0-9 with - between them expected";
        if (is_hash(word, length))
            return "what went wrong expected, never a hash";
        words += length > 1 ? 1u : 0;
        if (word[length] == '\0')
            break;
        word += length + 1;
    }
    return words < 2 ? "what went wrong expected, as in split-forgets-half" : NULL;
}

/* The name without parameters in parentheses, and of a plug-in without its folder: for files. */
static void short_name(const char *backend, char *name, size_t bytes)
{
    const char *slash = strrchr(backend, '/');
    size_t used = 0;
    unsigned depth = 0;
    for (const char *at = slash == NULL ? backend : slash + 1; *at != '\0' && used + 1 < bytes; at++) {
        depth += *at == '(';
        if (depth == 0)
            name[used++] = *at;
        depth -= *at == ')' && depth > 0;
    }
    name[used] = '\0';
    char *plugin = slash == NULL ? NULL : strstr(name, ".so");
    if (plugin != NULL)
        *plugin = '\0';
}

/* "buddy-split-forgets-half" in the folder. */
static bool make_path(const struct regress *regress, const char *end, char *path)
{
    char name[SPEC_NAME_BYTES];
    char safe[SPEC_NAME_BYTES];
    short_name(regress->backend, name, sizeof(name));
    campaign_safe_name(name, safe, sizeof(safe));
    int length = snprintf(path, PATH_BYTES, "%s/%s-%s%s", regress->folder, safe, regress->name, end);
    return length > 0 && length < PATH_BYTES;
}

static bool has_switches(const struct program *program)
{
    for (uint32_t i = 0; i < program->op_count; i++) {
        if (program->ops[i].kind == OP_PREEMPT)
            return true;
    }
    return false;
}

static int write_pair(const struct program *program, const struct trial_result *result,
                      const struct regress *regress, const char *binary, const char *text)
{
    struct program_error error;
    uint8_t bytes[PROGRAM_BYTES_MAX];
    char comment[2048] = "";
    if (program_encode(program, bytes) == 0)
        return cli_mistake("regress",
                           "%s: a machine that the binary form can say expected; --shrink looks for one",
                           regress->path);
    if (trial_is_bad(result))
        trial_comment(result, regress->backend, op_family_names[program->family], "", comment,
                      sizeof(comment));
    if (program_file_write(binary, program, true, NULL, true, &error) != 0)
        return cli_mistake("regress", "%s", error.text);
    if (program_file_write(text, program, false, comment, true, &error) != 0) {
        unlink(binary);
        return cli_mistake("regress", "%s", error.text);
    }
    if (trial_is_bad(result))
        printf("%s: %s on %s now\n", binary, trial_ids(result), regress->backend);
    else
        printf("%s: no finding on %s now\n", binary, regress->backend);
    printf("%s\nthe tests run it on every candidate: ctest -R 'regress.*%s'\n", text, regress->name);
    return CLI_OK;
}

/* Makes it small on the way; what is left is what a session of ./pagelab shrink -o x.bin would leave. */
static int make_small(struct regress *regress, struct program_file *file)
{
    struct program_error error;
    struct shrink_session session = {.file = file,
                                     .path = regress->path,
                                     .backend = regress->backend,
                                     .target = op_family_names[file->program.family],
                                     .options = "",
                                     .keep = true,
                                     .binary = true,
                                     .progress = stderr,
                                     .live = isatty(STDERR_FILENO) != 0,
                                     .stop = &cli_stop,
                                     .run = run_trial,
                                     .self = regress};
    enum shrink_end end = shrink_session_run(&session, &error);
    if (end == SHRINK_INTERRUPTED)
        return CLI_INTERRUPTED;
    return end == SHRINK_DONE ? CLI_OK : cli_mistake("regress", "%s", error.text);
}

static int add(struct regress *regress)
{
    static struct program_file file;
    struct spec_error error;
    struct trial_result result;
    char binary[PATH_BYTES];
    char text[PATH_BYTES];
    const char *fault = name_fault(regress->name);
    if (fault != NULL)
        return cli_mistake("regress", "--name '%s': %s", regress->name, fault);
    int code = cli_check_specs("regress", &regress->spec,
                               spec_parse(regress->backend, &regress->spec, &error) == 0 ? 1 : -1, &error);
    if (code != CLI_OK)
        return code;
    if (!make_path(regress, ".bin", binary) || !make_path(regress, ".txt", text))
        return cli_mistake("regress", "%s: the path is too long", regress->folder);
    if (access(binary, F_OK) == 0 || access(text, F_OK) == 0)
        return cli_mistake("regress", "%s: it is there already; another --name expected", binary);
    if (stored_read("regress", regress->path, &file) != CLI_OK)
        return CLI_MISTAKE;
    if (has_switches(&file.program))
        code = cli_mistake("regress",
                           "%s: a program without switches expected: regressions run whole operations; a "
                           "schedule belongs in corpora/explore",
                           regress->path);
    else if (regress->shrink)
        code = make_small(regress, &file);
    if (code == CLI_OK) {
        run_trial(regress, &file.program, &result);
        code = result.outcome == TRIAL_INTERRUPTED ? CLI_INTERRUPTED
               : result.outcome == TRIAL_MISTAKE   ? cli_mistake("regress", "%s", result.words)
                                                 : write_pair(&file.program, &result, regress, binary, text);
    }
    program_file_fini(&file);
    return code;
}

static int regress_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *name = NULL;
    static char *folder = NULL;
    int shrink = 0;
    char found[PATH_BYTES];
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "the candidate that it broke", "NAME"},
        {"name", 'n', POPT_ARG_STRING, &name, 0, "what went wrong, in words: split-forgets-half", "WORDS"},
        {"shrink", 0, POPT_ARG_NONE, &shrink, 0, "make it small first; it must fail there still", NULL},
        {"to", 0, POPT_ARG_STRING, &folder, 0, "the folder (corpora/regress)", "FOLDER"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_regress, argc, argv, options, 2, 2, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    if (strcmp(left[0], "add") != 0)
        return cli_mistake("regress", "'%s': add expected: pagelab regress add FILE", left[0]);
    if (backend == NULL || name == NULL)
        return cli_mistake("regress", "--backend and --name expected: the candidate that it broke, and what "
                                      "went wrong, as in split-forgets-half");
    struct regress regress = {
        .path = left[1],
        .backend = backend,
        .name = name,
        .folder = folder != NULL ? folder : cli_find("corpora/regress", found, sizeof(found)),
        .shrink = shrink != 0,
    };
    int code = add(&regress);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_regress = {
    .name = "regress",
    .arguments = "add FILE --backend NAME --name WORDS",
    .summary = "keeps a finding as a test, under a name that says what it is",
    .example = "regress add corpora/seeds/page/floor-edges.txt --backend buddy --name floor-edges --to .",
    .main = regress_main};
