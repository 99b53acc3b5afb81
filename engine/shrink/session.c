/* See session.h. */
#define _POSIX_C_SOURCE 200809L
#include "engine/shrink/session.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "engine/finding_note.h"

#define COMMENT_BYTES 2048u
#define SAY_EVERY_S   2
#define STOPPED_EARLY " (interrupted)"

/* Of one run. */
struct running {
    struct shrink_session *session;
    struct trial_result wanted;
    struct trial_result last; /* of the last program that failed that way */
    time_t said;
};

static time_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static bool fails(void *self, const struct program *program)
{
    struct running *running = self;
    struct trial_result result;
    running->session->run(running->session->self, program, &result);
    if (!trial_is_same(&result, &running->wanted))
        return false;
    running->last = result;
    return true;
}

static void progress(void *self, const struct program *best, const struct shrink_counts *counts)
{
    struct running *running = self;
    FILE *out = running->session->progress;
    if (out == NULL || !running->session->live || now() - running->said < SAY_EVERY_S)
        return;
    running->said = now();
    fprintf(out, "pagelab shrink: %" PRIu32 " operations left, round %" PRIu32 ", %" PRIu32 " trials\n",
            best->op_count, counts->rounds + 1, counts->trials);
}

static int write_out(struct running *running, struct program_error *error)
{
    const struct shrink_session *session = running->session;
    const struct program *program = &session->file->program;
    char replay[1024] = "";
    char comment[COMMENT_BYTES];
    if (session->out != NULL)
        finding_note_replay(session->out, session->backend, session->options, replay, sizeof(replay));
    trial_comment(&running->last, session->backend, session->target, replay, comment, sizeof(comment));
    if (session->out != NULL)
        return program_file_write(session->out, program, program_file_is_binary(session->out), comment, false,
                                  error);
    program_print(program, stdout);
    fputs(comment, stdout);
    return fflush(stdout);
}

enum shrink_end shrink_session_run(struct shrink_session *session, struct program_error *error)
{
    struct running running = {.session = session, .said = now()};
    struct program *program = &session->file->program;
    uint32_t before = program->op_count;
    struct shrink_counts counts;
    struct shrink_ask ask = {.fails = fails,
                             .self = &running,
                             .progress = progress,
                             .stop = session->stop,
                             .binary = session->binary ||
                                       (session->out != NULL && program_file_is_binary(session->out)),
                             .machine = true};
    session->run(session->self, program, &running.wanted);
    if (running.wanted.outcome == TRIAL_INTERRUPTED)
        return SHRINK_INTERRUPTED;
    if (!trial_is_bad(&running.wanted)) {
        bool fine = running.wanted.outcome == TRIAL_FINE;
        snprintf(error->text, sizeof(error->text), "%.80s: a program with a finding on %.60s expected: %.50s",
                 session->path, session->backend, fine ? "there is none" : running.wanted.words);
        return SHRINK_FINE;
    }
    running.last = running.wanted;
    if (!shrink_program(program, &ask, &counts)) {
        snprintf(error->text, sizeof(error->text), "out of memory");
        return SHRINK_FAILED;
    }
    if (!session->keep && write_out(&running, error) != 0)
        return SHRINK_FAILED;
    bool stopped = session->stop != NULL && *session->stop != 0;
    if (session->progress != NULL)
        fprintf(session->progress,
                "pagelab shrink: %s on %s: %" PRIu32 " operations became %" PRIu32 ", %" PRIu32
                " rounds, %" PRIu32 " trials%s%s%s\n",
                trial_ids(&running.wanted), session->backend, before, program->op_count, counts.rounds,
                counts.trials, stopped ? STOPPED_EARLY : "", session->out == NULL ? "" : ": ",
                session->out == NULL ? "" : session->out);
    return stopped ? SHRINK_INTERRUPTED : SHRINK_DONE;
}
