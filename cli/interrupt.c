/* pagelab interrupt: stored programs with an interrupt at every point, on every candidate. A program on a
 * candidate is a process of its own, which forks at each point. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/stored.h"
#include "engine/isolate.h"

#define DEFAULT_FOLDER    "corpora/seeds/interrupt"
#define LIMIT_S           600
#define STRESS_OPERATIONS 200000u
#define DIED_OF_TRAP      "signal 5 " /* as isolate_run words it: the kernel ends who blocks SIGTRAP */
#define BEYOND_S          120u        /* what a sweep may take longer than its limit */

struct run {
    struct interrupt_ask ask;
    struct stored_list stored;
    struct interrupt_row rows[SPEC_LIST_LIMIT];
    uint32_t row_count;
};

/* --- a process --- */

static void sweep_work(void *argument, void *result)
{
    sweep_run(argument, result);
}

int interrupt_isolate(const struct sweep_options *options, struct sweep_result *result)
{
    struct sweep_options own = *options;
    char how[100] = "";
    unsigned limit_s = (options->limit_s == 0 ? LIMIT_S : options->limit_s) + BEYOND_S;
    own.stop = &cli_stop;
    enum isolate_outcome outcome =
        isolate_run(sweep_work, &own, result, sizeof(*result), limit_s, &cli_stop, how, sizeof(how));
    switch (outcome) {
    case ISOLATE_DONE:
        return result->outcome == SWEEP_STOPPED ? CLI_INTERRUPTED : CLI_OK;
    case ISOLATE_INTERRUPTED:
        return CLI_INTERRUPTED;
    case ISOLATE_NO_PROCESS:
        snprintf(how, sizeof(how), "no process could be started: %s", strerror(errno));
        break;
    default:
        break;
    }
    memset(result, 0, sizeof(*result));
    if (outcome == ISOLATE_TIMED_OUT) {
        result->outcome = SWEEP_PARTIAL;
        snprintf(result->error, sizeof(result->error), "not finished: %s", how);
        return CLI_OK;
    }
    if (outcome == ISOLATE_DIED && own.by == SWEEP_STEP &&
        strncmp(how, DIED_OF_TRAP, strlen(DIED_OF_TRAP)) == 0) {
        result->outcome = SWEEP_UNSUPPORTED;
        snprintf(result->error, sizeof(result->error), "cannot be stepped: it blocks or takes SIGTRAP");
        return CLI_OK;
    }
    result->outcome = SWEEP_FAULTY;
    snprintf(result->error, sizeof(result->error), "without any interrupt: the process died: %s", how);
    return CLI_BROKEN;
}

/* --- one program on one candidate --- */

static void add_level(struct interrupt_level_row *row, const struct sweep_level *level, const char *path)
{
    if (row->failures == 0 && level->failures != 0) {
        row->first = level->first;
        row->program = path;
    }
    row->taken += level->taken;
    row->failures += level->failures;
    row->calls += level->calls;
    row->denied += level->denied;
    row->stopped = row->stopped || level->stopped;
}

static void add_result(struct interrupt_row *row, const struct sweep_result *counted,
                       const struct sweep_result *swept, const char *path)
{
    row->caps = counted->caps;
    row->programs++;
    row->there += counted->points > swept->points ? counted->points : swept->points;
    row->points += swept->points;
    row->seconds += counted->seconds + swept->seconds;
    if (swept->outcome == SWEEP_PARTIAL && row->partial == NULL)
        row->partial = path;
    if (counted->masked.instructions > row->masked.instructions) {
        row->masked = counted->masked;
        row->masked_program = path;
    }
    for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++)
        add_level(&row->levels[at], &swept->levels[at], path);
}

/* The first failure once more, for its stacks: that they are there also shows that it can be replayed. */
static int look_again(const struct run *run, struct interrupt_row *row, const struct stored *stored)
{
    for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++) {
        struct interrupt_level_row *level = &row->levels[at];
        struct sweep_result result;
        if (level->failures == 0 || level->program != stored->path || level->first.interrupted[0] != '\0')
            continue;
        struct sweep_options options = {.program = &stored->file.program,
                                        .spec = row->spec,
                                        .fit = true,
                                        .by = run->ask.by,
                                        .doing = run->ask.doing,
                                        .only = &level->first.place};
        options.levels[at] = true;
        if (interrupt_isolate(&options, &result) == CLI_INTERRUPTED)
            return CLI_INTERRUPTED;
        if (result.levels[at].failures != 0)
            level->first = result.levels[at].first;
    }
    return CLI_OK;
}

static int run_program(const struct run *run, struct interrupt_row *row, const struct stored *stored)
{
    struct sweep_options options = {.program = &stored->file.program,
                                    .spec = row->spec,
                                    .fit = true,
                                    .by = run->ask.by,
                                    .doing = run->ask.doing,
                                    .count_only = true,
                                    .limit_s = LIMIT_S}; /* the share is of all points */
    struct sweep_result counted;
    struct sweep_result swept;
    memcpy(options.levels, run->ask.levels, sizeof(options.levels));
    int code = interrupt_isolate(&options, &counted);
    if (counted.outcome == SWEEP_PARTIAL && row->partial == NULL)
        row->partial = stored->path;
    if (code == CLI_OK && counted.outcome != SWEEP_UNSUPPORTED && counted.outcome != SWEEP_FAULTY &&
        counted.error[0] == '\0') {
        options.count_only = false;
        options.limit_s = run->ask.limit_s;
        options.points = counted.points;
        options.progress = isatty(STDERR_FILENO) ? stderr : NULL;
        code = interrupt_isolate(&options, &swept);
        if (code == CLI_INTERRUPTED)
            return code;
        add_result(row, &counted, &swept, stored->path);
        counted = swept;
    }
    if (code == CLI_INTERRUPTED)
        return code;
    if (counted.outcome == SWEEP_FAULTY || (counted.error[0] != '\0' && !row->faulty)) {
        row->faulty = row->faulty || counted.outcome == SWEEP_FAULTY;
        snprintf(row->words, sizeof(row->words), "%s", counted.error);
    }
    return look_again(run, row, stored);
}

