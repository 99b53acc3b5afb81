/* The workloads of the systems, each with a few iterations: does it run, and does it call the allocator as
 * often as it should? What was allocated beforehand must not call it at all. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "bench/plan.h"
#include "bench/workloads/workload.h"

static const char *const candidates[] = {
    "reference", "bitmap", "buddy", "jemalloc", "percpu+buddy", "buddy,va=vmem,tables=prealloc,buf=pool"};

static cJSON *run_cell(const char *workload, const char *backend, int order, unsigned cpus)
{
    const struct workload *found = workload_find(workload);
    struct spec_error error = {.text = ""};
    assert_non_null(found);
    struct cell_params params = {
        .order = order < 0 ? found->default_order : (unsigned)order, .cpus = cpus, .smoke = true};
    params.admission = ADMISSION_BATCHED;
    snprintf(params.backend, sizeof(params.backend), "%s", backend);
    snprintf(params.workload, sizeof(params.workload), "%s", workload);
    cJSON *row = cell_run(&params, &error);
    if (row == NULL)
        fail_msg("%s on %s: %s", workload, backend, error.text);
    return row;
}

static const char *text_of(const cJSON *row, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(row, key));
    return text == NULL ? "" : text;
}

static void assert_ok(const cJSON *row)
{
    if (strcmp(text_of(row, "status"), "ok") != 0)
        fail_msg("%s: %s: %s", text_of(row, "name"), text_of(row, "status"), text_of(row, "reason"));
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(row, "real_time")) > 0);
}

static double calls_of(const cJSON *row)
{
    const cJSON *calls = cJSON_GetObjectItem(row, "allocator_calls");
    if (!cJSON_IsNumber(calls))
        fail_msg("%s: no allocator_calls", text_of(row, "name"));
    return calls->valuedouble;
}

static void assert_calls(const char *workload, const char *backend, int order, double least, double most)
{
    cJSON *row = run_cell(workload, backend, order, 1);
    assert_ok(row);
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(row, "failures")) == 0);
    if (calls_of(row) < least || calls_of(row) > most)
        fail_msg("%s: %g calls an operation, %g to %g expected", text_of(row, "name"), calls_of(row), least,
                 most);
    cJSON_Delete(row);
}

static bool has_section(const struct workload *workload, const char *section)
{
    return strcmp(workload->section, section) == 0;
}

/* Made to fail those who keep no tables. */
static bool fails_on_purpose(const struct workload *workload, const char *backend)
{
    return strcmp(workload->name, "tables-dry") == 0 && strstr(backend, "tables=prealloc") == NULL;
}

/* Expect a time for each workload of the sections on each candidate. */
static void test_every_workload_runs(void **state)
{
    (void)state;
    for (size_t i = 0; workloads[i] != NULL; i++) {
        for (size_t k = 0; k < PL_COUNT_OF(candidates); k++) {
            if (!has_section(workloads[i], SECTION_SYSTEMS) && !has_section(workloads[i], SECTION_SERVICES))
                continue;
            cJSON *row = run_cell(workloads[i]->name, candidates[k], -1, 1);
            assert_string_equal(text_of(row, "section"), workloads[i]->section);
            if (fails_on_purpose(workloads[i], candidates[k])) {
                assert_string_equal(text_of(row, "status"), "failed");
            } else {
                assert_ok(row);
                (void)calls_of(row);
            }
            cJSON_Delete(row);
        }
    }
}

/* Expect no call of the allocator from a table of fixed size and from preallocated entries, whatever the
 * size. */
static void test_preallocated_never_allocates(void **state)
{
    static const int orders[] = {0, 4, 8};
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(candidates); k++) {
        for (size_t i = 0; i < PL_COUNT_OF(orders); i++) {
            assert_calls("orb-fixed", candidates[k], orders[i], 0, 0);
            assert_calls("area-map", candidates[k], orders[i], 0, 0);
        }
        assert_calls("buffer-segments", candidates[k], -1, 0, 0);
    }
}

