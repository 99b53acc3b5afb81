/* The score: what the targets make of mutants (fuzz/mutants/mutants.h). Each mutant and seed is one process
 * that starts from seeds, or from nothing, and has so many seconds of one core. Each result is a file, so
 * that a score that was ended goes on where it was; nothing here is random but the engines' seeds. */
#ifndef FUZZ_SCORE_H
#define FUZZ_SCORE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "fuzz/mutants/mutants.h"

#define SCORE_SEEDS_MAX   32u
#define SCORE_MUTANTS_MAX 256u
#define SCORE_JOBS_MAX    64u
#define SCORE_RUNS_MAX    1000u /* of a pair, where executions are counted */
#define SCORE_PATH_BYTES  1024u

/* The fuzz target; the same mutant among real threads under ThreadSanitizer; and on the plain target, one
 * seed, for the time that the fuzz target needed, at least SCORE_PLAIN_S. */
enum score_way { SCORE_TARGET, SCORE_THREADS, SCORE_PLAIN, SCORE_WAY_COUNT };

#define SCORE_PLAIN_S 5.0

/* What one process made of it, or, in a row, most of them: facts by majority, numbers as medians. */
struct score_result {
    bool known;
    bool reached;   /* the altered code ran */
    bool triggered; /* its condition held: behaviour differed */
    bool detected;  /* an oracle, an assertion or a sanitizer spoke */
    double executions;
    double seconds; /* of one core */
    char by[48];    /* who spoke: a promise by number, "assert", "panic", "tsan", ... */
};

struct score_row {
    const struct mutant *mutant;
    struct score_result ways[SCORE_WAY_COUNT];
    uint32_t reports[SCORE_WAY_COUNT];  /* processes that detected something */
    double executions[SCORE_WAY_COUNT]; /* of all processes together */
    double seconds[SCORE_WAY_COUNT];    /* of one core, of all processes together */
};

/* A row with no mutant: a target and a candidate as they are. */
struct score_control {
    struct mutant mutant;
    char name[96];
};

struct score_options {
    const struct mutant *const *mutants;
    uint32_t mutant_count;
    uint32_t seeds;    /* 1 .. this many */
    double seconds;    /* of one core, a process */
    uint32_t jobs;     /* processes at once */
    bool threads;      /* mutants of kind race among real threads, too */
    bool plain;        /* on the plain target, too */
    bool control;      /* no mutant is alive: `mutants` are those of score_controls */
    double executions; /* of a control: each target's, spread over its pairs; 0: seeds say how many runs */
    const char *seeds_dir; /* runs start from a copy of what is there; NULL: from nothing */
    const char *bin_dir;
    const char *out_dir;
    FILE *progress;                    /* or NULL */
    const volatile sig_atomic_t *stop; /* or NULL */
};

/* Fills a row for each mutant. 0; 2: the caller's mistake, with one line in `error`; 130: ended early, rows
 * hold what is known. */
int score_run(const struct score_options *options, struct score_row *rows, char *error, size_t error_bytes);

/* One control for each pair of a target and a candidate among those picked. Returns their number, at most
 * `count`. */
uint32_t score_controls(const struct mutant *const *picked, uint32_t count, struct score_control *controls);

/* Has each pair of a control had its executions? */
bool score_controls_complete(const struct score_options *options, const struct score_row *rows);

/* Rows from results: majority and medians. `count` is at most SCORE_SEEDS_MAX. */
void score_summarise(const struct score_result *results, uint32_t count, struct score_result *summary);

#endif
