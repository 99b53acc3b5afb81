/* See sweep.h: the process that walks the program, and what it makes of its children. */
#define _GNU_SOURCE /* memfd_create; platform/native/fork.h */
#include "engine/interrupt/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/interrupt/asynchronous.h"
#include "engine/interrupt/sweep_internal.h"
#include "platform/native/fork.h"
#include "platform/native/step.h"

#define PROGRESS_EVERY 512u /* points */

_Static_assert(sizeof(struct sweep_result) <= 4096, "it comes back through a pipe (engine/isolate.h)");

const char *const sweep_end_names[SWEEP_END_COUNT] = {
    [SWEEP_SURVIVES] = "survives", [SWEEP_BROKEN] = "broken", [SWEEP_DEADLOCK] = "deadlock",
    [SWEEP_ENDLESS] = "endless",   [SWEEP_PANIC] = "panic",   [SWEEP_CRASH] = "crash",
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- one child --- */

/* What it wrote before it died, on one line. */
static void add_words(const struct sweep_slot *slot, struct sweep_failure *failure)
{
    char text[200];
    ssize_t bytes = pread(slot->words, text, sizeof(text) - 1, 0);
    if (ftruncate(slot->words, 0) != 0 || lseek(slot->words, 0, SEEK_SET) != 0 || bytes <= 0)
        return;
    text[bytes] = '\0';
    text[strcspn(text, "\n")] = '\0';
    instance_one_line(text, sizeof(text));
    size_t used = strlen(failure->words);
    snprintf(failure->words + used, sizeof(failure->words) - used, "%s%s", used == 0 ? "" : ": ", text);
}

static void judge(const struct sweep_slot *slot, struct sweep_level *level, int status)
{
    struct sweep_report *report = slot->report;
    struct sweep_failure *failure = &report->failure;
    if (!report->written) {
        failure->end = SWEEP_CRASH;
        if (WIFSIGNALED(status))
            snprintf(failure->words, sizeof(failure->words), "%s", strsignal(WTERMSIG(status)));
        else
            snprintf(failure->words, sizeof(failure->words), "exit code %d", WEXITSTATUS(status));
    } else {
        level->taken += report->taken;
        level->denied += report->denied;
        level->calls += report->calls;
    }
    if (failure->end == SWEEP_SURVIVES)
        return;
    if (failure->end == SWEEP_CRASH)
        add_words(slot, failure);
    if (level->failures++ == 0) {
        stack_name(failure->pc, false, failure->name, sizeof(failure->name));
        stack_text(&report->interrupted, false, failure->interrupted, sizeof(failure->interrupted));
        stack_text(&report->interrupting, true, failure->interrupting, sizeof(failure->interrupting));
        level->first = *failure;
    }
    level->cost += failure->end == SWEEP_ENDLESS ? SWEEP_FAILURE_LIMIT / 5 : 1; /* it takes long to say so */
    level->stopped = level->cost >= SWEEP_FAILURE_LIMIT;
}

static bool told_to_stop(const struct sweep *sweep)
{
    return sweep->options->stop != NULL && *sweep->options->stop;
}

/* Waits for the slot's child, if it has one, and judges it. */
static void finish(struct sweep *sweep, struct sweep_slot *slot)
{
    int status = 0;
    if (slot->pid == 0)
        return;
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR) {
        if (told_to_stop(sweep))
            kill(slot->pid, SIGKILL);
    }
    slot->pid = 0;
    if (!told_to_stop(sweep))
        judge(slot, &sweep->result->levels[slot->level], status);
}

/* Oldest first, so that the first failure is the one of the first place. */
static void finish_all(struct sweep *sweep)
{
    for (uint32_t i = 0; i < SWEEP_SLOTS; i++)
        finish(sweep, &sweep->slots[(sweep->next + i) % SWEEP_SLOTS]);
}

