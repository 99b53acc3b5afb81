/* Medians, intervals, noise and modes, held to simulated samples of a seed: how often an alarm is false, how
 * often a planted difference is found, how often an interval covers the truth. And what becomes of a result
 * with twins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/noise.h"
#include "report/statistics.h"
#include "report/trial.h"

#define ROUNDS_MOST 32
#define JOBS        ((size_t)300)

enum kind { NORMAL, HEAVY, OUTLIERS, TWO_STATES, KINDS };

static uint64_t rng = 88172645463325252u;

static double uniform(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return ((double)(rng >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* Nanoseconds of one repetition: 100, and what a machine does to it. */
static double sample(enum kind kind)
{
    switch (kind) {
    case HEAVY: /* Student's t with 2 degrees of freedom */
        return 100 * exp(0.02 * normal() / sqrt(-log(uniform())));
    case OUTLIERS:
        return 100 * exp(0.02 * normal() - (uniform() < 0.1 ? 0.5 * log(uniform()) : 0));
    case TWO_STATES:
        return 100 * exp(0.01 * normal() + (uniform() < 0.3 ? 0.3 : 0));
    default:
        return 100 * exp(0.015 * normal());
    }
}

static void fill(double *samples, enum kind kind, size_t count, double factor)
{
    for (size_t i = 0; i < count; i++) {
        samples[i] = factor * sample(kind);
    }
}

struct score {
    size_t alarms; /* equals that were told apart */
    size_t found;  /* of as many that are slower by 15 per cent */
    double noise;  /* the mean */
};

/* Jobs of a candidate, its twin, once more itself, and itself slowed down. */
static struct score play(enum kind kind, size_t rounds)
{
    struct score score = {0, 0, 0};

    for (size_t job = 0; job < JOBS; job++) {
        double one[ROUNDS_MOST];
        double twin[ROUNDS_MOST];
        double same[ROUNDS_MOST];
        double slow[ROUNDS_MOST];
        double logs[ROUNDS_MOST];

        fill(one, kind, rounds, 1);
        fill(twin, kind, rounds, 1);
        fill(same, kind, rounds, 1);
        fill(slow, kind, rounds, 1.15);
        for (size_t i = 0; i < rounds; i++) {
            logs[i] = log(twin[i] / one[i]);
        }

        double noise = statistics_noise(logs, rounds, rounds);

        score.alarms += fabs(log(statistics_paired_ratio(one, same, rounds))) > log1p(noise);
        score.found += statistics_paired_ratio(one, slow, rounds) > 1 + noise;
        score.noise += noise / JOBS;
    }
    return score;
}

static void test_equals_are_not_told_apart(void **state)
{
    static const size_t rounds[] = {2, 3, 5, 9, 15};

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
            struct score score = play((enum kind)kind, rounds[i]);

            /* One of a hundred; two, where a third of all samples come from another state of the machine. */
            if (score.alarms > JOBS / 100 * (kind == TWO_STATES ? 2 : 1)) {
                fail_msg("kind %d, %zu rounds: %zu false alarms in %zu", kind, rounds[i], score.alarms, JOBS);
            }
        }
    }
}

static void test_a_slow_down_is_found_where_it_can_be(void **state)
{
    (void)state;
    struct score calm = play(NORMAL, 15);
    struct score few = play(NORMAL, 3);

    assert_true(calm.found >= JOBS * 95 / 100);
    assert_true(calm.noise < 0.08);
    /* Three rounds say nothing, and claim nothing. */
    assert_true(few.noise > 0.5);
    assert_true(few.found < JOBS / 10);
    /* Nor does a machine that changes its speed by a third say much. */
    assert_true(play(TWO_STATES, 9).noise > 0.2);
}

static void test_noise_of_little(void **state)
{
    static const double equal[] = {0, 0, 0, 0, 0, 0, 0, 0};
    static const double wild[] = {9, -12, 8, -9};

    (void)state;
    assert_true(statistics_noise(equal, 0, 8) == 0);
    assert_true(statistics_noise(equal, 8, 0) == 0);
    assert_true(statistics_noise(equal, 8, 8) > 0.004 && statistics_noise(equal, 8, 8) < 0.006);
    assert_true(statistics_noise(wild, 4, 4) == 10);
}

