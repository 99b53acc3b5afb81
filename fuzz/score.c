/* See score.h. Jobs in the order of mutants, ways and seeds; as many processes at once as the caller lets. */
#define _DEFAULT_SOURCE
#include "fuzz/score.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "fuzz/campaign_files.h"
#include "fuzz/score_internal.h"

#define POLL_S 0.02

struct score {
    const struct score_options *options;
    struct score_job *jobs;
    uint32_t job_count;
    uint32_t next;
    uint32_t done;
    struct score_process processes[SCORE_JOBS_MAX];
    int lock; /* of the folder; -1: none */
    char *error;
    size_t error_bytes;
};

PL_PRINTF(2, 3) static int fail(struct score *score, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(score->error, score->error_bytes, format, args);
    va_end(args);
    return 2;
}

static bool wants(const struct score_options *options, const struct mutant *mutant, enum score_way way)
{
    bool is_all = strcmp(mutant->target, "all") == 0; /* the plain target takes the calls of one family */
    return way == SCORE_TARGET || (way == SCORE_PLAIN && options->plain && !is_all) ||
           (way == SCORE_THREADS && options->threads && mutant->kind == MUTANT_RACE);
}

/* How many runs a mutant has in one way, at most. */
static uint32_t runs_of(const struct score_options *options, const struct mutant *mutant, enum score_way way)
{
    if (!wants(options, mutant, way))
        return 0;
    if (way == SCORE_TARGET && options->executions > 0)
        return SCORE_RUNS_MAX;
    return way == SCORE_PLAIN ? 1 : options->seeds;
}

static int find_drivers(struct score *score)
{
    const struct score_options *options = score->options;
    char driver[SCORE_PATH_BYTES];
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        for (unsigned way = 0; way < SCORE_WAY_COUNT; way++) {
            if (!wants(options, options->mutants[i], (enum score_way)way))
                continue;
            if (!score_driver(options, options->mutants[i], (enum score_way)way, driver) ||
                access(driver, X_OK) != 0)
                return fail(score, "%.300s: the mutant drivers expected: cmake --workflow --preset fuzz",
                            driver);
        }
    }
    return 0;
}

/* The run of that seed, where the mutant has so many in this way. */
static void make_job(struct score *score, const struct mutant *mutant, enum score_way way, uint32_t seed)
{
    const struct score_options *options = score->options;
    if (seed <= runs_of(options, mutant, way))
        score->jobs[score->job_count++] =
            (struct score_job){.mutant = mutant, .way = way, .seed = seed, .limit = options->seconds};
}

/* Those of the plain target are the last: how long they may take is known only then. Where executions are
 * counted, one run of each pair after the other: if they are ended early, each pair had some. */
static int make_jobs(struct score *score)
{
    const struct score_options *options = score->options;
    uint32_t most = options->executions > 0 ? SCORE_RUNS_MAX : options->seeds;
    score->jobs = calloc((size_t)options->mutant_count * SCORE_WAY_COUNT * most, sizeof(*score->jobs));
    if (score->jobs == NULL)
        return fail(score, "out of memory for the runs of %u mutants", options->mutant_count);
    for (uint32_t seed = 1; options->executions > 0 && seed <= most; seed++) {
        for (uint32_t i = 0; i < options->mutant_count; i++) {
            for (unsigned way = 0; way < SCORE_PLAIN; way++)
                make_job(score, options->mutants[i], (enum score_way)way, seed);
        }
    }
    for (uint32_t i = 0; options->executions <= 0 && i < options->mutant_count; i++) {
        for (unsigned way = 0; way < SCORE_PLAIN; way++) {
            for (uint32_t seed = 1; seed <= most; seed++)
                make_job(score, options->mutants[i], (enum score_way)way, seed);
        }
    }
    for (uint32_t i = 0; i < options->mutant_count; i++)
        make_job(score, options->mutants[i], SCORE_PLAIN, 1);
    return find_drivers(score);
}

/* Two scores in one folder would take one another's results for their own. */
static int lock_folder(struct score *score)
{
    char path[SCORE_PATH_BYTES];
    snprintf(path, sizeof(path), "%.1000s/lock", score->options->out_dir);
    score->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (score->lock < 0)
        return fail(score, "%.300s: a file that can be written expected: %s", path, strerror(errno));
    if (flock(score->lock, LOCK_EX | LOCK_NB) != 0)
        return fail(score, "%.300s: another score works here: another --out expected",
                    score->options->out_dir);
    return 0;
}

static int make_folders(struct score *score)
{
    static const char *const names[] = {"", "/runs", "/logs", "/records", "/found", "/seeds"};
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        char path[SCORE_PATH_BYTES];
        snprintf(path, sizeof(path), "%s%s", score->options->out_dir, names[i]);
        if (campaign_make_dirs(path) != 0)
            return fail(score, "%.300s: a folder that can be written expected: %s", path, strerror(errno));
    }
    return lock_folder(score);
}

