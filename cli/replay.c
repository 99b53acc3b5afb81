/* pagelab replay: runs a stored program or a compact trace on a candidate with the shadow beside it, and
 * prints it as text. No fuzzer is needed. The run is in a child, so that a crash or a hang has an exit code,
 * too. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "engine/program_file.h"
#include "engine/trace/trace.h"
#include "engine/trial.h"
#include "systems/freebsd/reserve.h"

#define LIMIT_S           60u
#define TRACE_LIMIT_S     900u /* a long trace has millions of operations, each of them checked */
#define TRACE_AUDIT_EVERY 65536u

struct replay_input {
    struct program program;
    struct op ops[PROGRAM_OP_LIMIT]; /* of the binary form */
    struct trace trace;
    bool is_trace;
    uint32_t slot_count;
};

static int trace_to_program(struct replay_input *input)
{
    uint64_t frames = (input->trace.peak_frames * 5 + 3) / 4;
    struct native_shape *shape = &input->program.shape;
    shape->ranges[0].frame_count = frames;
    shape->range_count = 1;
    shape->cpu_count = input->trace.cpu_count;
    shape->floors = freebsd_floors_of(shape->ranges[0].frame_count);
    input->program.ops = input->trace.ops;
    input->program.op_count = (uint32_t)input->trace.op_count;
    input->slot_count = input->trace.slot_count;
    input->is_trace = true;
    return CLI_OK;
}

/* Which of the three forms it is, is seen from its first bytes; what is neither text nor trace is binary. */
static int read_input(const char *path, struct replay_input *input)
{
    struct program_error error;
    struct trace_error trace_error;
    size_t bytes = 0;
    char found[4096];
    uint8_t *data = cli_read_file("replay", cli_find(path, found, sizeof(found)), &bytes);
    int code = CLI_OK;
    if (data == NULL)
        return CLI_MISTAKE;
    input->slot_count = PROGRAM_SLOT_LIMIT;
    if (program_is_text(data, bytes)) {
        if (program_parse((const char *)data, bytes, path, &input->program, &error) != 0)
            code = cli_mistake("replay", "%s", error.text);
    } else if (bytes >= 6 && memcmp(data, "PLTRAC", 6) == 0) {
        if (trace_read_memory(data, bytes, path, &input->trace, &trace_error) != 0)
            code = cli_mistake("replay", "%s", trace_error.text);
        else
            code = trace_to_program(input);
    } else {
        program_decode(data, bytes, input->ops, &input->program);
    }
    free(data);
    return code;
}

static int replay_in_child(const struct replay_input *input, const struct spec *spec, bool fit, bool quiet)
{
    struct trial trial = {.program = &input->program,
                          .spec = spec,
                          .fit = fit,
                          .log = quiet ? NULL : stdout,
                          .slot_count = input->slot_count,
                          .audit_every = input->is_trace ? TRACE_AUDIT_EVERY : 0,
                          .limit_s = input->is_trace ? TRACE_LIMIT_S : LIMIT_S,
                          .stop = &cli_stop};
    struct trial_result result;
    trial_run(&trial, &result);
    if (result.outcome == TRIAL_MISTAKE)
        return cli_mistake("replay", "%s", result.words);
    if (result.outcome == TRIAL_INTERRUPTED)
        return CLI_INTERRUPTED;
    if (trial_is_bad(&result)) {
        trial_print(&result, spec->name, stdout);
        return CLI_BROKEN;
    }
    if (result.outcome == TRIAL_UNSUPPORTED)
        printf("n/a: %s\n", result.words);
    else
        printf("%s: %" PRIu32 " operations, %" PRIu64 " calls, %" PRIu64 " denied: no finding\n", spec->name,
               input->program.op_count, result.calls, result.denied);
    return CLI_OK;
}

static int write_binary(const struct program *program, const char *path)
{
    struct program_error error;
    if (program_file_write(path, program, true, NULL, false, &error) != 0)
        return cli_mistake("replay", "%s", error.text);
    return CLI_OK;
}

/* With an interrupt at one place: survived, or the failure with its stacks. */
static int replay_interrupted(const char *path, struct sweep_options *options, enum interrupt_level level)
{
    static struct sweep_result result;
    struct interrupt_ask ask = {.by = options->by, .doing = options->doing};
    options->levels[level] = true;
    int code = interrupt_isolate(options, &result);
    const struct sweep_level *taken = &result.levels[level];
    bool claimed = (result.caps & (level == INTERRUPT_NMI ? PL_CAP_NMI_SAFE : PL_CAP_IRQ_SAFE)) != 0;
    if (code == CLI_INTERRUPTED)
        return code;
    if (result.outcome == SWEEP_UNSUPPORTED) {
        printf("n/a: %s\n", result.error);
        return CLI_OK;
    }
    if (result.outcome == SWEEP_FAULTY) {
        printf("finding: on %s %s\n", options->spec->name, result.error);
        return CLI_BROKEN;
    }
    if (taken->failures == 0 && result.outcome == SWEEP_PARTIAL) {
        printf("partial: on %s %s\n", options->spec->name, result.error);
        return CLI_OK;
    }
    if (taken->failures != 0) {
        interrupt_print_failure(options->spec, path, &taken->first, level, &ask, claimed);
        return claimed ? CLI_BROKEN : CLI_OK;
    }
    if (taken->taken == 0)
        return cli_mistake(
            "replay", "--interrupt: a place that the program reaches expected; %" PRIu64 " points passed",
            result.points);
    printf("%s: survives, %" PRIu64 " calls at interrupt level, %" PRIu64 " refused memory: no finding\n",
           options->spec->name, taken->calls, taken->denied);
    return CLI_OK;
}