static void test_median(void **state)
{
    double odd[] = {9, 1, 5};
    double even[] = {4, 1, 3, 2};
    double many[101];

    (void)state;
    assert_true(statistics_median(odd, 3) == 5);
    assert_true(statistics_median(even, 4) == 2.5);
    assert_true(statistics_median(odd, 0) == 0);
    for (int i = 0; i < 101; i++) {
        many[i] = (i * 37) % 101;
    }
    assert_true(statistics_median(many, 101) == 50);
    static const double before[] = {100, 200, 400};
    static const double after[] = {110, 100, 440};
    assert_float_equal(statistics_paired_ratio(before, after, 3), 1.1, 1e-9);
    assert_true(statistics_paired_ratio(before, after, 0) == 0);
}

/* 95 per cent are asked for; of the median of few samples no bootstrap gives quite that. */
static void test_intervals_cover(void **state)
{
    (void)state;
    for (size_t count = 9; count <= 25; count += 8) {
        size_t covered = 0;
        size_t ratio_covered = 0;

        for (size_t job = 0; job < JOBS; job++) {
            struct statistics_interval interval;
            double samples[ROUNDS_MOST];
            double others[ROUNDS_MOST];

            fill(samples, HEAVY, count, 1);
            fill(others, HEAVY, count, 1.2);
            assert_true(statistics_median_interval(samples, count, &interval));
            covered += interval.low <= 100 && interval.high >= 100;
            assert_true(statistics_ratio_interval(samples, count, others, count, &interval));
            ratio_covered += interval.low <= 1.2 && interval.high >= 1.2;
            assert_true(interval.low < interval.high);
        }
        if (covered < JOBS * 90 / 100 || covered > JOBS * 99 / 100 || ratio_covered < JOBS * 90 / 100) {
            fail_msg("%zu samples: %zu and %zu of %zu covered", count, covered, ratio_covered, JOBS);
        }
    }
}

static void test_intervals_repeat_and_refuse(void **state)
{
    static const double samples[] = {3, 1, 4, 1.5, 9, 2.6, 5};
    struct statistics_interval one;
    struct statistics_interval two;

    (void)state;
    assert_true(statistics_median_interval(samples, 7, &one));
    assert_true(statistics_median_interval(samples, 7, &two));
    assert_true(one.low == two.low && one.high == two.high);
    assert_true(one.low >= 1 && one.low < 3 && one.high > 3 && one.high <= 9);
    assert_false(statistics_median_interval(samples, 1, &one));
    assert_false(statistics_ratio_interval(samples, 7, samples, 1, &one));
    /* Two samples: no more than their range can be said. */
    assert_true(statistics_median_interval(samples, 2, &one));
    assert_true(one.low == 1 && one.high == 3);
}

static size_t count_modes(enum kind kind, size_t count)
{
    size_t flagged = 0;

    for (size_t job = 0; job < JOBS; job++) {
        double samples[ROUNDS_MOST];

        fill(samples, kind, count, 1);
        flagged += statistics_bimodal(samples, count);
    }
    return flagged;
}

static void test_two_states_are_seen(void **state)
{
    (void)state;
    assert_true(count_modes(TWO_STATES, 15) > JOBS * 60 / 100);
    assert_true(count_modes(NORMAL, 9) <= JOBS / 100);
    assert_true(count_modes(NORMAL, 31) == 0);
    assert_true(count_modes(HEAVY, 15) <= JOBS / 100);
    assert_true(count_modes(TWO_STATES, STATISTICS_MODES_LEAST - 1) == 0);

    /* Two heaps a hundredth apart are not worth a word, and one odd sample is an outlier. */
    static const double close[] = {100, 100.01, 100.02, 100.03, 101, 101.01, 101.02, 101.03};
    static const double odd[] = {100, 100.01, 100.02, 100.03, 100, 100.01, 100.02, 300};
    assert_false(statistics_bimodal(close, 8));
    assert_false(statistics_bimodal(odd, 8));
}

/* --- an experiment --- */