static int run_all(struct run *run)
{
    for (uint32_t i = 0; i < run->row_count; i++) {
        for (uint32_t at = 0; at < run->stored.count; at++) {
            if (run_program(run, &run->rows[i], run->stored.programs[at]) == CLI_INTERRUPTED) {
                snprintf(run->rows[i].words, sizeof(run->rows[i].words), "interrupted");
                run->row_count = i + 1;
                return CLI_INTERRUPTED;
            }
        }
    }
    return CLI_OK;
}

/* --- the command --- */

struct arguments {
    char *backend;
    char *mode;
    char *level;
    char *doing;
    char *format;
    int limit_s;
};

static int read_arguments(const struct arguments *arguments, struct interrupt_ask *ask)
{
    const char *mode = arguments->mode == NULL ? "step" : arguments->mode;
    const char *level = arguments->level == NULL ? "both" : arguments->level;
    if (strcmp(mode, "step") != 0 && strcmp(mode, "points") != 0 && strcmp(mode, "stress") != 0)
        return cli_mistake("interrupt", "--mode '%s': step, points or stress expected", mode);
    if (strcmp(level, "both") != 0 && strcmp(level, "irq") != 0 && strcmp(level, "nmi") != 0)
        return cli_mistake("interrupt", "--level '%s': irq, nmi or both expected", level);
    if (!interrupt_parse_doing(arguments->doing, &ask->doing))
        return cli_mistake("interrupt", "--do '%s': mixed, pair, keep or free expected", arguments->doing);
    if (arguments->limit_s < 1 || arguments->limit_s > 86400)
        return cli_mistake("interrupt", "--limit %d: 1 to 86400 seconds expected", arguments->limit_s);
    ask->by = mode[0] == 's' ? SWEEP_STEP : SWEEP_POINTS;
    ask->stress = strcmp(mode, "stress") == 0;
    ask->operations = STRESS_OPERATIONS;
    ask->levels[INTERRUPT_IRQ] = level[0] != 'n';
    ask->levels[INTERRUPT_NMI] = level[0] != 'i';
    ask->limit_s = (unsigned)arguments->limit_s;
    return CLI_OK;
}

static int run_and_print(struct run *run, enum report_format format)
{
    int code = run_all(run);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    interrupt_print(run->rows, run->row_count, &run->ask, format);
    for (uint32_t i = 0; i < run->row_count && code == CLI_OK; i++) {
        if (interrupt_refuted(&run->rows[i]))
            code = CLI_BROKEN;
    }
    return code;
}

static int interrupt_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct run run;
    static struct arguments arguments = {.limit_s = LIMIT_S};
    enum report_format format;
    struct spec_error error;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &arguments.backend, 0, "the candidates (all)", "LIST"},
        {"mode", 'm', POPT_ARG_STRING, &arguments.mode, 0,
         "step: before each instruction of any binary, on x86-64 Linux (default); points: at labelled points "
         "of our "
         "backends; stress: by signals and timers, not replayable. Programs of frames only, one interrupt a "
         "run",
         "MODE"},
        {"level", 'l', POPT_ARG_STRING, &arguments.level, 0,
         "irq: masking is honoured; nmi: it is ignored; both (default)", "LEVEL"},
        {"do", 'd', POPT_ARG_STRING, &arguments.doing, 0,
         "what an interrupt does: mixed (default), pair, keep, free", "WHAT"},
        {"limit", 0, POPT_ARG_INT, &arguments.limit_s, 0, "a program that takes longer is partial (600)",
         "SECONDS"},
        {"format", 'f', POPT_ARG_STRING, &arguments.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_interrupt, argc, argv, options, 0, STORED_LIMIT, &context);
    if (left == NULL || cli_format("interrupt", arguments.format, &format) != 0)
        return CLI_MISTAKE;
    int code = read_arguments(&arguments, &run.ask);
    if (code != CLI_OK)
        return code;
    int count = arguments.backend == NULL ? cli_every_candidate(specs, &error)
                                          : spec_parse_list(arguments.backend, specs, &error);
    code = cli_check_specs("interrupt", specs, count, &error);
    if (code != CLI_OK)
        return code;
    if (run.ask.stress) {
        code = left[0] == NULL ? interrupt_stress(specs, (uint32_t)count, &run.ask, format)
                               : cli_mistake("interrupt", "--mode stress: no program expected");
        poptFreeContext(context);
        return code;
    }
    run.row_count = (uint32_t)count;
    for (int i = 0; i < count; i++)
        run.rows[i].spec = &specs[i];
    for (unsigned i = 0; left[i] != NULL && code == CLI_OK; i++)
        code = stored_load("interrupt", &run.stored, left[i]);
    if (left[0] == NULL)
        code = stored_load("interrupt", &run.stored, DEFAULT_FOLDER);
    if (code == CLI_OK)
        code = run_and_print(&run, format);
    stored_unload(&run.stored);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_interrupt = {
    .name = "interrupt",
    .arguments = "[PROGRAM...] [--backend LIST]",
    .summary = "raises an interrupt before every instruction of stored programs",
    .example = "interrupt corpora/seeds/interrupt/cold-and-warm.txt --backend buddy",
    .main = interrupt_main};
