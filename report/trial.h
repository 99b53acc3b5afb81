/* Judging an experiment with twins: how often equals were told apart, how often a planted slow-down was
 * found, and what could have been found. Each job is judged by the noise that its own twins show. */
#ifndef REPORT_TRIAL_H
#define REPORT_TRIAL_H

#include "report/table.h"

#include <stddef.h>

/* ns of the rounds of one job. */
struct trial_job {
    const double *one;
    const double *twin;
    const double *same;
    const double *slow;
};

struct trial_verdict {
    double noise; /* statistics_noise of one and twin */
    double same;  /* paired ratio of same to one */
    double slow;  /* of slow to one */
    bool alarm;   /* same is further from 1 than the noise */
    bool found;   /* slow is above 1 by more than the noise */
};

struct trial_verdict trial_judge(const struct trial_job *job, size_t rounds);

struct trial_sum {
    size_t jobs;
    size_t alarms;
    size_t found;
    double planted;     /* the median of slow */
    double planted_low; /* 95 per cent of it; equal to it where there is one job */
    double planted_high;
    double noise;    /* the median */
    double smallest; /* slow-down that 95 of 100 of these jobs would have found: 0.15 is 15 per cent */
};

/* `verdicts` has at least one. */
struct trial_sum trial_sum(const struct trial_verdict *verdicts, size_t count);

#endif