static void test_an_experiment_is_judged(void **state)
{
    struct trial_verdict verdicts[JOBS];
    double one[15];
    double twin[15];
    double same[15];
    double slow[15];

    (void)state;
    for (size_t i = 0; i < JOBS; i++) {
        fill(one, NORMAL, 15, 1);
        fill(twin, NORMAL, 15, 1);
        fill(same, NORMAL, 15, i < 7 ? 1.2 : 1); /* seven that must be told apart */
        fill(slow, NORMAL, 15, 1.15);
        verdicts[i] = trial_judge(&(struct trial_job){one, twin, same, slow}, 15);
        assert_true(verdicts[i].alarm == (fabs(log(verdicts[i].same)) > log1p(verdicts[i].noise)));
    }

    struct trial_sum sum = trial_sum(verdicts, JOBS);

    assert_int_equal(sum.jobs, JOBS);
    assert_in_range(sum.alarms, 7, 7 + JOBS / 100);
    assert_true(sum.found >= JOBS * 95 / 100);
    assert_true(sum.planted > 1.14 && sum.planted < 1.16);
    assert_true(sum.planted_low < sum.planted && sum.planted < sum.planted_high);
    /* What 95 of 100 find lies above the noise, and below what was planted and nearly always found. */
    assert_true(sum.noise > 0.01 && sum.smallest > sum.noise && sum.smallest < 0.15);

    /* One job, and no round: nothing is claimed. */
    sum = trial_sum(verdicts, 1);
    assert_true(sum.planted_low == sum.planted && sum.planted == sum.planted_high);
    verdicts[0] = trial_judge(&(struct trial_job){one, twin, same, slow}, 0);
    assert_false(verdicts[0].alarm);
    assert_false(verdicts[0].found);
}

static void test_what_was_asked_is_answered(void **state)
{
    static const struct trial_sum good = {
        .jobs = 100, .alarms = 1, .found = 95, .planted = 1.153, .planted_low = 1.148, .planted_high = 1.157};
    struct trial_sum sum = good;

    (void)state;
    assert_int_equal(trial_answer(&good, 0.15), TRIAL_MET);
    sum.alarms = 2;
    assert_int_equal(trial_answer(&sum, 0.15), TRIAL_ALARMS);
    sum = good;
    sum.found = 94;
    assert_int_equal(trial_answer(&sum, 0.15), TRIAL_TOO_FEW);
    assert_int_equal(trial_answer(&sum, 0), TRIAL_MET_SMALLEST);
    /* A fifth is easily found, and says nothing of 15 per cent; what is smaller says more. */
    sum = good;
    sum.planted_low = 1.16;
    assert_int_equal(trial_answer(&sum, 0.15), TRIAL_PLANTED_MORE);
    sum.planted_low = 1.10;
    assert_int_equal(trial_answer(&sum, 0.15), TRIAL_MET);
    sum.capped = 5;
    assert_int_equal(trial_answer(&sum, 0), TRIAL_MET_SMALLEST);
    sum.capped = 6;
    assert_int_equal(trial_answer(&sum, 0), TRIAL_NOTHING);

    /* Two rounds tell nothing apart: the cap is no difference that was found. */
    static const double one[] = {100, 900};
    static const double twin[] = {900, 100};
    struct trial_verdict verdict = trial_judge(&(struct trial_job){one, twin, one, one}, 2);

    sum = trial_sum(&verdict, 1);
    assert_int_equal(sum.capped, 1);
    assert_int_equal(trial_answer(&sum, 0), TRIAL_NOTHING);
}

/* --- a result with twins --- */

static cJSON *make_row(const char *workload, const char *candidate, int round, double ns)
{
    cJSON *row = cJSON_CreateObject();
    char name[64];

    snprintf(name, sizeof name, "%s/%s/cpus:1", workload, candidate);
    cJSON_AddStringToObject(row, "run_name", name);
    snprintf(name, sizeof name, "%s/%s/cpus:1%s", workload, candidate, round < 0 ? "_median" : "");
    cJSON_AddStringToObject(row, "name", name);
    cJSON_AddStringToObject(row, "run_type", round < 0 ? "aggregate" : "iteration");
    if (round < 0) {
        cJSON_AddStringToObject(row, "aggregate_name", "median");
    } else {
        cJSON_AddNumberToObject(row, "repetition_index", round);
    }
    cJSON_AddStringToObject(row, "candidate", candidate);
    cJSON_AddStringToObject(row, "workload", workload);
    cJSON_AddStringToObject(row, "section", "frames");
    cJSON_AddStringToObject(row, "status", "ok");
    cJSON_AddNumberToObject(row, "real_time", ns);
    cJSON_AddStringToObject(row, "time_unit", "ns");
    return row;
}

