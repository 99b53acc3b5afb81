/* A fuzzing campaign: one or two engines on one candidate and target after another. It starts with a
 * candidate that is wrong on purpose: an engine that does not catch it within seconds is blind, and what it
 * does not find later means nothing.
 *
 * The engines are other programs (the drivers of preset fuzz, and afl-fuzz); they work below the output
 * directory and a later campaign goes on from their corpora. What they find is stored there, too:
 *
 *     <backend>-<target>-<id>-<hash>.bin    the input
 *     <backend>-<target>-<id>-<hash>.txt    how it reads, and the finding
 *     corpora/<target>/                     corpora and logs of the engines */
#ifndef FUZZ_CAMPAIGN_H
#define FUZZ_CAMPAIGN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fuzz/family.h"

#define CAMPAIGN_PATH_BYTES    512u
#define CAMPAIGN_NAME_BYTES    160u
#define CAMPAIGN_ROW_LIMIT     258u
#define CAMPAIGN_FINDING_LIMIT 64u
#define CAMPAIGN_JOBS_MAX      16u

enum campaign_engine { CAMPAIGN_LIBFUZZER = 0, CAMPAIGN_AFL = 1, CAMPAIGN_ENGINE_COUNT = 2 };

/* "libfuzzer", "afl++". */
extern const char *const campaign_engine_names[CAMPAIGN_ENGINE_COUNT];

/* All zero is a default, but for `backends` and `bin_dir`. Texts are borrowed. */
struct campaign_options {
    const char *const *backends; /* specs, checked by the caller */
    uint32_t backend_count;
    const enum fuzz_target *targets;   /* what is fuzzed of each; */
    uint32_t target_count;             /* 0: programs of frames only */
    double seconds;                    /* for each backend and target; 0: 60 */
    double canary_seconds;             /* for all engines together at once; 0: 10 */
    const char *bin_dir;               /* where pagelab-fuzz-libfuzzer and its like are */
    const char *seeds_dir;             /* <target>/(all).bin in it start a corpus; NULL: from edges only */
    const char *out_dir;               /* NULL: results/fuzz-<backend>; with several backends a folder of
                                          that name below it for each */
    unsigned engines;                  /* 1u << enum campaign_engine; 0: all */
    uint32_t jobs;                     /* processes at once; 0: one an engine, at most one a CPU */
    uint32_t seed;                     /* 0: 1 */
    FILE *progress;                    /* lines for a person; NULL: none */
    const volatile sig_atomic_t *stop; /* not 0: end now; NULL: never */
};

/* One engine on one candidate and target. */
struct campaign_row {
    char backend[CAMPAIGN_NAME_BYTES];
    enum fuzz_target target;
    enum campaign_engine engine;
    bool canary;
    bool caught; /* canary: a finding within the limit */
    uint32_t processes;
    uint32_t findings; /* that this engine had first */
    uint64_t executions;
    uint64_t coverage;        /* edges, as the engine counts them */
    uint64_t corpus;          /* inputs */
    double seconds;           /* of wall clock; canary: until it was caught */
    double execs_per_second;  /* of one process */
    double ops_per_execution; /* 0: the engine does not tell */
};

struct campaign_finding {
    char backend[CAMPAIGN_NAME_BYTES];
    enum fuzz_target target;
    enum campaign_engine engine;
    double after_s;
    char ids[64];      /* numbers of the contract, or "assert", "asan", "ubsan", "crash", "hang", "memory" */
    char op[24];       /* the operation's name, or empty */
    char summary[240]; /* one line: what was found */
    char path[CAMPAIGN_PATH_BYTES];
    char text_path[CAMPAIGN_PATH_BYTES];
    char replay[2 * CAMPAIGN_PATH_BYTES]; /* the command that shows it again */
};

struct campaign_result {
    int exit_code; /* 0 nothing found; 1 blind; 2 caller's mistake; 3 findings; 130 interrupted */
    char error[CAMPAIGN_PATH_BYTES]; /* exit codes 1 and 2: one line: what, where, what was expected */
    uint32_t row_count;              /* canary rows first */
    uint32_t finding_count;
    struct campaign_row rows[CAMPAIGN_ROW_LIMIT];
    struct campaign_finding findings[CAMPAIGN_FINDING_LIMIT];
};

/* Runs it to the end; returns result->exit_code. No process that it started is left, whatever happens. The
 * result is large: not for the stack of a small thread. */
int campaign_run(const struct campaign_options *options, struct campaign_result *result);

#endif
