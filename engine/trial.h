/* A program on a candidate in a process of its own: what came of it, whatever the candidate does there. What
 * replays, shrinks and shows findings asks here. */
#ifndef ENGINE_TRIAL_H
#define ENGINE_TRIAL_H

#include <signal.h>

#include "engine/finding.h"
#include "engine/isolate.h"
#include "engine/program.h"
#include "engine/spec.h"

enum trial_outcome {
    TRIAL_FINE,        /* no finding */
    TRIAL_FINDING,     /* `finding` */
    TRIAL_FAULTY,      /* its init returned what is no status; `words` */
    TRIAL_DIED,        /* signal or exit code; `words` */
    TRIAL_HUNG,        /* no end within the limit; `words` */
    TRIAL_UNSUPPORTED, /* the candidate cannot have this machine; `words` */
    TRIAL_MISTAKE,     /* could not be started; `words` */
    TRIAL_INTERRUPTED, /* `stop` was set */
};

struct trial {
    const struct program *program;
    const struct spec *spec;
    bool fit;             /* the machine is made to fit the candidate: what a program in binary form means */
    bool silent;          /* what the candidate prints goes nowhere */
    FILE *log;            /* each operation and its outcome, written by the child; or NULL */
    uint32_t slot_count;  /* 0: those of the binary form */
    uint32_t audit_every; /* operations between full audits, 0: as the runner has it */
    unsigned limit_s;
    const volatile sig_atomic_t *stop; /* or NULL */
};

struct trial_result {
    enum trial_outcome outcome;
    struct finding finding;
    uint64_t calls;
    uint64_t denied;
    char words[256]; /* one line */
};

void trial_run(const struct trial *trial, struct trial_result *result);

/* What a child gave back, or how it ended, as a result. */
void trial_from_isolate(enum isolate_outcome outcome, const char *how, struct trial_result *result);

/* Did something go wrong that a person wants to hear of? */
bool trial_is_bad(const struct trial_result *result);

/* The same ids, or the same kind of end. */
bool trial_is_same(const struct trial_result *a, const struct trial_result *b);

/* What a report names it by: the ids, or "X-3", "crash", "hang". */
const char *trial_ids(const struct trial_result *result);

/* "expected; but: actual", or the words: one line. */
void trial_summary(const struct trial_result *result, char *text, size_t bytes);

/* The finding as replay prints it. */
void trial_print(const struct trial_result *result, const char *backend, FILE *out);

/* What the text form of a finding says behind the program: a note's lines (engine/finding_note.h). */
void trial_comment(const struct trial_result *result, const char *backend, const char *target,
                   const char *replay, char *text, size_t bytes);

/* From here on this process writes nothing to stdout and stderr, and leaves no core: for a trial's child. */
void trial_hush(void);

#endif
