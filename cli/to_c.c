/* pagelab to-c: a finding as a C program that stands alone: the contract's public headers, a small checker
 * (cli/to_c/), and one call an operation. It fails as the program fails here. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/start.h"
#include "cli/stored.h"
#include "cli/to_c.h"
#include "engine/program_file.h"
#include "engine/runner.h"
#include "engine/trial.h"

#define LIMIT_S 60u

/* --- what stands before the checker --- */

/* In a comment: whatever could end it is made harmless. */
static void print_comment(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        fputc((*text == '/' && text[1] == '*') || (*text == '*' && text[1] == '/') || *text < ' ' ? '.'
                                                                                                  : *text,
              out);
}

/* A candidate of the tree is linked by its symbol, another one opened by its path. */
static bool is_plugin(const struct spec *spec, uint32_t layer)
{
    return layer + 1 == spec->layer_count && strchr(spec->name, '/') != NULL;
}

static void symbol_of(const struct pl_candidate *candidate, char *symbol, size_t bytes)
{
    snprintf(symbol, bytes, "pl_candidate_%s", candidate->name);
    for (char *at = symbol; *at != '\0'; at++) {
        if (*at == '-')
            *at = '_';
    }
}

/* The path in the name: what stands behind the wrappers. */
static const char *plugin_path(const struct spec *spec)
{
    const char *at = spec->name;
    for (uint32_t i = 0; i + 1 < spec->layer_count && strchr(at, '+') != NULL; i++)
        at = strchr(at, '+') + 1;
    return at;
}

/* NULL: not known. */
static const char *folder_of(const char *candidate)
{
    const struct to_c_folder *folder = to_c_folders;
    while (folder->candidate != NULL && strcmp(folder->candidate, candidate) != 0)
        folder++;
    return folder->path;
}

static void print_banner(const struct spec *spec, const struct trial_result *result, FILE *out)
{
    char summary[440];
    bool linked = false;
    trial_summary(result, summary, sizeof(summary));
    fputs("/* Made by pagelab to-c. ", out);
    if (trial_is_bad(result))
        fprintf(out, "It fails with %s on ", trial_ids(result));
    else
        fputs("It passes on ", out);
    print_comment(spec->name, out);
    if (trial_is_bad(result)) {
        fputs(":\n * ", out);
        print_comment(summary, out);
    }
    for (uint32_t i = 0; i < spec->layer_count; i++)
        linked = linked || !is_plugin(spec, i);
    fputs(".\n *\n *     cc -std=c17 -g $(pkg-config --cflags pagelab) test.c ", out);
    fputs(linked ? "SOURCES -ldl -o test && ./test\n *\n * SOURCES: those of the allocator, "
                 : "-ldl -o test && ./test\n",
          out);
    for (uint32_t i = 0; linked && i < spec->layer_count; i++) {
        const char *folder = is_plugin(spec, i) ? NULL : folder_of(spec->layers[i].candidate->name);
        if (folder != NULL)
            fprintf(out, "%s/ ", folder);
    }
    fputs(linked ? "in pagelab's tree.\n" : "", out);
    fputs(" * ./test OTHER.so runs the same calls on the allocator that this shared object exports.\n"
          " * Exit 0: every promise held. 1: one is broken, with its number. 77: not for a machine like "
          "this. */\n"
          "#include <dlfcn.h>\n#include <inttypes.h>\n#include <stdarg.h>\n#include <stdio.h>\n"
          "#include <stdlib.h>\n#include <string.h>\n\n#include <pagelab/candidate.h>\n\n",
          out);
}

static void print_machine(const struct native_shape *shape, FILE *out)
{
    fprintf(out, "#define CPU_COUNT %" PRIu32 "u\n\nstatic const struct pl_range ranges[] = {\n",
            shape->cpu_count);
    for (uint32_t i = 0; i < shape->range_count; i++)
        fprintf(out, "    {.first = {0x%" PRIx64 "}, .frame_count = %" PRIu64 ", .node = %" PRIu32 "},\n",
                shape->ranges[i].first.number, shape->ranges[i].frame_count, shape->ranges[i].node);
    fprintf(out,
            "};\nstatic const struct pl_floors floors = {.interrupt = %" PRIu64 ", .system = %" PRIu64
            ", .normal = %" PRIu64 "};\n\n",
            shape->floors.interrupt, shape->floors.system, shape->floors.normal);
}