static void say(const struct score *score, const struct score_job *job)
{
    static const char *const words[SCORE_WAY_COUNT] = {
        [SCORE_THREADS] = "real threads", [SCORE_PLAIN] = "plain target"};
    const struct score_result *result = &job->result;
    if (score->options->progress == NULL)
        return;
    if (score->options->executions > 0 && job->way == SCORE_TARGET)
        fprintf(score->options->progress, "score: %.0f of %.0f executions ",
                score_control_done(score->options, score->jobs, score->job_count, job->mutant),
                score_control_goal(score->options, job->mutant));
    else
        fprintf(score->options->progress, "score: %u/%u ", score->done, score->job_count);
    fprintf(score->options->progress, "%s %s seed %u: %s%s after %.1f s\n", job->mutant->name,
            words[job->way] == NULL ? job->mutant->target : words[job->way], job->seed,
            result->detected          ? "detected by "
            : score->options->control ? "silent"
            : result->triggered       ? "triggered, not detected"
            : result->reached         ? "reached, not triggered"
                                      : "not reached",
            result->detected ? result->by : "", result->seconds);
}

/* The plain target may take what ours took. False: that is not known yet. */
static bool set_limit(const struct score *score, struct score_job *job)
{
    struct score_result results[SCORE_SEEDS_MAX];
    struct score_result summary;
    if (job->way != SCORE_PLAIN)
        return true;
    uint32_t count = score_rows_known(score->jobs, score->job_count, job->mutant, SCORE_TARGET, results);
    score_summarise(results, count, &summary);
    job->limit = SCORE_PLAIN_S;
    while (job->limit < summary.seconds) /* whole seconds: a file says it to the digit */
        job->limit++;
    return count == score->options->seeds;
}

/* A driver whose report cannot be written would seem to have found nothing. */
static int look_for_room(struct score *score)
{
    uint64_t room;
    if (campaign_has_room(score->options->out_dir, CAMPAIGN_FREE_BYTES, &room))
        return 0;
    return fail(score,
                "%.300s: the disk is as good as full, %" PRIu64 " MiB free, %" PRIu64
                " MiB expected; the same command goes "
                "on when there is room",
                score->options->out_dir, room >> 20, CAMPAIGN_FREE_BYTES >> 20);
}

/* The next job whose result is not in a file yet, in an idle process. 0, or 2. */
static int start_next(struct score *score, struct score_process *process)
{
    while (score->next < score->job_count) {
        const struct score_options *options = score->options;
        struct score_job *job = &score->jobs[score->next];
        if (!set_limit(score, job))
            return 0; /* asked again soon */
        score->next++;
        if (score_control_enough(options, score->jobs, score->job_count, job)) {
            score->done++;
            continue;
        }
        if (score_file_read(options, job)) {
            score->done++;
            continue;
        }
        if (look_for_room(score) != 0)
            return 2;
        if (options->executions > 0 && job->way == SCORE_TARGET)
            job->executions = score_control_goal(options, job->mutant) -
                              score_control_done(options, score->jobs, score->job_count, job->mutant);
        if (score_process_start(options, process, job) != 0)
            return fail(score, "cannot start a process: %s", strerror(errno));
        return 0;
    }
    return 0;
}

static int poll_one(struct score *score, struct score_process *process)
{
    struct score_job *job = process->job;
    char words[300];
    if (job == NULL)
        return start_next(score, process);
    if (!score_process_poll(score->options, process))
        return 0;
    process->job = NULL;
    if (score_process_failed(score->options, process, job, words, sizeof(words)))
        return fail(score, "%s", words);
    if (score->options->executions > 0 && job->way == SCORE_TARGET && job->result.executions <= 0 &&
        !job->result.detected)
        return fail(score, "%s seed %u: nothing was executed; %s/logs says why", job->mutant->name, job->seed,
                    score->options->out_dir);
    if (look_for_room(score) != 0)
        return 2;
    if (score_file_write(score->options, job) != 0)
        return fail(score, "%s/runs: cannot be written: %s", score->options->out_dir, strerror(errno));
    score->done++;
    say(score, job);
    return start_next(score, process);
}

static int work(struct score *score)
{
    const struct score_options *options = score->options;
    int code = 0;
    while (code == 0 && score->done < score->job_count) {
        for (uint32_t i = 0; code == 0 && i < options->jobs; i++)
            code = poll_one(score, &score->processes[i]);
        if (code == 0 && options->stop != NULL && *options->stop != 0)
            code = 130;
        if (code == 0 && score->done < score->job_count)
            campaign_sleep(POLL_S);
    }
    for (uint32_t i = 0; i < options->jobs; i++) {
        if (score->processes[i].job != NULL)
            campaign_child_stop(&score->processes[i].child, 0);
    }
    return code;
}

int score_run(const struct score_options *options, struct score_row *rows, char *error, size_t error_bytes)
{
    struct score *score = calloc(1, sizeof(*score));
    if (score == NULL) {
        snprintf(error, error_bytes, "out of memory");
        return 2;
    }
    score->options = options;
    score->lock = -1;
    score->error = error;
    score->error_bytes = error_bytes;
    int code = make_jobs(score);
    if (code == 0)
        code = make_folders(score);
    if (code == 0 && score_seeds_make(options) != 0)
        code = fail(score, "%s: a folder of seeds, and %.300s that can be written, expected: %s",
                    options->seeds_dir, options->out_dir, strerror(errno));
    if (code == 0)
        code = work(score);
    if (code != 2)
        score_rows_fill(options, score->jobs, score->job_count, rows);
    if (score->lock >= 0)
        close(score->lock);
    free(score->jobs);
    free(score);
    return code;
}
