/* pagelab show: a stored program for a person: what it is, how it reads, and what it does on a candidate,
 * each broken promise in words. */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/checks/check.h"
#include "engine/finding_note.h"
#include "engine/op_common.h"
#include "engine/program_file.h"
#include "engine/trial.h"

#define LIMIT_S 60u

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_machine(const struct program *program)
{
    const struct native_shape *shape = &program->shape;
    uint64_t frames = 0;
    uint32_t nodes = 1;
    for (uint32_t i = 0; i < shape->range_count; i++) {
        frames += shape->ranges[i].frame_count;
        if (shape->ranges[i].node >= nodes)
            nodes = shape->ranges[i].node + 1;
    }
    printf("machine     %" PRIu64 " frame%s in %" PRIu32 " range%s, %" PRIu32 " CPU%s, %" PRIu32
           " node%s; floors %" PRIu64 "/%" PRIu64 "/%" PRIu64 "; %s\n",
           frames, plural(frames), shape->range_count, plural(shape->range_count), shape->cpu_count,
           plural(shape->cpu_count), nodes, plural(nodes), shape->floors.interrupt, shape->floors.system,
           shape->floors.normal,
           program->contract == CONTRACT_REAL ? "by what the real code does" : "by the documented contract");
}

/* How many of each kind, in the order of their numbers. */
static void print_operations(const struct program *program)
{
    uint32_t counts[OP_KIND_COUNT] = {0};
    const char *separator = ": ";
    for (uint32_t i = 0; i < program->op_count; i++)
        counts[program->ops[i].kind]++;
    printf("operations  %" PRIu32, program->op_count);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        if (counts[kind] == 0)
            continue;
        printf("%s%s %" PRIu32, separator, kind == OP_NOP ? "nop" : op_info(kind)->name, counts[kind]);
        separator = ", ";
    }
    putchar('\n');
    if (counts[OP_PREEMPT] != 0)
        puts("schedule    it has switches: replay --schedule, shrink --schedule; elsewhere they are nothing");
}

static void print_promises(const char *ids)
{
    char text[64];
    char *rest = NULL;
    snprintf(text, sizeof(text), "%s", ids);
    for (char *id = strtok_r(text, " ", &rest); id != NULL; id = strtok_r(NULL, " ", &rest)) {
        for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
            if (strcmp(check_promise(i)->id, id) == 0)
                printf("  promised   %s: %s\n", id, check_promise(i)->words);
        }
    }
}

static int print_verdict(const struct program_file *file, const char *path, const char *backend)
{
    struct spec spec;
    struct spec_error error;
    struct trial_result result;
    char replay[1024];
    int code = cli_check_specs("show", &spec, spec_parse(backend, &spec, &error) == 0 ? 1 : -1, &error);
    if (code != CLI_OK)
        return code;
    struct trial trial = {.program = &file->program,
                          .spec = &spec,
                          .fit = file->binary,
                          .silent = true,
                          .limit_s = LIMIT_S,
                          .stop = &cli_stop};
    trial_run(&trial, &result);
    if (result.outcome == TRIAL_MISTAKE)
        return cli_mistake("show", "%s", result.words);
    if (result.outcome == TRIAL_INTERRUPTED)
        return CLI_INTERRUPTED;
    if (result.outcome == TRIAL_UNSUPPORTED)
        printf("n/a: %s\n", result.words);
    if (result.outcome == TRIAL_FINE)
        printf("no finding on %s: %" PRIu64 " calls, %" PRIu64 " denied\n", backend, result.calls,
               result.denied);
    if (!trial_is_bad(&result))
        return CLI_OK;
    finding_note_replay(path, backend, "", replay, sizeof(replay));
    trial_print(&result, backend, stdout);
    print_promises(trial_ids(&result));
    printf("  again      %s\n", replay);
    return CLI_BROKEN;
}

static int show(const char *path, const char *backend)
{
    static struct program_file file;
    struct program_error error;
    struct finding_note note;
    char found[4096];
    const char *real = cli_find(path, found, sizeof(found));
    if (program_file_read(real, &file, &error) != 0)
        return cli_mistake("show", "%s", error.text);
    printf("file        %s: %s form, %zu bytes\nfamily      %s\n", path, file.binary ? "binary" : "text",
           file.bytes, op_family_names[file.program.family]);
    print_machine(&file.program);
    print_operations(&file.program);
    if (finding_note_read(real, &note))
        printf("noted       %s%s%s on %s: %s\n", note.ids, note.op[0] == '\0' ? "" : " by ", note.op,
               note.backend, note.summary);
    putchar('\n');
    program_print(&file.program, stdout);
    if (backend != NULL)
        putchar('\n');
    int code = backend == NULL ? CLI_OK : print_verdict(&file, path, backend);
    program_file_fini(&file);
    return code;
}

/* The schedule as a trace viewer reads it: only the simulated twin knows who ran when. */
static int show_perfetto(const char *path, const char *backend)
{
    char found[4096];
    const char *program = cli_sim_program();
    if (backend == NULL)
        return cli_mistake("show", "--format perfetto: --backend NAME expected, on which it runs");
    fflush(stdout);
    execl(program, program, "replay", cli_find(path, found, sizeof(found)), backend, "perfetto",
          (char *)NULL);
    return cli_mistake("show", "%s: cannot be started: %s; no build with a sanitizer has it", program,
                       strerror(errno));
}

static int show_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *format = NULL;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "and what it does on this candidate", "NAME"},
        {"format", 'f', POPT_ARG_STRING, &format, 0,
         "text, or perfetto: its schedule as JSON for ui.perfetto.dev and chrome://tracing", "FORM"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_show, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    bool perfetto = format != NULL && strcmp(format, "perfetto") == 0;
    if (!perfetto && format != NULL && strcmp(format, "text") != 0)
        return cli_mistake("show", "--format '%s': text or perfetto expected", format);
    int code = perfetto ? show_perfetto(left[0], backend) : show(left[0], backend);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_show = {
    .name = "show",
    .arguments = "FILE [--backend NAME]",
    .summary = "a stored program or finding as text, its promise in words",
    .example = "show corpora/seeds/page/floor-edges.txt --backend buddy\nshow corpora/schedules/two-cpus.txt "
               "--backend bitmap --format perfetto >schedule.json",
    .main = show_main};
