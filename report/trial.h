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
    size_t capped;   /* jobs whose noise is so large that it is not counted further */
    double smallest; /* slow-down that 95 of 100 of these jobs would have found: 0.15 is 15 per cent */
};

/* What is asked: of a hundred jobs at most one false alarm, and 95 that find what is planted. */
enum trial_answer {
    TRIAL_MET,
    TRIAL_MET_SMALLEST, /* what is planted is not found, but something is, and that is enough here */
    TRIAL_ALARMS,
    TRIAL_TOO_FEW,
    TRIAL_NOTHING,      /* there is no smallest difference: too many jobs can tell nothing apart */
    TRIAL_PLANTED_MORE, /* than was asked: that it was found says nothing of less */
};

/* `asked`: the share that is to be found, 0.15; 0: any will do. */
enum trial_answer trial_answer(const struct trial_sum *sum, double asked);

/* `verdicts` has at least one. */
struct trial_sum trial_sum(const struct trial_verdict *verdicts, size_t count);

#endif
