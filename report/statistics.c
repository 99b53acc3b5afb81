/* See statistics.h. */
#include "report/statistics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS         2000u
#define NOISE_LEAST   0.005
#define NOISE_DRAWS   0.999
#define NOISE_MARGIN  1.25   /* the next one may be a little further out than any that was seen */
#define MAD_TO_SIGMA  1.4826 /* of a normal distribution */
#define MEDIAN_SPREAD 1.2533 /* of its median over that of its mean */
#define MODES_GAP     1.5
#define MODES_PART    0.05

/* splitmix64. */
static uint64_t draw_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t draw_below(uint64_t *state, size_t count)
{
    return (size_t)((draw_next(state) >> 32) * count >> 32);
}

static int double_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* As qsort, but samples are few, and there are thousands of draws. */
static void samples_sort(double *samples, size_t count)
{
    if (count > 32) {
        qsort(samples, count, sizeof *samples, double_compare);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        double value = samples[i];
        size_t at = i;

        for (; at > 0 && samples[at - 1] > value; at--) {
            samples[at] = samples[at - 1];
        }
        samples[at] = value;
    }
}

double statistics_median(double *samples, size_t count)
{
    samples_sort(samples, count);
    if (count == 0) {
        return 0;
    }
    return count % 2 == 1 ? samples[count / 2] : (samples[count / 2 - 1] + samples[count / 2]) / 2;
}

static double draw_median(uint64_t *state, const double *samples, size_t count, double *room)
{
    for (size_t i = 0; i < count; i++) {
        room[i] = samples[draw_below(state, count)];
    }
    return statistics_median(room, count);
}

static void interval_of(double medians[DRAWS], struct statistics_interval *interval)
{
    samples_sort(medians, DRAWS);
    interval->low = medians[DRAWS / 40];
    interval->high = medians[DRAWS - 1 - DRAWS / 40];
}

bool statistics_median_interval(const double *samples, size_t count, struct statistics_interval *interval)
{
    uint64_t state = 1;
    double medians[DRAWS];
    double *room = count < 2 ? NULL : malloc(count * sizeof *room);

    if (room == NULL) {
        return false;
    }
    for (size_t i = 0; i < DRAWS; i++) {
        medians[i] = draw_median(&state, samples, count, room);
    }
    free(room);
    interval_of(medians, interval);
    return true;
}

bool statistics_ratio_interval(const double *before, size_t before_count, const double *after,
                               size_t after_count, struct statistics_interval *interval)
{
    uint64_t state = 1;
    double medians[DRAWS];
    size_t most = before_count > after_count ? before_count : after_count;
    double *room = before_count < 2 || after_count < 2 ? NULL : malloc(most * sizeof *room);

    if (room == NULL) {
        return false;
    }
    for (size_t i = 0; i < DRAWS; i++) {
        double one = draw_median(&state, before, before_count, room);

        medians[i] = draw_median(&state, after, after_count, room) / one;
    }
    free(room);
    interval_of(medians, interval);
    return true;
}

bool statistics_bimodal(const double *samples, size_t count)
{
    size_t side = (count + 4) / 5;
    size_t cut = 0;
    double widest = 0;
    double *sorted = count < STATISTICS_MODES_LEAST ? NULL : malloc(count * sizeof *sorted);

    if (sorted == NULL) {
        return false;
    }
    memcpy(sorted, samples, count * sizeof *sorted);

    double median = statistics_median(sorted, count);

    for (size_t i = side; i + side <= count; i++) {
        if (sorted[i] - sorted[i - 1] > widest) {
            widest = sorted[i] - sorted[i - 1];
            cut = i;
        }
    }

    bool two = cut > 0 && widest > MODES_PART * median &&
               widest > MODES_GAP * fmax(sorted[cut - 1] - sorted[0], sorted[count - 1] - sorted[cut]);

    free(sorted);
    return two;
}

double statistics_paired_ratio(const double *before, const double *after, size_t rounds)
{
    double *ratios = rounds == 0 ? NULL : malloc(rounds * sizeof *ratios);

    if (ratios == NULL) {
        return 0;
    }
    for (size_t i = 0; i < rounds; i++) {
        ratios[i] = log(after[i] / before[i]);
    }

    double median = statistics_median(ratios, rounds);

    free(ratios);
    return exp(median);
}

/* Student's t, 0.15 per cent on either side: the wider of two neighbours in the list. */
static double student_t(size_t count)
{
    static const struct {
        size_t least;
        double t;
    } list[] = {
        {200, 3.06}, {100, 3.16}, {50, 3.38}, {40, 3.49}, {30, 3.71}, {25, 3.89},
        {20, 4.20},  {18, 4.39},  {15, 4.80}, {12, 5.54}, {10, 6.43}, {9, 7.14},
        {8, 8.18},   {7, 9.80},   {6, 12.6},  {5, 18.2},  {4, 32.6},  {3, 90.7},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (count >= list[i].least) {
            return list[i].t;
        }
    }
    return 212;
}

/* See b in the header. */
static double noise_drawn(const double *logs, size_t log_count, size_t rounds, double *room)
{
    uint64_t state = 1;
    double medians[DRAWS];

    for (size_t i = 0; i < DRAWS; i++) {
        for (size_t k = 0; k < rounds; k++) {
            double value = logs[draw_below(&state, log_count)];

            room[k] = (draw_next(&state) & 1) != 0 ? value : -value;
        }
        medians[i] = fabs(statistics_median(room, rounds));
    }
    samples_sort(medians, DRAWS);
    return medians[(size_t)(NOISE_DRAWS * DRAWS)];
}

double statistics_noise_drawn(const double *logs, size_t log_count, size_t rounds)
{
    double *room = log_count == 0 || rounds == 0 ? NULL : malloc(rounds * sizeof *room);

    if (room == NULL) {
        return 0;
    }

    double noise = NOISE_MARGIN * noise_drawn(logs, log_count, rounds, room);

    free(room);
    return fmin(expm1(noise), STATISTICS_NOISE_MOST);
}

double statistics_noise_own(const double *samples, size_t count)
{
    uint64_t state = 1;
    double logs[DRAWS];
    double *room = count < 2 ? NULL : malloc(count * sizeof *room);

    if (room == NULL) {
        return 0;
    }
    for (size_t i = 0; i < DRAWS; i++) {
        double one = draw_median(&state, samples, count, room);

        logs[i] = fabs(log(draw_median(&state, samples, count, room) / one));
    }
    free(room);
    samples_sort(logs, DRAWS);
    return fmin(expm1(NOISE_MARGIN * logs[(size_t)(NOISE_DRAWS * DRAWS)]), STATISTICS_NOISE_MOST);
}

double statistics_noise(const double *logs, size_t log_count, size_t rounds)
{
    size_t room_count = log_count > rounds ? log_count : rounds;
    double *room = log_count == 0 || rounds == 0 ? NULL : malloc(room_count * sizeof *room);

    if (room == NULL) {
        return 0;
    }
    for (size_t i = 0; i < log_count; i++) {
        room[i] = fabs(logs[i]);
    }

    double sigma = MAD_TO_SIGMA * statistics_median(room, log_count);
    double noise = student_t(log_count) * sigma * MEDIAN_SPREAD / sqrt((double)rounds);

    memcpy(room, logs, log_count * sizeof *room);
    noise = fmax(noise, fmax(NOISE_LEAST, fabs(statistics_median(room, log_count))));
    noise = fmax(noise, NOISE_MARGIN * noise_drawn(logs, log_count, rounds, room));
    free(room);
    return fmin(expm1(noise), STATISTICS_NOISE_MOST);
}
