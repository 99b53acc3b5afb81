/* What the tail is counted with: the histogram's error, the schedule of arrivals, how repetitions of a cell
 * become one row, and that the schedule's workloads find what was planted. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "bench/arrivals.h"
#include "bench/plan.h"
#include "bench/rows.h"
#include "bench/workloads/workload.h"

#define INTERVAL UINT64_C(1000)
#define SERVICE  UINT64_C(100)

static struct histogram histogram;
static struct arrivals arrivals;

/* --- the histogram --- */

/* Scenario: one value of each size, on both sides of each power of two.
 * Expect all below 256 exact, and each larger one no more than 1/128 above itself, never below. */
static void test_error_is_bounded(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < HISTOGRAM_TOP; shift++) {
        for (int around = -2; around <= 2; around++) {
            uint64_t value = (UINT64_C(1) << shift) + (uint64_t)around;
            if (value >> HISTOGRAM_TOP != 0)
                continue;
            histogram_clear(&histogram);
            histogram_add(&histogram, value);
            histogram_add(&histogram,
                          (UINT64_C(1) << HISTOGRAM_TOP) - 1); /* so that the worst clips nothing */
            uint64_t seen = histogram_at(&histogram, 0.5);
            assert_true(seen >= value);
            assert_true(value >= 256 || seen == value);
            assert_true(seen - value <= value / 128);
            assert_true(histogram_cell(value) < HISTOGRAM_CELLS);
        }
    }
}

/* Scenario: neighbouring values all over the range. Expect cells that never go down, each value in the last
 * cell whose values it is not below: the cell of the percentile that it is told as. */
static void test_cells_are_in_order(void **state)
{
    unsigned last = 0;
    (void)state;
    for (uint64_t value = 0; value < UINT64_C(1) << HISTOGRAM_TOP; value += value / 300 + 1) {
        unsigned cell = histogram_cell(value);
        assert_true(cell == last || cell == last + 1);
        last = cell;
    }
    assert_int_equal(last, HISTOGRAM_CELLS - 1);
}

/* Scenario: 1 to 10000, each once, in an order that is not theirs. Expect each percentile as the definition
 * has it, to within the error, and the ends and the mean exactly. */
static void test_percentiles_of_known_data(void **state)
{
    static const double shares[] = {0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    (void)state;
    histogram_clear(&histogram);
    for (uint64_t i = 0; i < 10000; i++)
        histogram_add(&histogram, i * 7919 % 10000 + 1);
    for (size_t i = 0; i < PL_COUNT_OF(shares); i++) {
        uint64_t truth = (uint64_t)(shares[i] * 10000 + 0.5);
        uint64_t seen = histogram_at(&histogram, shares[i]);
        assert_in_range(seen, truth, truth + truth / 128);
    }
    assert_int_equal(histogram.least, 1);
    assert_int_equal(histogram.worst, 10000);
    assert_int_equal(histogram_at(&histogram, 1), 10000);
    assert_true(histogram_mean(&histogram) == 5000.5);
}

/* Scenario: values that no cell of its own takes, among others. Expect them counted, the worst exact, and the
 * percentiles below them untouched. */
static void test_overflow_is_kept(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    assert_int_equal(histogram_at(&histogram, 0.5), 0);
    assert_true(histogram_mean(&histogram) == 0);
    for (unsigned i = 0; i < 98; i++)
        histogram_add(&histogram, 200);
    histogram_add(&histogram, UINT64_C(1) << HISTOGRAM_TOP);
    histogram_add(&histogram, UINT64_MAX / 2);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(histogram_at(&histogram, 0.98), 200);
    assert_int_equal(histogram_at(&histogram, 0.99), UINT64_MAX / 2);
    assert_int_equal(histogram.worst, UINT64_MAX / 2);
}

/* --- the schedule --- */

/* Operations of SERVICE on a clock of our own; number `stall` takes `stalled` instead. */
static void run_schedule(unsigned count, unsigned stall, uint64_t stalled)
{
    uint64_t now = 5000;
    arrivals_begin(&arrivals, now, INTERVAL);
    for (unsigned i = 0; i < count; i++) {
        now = now < arrivals.intended ? arrivals.intended : now;
        uint64_t begun = now;
        now += i == stall ? stalled : SERVICE;
        arrivals_done(&arrivals, begun, now);
    }
}

/* Scenario: nothing stalls. Expect every latency to be the service time. */
static void test_schedule_kept(void **state)
{
    (void)state;
    run_schedule(1000, 1000, 0);
    assert_int_equal(arrivals.latency.count, 1000);
    assert_int_equal(arrivals.latency.worst, SERVICE);
    assert_int_equal(arrivals.latency.sum, 1000 * SERVICE);
    assert_int_equal(arrivals.intended, 5000 + 1000 * INTERVAL);
}

/* Scenario: one operation of a thousand takes 50 intervals. Expect its service time once; and in the
 * latencies all that arrived meanwhile, each late by what was left of the stall and the queue before it,
 * until the queue is gone: 56 of them, where counting from the begin would show one. */
static void test_a_stall_delays_all_that_arrive(void **state)
{
    const uint64_t stalled = 50 * INTERVAL;
    uint64_t sum = 0;
    unsigned late = 0;
    (void)state;
    run_schedule(1000, 200, stalled);
    /* The k-th after it arrives k intervals later and is done k services after the stall's end. */
    for (uint64_t k = 0; stalled + k * SERVICE > k * INTERVAL + SERVICE; k++) {
        sum += stalled + k * SERVICE - k * INTERVAL;
        late++;
    }
    assert_int_equal(late, 56);
    assert_int_equal(arrivals.latency.sum, sum + (1000 - late) * SERVICE);
    assert_int_equal(arrivals.latency.worst, stalled);
    assert_int_equal(arrivals.service.worst, stalled);
    assert_int_equal(arrivals.service.sum, 999 * SERVICE + stalled);
    assert_int_equal(histogram_at(&arrivals.service, 0.99), SERVICE);
    assert_true(histogram_at(&arrivals.latency, 0.95) > 4 * INTERVAL);
}

/* --- repetitions --- */

static void add_repetition(cJSON *benchmarks, double p50, double worst, double least)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "run_name", "irq-idle/buddy/cpus:1");
    cJSON_AddStringToObject(row, "run_type", "iteration");
    cJSON_AddStringToObject(row, "status", "ok");
    cJSON_AddStringToObject(row, "section", SECTION_TAIL);
    cJSON_AddNumberToObject(row, "real_time", p50);
    cJSON_AddNumberToObject(row, "p50_ns", p50);
    cJSON_AddNumberToObject(row, "worst_ns", worst);
    cJSON_AddNumberToObject(row, "service_worst_ns", worst / 2);
    cJSON_AddNumberToObject(row, "least_ns", least);
    cJSON_AddItemToArray(benchmarks, row);
}