static const cJSON *find_row(const cJSON *result, const char *name)
{
    const cJSON *row = NULL;

    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "benchmarks"))
    {
        if (strcmp(cJSON_GetObjectItem(row, "name")->valuestring, name) == 0) {
            return row;
        }
    }
    fail_msg("no row %s", name);
    return NULL;
}

static double number_in(const cJSON *result, const char *name, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(find_row(result, name), key);

    return item != NULL && cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void test_a_result_is_annotated(void **state)
{
    cJSON *result = cJSON_CreateObject();
    cJSON *ours = cJSON_AddObjectToObject(cJSON_AddObjectToObject(result, "context"), "pagelab");
    cJSON *twins = cJSON_AddArrayToObject(ours, "twins");
    cJSON *rows = cJSON_AddArrayToObject(result, "benchmarks");

    (void)state;
    for (int round = 0; round < 9; round++) {
        cJSON_AddItemToArray(rows, make_row("repeat", "a", round, 100 + round % 3));
        cJSON_AddItemToArray(rows, make_row("repeat", "b", round, round % 2 != 0 ? 100 : 150));
        cJSON_AddItemToArray(rows, make_row("age", "a", round, 100));
        /* In another order than the rows: they meet by name and round. */
        cJSON_AddItemToArray(twins, make_row("repeat", "a", 8 - round, 1.02 * (100 + (8 - round) % 3)));
    }
    cJSON_AddItemToArray(twins, make_row("repeat", "nobody", 0, 7));
    cJSON_AddItemToArray(rows, make_row("repeat", "a", -1, 101));
    cJSON_AddItemToArray(rows, make_row("repeat", "b", -1, 150));
    cJSON_AddItemToArray(rows, make_row("repeat", "c", 0, 50));
    cJSON_AddItemToArray(rows, make_row("repeat", "c", -1, 50));
    cJSON_AddItemToArray(rows, make_row("age", "a", -1, 100));
    for (int twice = 0; twice < 2; twice++) {
        noise_annotate(result);
        double noise = number_in(result, "repeat/a/cpus:1_median", "noise");

        /* All nine logs are log 1.02: 7.14 x 1.4826 x 0.0198 x 1.2533 / 3, and not the 3.5 % of the worst
         * draw. */
        assert_float_equal(noise, expm1(7.14 * 1.4826 * log(1.02) * 1.2533 / 3), 1e-6);
        /* Twins say nothing of b, which is at 100 or at 150: any ratio of these is chance. */
        assert_float_equal(number_in(result, "repeat/b/cpus:1_median", "noise"), expm1(1.25 * log(1.5)),
                           1e-6);
        assert_true(number_in(result, "repeat/c/cpus:1_median", "noise") > 2 * noise); /* one repetition */
        assert_true(number_in(result, "repeat/c/cpus:1_median", "ci_low") == -1);
        assert_true(number_in(result, "age/a/cpus:1_median", "noise") == -1);
        assert_true(number_in(result, "repeat/a/cpus:1_median", "ci_low") >= 100);
        assert_true(number_in(result, "repeat/a/cpus:1_median", "ci_high") <= 102);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(find_row(result, "repeat/b/cpus:1_median"), "bimodal")));
        assert_false(cJSON_HasObjectItem(find_row(result, "repeat/a/cpus:1_median"), "bimodal"));
        assert_false(cJSON_HasObjectItem(find_row(result, "repeat/a/cpus:1"), "noise"));
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(ours, "noise")), 1);
    }
    const cJSON *entry = cJSON_GetArrayItem(cJSON_GetObjectItem(ours, "noise"), 0);
    assert_string_equal(cJSON_GetObjectItem(entry, "workload")->valuestring, "repeat");
    assert_int_equal(cJSON_GetObjectItem(entry, "pairs")->valueint, 9);
    assert_float_equal(cJSON_GetObjectItem(entry, "median_difference")->valuedouble, 0.02, 1e-9);
    cJSON_Delete(result);
}