static void print_layers(const struct spec *spec, FILE *out)
{
    char symbol[128];
    for (uint32_t i = 0; i < spec->layer_count; i++) {
        symbol_of(spec->layers[i].candidate, symbol, sizeof(symbol));
        if (!is_plugin(spec, i))
            fprintf(out, "extern const struct pl_candidate %s;\n", symbol);
    }
    fprintf(out,
            "#define LAYER_COUNT %" PRIu32
            "u\n\nstruct layer {\n    const char *path; /* of a shared object, "
            "or NULL */\n    const char *params;\n    const struct pl_candidate *candidate;\n};\n\n"
            "/* The outermost first. */\nstatic struct layer layers[LAYER_COUNT] = {\n",
            spec->layer_count);
    for (uint32_t i = 0; i < spec->layer_count; i++) {
        const char *params = spec->layers[i].params;
        symbol_of(spec->layers[i].candidate, symbol, sizeof(symbol));
        fputs("    {", out);
        if (is_plugin(spec, i)) {
            char path[SPEC_NAME_BYTES];
            snprintf(path, sizeof(path), "%s", plugin_path(spec));
            char *end = strstr(path, ".so");
            if (params[0] != '\0' && end != NULL)
                end[strcspn(end, "(")] = '\0';
            fputs(".path = ", out);
            to_c_string(path, out);
        } else {
            fprintf(out, ".candidate = &%s", symbol);
        }
        if (params[0] != '\0') {
            fputs(", .params = ", out);
            to_c_string(params, out);
        }
        fputs("},\n", out);
    }
    fputs("};\n", out);
}

/* --- the command --- */

/* One line for what cannot be said so, or NULL. */
static const char *refusal(const struct program *program, const struct trial_result *result)
{
    if (program->family != OP_FAMILY_PAGE)
        return "a program of frames expected: what the systems promise needs their code, not the contract's "
               "headers alone";
    for (uint32_t i = 0; i < program->op_count; i++) {
        if (program->ops[i].kind == OP_INTERRUPT)
            return "a program without interrupts expected: they need the harness, see replay --interrupt";
    }
    return result->outcome == TRIAL_MISTAKE || result->outcome == TRIAL_UNSUPPORTED ? result->words : NULL;
}

static int write_test(const struct program *program, const struct native_shape *shape,
                      const struct spec *spec, const struct trial_result *result, const char *path)
{
    FILE *out = path == NULL ? stdout : fopen(path, "wx");
    if (out == NULL)
        return cli_mistake("to-c", "%s: %s", path, errno == EEXIST ? "it is there already" : strerror(errno));
    print_banner(spec, result, out);
    print_machine(shape, out);
    print_layers(spec, out);
    fputs(start_checker_state_c, out);
    fputs(start_checker_calls_c, out);
    fputs(start_checker_life_c, out);
    to_c_program(program, shape, out);
    bool good = fflush(out) == 0 && ferror(out) == 0;
    if (path == NULL)
        return good ? CLI_OK : CLI_MISTAKE;
    good = fclose(out) == 0 && good;
    if (!good) {
        unlink(path);
        return cli_mistake("to-c", "%s: cannot be written whole", path);
    }
    return CLI_OK;
}

static int to_c(const char *path, const char *backend, const char *out)
{
    static struct program_file file;
    struct spec spec;
    struct trial_result result;
    int code = stored_read_for("to-c", path, backend, &file, &spec);
    if (code != CLI_OK)
        return code;
    struct native_shape shape = file.program.shape;
    if (file.binary)
        runner_fit_shape(&spec, &shape);
    struct trial trial = {.program = &file.program,
                          .spec = &spec,
                          .fit = file.binary,
                          .silent = true,
                          .limit_s = LIMIT_S,
                          .stop = &cli_stop};
    trial_run(&trial, &result);
    const char *words = refusal(&file.program, &result);
    if (result.outcome == TRIAL_INTERRUPTED)
        code = CLI_INTERRUPTED;
    else if (words != NULL)
        code = cli_mistake("to-c", "%s: %s", path, words);
    else
        code = write_test(&file.program, &shape, &spec, &result, out);
    if (code == CLI_OK && !trial_is_bad(&result))
        fprintf(stderr, "pagelab to-c: %s: there is no finding on %s, so the test passes there\n", path,
                backend);
    program_file_fini(&file);
    return code;
}

static int to_c_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *out = NULL;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "the candidate that it fails on", "NAME"},
        {"out", 'o', POPT_ARG_STRING, &out, 0, "write it to FILE, which is not there yet; else to stdout",
         "FILE"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_to_c, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    int code = backend == NULL
                   ? cli_mistake("to-c", "--backend NAME expected: the candidate that %s fails on", left[0])
                   : to_c(left[0], backend, out);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_to_c = {.name = "to-c",
                                     .arguments = "FILE --backend NAME [-o TEST.c]",
                                     .summary = "a finding as a C test that needs the public headers only",
                                     .example =
                                         "to-c corpora/seeds/page/floor-edges.txt --backend null -o test.c",
                                     .main = to_c_main};