/* Expect exactly one allocation and one free a page, a table that is allocated each time, and areas whose
 * tables are there already after the first. */
static void test_calls_are_counted(void **state)
{
    static const int area_orders[] = {0, 4, 9};
    (void)state;
    for (size_t i = 0; i < WORKLOADS_VM_ALLOC; i++)
        assert_calls(workloads_vm_alloc[i].name, "buddy", -1, 2, 2);
    assert_calls("orb-growing", "buddy", 4, 2, 2);
    assert_calls("orb-growing", "bitmap", 8, 2, 2);
    for (size_t i = 0; i < PL_COUNT_OF(area_orders); i++)
        assert_calls("area-alloc", "bitmap", area_orders[i], 0, 1);
    assert_calls("buffer-small", "buddy", -1, 0, 0);
    assert_calls("buffer-pageable", "buddy", 4, 0, 0);
    assert_calls("buffer-prepared", "buddy", 4, 32, 32);
    assert_calls("buffer-wired", "buddy", 4, 2, 64);
    assert_calls("buffer-contiguous", "buddy", 4, 2, 2);
}

/* Expect every service to run its workloads without a failure, those that keep something to call nobody for
 * what they keep, and those that keep nothing to call as often as they must. */
static void test_services_call_as_they_should(void **state)
{
    static const char *const spaces[] = {"buddy,va=list", "buddy,va=rbtree", "buddy,va=vmem",
                                         "buddy,va=vmem(qcache=0,fit=best)"};
    static const char *const space_workloads[] = {"space-few", "space-crowded", "space-fragmented",
                                                  "space-bounded"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(spaces) * PL_COUNT_OF(space_workloads); i++)
        assert_calls(space_workloads[i / 4], spaces[i % 4], -1, 0, 0);
    assert_calls("tables-churn", "buddy,tables=direct", -1, 2, 2);
    assert_calls("tables-burst", "buddy,tables=direct", 3, 16, 16);
    assert_calls("tables-burst", "buddy,tables=prealloc", 3, 0, 0);
    assert_calls("tables-dry", "buddy,tables=prealloc", 3, 0, 0);
    assert_calls("plan-churn", "buddy,buf=pages", 3, 2, 16);
    assert_calls("plan-churn", "buddy,buf=run", 3, 2, 2);
    assert_calls("plan-churn", "buddy,buf=pool", 3, 0, 0);
    assert_calls("plan-scattered", "buddy,buf=pages", 2, 2, 8);
}

/* Expect a buffer whose pages lie apart to have nearly as many segments as pages. */
static void test_segments_are_many(void **state)
{
    (void)state;
    cJSON *row = run_cell("buffer-segments", "buddy", 8, 1);
    assert_ok(row);
    double segments = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "segments"));
    assert_true(segments >= 128 && segments <= 256);
    cJSON_Delete(row);
}

/* Expect a row that says why, and no crash, where a rod or a number of CPUs makes no sense. */
static void test_who_cannot_says_so(void **state)
{
    static const struct {
        const char *workload;
        const char *backend;
        unsigned cpus;
        int order;
        const char *status;
    } cases[] = {
        {"vm-alloc-normal", "null", 1, -1, "n/a"},      {"area-map", "null", 1, -1, "n/a"},
        {"orb-fixed", "buddy", 2, -1, "n/a"},           {"programs-checked", "buddy", 2, -1, "n/a"},
        {"buffer-contiguous", "magazine", 1, 4, "n/a"}, {"buffer-wired", "buddy", 1, 20, "failed"},
        {"orb-fixed", "buddy", 1, 20, "failed"},        {"area-alloc", "buddy", 1, 20, "failed"},
        {"programs-checked", "null", 1, -1, "n/a"},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        cJSON *row = run_cell(cases[i].workload, cases[i].backend, cases[i].order, cases[i].cpus);
        assert_string_equal(text_of(row, "status"), cases[i].status);
        assert_true(text_of(row, "reason")[0] != '\0');
        assert_null(cJSON_GetObjectItem(row, "allocator_calls"));
        cJSON_Delete(row);
    }
}

