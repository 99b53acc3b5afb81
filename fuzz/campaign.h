/* A fuzzing campaign: one or two engines, of one or two builds, on many pairs of a candidate and a target. It
 * starts with a candidate that is wrong on purpose: an engine that does not catch it within seconds is blind,
 * and what it does not find later means nothing.
 *
 * Each engine and build of a pair is a lane. The lanes take turns, slice by slice, so that a campaign that is
 * killed has touched every pair. At the end each pair's corpus is merged to what is needed of it.
 *
 * The engines are other programs (the drivers of presets fuzz and fuzz-asan, and afl-fuzz); they work below
 * the output directory and a later campaign goes on from their corpora. What they find is stored there, too:
 *
 *     <backend>-<target>-<id>-<hash>.bin    the input
 *     <backend>-<target>-<id>-<hash>.txt    how it reads, and the finding
 *     corpora/<target>/                     corpora and logs of the engines
 *     state                                 how far each lane is, for a campaign that goes on
 *     lock                                  held while a campaign works there */
#ifndef FUZZ_CAMPAIGN_H
#define FUZZ_CAMPAIGN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fuzz/family.h"

#define CAMPAIGN_PATH_BYTES   512u
#define CAMPAIGN_NAME_BYTES   160u
#define CAMPAIGN_REASON_BYTES 256u
#define CAMPAIGN_ROW_LIMIT    1024u
#define CAMPAIGN_JOBS_MAX     16u

enum campaign_engine { CAMPAIGN_LIBFUZZER = 0, CAMPAIGN_AFL = 1, CAMPAIGN_ENGINE_COUNT = 2 };

enum campaign_build { CAMPAIGN_PLAIN = 0, CAMPAIGN_ASAN = 1, CAMPAIGN_BUILD_COUNT = 2 };

/* "libfuzzer", "afl++"; "plain", "asan". */
extern const char *const campaign_engine_names[CAMPAIGN_ENGINE_COUNT];
extern const char *const campaign_build_names[CAMPAIGN_BUILD_COUNT];

/* All zero is a default, but for `backends` and `bin_dir`. Texts are borrowed. */
struct campaign_options {
    const char *const *backends; /* specs, checked by the caller */
    uint32_t backend_count;
    const enum fuzz_target *targets;   /* what is fuzzed of each; */
    uint32_t target_count;             /* 0: programs of frames only */
    double seconds;                    /* for each backend and target, of all jobs; 0: 60 */
    double slice_seconds;              /* of a lane at once; 0: as the seconds allow */
    double canary_seconds;             /* for all engines together at once; 0: 60 */
    double merge_seconds;              /* for one corpus, at the end; 0: 120; below 0: none is merged */
    const char *bin_dir;               /* where pagelab-fuzz-libfuzzer and its like are */
    const char *asan_dir;              /* the same under sanitizers; NULL if no such build is asked for */
    const char *seeds_dir;             /* <target>/(all).bin in it start a corpus; NULL: from edges only */
    const char *out_dir;               /* NULL: results/fuzz-<backend>, results/fuzz of several; with several
                                          backends there is a folder fuzz-<backend> below it for each */
    unsigned engines;                  /* 1u << enum campaign_engine; 0: all */
    unsigned builds;                   /* 1u << enum campaign_build; 0: plain */
    uint32_t jobs;                     /* processes at once; 0: one a lane, at most one a CPU */
    uint32_t seed;                     /* 0: 1 */
    uint64_t free_bytes;               /* below that the disk counts as full; 0: 16 MiB */
    bool stop_on_finding;              /* at the first that the folder does not hold already */
    bool resume;                       /* go on where the campaign of that folder was ended */
    bool live;                         /* `progress` is a terminal: a line a pair, drawn again and again */
    FILE *progress;                    /* lines for a person; NULL: none */
    const volatile sig_atomic_t *stop; /* not 0: end now; NULL: never */
};

/* One engine and build on one candidate and target. */
struct campaign_row {
    char backend[CAMPAIGN_NAME_BYTES];
    enum fuzz_target target;
    enum campaign_engine engine;
    enum campaign_build build;
    bool canary;
    bool caught;                        /* canary: a finding within the limit */
    bool not_possible;                  /* the driver says why this pair cannot be fuzzed: `reason` */
    char reason[CAMPAIGN_REASON_BYTES]; /* why no (more) work was done on it; empty: nothing is wrong */
    uint32_t processes;
    uint32_t findings; /* that this engine had first */
    uint64_t executions;
    uint64_t coverage;        /* edges, as the engine counts them */
    uint64_t corpus;          /* inputs */
    uint64_t merged;          /* inputs of the pair that were left by merging; 0: not merged */
    double seconds;           /* that it worked; canary: until it was caught */
    double share;             /* that it was due */
    double execs_per_second;  /* of one process */
    double ops_per_execution; /* 0: the engine does not tell */
};

struct campaign_finding {
    char backend[CAMPAIGN_NAME_BYTES];
    enum fuzz_target target;
    enum campaign_engine engine;
    double after_s;
    bool known;        /* the folder held it before this campaign */
    bool again;        /* and it was found again */
    char ids[64];      /* numbers of the contract, or "assert", "asan", "ubsan", "crash", "hang", "memory" */
    char op[24];       /* the operation's name, or empty */
    char summary[240]; /* one line: what was found */
    char path[CAMPAIGN_PATH_BYTES];
    char text_path[CAMPAIGN_PATH_BYTES];
    char replay[2 * CAMPAIGN_PATH_BYTES]; /* the command that shows it again */
};

struct campaign_result {
    int exit_code; /* 0 nothing found; 1 blind; 2 caller's mistake; 3 findings; 130 interrupted */
    char error[CAMPAIGN_PATH_BYTES];   /* one line: what, where, what was expected; or empty */
    char out_dir[CAMPAIGN_PATH_BYTES]; /* of the whole campaign; empty until it is known */
    double seconds;                    /* of wall clock, of this run of it */
    uint32_t row_count;                /* canary rows first */
    uint32_t finding_count;            /* with those that were known */
    uint32_t new_count;                /* without them */
    struct campaign_row rows[CAMPAIGN_ROW_LIMIT];
    uint32_t finding_room;             /* of `findings` */
    struct campaign_finding *findings; /* until campaign_result_free */
};

/* Where a candidate's corpora and findings are, below a campaign's folder. False: too long. */
bool campaign_folder(const struct campaign_options *options, const char *root, const char *backend,
                     char folder[CAMPAIGN_PATH_BYTES]);

/* Runs it to the end; returns result->exit_code. No process that it started is left, whatever happens. The
 * result is large: not for the stack of a small thread. It is all zero, or of an earlier run, which it
 * replaces; the caller frees it. */
int campaign_run(const struct campaign_options *options, struct campaign_result *result);

/* What it holds; it is all zero then. */
void campaign_result_free(struct campaign_result *result);

#endif