/* Scenario: three repetitions. Expect in the cell's row the median of the percentiles, the worst of the
 * worst, the least of the least. */
static void test_repetitions_keep_the_worst(void **state)
{
    static const struct {
        const char *key;
        double value;
    } wanted[] = {{"p50_ns", 50}, {"worst_ns", 900}, {"service_worst_ns", 450}, {"least_ns", 3}};
    cJSON *root = cJSON_CreateObject();
    cJSON *ours = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "context"), "pagelab");
    cJSON *benchmarks = cJSON_AddArrayToObject(root, "benchmarks");
    (void)state;
    (void)ours;
    add_repetition(benchmarks, 70, 100, 5);
    add_repetition(benchmarks, 40, 900, 3);
    add_repetition(benchmarks, 50, 200, 4);
    rows_finish(root);
    const cJSON *median = cJSON_GetArrayItem(benchmarks, 3);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(median, "run_type")), "aggregate");
    for (size_t i = 0; i < PL_COUNT_OF(wanted); i++)
        assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(median, wanted[i].key)) == wanted[i].value);
    cJSON_Delete(root);
}

/* --- plans --- */

static size_t planned(const struct plan *plan, const char *workload)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        count += strcmp(plan->cells[i].workload, workload) == 0;
    return count;
}

/* Scenario: the whole matrix and the short one, with rods. Expect every workload of the section in the first,
 * three in the second, in the first round only but the two whose p99.9 decides, and each clock once. */
static void test_plans_have_the_tail(void **state)
{
    struct spec spec;
    struct spec_error error;
    (void)state;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    for (unsigned brief = 0; brief < 2; brief++) {
        struct plan_options options = {
            .specs = &spec, .spec_count = 1, .rods = true, .min_time_s = 0.01, .extras_once = brief != 0};
        struct plan plan = {0};
        size_t tails = 0;
        assert_int_equal(plan_matrix(&plan, &options), 0);
        for (size_t i = 0; workloads[i] != NULL; i++) {
            size_t count = planned(&plan, workloads[i]->name);
            if (strcmp(workloads[i]->section, SECTION_TAIL) != 0)
                continue;
            tails += count != 0;
            assert_true(count == 3 || (brief != 0 && count == 0));
        }
        for (size_t i = 0; i < plan.cell_count; i++) {
            const struct workload *workload = workload_find(plan.cells[i].workload);
            bool decides =
                strcmp(workload->name, "irq-preempt") == 0 || strcmp(workload->name, "nosleep-floor") == 0;
            assert_true(strcmp(workload->section, SECTION_TAIL) != 0 || plan.cells[i].once == !decides);
        }
        assert_int_equal(tails, brief != 0 ? 3 : WORKLOADS_IRQ + WORKLOADS_NOSLEEP + WORKLOADS_MASKED);
        assert_int_equal(planned(&plan, "calibrate-clock"), 1);
        assert_int_equal(planned(&plan, "calibrate-clock-antagonist"), 1);
        assert_int_equal(planned(&plan, "calibrate-mask"), 1);
        assert_int_equal(planned(&plan, "calibrate-point"), 1);
        plan_fini(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_is_bounded),
        cmocka_unit_test(test_cells_are_in_order),
        cmocka_unit_test(test_percentiles_of_known_data),
        cmocka_unit_test(test_overflow_is_kept),
        cmocka_unit_test(test_schedule_kept),
        cmocka_unit_test(test_a_stall_delays_all_that_arrive),
        cmocka_unit_test(test_repetitions_keep_the_worst),
        cmocka_unit_test(test_plans_have_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