/* Expect each of them once on each candidate and on magazine, never on null, and one CPU. */
static void test_plan_has_them(void **state)
{
    struct spec spec;
    struct spec_error error;
    struct plan plan = {0};
    size_t planned = 0;
    size_t wanted = 0;
    (void)state;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    struct plan_options options = {.specs = &spec, .spec_count = 1, .rods = true, .min_time_s = 0.3};
    assert_int_equal(plan_matrix(&plan, &options), 0);
    for (size_t i = 0; workloads[i] != NULL; i++)
        wanted += strcmp(workloads[i]->section, SECTION_SYSTEMS) == 0 ? 2 : 0;
    for (size_t i = 0; i < plan.cell_count; i++) {
        const struct cell_params *cell = &plan.cells[i];
        const struct workload *workload = workload_find(cell->workload);
        if (strcmp(workload->section, SECTION_SYSTEMS) != 0)
            continue;
        planned++;
        assert_string_not_equal(cell->backend, "null");
        assert_int_equal(cell->cpus, 1);
        assert_int_equal(cell->order, workload->default_order);
        assert_true(cell->min_time_s < options.min_time_s);
    }
    assert_int_equal(planned, wanted);
    plan_fini(&plan);
}

/* Whoever is measured twice is in the plan once as itself; long cells, and those of the tail, have no twin.
 */
static void test_plan_has_twins(void **state)
{
    (void)state;
    struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error;
    struct plan plan = {0};
    int count = spec_parse_list("bitmap,buddy,percpu+buddy", specs, &error);
    struct plan_options options = {
        .specs = specs, .spec_count = (size_t)count, .rods = true, .twin = true, .min_time_s = 0.3};
    size_t twins = 0;
    assert_int_equal(count, 3);
    assert_int_equal(plan_matrix(&plan, &options), 0);
    for (size_t i = 0; i < plan.cell_count; i++) {
        const struct cell_params *twin = &plan.cells[i];
        size_t originals = 0;
        if (!twin->twin)
            continue;
        twins++;
        assert_true(strcmp(twin->backend, "percpu+buddy") == 0 || strcmp(twin->backend, "magazine") == 0);
        const char *section = workload_find(twin->workload)->section;
        assert_true(strcmp(section, SECTION_FRAMES) == 0 || strcmp(section, SECTION_SYSTEMS) == 0);
        assert_string_not_equal(twin->workload, "age");
        for (size_t k = 0; k < plan.cell_count; k++) {
            const struct cell_params *cell = &plan.cells[k];
            bool same = !cell->twin && strcmp(cell->backend, twin->backend) == 0 &&
                        strcmp(cell->workload, twin->workload) == 0 && cell->order == twin->order &&
                        cell->cpus == twin->cpus;
            originals += same;
            assert_true(!same || cell->min_time_s == twin->min_time_s);
            assert_true(!same || k + 1 < i || i + 1 < k); /* others are measured between */
        }
        assert_int_equal(originals, 1);
    }
    assert_int_equal(twins,
                     2 * (16 + WORKLOADS_VM_ALLOC + WORKLOADS_AREA + WORKLOADS_ORB + WORKLOADS_BUFFER));
    plan_fini(&plan);
    options.twin = false;
    assert_int_equal(plan_matrix(&plan, &options), 0);
    for (size_t i = 0; i < plan.cell_count; i++)
        assert_false(plan.cells[i].twin);
    plan_fini(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_workload_runs), cmocka_unit_test(test_preallocated_never_allocates),
        cmocka_unit_test(test_calls_are_counted),   cmocka_unit_test(test_services_call_as_they_should),
        cmocka_unit_test(test_segments_are_many),   cmocka_unit_test(test_who_cannot_says_so),
        cmocka_unit_test(test_plan_has_them),       cmocka_unit_test(test_plan_has_twins),
    };
    return cmocka_run_group_tests_name("bench_systems", tests, NULL, NULL);
}
