/* See trial.h. */
#include "report/trial.h"

#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>

#define ALARMS_SHARE 0.01
#define FOUND_SHARE  0.95

struct trial_verdict trial_judge(const struct trial_job *job, size_t rounds)
{
    struct trial_verdict verdict = {.same = statistics_paired_ratio(job->one, job->same, rounds),
                                    .slow = statistics_paired_ratio(job->one, job->slow, rounds)};
    double *logs = malloc((rounds + 1) * sizeof *logs);

    for (size_t i = 0; logs != NULL && i < rounds; i++) {
        logs[i] = log(job->twin[i] / job->one[i]);
    }
    verdict.noise = logs == NULL ? 0 : statistics_noise(logs, rounds, rounds);
    free(logs);
    if (verdict.noise > 0 && verdict.same > 0) {
        verdict.alarm = fabs(log(verdict.same)) > log1p(verdict.noise);
        verdict.found = verdict.slow > 1 + verdict.noise;
    }
    return verdict;
}

/* The median of what `get` says, and of `least` at `share` of all. */
static double verdicts_at(const struct trial_verdict *verdicts, size_t count,
                          double (*get)(const struct trial_verdict *verdict), double share)
{
    double *values = malloc(count * sizeof *values);

    if (values == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = get(&verdicts[i]);
    }

    double value = statistics_median(values, count); /* they are in order now */

    if (share > 0.5) {
        size_t at = (size_t)ceil(share * (double)count);

        value = values[at > 0 ? at - 1 : 0];
    }
    free(values);
    return value;
}

static double get_noise(const struct trial_verdict *verdict)
{
    return verdict->noise;
}

/* What slowed same down by so much would have brought it beyond the noise. */
static double get_needed(const struct trial_verdict *verdict)
{
    return verdict->same > 0 ? (1 + verdict->noise) / verdict->same - 1 : 0;
}

struct trial_sum trial_sum(const struct trial_verdict *verdicts, size_t count)
{
    struct trial_sum sum = {.jobs = count,
                            .noise = verdicts_at(verdicts, count, get_noise, 0.5),
                            .smallest = verdicts_at(verdicts, count, get_needed, FOUND_SHARE)};
    double *slow = malloc(count * sizeof *slow);
    struct statistics_interval interval;

    for (size_t i = 0; i < count; i++) {
        sum.alarms += verdicts[i].alarm;
        sum.found += verdicts[i].found;
        sum.capped += verdicts[i].noise >= STATISTICS_NOISE_MOST;
        if (slow != NULL) {
            slow[i] = verdicts[i].slow;
        }
    }
    if (slow != NULL) {
        bool known = statistics_median_interval(slow, count, &interval);

        sum.planted = statistics_median(slow, count);
        sum.planted_low = known ? interval.low : sum.planted;
        sum.planted_high = known ? interval.high : sum.planted;
    }
    free(slow);
    return sum;
}

enum trial_answer trial_answer(const struct trial_sum *sum, double asked)
{
    double jobs = (double)sum->jobs;

    if ((double)sum->alarms > ALARMS_SHARE * jobs) {
        return TRIAL_ALARMS;
    }
    if (asked > 0 && (double)sum->found < FOUND_SHARE * jobs) {
        return TRIAL_TOO_FEW;
    }
    if (asked > 0) {
        return sum->planted_low - 1 > asked ? TRIAL_PLANTED_MORE : TRIAL_MET;
    }
    return (double)sum->capped > (1 - FOUND_SHARE) * jobs ? TRIAL_NOTHING : TRIAL_MET_SMALLEST;
}
