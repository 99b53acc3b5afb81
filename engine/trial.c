/* See trial.h. */
#define _GNU_SOURCE
#include "engine/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/finding_note.h"
#include "engine/runner.h"

void trial_hush(void)
{
    struct rlimit none = {0};
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (nowhere < 0)
        return;
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

static void run_program(const struct trial *trial, struct runner *runner, struct trial_result *result)
{
    const struct program *program = trial->program;
    runner_set_contract(runner, program->contract);
    runner->log = trial->log;
    if (trial->audit_every != 0)
        runner->audit_every = trial->audit_every;
    enum pl_status status = runner_run(runner, program->ops, program->op_count, &result->finding);
    result->calls = runner->calls;
    result->denied = runner->denied;
    result->outcome = result->finding.found ? TRIAL_FINDING : TRIAL_FINE;
    if (status != PL_OK) {
        result->outcome = TRIAL_MISTAKE;
        snprintf(result->words, sizeof(result->words), "%s: could not be started: %s", trial->spec->name,
                 pl_status_name(status));
    }
    runner_fini(runner);
}

static void work(void *argument, void *answer)
{
    const struct trial *trial = argument;
    struct trial_result *result = answer;
    struct runner runner;
    struct spec_error error = {""};
    struct native_shape shape = trial->program->shape;
    uint32_t slot_count = trial->slot_count == 0 ? PROGRAM_SLOT_LIMIT : trial->slot_count;
    if (trial->silent)
        trial_hush();
    if (trial->fit)
        runner_fit_shape(trial->spec, &shape);
    memset(result, 0, sizeof(*result));
    enum pl_status status =
        runner_init_family(&runner, trial->spec, &shape, slot_count, trial->program->family, &error);
    if (status == PL_OK) {
        run_program(trial, &runner, result);
        return;
    }
    result->outcome = status == PL_UNSUPPORTED     ? TRIAL_UNSUPPORTED
                      : pl_status_is_known(status) ? TRIAL_MISTAKE
                                                   : TRIAL_FAULTY;
    snprintf(result->words, sizeof(result->words), "%s", error.text);
}

void trial_from_isolate(enum isolate_outcome outcome, const char *how, struct trial_result *result)
{
    if (outcome == ISOLATE_DONE)
        return;
    memset(result, 0, sizeof(*result));
    result->outcome = outcome == ISOLATE_DIED          ? TRIAL_DIED
                      : outcome == ISOLATE_TIMED_OUT   ? TRIAL_HUNG
                      : outcome == ISOLATE_INTERRUPTED ? TRIAL_INTERRUPTED
                                                       : TRIAL_MISTAKE;
    if (outcome == ISOLATE_NO_PROCESS)
        snprintf(result->words, sizeof(result->words), "cannot start a process: %s", strerror(errno));
    else
        snprintf(result->words, sizeof(result->words), "%s", how);
}

void trial_run(const struct trial *trial, struct trial_result *result)
{
    struct trial own = *trial;
    char how[100] = "";
    enum isolate_outcome outcome =
        isolate_run(work, &own, result, sizeof(*result), trial->limit_s, trial->stop, how, sizeof(how));
    trial_from_isolate(outcome, how, result);
}

bool trial_is_bad(const struct trial_result *result)
{
    return result->outcome == TRIAL_FINDING || result->outcome == TRIAL_FAULTY ||
           result->outcome == TRIAL_DIED || result->outcome == TRIAL_HUNG;
}

bool trial_is_same(const struct trial_result *a, const struct trial_result *b)
{
    if (a->outcome != b->outcome)
        return false;
    if (a->outcome == TRIAL_FINDING)
        return strcmp(a->finding.ids, b->finding.ids) == 0;
    return a->outcome != TRIAL_DIED || strcmp(a->words, b->words) == 0;
}

const char *trial_ids(const struct trial_result *result)
{
    switch (result->outcome) {
    case TRIAL_FINDING:
        return result->finding.ids;
    case TRIAL_FAULTY:
        return "X-3";
    case TRIAL_DIED:
        return "crash";
    case TRIAL_HUNG:
        return "hang";
    default:
        return "";
    }
}

void trial_summary(const struct trial_result *result, char *text, size_t bytes)
{
    const struct finding *finding = &result->finding;
    if (result->outcome == TRIAL_FINDING)
        snprintf(text, bytes, "%s%s%s", finding->expected,
                 finding->expected[0] == '\0' ? "" : "; but: ", finding->actual);
    else
        snprintf(text, bytes, "%s", result->words);
}

void trial_print(const struct trial_result *result, const char *backend, FILE *out)
{
    const struct finding *finding = &result->finding;
    if (result->outcome != TRIAL_FINDING) {
        fprintf(out, "finding: %s on %s: %s\n", trial_ids(result), backend, result->words);
        return;
    }
    fprintf(out, "finding: %s on %s at operation %" PRIu32 "\n  operation  ", finding->ids, backend,
            finding->step);
    if (finding->op.kind == OP_NOP)
        fputs("the end: all is freed\n", out);
    else
        program_print_op(&finding->op, out);
    if (finding->expected[0] != '\0')
        fprintf(out, "  expected   %s\n", finding->expected);
    fprintf(out, "  actual     %s\n", finding->actual);
}

void trial_comment(const struct trial_result *result, const char *backend, const char *target,
                   const char *replay, char *text, size_t bytes)
{
    struct finding_note note = {.ids = ""};
    text[0] = '\0';
    FILE *out = fmemopen(text, bytes, "w");
    if (out == NULL)
        return;
    snprintf(note.ids, sizeof(note.ids), "%s", trial_ids(result));
    if (result->outcome == TRIAL_FINDING && result->finding.op.kind != OP_NOP)
        snprintf(note.op, sizeof(note.op), "%s", op_info(result->finding.op.kind)->name);
    snprintf(note.backend, sizeof(note.backend), "%s", backend);
    snprintf(note.target, sizeof(note.target), "%s", target);
    trial_summary(result, note.summary, sizeof(note.summary));
    finding_note_print(&note, out);
    if (replay[0] != '\0')
        fprintf(out, "# stored; to see it again: %s\n", replay);
    fclose(out);
    text[bytes - 1] = '\0';
}