/* False in the child. */
static bool take(struct sweep *sweep, enum interrupt_level at, uintptr_t pc, const void *resume)
{
    struct sweep_slot *slot = &sweep->slots[sweep->next];
    finish(sweep, slot);
    memset(slot->report, 0, sizeof(*slot->report));
    slot->level = at;
    slot->pid = fork_bare();
    if (slot->pid == 0) {
        sweep->slot = slot;
        sweep_child(sweep, at, pc, resume);
        return false;
    }
    sweep->next = (sweep->next + 1) % SWEEP_SLOTS;
    if (slot->pid > 0)
        return true;
    slot->pid = 0;
    snprintf(sweep->result->error, sizeof(sweep->result->error), "no process for an interrupt: %s",
             strerror(errno));
    sweep->result->outcome = SWEEP_PARTIAL;
    sweep->over = true;
    return true;
}

/* --- every point --- */

static void look_around(struct sweep *sweep)
{
    const struct sweep_options *options = sweep->options;
    uint64_t points = sweep->result->points;
    if (told_to_stop(sweep)) {
        sweep->result->outcome = SWEEP_STOPPED;
        sweep->over = true;
    } else if (options->limit_s != 0 && now_s() - sweep->began_s > options->limit_s) {
        sweep->result->outcome = SWEEP_PARTIAL;
        sweep->over = true;
    }
    if (options->progress != NULL && options->points != 0 && points % PROGRESS_EVERY == 0) {
        fprintf(options->progress, "\r%s: %" PRIu64 " of %" PRIu64 " points ", options->spec->name, points,
                options->points);
        fflush(options->progress);
    }
}

static void count_masked(struct sweep *sweep, uintptr_t pc)
{
    if (!masked_count(&sweep->masked, sweep->cpu, pc))
        return;
    sweep->result->masked.instructions = sweep->masked.longest;
    sweep->result->masked.op = sweep->runner.at;
}

static bool wanted(const struct sweep *sweep)
{
    const struct sweep_place *only = sweep->options->only;
    return only == NULL || (only->op == sweep->place.op && only->point == sweep->place.point);
}

/* Returns in the parent with nothing done, in each child with the interrupt taken. */
static void at_point(struct sweep *sweep, uintptr_t pc, const void *resume)
{
    if (sweep->child || sweep->over)
        return;
    if (sweep->place.op != sweep->runner.at)
        sweep->place = (struct sweep_place){sweep->runner.at, 0};
    if (sweep->options->by == SWEEP_STEP)
        count_masked(sweep, pc);
    look_around(sweep);
    if (sweep->over)
        return;
    if (!sweep->options->count_only && wanted(sweep)) {
        for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++) {
            if (sweep->options->levels[at] && !sweep->result->levels[at].stopped &&
                !take(sweep, (enum interrupt_level)at, pc, resume))
                return;
        }
        sweep->over = sweep->over || sweep->options->only != NULL;
    }
    sweep->place.point++;
    sweep->result->points++;
}

static void on_instruction(void *argument, uintptr_t pc)
{
    struct sweep *sweep = argument;
    at_point(sweep, pc, (const void *)pc);
    if (sweep->child || sweep->over)
        step_disarm();
}

static void on_label(void *argument, struct pl_cpu *cpu, const void *resume)
{
    struct sweep *sweep = argument;
    sweep->cpu = cpu;
    at_point(sweep, (uintptr_t)resume, resume);
}

/* --- the tap: single step is armed for the candidate's own instructions --- */

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct sweep *sweep = argument;
    if (sweep->child || sweep->over || !sweep->interrupts->open || sweep->options->by != SWEEP_STEP)
        return;
    sweep->cpu = cpu;
    sweep->masked.now = 0;
    step_arm(tap_entry(&sweep->tap, hook));
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    (void)argument;
    (void)cpu;
    (void)hook;
    (void)status;
}

static void set_points(struct sweep *sweep)
{
    /* Also at labelled points: where its functions stand on a stack, the candidate ends. */
    struct tap_listener listener = {on_enter, on_leave, sweep};
    instance_set_tap(&sweep->runner.instance, &sweep->tap, &listener);
    sweep->interrupts->swept = true;
    sweep->interrupts->argument = sweep;
    if (sweep->options->by == SWEEP_POINTS)
        interrupts_watch(sweep->interrupts, on_label, sweep);
}

/* --- the whole --- */

