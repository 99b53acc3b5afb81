/* The scale axes: the fit, a cell's numbers, what stops a candidate, and the document. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "bench/memory_guard.h"
#include "bench/scale.h"
#include "bench/scale_cell.h"
#include "bench/scale_fit.h"
#include "engine/isolate.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Exact powers give their exponents; zeros are no points; one x is no line. */
static void fit_finds_powers(void **state)
{
    double x[7];
    double linear[7];
    double root[7];
    double flat[7];
    double broken[7];
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(x); i++) {
        x[i] = pow(8, (double)i);
        linear[i] = 3 * x[i];
        root[i] = sqrt(x[i]);
        flat[i] = 12;
        broken[i] = i < 3 ? 0 : 5 * x[i];
    }
    assert_float_equal(scale_fit(x, linear, 7).exponent, 1, 1e-9);
    assert_float_equal(scale_fit(x, root, 7).exponent, 0.5, 1e-9);
    assert_float_equal(scale_fit(x, flat, 7).exponent, 0, 1e-9);
    assert_int_equal(scale_fit(x, linear, 7).points, 7);
    assert_float_equal(scale_fit(x, broken, 7).exponent, 1, 1e-9);
    assert_int_equal(scale_fit(x, broken, 7).points, 4);
    assert_int_equal(scale_fit(x, linear, 1).points, 1);
    assert_int_equal(scale_fit(flat, linear, 7).points, 1);
    assert_int_equal(scale_fit(x, linear, 0).points, 0);
}

static struct spec spec_of(const char *name)
{
    struct spec spec;
    struct spec_error error;
    if (spec_parse(name, &spec, &error) != 0)
        fail_msg("%s", error.text);
    return spec;
}

/* reference keeps a byte a frame. Expect that touched is at least that and hardly more, and times. */
static void cell_measures_memory(void **state)
{
    struct spec spec = spec_of("reference");
    struct scale_cell_params params = {
        .spec = &spec, .memory_bytes = GIB, .cpus = 1, .min_time_s = 0.001, .cap_bytes = 64 * GIB};
    struct scale_cell cell;
    uint64_t frames = GIB / PL_FRAME_BYTES;
    (void)state;
    scale_cell_memory(&params, &cell);
    assert_true(cell.done);
    assert_int_equal(cell.frame_count, frames);
    assert_true(cell.reserved_bytes >= frames);
    assert_true(cell.touched_bytes >= frames);
    assert_true(cell.touched_bytes <= cell.reserved_bytes + PL_FRAME_BYTES);
    assert_true(cell.touched_init_bytes <= cell.touched_bytes);
    assert_true(cell.init_ms > 0 && cell.repeat_ns > 0 && cell.replace_ns > 0);
    assert_int_equal(cell.live, 100000);
}

/* Expect a time where two CPUs call at once. */
static void cell_measures_threads(void **state)
{
    struct spec spec = spec_of("bitmap");
    struct scale_cell_params params = {
        .spec = &spec, .memory_bytes = 64 * MIB, .cpus = 2, .min_time_s = 0.001, .cap_bytes = 64 * GIB};
    struct scale_cell cell;
    (void)state;
    scale_cell_threads(&params, &cell);
    assert_true(cell.done);
    assert_true(cell.repeat_ns > 0);
}

/* A machine beyond what the candidate manages is a reason in words, not an end. */
static void cell_says_what_stops(void **state)
{
    struct spec spec = spec_of("buddy");
    struct scale_cell_params params = {
        .spec = &spec, .memory_bytes = UINT64_C(1) << 51, .cpus = 1, .min_time_s = 0.001, .cap_bytes = GIB};
    struct scale_cell cell;
    (void)state;
    scale_cell_memory(&params, &cell);
    assert_false(cell.done);
    assert_true(cell.reason[0] != '\0');
    assert_null(strchr(cell.reason, '\n'));
}

static void guarded_work(void *argument, void *result)
{
    scale_cell_memory(argument, result);
}

