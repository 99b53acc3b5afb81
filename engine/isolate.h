/* Work in a process of its own: a crash, a hang or an exit() there is an outcome here, never the end. */
#ifndef ENGINE_ISOLATE_H
#define ENGINE_ISOLATE_H

#include <signal.h>
#include <stddef.h>

enum isolate_outcome {
    ISOLATE_DONE,        /* `result` is filled */
    ISOLATE_DIED,        /* it ended without one */
    ISOLATE_TIMED_OUT,   /* it was ended after the limit */
    ISOLATE_INTERRUPTED, /* `stop` was set */
    ISOLATE_NO_PROCESS,  /* none could be had; errno */
};

/* Runs work(argument, result) in a child and brings `result_bytes` (at most 4096) back. `stop`, if not NULL,
 * ends the child: it is looked at first, and whenever a signal comes. `how`, if not NULL, gets one phrase:
 * "signal 11 (Segmentation fault)". */
enum isolate_outcome isolate_run(void (*work)(void *argument, void *result), void *argument, void *result,
                                 size_t result_bytes, unsigned limit_s, const volatile sig_atomic_t *stop,
                                 char *how, size_t how_bytes);

/* From now on what this process writes to stdout goes to stderr: somebody else's code must not spoil what we
 * print. Returns a descriptor of stdout as it was, closed by exec, or -1. */
int isolate_stdout(void);

/* Undoes it, with what isolate_stdout returned. */
void isolate_stdout_back(int own_stdout);

#endif