static bool make_runner(struct sweep *sweep)
{
    const struct sweep_options *options = sweep->options;
    struct sweep_result *result = sweep->result;
    struct native_shape shape = options->program->shape;
    struct spec_error error = {.text = ""};
    if (options->fit)
        runner_fit_shape(options->spec, &shape);
    enum pl_status status =
        runner_init_family(&sweep->runner, options->spec, &shape, PROGRAM_SLOT_LIMIT, OP_FAMILY_PAGE, &error);
    if (status == PL_OK)
        sweep->interrupts = interrupts_of(&sweep->runner);
    if (status == PL_OK && sweep->interrupts != NULL)
        return true;
    result->outcome = SWEEP_UNSUPPORTED;
    snprintf(result->error, sizeof(result->error), "%s", status == PL_OK ? "out of memory" : error.text);
    return false;
}

static bool make_slots(struct sweep *sweep)
{
    size_t bytes = SWEEP_SLOTS * sizeof(struct sweep_report);
    struct sweep_report *reports =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool good = reports != MAP_FAILED;
    for (uint32_t i = 0; i < SWEEP_SLOTS && good; i++) {
        sweep->slots[i].report = &reports[i];
        sweep->slots[i].words = memfd_create("pagelab-words", MFD_CLOEXEC);
        good = sweep->slots[i].words >= 0;
    }
    if (good)
        return true;
    sweep->result->outcome = SWEEP_UNSUPPORTED;
    snprintf(sweep->result->error, sizeof(sweep->result->error), "no memory for the reports: %s",
             strerror(errno));
    return false;
}

static void run(struct sweep *sweep)
{
    const struct program *program = sweep->options->program;
    struct sweep_result *result = sweep->result;
    struct finding finding;
    enum pl_status status = runner_run(&sweep->runner, program->ops, program->op_count, &finding);
    if (sweep->child)
        sweep_child_end(sweep, &finding);
    finish_all(sweep);
    if (result->masked.instructions != 0)
        stack_name(sweep->masked.longest_pc, false, result->masked.name, sizeof(result->masked.name));
    if (result->outcome != SWEEP_DONE)
        return;
    if (status != PL_OK || finding.found)
        result->outcome = SWEEP_FAULTY;
    if (status != PL_OK)
        snprintf(result->error, sizeof(result->error), "could not be started: %s", pl_status_name(status));
    else if (finding.found)
        snprintf(result->error, sizeof(result->error),
                 "without any interrupt: %s at operation %" PRIu32 ": %.150s", finding.ids, finding.step,
                 finding.actual);
}

/* What stands in the way before anything is made; false: nothing. */
static bool stands_in_the_way(const struct sweep_options *options, char *words, size_t bytes)
{
    if (options->program->family != OP_FAMILY_PAGE)
        snprintf(words, bytes, "only programs of frames are interrupted");
    else if (!INTERRUPT_SIGNALS_ARRIVE) /* nothing would watch over a child */
        snprintf(words, bytes, INTERRUPT_SIGNALS_WORDS);
    else
        return options->by == SWEEP_STEP && !step_supported(words, bytes);
    return true;
}

static void walk(struct sweep *sweep)
{
    const struct sweep_options *options = sweep->options;
    sweep->began_s = now_s();
    sweep->interrupts->doing = options->doing;
    sweep->result->caps = sweep->runner.instance.caps;
    stack_prepare();
    set_points(sweep);
    if (options->by != SWEEP_STEP || step_begin(on_instruction, sweep) == 0)
        run(sweep);
    sweep->result->seconds = now_s() - sweep->began_s;
}

void sweep_run(const struct sweep_options *options, struct sweep_result *result)
{
    memset(result, 0, sizeof(*result));
    result->outcome = SWEEP_UNSUPPORTED;
    if (stands_in_the_way(options, result->error, sizeof(result->error)))
        return;
    struct sweep *sweep = aligned_alloc(_Alignof(struct sweep), sizeof(*sweep));
    if (sweep == NULL) {
        snprintf(result->error, sizeof(result->error), "out of memory");
        return;
    }
    memset(sweep, 0, sizeof(*sweep));
    result->outcome = SWEEP_DONE;
    sweep->options = options;
    sweep->result = result;
    if (make_runner(sweep) && make_slots(sweep))
        walk(sweep);
    free(sweep); /* the process ends soon, and with it what the runner holds */
}
