/* A command in a child process with a time limit: a crash, a hang or an exit() there is an outcome here. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

enum child_end {
    CHILD_EXITED,      /* code is its exit status */
    CHILD_KILLED,      /* code is the signal */
    CHILD_TIMED_OUT,   /* it was killed here; code is the limit in seconds */
    CHILD_INTERRUPTED, /* *stop became set; it was killed here */
    CHILD_NOT_STARTED, /* code is errno */
};

struct child_result {
    enum child_end end;
    int code;
    char *output; /* what it wrote to stdout, terminated; the caller frees */
    size_t output_bytes;
    char last_words[256]; /* the last line that it wrote to stderr */
};

/* Runs argv[0] (a path) in a process group of its own and waits. Whatever it started is killed with it. */
void child_run(char *const argv[], double limit_s, const volatile sig_atomic_t *stop,
               struct child_result *result);

/* The path of a program that lies beside this one. */
void child_beside(const char *name, char *path, size_t bytes);

/* The outcome in words: "killed by signal 11 (Segmentation fault): ...". */
void child_describe(const struct child_result *result, char *text, size_t bytes);

#endif
