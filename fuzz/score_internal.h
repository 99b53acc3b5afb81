/* Between the score's files only. */
#ifndef FUZZ_SCORE_INTERNAL_H
#define FUZZ_SCORE_INTERNAL_H

#include "fuzz/campaign_child.h"
#include "fuzz/score.h"

/* One process to be: this mutant, this way, this seed. */
struct score_job {
    const struct mutant *mutant;
    enum score_way way;
    uint32_t seed;
    double limit;      /* seconds of one core */
    double executions; /* after which it may end by itself; 0: never */
    struct score_result result;
};

/* --- score_process.c --- */

struct score_process {
    struct score_job *job; /* NULL: idle */
    struct campaign_child child;
    double started;
    bool stopped; /* its time was over */
};

/* "DIR/WHAT/MUTANT.WAY.SEED"; false: too long. */
bool score_path(const struct score_options *options, const char *what, const struct score_job *job,
                char path[SCORE_PATH_BYTES]);

/* The program for this way and target; false: too long. */
bool score_driver(const struct score_options *options, const struct mutant *mutant, enum score_way way,
                  char path[SCORE_PATH_BYTES]);

/* 0, or -1 with errno. */
int score_process_start(const struct score_options *options, struct score_process *process,
                        struct score_job *job);

/* True once it has ended, and its job's result is known. Ends it when its time is over. */
bool score_process_poll(const struct score_options *options, struct score_process *process);

/* True if it has ended because it was called wrongly; then `words` is what it said. */
bool score_process_failed(const struct score_options *options, const struct score_process *process,
                          const struct score_job *job, char *words, size_t bytes);

/* --- score_rows.c --- */

/* The results of a mutant in one way that are known. Returns their number. */
uint32_t score_rows_known(const struct score_job *jobs, uint32_t job_count, const struct mutant *mutant,
                          enum score_way way, struct score_result results[SCORE_SEEDS_MAX]);

void score_rows_fill(const struct score_options *options, const struct score_job *jobs, uint32_t job_count,
                     struct score_row *rows);

/* --- score_control.c --- */

/* The executions that a pair of a control has had, and those that it should have. */
double score_control_done(const struct score_options *options, const struct score_job *jobs,
                          uint32_t job_count, const struct mutant *mutant);
double score_control_goal(const struct score_options *options, const struct mutant *mutant);

/* This run is not needed: its pair has had its executions, or has spoken. */
bool score_control_enough(const struct score_options *options, const struct score_job *jobs,
                          uint32_t job_count, const struct score_job *job);

/* --- score_seeds.c --- */

/* Copies the seeds of all targets that are wanted and lists them; nothing if none are. 0, or -1 with errno.
 */
int score_seeds_make(const struct score_options *options);

/* The file that lists them; false: too long. */
bool score_seeds_list(const struct score_options *options, const char *target, char path[SCORE_PATH_BYTES]);

/* --- score_file.c --- */

/* A result is taken only if it is of the same driver and time. */
bool score_file_read(const struct score_options *options, struct score_job *job);
int score_file_write(const struct score_options *options, const struct score_job *job);

#endif