struct replay_interrupt {
    char *place; /* NULL: none */
    char *doing;
    int nmi;
};

static int read_interrupt(const struct replay_interrupt *wanted, struct sweep_place *place,
                          struct sweep_options *options)
{
    if (!interrupt_parse_place(wanted->place, place, &options->by))
        return cli_mistake("replay", "--interrupt '%s': OPERATION:INSTRUCTION, or OPERATION:pPOINT, expected",
                           wanted->place);
    if (!interrupt_parse_doing(wanted->doing, &options->doing))
        return cli_mistake("replay", "--do '%s': mixed, pair, keep or free expected", wanted->doing);
    options->only = place;
    return CLI_OK;
}

static int replay_file(const char *path, const char *backend, const char *encode, bool print, bool quiet,
                       const struct replay_interrupt *wanted)
{
    static struct replay_input input;
    struct spec spec;
    struct spec_error error;
    struct sweep_place place;
    struct sweep_options options = {.program = &input.program, .spec = &spec, .fit = true};
    int code = cli_check_specs("replay", &spec, spec_parse(backend, &spec, &error) == 0 ? 1 : -1, &error);
    if (code == CLI_OK && wanted->place != NULL)
        code = read_interrupt(wanted, &place, &options);
    if (code == CLI_OK)
        code = read_input(path, &input);
    if (code != CLI_OK)
        return code;
    bool binary = !input.is_trace && input.program.op_capacity == 0;
    if (print)
        program_print(&input.program, stdout);
    else if (encode != NULL)
        code = write_binary(&input.program, encode);
    else if (wanted->place != NULL && input.is_trace)
        code = cli_mistake("replay", "--interrupt: a stored program expected, not a trace");
    else if (wanted->place != NULL)
        code = replay_interrupted(path, &options, wanted->nmi != 0 ? INTERRUPT_NMI : INTERRUPT_IRQ);
    else
        code = replay_in_child(&input, &spec, binary, quiet || input.is_trace);
    trace_fini(&input.trace);
    program_fini(&input.program);
    return code;
}

/* The same program's own simulated twin runs it: there the candidates are compiled so that each access is
 * seen. */
static int replay_schedule(const char *path, const char *backend, bool all, bool shrink, bool admitted,
                           bool tso)
{
    char found[4096];
    const char *program = cli_sim_program();
    fflush(stdout);
    execl(program, program, "replay", cli_find(path, found, sizeof(found)), backend, all ? "all" : "",
          shrink ? "shrink" : "", admitted ? "admitted" : "", tso ? "tso" : "", (char *)NULL);
    return cli_mistake("replay", "%s: cannot be started: %s; no build with a sanitizer has it", program,
                       strerror(errno));
}

static int replay_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *encode = NULL;
    static struct replay_interrupt wanted;
    int print = 0;
    int quiet = 0;
    int schedule = 0;
    int all = 0;
    int shrink = 0;
    int admitted = 0;
    int tso = 0;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "the candidate to run it on (reference)", "NAME"},
        {"quiet", 'q', POPT_ARG_NONE, &quiet, 0, "the verdict only", NULL},
        {"print", 'p', POPT_ARG_NONE, &print, 0, "print its text form; run nothing", NULL},
        {"interrupt", 'i', POPT_ARG_STRING, &wanted.place, 0,
         "an interrupt before instruction N of operation M, both from 0 (M:pN: at labelled point N)", "M:N"},
        {"nmi", 0, POPT_ARG_NONE, &wanted.nmi, 0, "its mask is ignored", NULL},
        {"do", 'd', POPT_ARG_STRING, &wanted.doing, 0, "what it does: mixed (default), pair, keep, free",
         "WHAT"},
        {"encode", 0, POPT_ARG_STRING, &encode, 0, "write its binary form to FILE; run nothing", "FILE"},
        {"schedule", 's', POPT_ARG_NONE, &schedule, 0,
         "on virtual CPUs, with the program's own schedule (docs/schedules.md)", NULL},
        {"all", 0, POPT_ARG_NONE, &all, 0, "with --schedule: every access, not only the switches", NULL},
        {"admitted", 0, POPT_ARG_NONE, &admitted, 0, "with --schedule: what target schedule-all runs", NULL},
        {"tso", 0, POPT_ARG_NONE, &tso, 0, "with --schedule: with a store buffer a CPU, as x86 has", NULL},
        {"shrink", 0, POPT_ARG_NONE, &shrink, 0, "with --schedule: leave out what the finding does not need",
         NULL},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_replay, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    if (schedule != 0)
        return replay_schedule(left[0], backend == NULL ? "reference" : backend, all != 0, shrink != 0,
                               admitted != 0, tso != 0);
    int code = replay_file(left[0], backend == NULL ? "reference" : backend, encode, print != 0, quiet != 0,
                           &wanted);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_replay = {
    .name = "replay",
    .arguments = "FILE [--backend NAME]",
    .summary = "runs a stored program or trace with every check on",
    .example = "replay corpora/seeds/page/floor-edges.txt --backend buddy\nreplay "
               "corpora/schedules/two-cpus.txt --schedule --backend bitmap",
    .main = replay_main};
