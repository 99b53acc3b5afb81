/* See score.h. Jobs in the order of mutants, ways and seeds; as many processes at once as the caller lets. */
#define _DEFAULT_SOURCE
#include "fuzz/score.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pagelab/compiler.h>

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

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *numbers, uint32_t count)
{
    qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
    return count % 2 != 0 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

/* What most of those that detected it say. */
static const char *usual_word(const struct score_result *results, uint32_t count)
{
    const char *best = "";
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;
        for (uint32_t j = 0; j < count; j++)
            same += results[j].detected && strcmp(results[i].by, results[j].by) == 0;
        if (results[i].detected && same > most) {
            most = same;
            best = results[i].by;
        }
    }
    return best;
}

void score_summarise(const struct score_result *results, uint32_t count, struct score_result *summary)
{
    double executions[SCORE_SEEDS_MAX];
    double seconds[SCORE_SEEDS_MAX];
    uint32_t reached = 0;
    uint32_t triggered = 0;
    uint32_t detected = 0;
    *summary = (struct score_result){.known = count != 0};
    for (uint32_t i = 0; i < count; i++) {
        reached += results[i].reached;
        triggered += results[i].triggered;
        detected += results[i].detected;
        executions[i] = results[i].executions;
        seconds[i] = results[i].seconds;
    }
    if (count == 0)
        return;
    summary->reached = reached * 2 > count;
    summary->triggered = triggered * 2 > count;
    summary->detected = detected * 2 > count;
    summary->executions = median(executions, count);
    summary->seconds = median(seconds, count);
    snprintf(summary->by, sizeof(summary->by), "%s", usual_word(results, count));
}

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

/* The jobs of one mutant in one way. */
static int make_way(struct score *score, const struct mutant *mutant, enum score_way way)
{
    const struct score_options *options = score->options;
    char driver[SCORE_PATH_BYTES];
    uint32_t seeds = way == SCORE_PLAIN ? 1 : options->seeds;
    if (!wants(options, mutant, way))
        return 0;
    if (!score_driver(options, mutant, way, driver) || access(driver, X_OK) != 0)
        return fail(score, "%.300s: the mutant drivers expected: cmake --workflow --preset fuzz", driver);
    for (uint32_t seed = 1; seed <= seeds; seed++)
        score->jobs[score->job_count++] =
            (struct score_job){.mutant = mutant, .way = way, .seed = seed, .limit = options->seconds};
    return 0;
}

/* Those of the plain target are the last: how long they may take is known only then. */
static int make_jobs(struct score *score)
{
    const struct score_options *options = score->options;
    uint32_t limit = options->mutant_count * SCORE_WAY_COUNT * options->seeds;
    score->jobs = calloc(limit, sizeof(*score->jobs));
    if (score->jobs == NULL)
        return fail(score, "out of memory for %u jobs", limit);
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < options->mutant_count; i++) {
        for (unsigned way = 0; code == 0 && way < SCORE_PLAIN; way++)
            code = make_way(score, options->mutants[i], (enum score_way)way);
    }
    for (uint32_t i = 0; code == 0 && i < options->mutant_count; i++)
        code = make_way(score, options->mutants[i], SCORE_PLAIN);
    return code;
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
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
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
    fprintf(score->options->progress, "score: %u/%u %s %s seed %u: %s%s after %.1f s\n", score->done,
            score->job_count, job->mutant->name,
            words[job->way] == NULL ? job->mutant->target : words[job->way], job->seed,
            result->detected          ? "detected by "
            : score->options->control ? "silent"
            : result->triggered       ? "triggered, not detected"
            : result->reached         ? "reached, not triggered"
                                      : "not reached",
            result->detected ? result->by : "", result->seconds);
}

/* The results of a mutant in one way that are known. Returns their number. */
static uint32_t known_results(const struct score *score, const struct mutant *mutant, enum score_way way,
                              struct score_result results[SCORE_SEEDS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < score->job_count; i++) {
        const struct score_job *job = &score->jobs[i];
        if (job->mutant == mutant && job->way == way && job->result.known)
            results[count++] = job->result;
    }
    return count;
}

/* The plain target may take what ours took. False: that is not known yet. */
static bool set_limit(const struct score *score, struct score_job *job)
{
    struct score_result results[SCORE_SEEDS_MAX];
    struct score_result summary;
    if (job->way != SCORE_PLAIN)
        return true;
    uint32_t count = known_results(score, job->mutant, SCORE_TARGET, results);
    score_summarise(results, count, &summary);
    job->limit = SCORE_PLAIN_S;
    while (job->limit < summary.seconds) /* whole seconds: a file says it to the digit */
        job->limit++;
    return count == score->options->seeds;
}

/* The next job whose result is not in a file yet, in an idle process. 0, or 2. */
static int start_next(struct score *score, struct score_process *process)
{
    while (score->next < score->job_count) {
        struct score_job *job = &score->jobs[score->next];
        if (!set_limit(score, job))
            return 0; /* asked again soon */
        score->next++;
        if (score_file_read(score->options, job)) {
            score->done++;
            continue;
        }
        if (score_process_start(score->options, process, job) != 0)
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

static void fill_rows(const struct score *score, struct score_row *rows)
{
    const struct score_options *options = score->options;
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        rows[i] = (struct score_row){.mutant = options->mutants[i]};
        for (unsigned way = 0; way < SCORE_WAY_COUNT; way++) {
            struct score_result results[SCORE_SEEDS_MAX];
            uint32_t count = known_results(score, options->mutants[i], (enum score_way)way, results);
            for (uint32_t j = 0; j < count; j++) {
                rows[i].reports[way] += results[j].detected;
                rows[i].executions[way] += results[j].executions;
            }
            score_summarise(results, count, &rows[i].ways[way]);
        }
    }
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
        fill_rows(score, rows);
    if (score->lock >= 0)
        close(score->lock);
    free(score->jobs);
    free(score);
    return code;
}