/* A byte a frame of a 256 GiB machine is 64 MiB; the cap is a quarter. Expect the guard's status. */
static void guard_ends_the_process(void **state)
{
    struct spec spec = spec_of("reference");
    struct scale_cell_params params = {
        .spec = &spec, .memory_bytes = 256 * GIB, .cpus = 1, .min_time_s = 0.001, .cap_bytes = 16 * MIB};
    struct scale_cell cell;
    char how[100] = "";
    char wanted[32];
    (void)state;
    enum isolate_outcome outcome =
        isolate_run(guarded_work, &params, &cell, sizeof(cell), 60, NULL, how, sizeof(how));
    assert_int_equal(outcome, ISOLATE_DIED);
    snprintf(wanted, sizeof(wanted), "exit code %d", MEMORY_GUARD_STATUS);
    assert_string_equal(how, wanted);
}

/* Is over the cap all the time, and busy for three looks. `argument`: is the guard resumed? */
static void paused_work(void *argument, void *result)
{
    const bool *resumes = argument;
    bool *done = result;
    memory_guard_start(1, -1);
    memory_guard_pause();
    clock_t end = clock() + 3 * CLOCKS_PER_SEC / 50;
    while (clock() < end) {
    }
    if (*resumes)
        memory_guard_resume();
    memory_guard_stop();
    *done = true;
}

/* Expect no look while it is paused, and one when it is resumed. */
static void guard_pauses(void **state)
{
    bool resumes = false;
    bool done = false;
    (void)state;
    assert_int_equal(isolate_run(paused_work, &resumes, &done, sizeof(done), 60, NULL, NULL, 0),
                     ISOLATE_DONE);
    resumes = true;
    assert_int_equal(isolate_run(paused_work, &resumes, &done, sizeof(done), 60, NULL, NULL, 0),
                     ISOLATE_DIED);
}

static double number_of(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(row, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

/* Two machines and three numbers of CPUs, without the counting program. Expect a row each, an exponent over
 * both machines, no time beyond the real CPUs, and a word on what is not counted. */
static void document_has_every_row(void **state)
{
    static volatile sig_atomic_t stop;
    struct spec spec = spec_of("bitmap");
    struct scale_options options = {
        .specs = &spec,
        .spec_count = 1,
        .from_bytes = 64 * MIB,
        .to_bytes = 512 * MIB,
        .cap_bytes = SCALE_CAP_BYTES,
        .cpus = {1, 2, 64},
        .cpu_count = 3,
        .limit_s = 60,
        .min_time_s = 0.001,
        .stop = &stop,
    };
    (void)state;
    cJSON *document = scale_run(&options);
    assert_non_null(document);
    const cJSON *memory = cJSON_GetObjectItem(document, "memory");
    const cJSON *growth = cJSON_GetArrayItem(cJSON_GetObjectItem(document, "growth"), 0);
    assert_int_equal(cJSON_GetArraySize(memory), 2);
    assert_true(number_of(cJSON_GetArrayItem(memory, 1), "metadata_touched_bytes") > 16384);
    assert_true(number_of(cJSON_GetObjectItem(growth, "metadata"), "exponent") > 0.3);
    assert_int_equal(number_of(cJSON_GetObjectItem(growth, "metadata"), "points"), 2);
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "cpus"))
    {
        assert_non_null(cJSON_GetObjectItem(row, "sim_reason"));
        assert_true((number_of(row, "repeat_ns") > 0) == (number_of(row, "cpus") <= native_real_cpu_count()));
    }
    assert_null(scale_missed(document));
    cJSON_Delete(document);
}

/* bitmap must reach the top; reference need not. */
static void missing_the_top_is_noticed(void **state)
{
    (void)state;
    cJSON *document = cJSON_Parse("{\"memory\": [{\"candidate\": \"reference\", \"status\": \"stopped\"},"
                                  "{\"candidate\": \"bitmap\", \"status\": \"ok\"}]}");
    assert_null(scale_missed(document));
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(document, "memory"), 1);
    cJSON_SetValuestring(cJSON_GetObjectItem(row, "status"), "no");
    assert_string_equal(scale_missed(document), "bitmap");
    cJSON_Delete(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit_finds_powers),       cmocka_unit_test(cell_measures_memory),
        cmocka_unit_test(cell_measures_threads),  cmocka_unit_test(cell_says_what_stops),
        cmocka_unit_test(guard_ends_the_process), cmocka_unit_test(guard_pauses),
        cmocka_unit_test(document_has_every_row), cmocka_unit_test(missing_the_top_is_noticed),
    };
    return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
