/*
 * What may be said of a few samples: their median and how sure it is, whether they come from two states of
 * the machine, and how large a difference the machine makes out of nothing. All draws come from a generator
 * with a fixed seed: equal samples give equal numbers. docs/results.md has the formulas for the reader.
 */
#ifndef REPORT_STATISTICS_H
#define REPORT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

struct statistics_interval {
    double low;
    double high;
};

/* Noise is not counted beyond 1000 per cent: nothing can be told apart. */
#define STATISTICS_NOISE_MOST 10.0

/* Fewer samples than this are not asked whether they are bimodal. */
#define STATISTICS_MODES_LEAST 8u

/* The middle one, or the mean of the two in the middle; 0 for none. Sorts `samples`. */
double statistics_median(double *samples, size_t count);

/* 95 per cent by the percentile bootstrap. Of fewer than 6 samples it is about their range, which covers
 * less. False: fewer than 2, or no memory. */
bool statistics_median_interval(const double *samples, size_t count, struct statistics_interval *interval);

/* The same of median(after) / median(before), samples above 0, each side drawn for itself. */
bool statistics_ratio_interval(const double *before, size_t before_count, const double *after,
                               size_t after_count, struct statistics_interval *interval);

/* Do the samples lie in two heaps? At their widest gap that leaves a fifth of them on either side, the gap is
 * more than 1.5 times as wide as the wider heap, and more than a twentieth of the median. */
bool statistics_bimodal(const double *samples, size_t count);

/* The median over the rounds of after / before, measured side by side: what drifts in both cancels. 0: no
 * rounds, or no memory. */
double statistics_paired_ratio(const double *before, const double *after, size_t rounds);

/*
 * How far from 1 the paired ratio of equals may come, `rounds` of them: 0.06 is 6 per cent. `logs` are the
 * logarithms of twin / original, one a round of the run. It is the largest of three.
 *
 * a: k x 1.4826 x median|log| x 1.2533 / sqrt(rounds). k is Student's t for 0.15 per cent at 0.4 x log_count
 * degrees of freedom, as many as a median of absolute values is worth: 18 for 5 logs, 5 for 15, 3 for many.
 *
 * b: statistics_noise_drawn, which sees two states.
 *
 * c: the median of the logs itself, and 0.5 per cent.
 *
 * 0: no logs, or no memory.
 */
double statistics_noise(const double *logs, size_t log_count, size_t rounds);

/* Only b: 1.25 times what 999 of 1000 medians of so many logs, drawn with either sign, stay below. Few logs
 * say little, but what they say is not blurred by those of calmer cells. 0: no logs, or no memory. */
double statistics_noise_drawn(const double *logs, size_t log_count, size_t rounds);

/* How far from 1 the ratio of two medians of equals may come that spread as these samples do: 1.25 times what
 * 999 of 1000 pairs of draws stay below. 0: fewer than 2, or no memory. */
double statistics_noise_own(const double *samples, size_t count);

#endif
