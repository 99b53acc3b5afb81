/* Rows of a score from the results of its runs: facts by majority, numbers as medians, and sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/score_internal.h"

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

uint32_t score_rows_known(const struct score_job *jobs, uint32_t job_count, const struct mutant *mutant,
                          enum score_way way, struct score_result results[SCORE_SEEDS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job_count; i++) {
        const struct score_job *job = &jobs[i];
        if (job->mutant != mutant || job->way != way || !job->result.known)
            continue;
        if (count < SCORE_SEEDS_MAX)
            results[count++] = job->result;
        else if (job->result.detected) /* a control's: what speaks is never left out */
            results[SCORE_SEEDS_MAX - 1] = job->result;
    }
    return count;
}

static void add_run(struct score_row *row, const struct score_job *job)
{
    row->reports[job->way] += job->result.detected;
    row->executions[job->way] += job->result.executions;
    row->seconds[job->way] += job->result.seconds;
}

void score_rows_fill(const struct score_options *options, const struct score_job *jobs, uint32_t job_count,
                     struct score_row *rows)
{
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        rows[i] = (struct score_row){.mutant = options->mutants[i]};
        for (unsigned way = 0; way < SCORE_WAY_COUNT; way++) {
            struct score_result results[SCORE_SEEDS_MAX];
            uint32_t count =
                score_rows_known(jobs, job_count, options->mutants[i], (enum score_way)way, results);
            score_summarise(results, count, &rows[i].ways[way]);
        }
        for (uint32_t j = 0; j < job_count; j++) {
            if (jobs[j].mutant == options->mutants[i] && jobs[j].result.known)
                add_run(&rows[i], &jobs[j]);
        }
    }
}
