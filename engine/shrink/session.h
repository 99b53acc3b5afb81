/* A stored program made small, from file to file: the first run says what is kept, progress goes to a person,
 * the best so far is written even when somebody interrupts. */
#ifndef ENGINE_SHRINK_SESSION_H
#define ENGINE_SHRINK_SESSION_H

#include "engine/program_file.h"
#include "engine/shrink/shrink.h"
#include "engine/trial.h"

struct shrink_session {
    struct program_file *file;
    const char *path;    /* what the file is called */
    const char *backend; /* as the command line names it */
    const char *target;  /* of the note: "page", "schedule-page" ... */
    const char *options; /* of the replaying command, "" or " --schedule" ... */
    const char *out;     /* ".bin": the binary form, else text; NULL: text to stdout */
    bool keep;           /* nothing is written: whoever asked has the program; */
    bool binary;         /* it stays within what the binary form can say */
    FILE *progress;      /* or NULL: says what came of it */
    bool live;           /* and how far it is, every 2 seconds */
    const volatile sig_atomic_t *stop;
    /* One program in a process of its own. */
    void (*run)(void *self, const struct program *program, struct trial_result *result);
    void *self;
};

enum shrink_end {
    SHRINK_DONE,
    SHRINK_INTERRUPTED, /* what was kept until then is written */
    SHRINK_FINE,        /* there is nothing to keep: no finding; `error` */
    SHRINK_FAILED,      /* `error` */
};

enum shrink_end shrink_session_run(struct shrink_session *session, struct program_error *error);

#endif