/* The noise of a run's `quiet` and `wild` candidate. The twin is quiet's; the logs of wild spread by `sigma`.
 */
static void annotate_run(double sigma, double slower, double medians[2], double noise[2])
{
    enum { CALM_ROUNDS = 7 };
    static const char *const names[] = {"quiet", "wild"};
    static const char *const keys[] = {"repeat/quiet/cpus:1_median", "repeat/wild/cpus:1_median"};
    cJSON *result = cJSON_CreateObject();
    cJSON *ours = cJSON_AddObjectToObject(cJSON_AddObjectToObject(result, "context"), "pagelab");
    cJSON *twins = cJSON_AddArrayToObject(ours, "twins");
    cJSON *rows = cJSON_AddArrayToObject(result, "benchmarks");

    for (int i = 0; i < 2; i++) {
        double samples[CALM_ROUNDS];

        for (int round = 0; round < CALM_ROUNDS; round++) {
            samples[round] = 100 * exp((i == 1 ? sigma : 0.01) * normal()) * (i == 0 ? slower : 1);
            cJSON_AddItemToArray(rows, make_row("repeat", names[i], round, samples[round]));
            if (i == 0) {
                cJSON_AddItemToArray(
                    twins, make_row("repeat", names[i], round, slower * 100 * exp(0.01 * normal())));
            }
        }
        medians[i] = statistics_median(samples, CALM_ROUNDS);
        cJSON_AddItemToArray(rows, make_row("repeat", names[i], -1, medians[i]));
    }
    /* Five calm cells more, as far as the pool is concerned. */
    for (int round = 0; round < 5 * CALM_ROUNDS; round++) {
        cJSON_AddItemToArray(rows, make_row("repeat", "other", round, 100 * exp(0.01 * normal())));
        cJSON_AddItemToArray(twins, make_row("repeat", "other", round, 100 * exp(0.01 * normal())));
    }
    noise_annotate(result);
    for (int i = 0; i < 2; i++) {
        noise[i] = number_in(result, keys[i], "noise");
    }
    cJSON_Delete(result);
}

/* One cell is six times as noisy as those whose twins were measured. */
static void test_a_cell_noisier_than_its_neighbours(void **state)
{
    size_t alarms[2] = {0, 0};
    size_t found = 0;

    (void)state;
    for (size_t job = 0; job < JOBS; job++) {
        double before[2];
        double after[2];
        double slow[2];
        double noise[3][2];

        annotate_run(0.06, 1, before, noise[0]);
        annotate_run(0.06, 1, after, noise[1]);
        annotate_run(0.06, 1.15, slow, noise[2]);
        for (int i = 0; i < 2; i++) {
            alarms[i] += fabs(log(after[i] / before[i])) > log1p(fmax(noise[0][i], noise[1][i]));
        }
        found += slow[0] / before[0] > 1 + fmax(noise[0][0], noise[2][0]);
    }
    if (alarms[0] > JOBS / 100 || alarms[1] > JOBS * 2 / 100 || found < JOBS * 95 / 100) {
        fail_msg("%zu and %zu false alarms in %zu, %zu found", alarms[0], alarms[1], JOBS, found);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_are_not_told_apart),
        cmocka_unit_test(test_a_slow_down_is_found_where_it_can_be),
        cmocka_unit_test(test_noise_of_little),
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_intervals_cover),
        cmocka_unit_test(test_intervals_repeat_and_refuse),
        cmocka_unit_test(test_two_states_are_seen),
        cmocka_unit_test(test_an_experiment_is_judged),
        cmocka_unit_test(test_what_was_asked_is_answered),
        cmocka_unit_test(test_a_result_is_annotated),
        cmocka_unit_test(test_a_cell_noisier_than_its_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
