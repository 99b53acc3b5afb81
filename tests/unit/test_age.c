/* Ageing: the two generators, what is counted on maps made by hand, and the rows of the workloads. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cell_row.h"
#include "bench/plan.h"
#include "bench/rows.h"
#include "bench/workloads/age_measure.h"
#include "bench/workloads/age_mix.h"
#include "bench/workloads/age_trace.h"

#define FRAMES   32768u
#define OPS      400000u
#define OPS_LONG 2000000u
#define SLICE    1000u

/* --- the synthetic life --- */

/* What a list of operations holds, if every request is granted. */
struct holder {
    uint8_t *orders; /* by slot: order + 1, 0: empty */
    uint32_t slot_count;
    uint64_t frames;
    uint64_t least; /* since the last reset */
    uint64_t most;
};

static void holder_take(struct holder *holder, const struct op *op)
{
    assert_true(op->slot < holder->slot_count);
    if (op->kind == OP_ALLOC) {
        assert_int_equal(holder->orders[op->slot], 0);
        holder->orders[op->slot] = (uint8_t)(op->order + 1);
        holder->frames += UINT64_C(1) << op->order;
    } else {
        assert_int_equal(op->kind, OP_FREE);
        assert_int_equal(holder->orders[op->slot], op->order + 1);
        holder->orders[op->slot] = 0;
        holder->frames -= UINT64_C(1) << op->order;
    }
    holder->least = holder->frames < holder->least ? holder->frames : holder->least;
    holder->most = holder->frames > holder->most ? holder->frames : holder->most;
}

static void holder_reset(struct holder *holder)
{
    holder->least = UINT64_MAX;
    holder->most = 0;
}

/* Scenario: the same machine twice. Expect the same operations, and others for another number of CPUs. */
static void test_mix_is_deterministic(void **state)
{
    static struct op left_ops[SLICE];
    static struct op right_ops[SLICE];
    struct age_mix left;
    struct age_mix right;
    size_t total = 0;
    (void)state;
    assert_int_equal(age_mix_init(&left, FRAMES, 2, OPS), 0);
    assert_int_equal(age_mix_init(&right, FRAMES, 2, OPS), 0);
    for (unsigned ends = 0; ends < 2;) {
        size_t count = age_mix_fill(&left, left_ops, SLICE);
        assert_int_equal(age_mix_fill(&right, right_ops, SLICE), count);
        assert_memory_equal(left_ops, right_ops, count * sizeof(left_ops[0]));
        total += count;
        ends += count == 0;
    }
    assert_true(total > OPS);
    age_mix_fini(&left);
    age_mix_fini(&right);
}

static void assert_limits(uint64_t frame_count, size_t op_total)
{
    static struct op ops[SLICE];
    struct age_mix mix;
    struct holder holder = {.orders = calloc(frame_count, 1), .slot_count = (uint32_t)frame_count};
    size_t count;
    size_t lived = 0;
    uint64_t block = UINT64_C(1) << (AGE_ORDERS - 1);
    assert_non_null(holder.orders);
    assert_int_equal(age_mix_init(&mix, frame_count, 1, op_total), 0);
    while ((count = age_mix_fill(&mix, ops, SLICE)) != 0) {
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(ops[i].kind, OP_ALLOC);
            holder_take(&holder, &ops[i]);
        }
    }
    assert_in_range(holder.frames, frame_count * 70 / 100, frame_count * 70 / 100 + block);
    holder_reset(&holder);
    while ((count = age_mix_fill(&mix, ops, SLICE)) != 0) {
        for (size_t i = 0; i < count; i++)
            holder_take(&holder, &ops[i]);
        assert_int_equal(holder.frames, mix.live_frames);
        lived += count;
    }
    assert_int_equal(lived, op_total);
    assert_in_range(holder.least, frame_count / 2, frame_count * 65 / 100);
    assert_in_range(holder.most, frame_count * 80 / 100, frame_count * 95 / 100);
    assert_in_range(holder.frames, frame_count * 70 / 100 - 2 * block, frame_count * 70 / 100 + 2 * block);
    free(holder.orders);
    age_mix_fini(&mix);
}

/* Scenario: whole lives, one of them long and on the smallest machine, where every owner is too large. Expect
 * that what is held stays between 50 and 95 percent and reaches far up and down, that young and old hold 70
 * percent, and that every free is of what is held. */
static void test_mix_keeps_its_limits(void **state)
{
    (void)state;
    assert_limits(FRAMES, OPS);
    assert_limits(AGE_FRAMES_LEAST, OPS_LONG);
    assert_limits(16384, OPS_LONG);
}

/* Scenario: the requests of a life are counted. Expect the orders' shares as stated (those of the large ones
 * within a third, for they are few), every mobility, requests with and without owner, and owners that ask for
 * one index behind the other. */
static void test_mix_is_as_stated(void **state)
{
    static struct op ops[SLICE];
    static uint32_t last_index[OPS];
    struct age_mix mix;
    uint64_t orders[AGE_ORDERS] = {0};
    uint64_t mobilities[PL_MOBILITY_COUNT] = {0};
    uint64_t requests = 0;
    uint64_t owned = 0;
    unsigned whole = 0;
    (void)state;
    assert_int_equal(age_mix_init(&mix, FRAMES, 1, OPS), 0);
    for (unsigned ends = 0; ends < 2;) {
        size_t count = age_mix_fill(&mix, ops, SLICE);
        ends += count == 0;
        for (size_t i = 0; i < count; i++) {
            const struct op *op = &ops[i];
            if (op->kind != OP_ALLOC)
                continue;
            requests++;
            orders[op->order]++;
            mobilities[op->mobility]++;
            if (op->owner == 0)
                continue;
            owned++;
            assert_true(op->owner < OPS);
            assert_int_equal(op->index % (1u << op->order), 0);
            /* Nothing but what alignment leaves out lies between two of an owner. */
            assert_in_range(op->index - last_index[op->owner], 0, (1u << op->order) - 1);
            last_index[op->owner] = op->index + (1u << op->order);
        }
    }
    for (unsigned i = 0; i < AGE_ORDERS; i++) {
        double wanted = (double)requests * age_order_shares[i] / AGE_SHARE_WHOLE;
        double slack = age_order_shares[i] >= 300 ? 0.05 : 0.40;
        whole += age_order_shares[i];
        if ((double)orders[i] < wanted * (1 - slack) || (double)orders[i] > wanted * (1 + slack))
            fail_msg("order %u: %llu requests, about %.0f expected", i, (unsigned long long)orders[i],
                     wanted);
    }
    assert_int_equal(whole, AGE_SHARE_WHOLE);
    for (unsigned i = 0; i < PL_MOBILITY_COUNT; i++)
        assert_true(mobilities[i] * 20 > requests);
    assert_true(owned * 3 > requests && owned < requests);
    age_mix_fini(&mix);
}

/* --- a recording, again and again --- */

/* alloc 0 (order 1), alloc 1, free 0, alloc 0: leaves two. Many of them, so that some survive. */
#define TRACE_SLOTS 64u
static struct op trace_ops[(size_t)TRACE_SLOTS * 4];

static struct trace make_trace(void)
{
    size_t count = 0;
    for (uint32_t i = 0; i < TRACE_SLOTS; i += 2) {
        trace_ops[count++] = (struct op){.kind = OP_ALLOC, .order = 1, .slot = i};
        trace_ops[count++] = (struct op){.kind = OP_ALLOC, .slot = i + 1};
        trace_ops[count++] = (struct op){.kind = OP_FREE, .order = 1, .slot = i};
        trace_ops[count++] = (struct op){.kind = OP_ALLOC, .slot = i};
    }
    return (struct trace){.ops = trace_ops,
                          .op_count = count,
                          .slot_count = TRACE_SLOTS,
                          .cpu_count = 1,
                          .max_order = 1,
                          .alloc_count = UINT64_C(3) * (TRACE_SLOTS / 2),
                          .free_count = TRACE_SLOTS / 2,
                          .peak_grants = TRACE_SLOTS,
                          .peak_frames = TRACE_SLOTS + 1};
}

/* Scenario: 200 generations on a machine of 128 frames. Expect that every free is of what is held, that what
 * survives has at most a quarter of the machine and one grant, and that it ends as the recording does. */
static void test_trace_has_survivors(void **state)
{
    struct trace trace = make_trace();
    struct age_trace age;
    struct op ops[7];
    size_t count;
    uint64_t requests = 0;
    (void)state;
    assert_int_equal(age_trace_init(&age, &trace, 128, 1), 0);
    struct holder holder = {.orders = calloc(age.slot_count, 1), .slot_count = age.slot_count};
    assert_non_null(holder.orders);
    while ((count = age_trace_fill(&age, ops, PL_COUNT_OF(ops))) != 0) {
        for (size_t i = 0; i < count; i++)
            holder_take(&holder, &ops[i]);
    }
    assert_in_range(holder.frames, TRACE_SLOTS, TRACE_SLOTS + 10);
    age.end = 200;
    holder_reset(&holder);
    while ((count = age_trace_fill(&age, ops, PL_COUNT_OF(ops))) != 0) {
        for (size_t i = 0; i < count; i++) {
            holder_take(&holder, &ops[i]);
            requests += ops[i].kind == OP_ALLOC;
        }
    }
    assert_int_equal(age.generation, 199);
    assert_int_equal(requests, 199 * trace.alloc_count);
    assert_in_range(holder.frames, TRACE_SLOTS + 16, TRACE_SLOTS + 34);
    assert_in_range(holder.most, TRACE_SLOTS + 24, TRACE_SLOTS + 1 + 34);
    free(holder.orders);
    age_trace_fini(&age);
}

/* --- what is counted --- */

static void grant(struct shadow *shadow, uint64_t first, uint64_t frame_count)
{
    struct pl_run run = {.first = {first}, .frame_count = frame_count};
    struct finding finding = {.found = false};
    shadow_grant(shadow, &run, 1, &finding);
    assert_false(finding.found);
}

/*  frames 8 .. 39, a hole, 48 .. 63; blocks of 8:
 *
 *      8 free     16 one granted     24 free     32 free | 40 hole | 48 all but one granted     56 free
 */
static void test_usable_share(void **state)
{
    static const struct native_shape shape = {
        .ranges = {{.first = {8}, .frame_count = 32}, {.first = {48}, .frame_count = 16}},
        .range_count = 2,
        .cpu_count = 1};
    char error[128];
    struct shadow shadow;
    (void)state;
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    assert_non_null(native);
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    assert_int_equal(shadow_usable_frames(&shadow, 0), 48);
    assert_int_equal(shadow_usable_frames(&shadow, 4), 32); /* 16 .. 31, 48 .. 63 */
    assert_int_equal(shadow_usable_frames(&shadow, 5), 0);
    grant(&shadow, 19, 1);
    grant(&shadow, 48, 7);
    assert_int_equal(shadow_free_frames(&shadow), 40);
    assert_int_equal(shadow_usable_frames(&shadow, 0), 40);
    assert_int_equal(shadow_usable_frames(&shadow, 3), 32);
    assert_true(age_usable_share(&shadow, 3) == 32.0 / 40);
    assert_true(age_usable_share(&shadow, 4) == 0);
    assert_int_equal(shadow_usable_frames(&shadow, 20), 0);
    /* Runs of any alignment: 8 .. 18, 20 .. 39, 55 .. 63. */
    assert_int_equal(shadow_run_count(&shadow, 9), 1 + 2 + 1);
    assert_int_equal(shadow_run_count(&shadow, 20), 1);
    assert_int_equal(shadow_run_count(&shadow, 21), 0);
    grant(&shadow, 8, 11);
    grant(&shadow, 20, 20);
    grant(&shadow, 55, 9);
    assert_true(age_usable_share(&shadow, 3) < 0);
    shadow_fini(&shadow);
    native_machine_delete(native);
}

/* Scenario: every other frame of the upper half is granted. Expect that as many runs and blocks are granted
 * as there are, that nothing of it stays, and that who has no runs says so. */
static void test_probes_find_what_there_is(void **state)
{
    static const char *const names[] = {"reference", "bitmap", "buddy"};
    static struct pl_run runs[4096];
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(names); k++) {
        struct rig rig;
        struct shadow shadow;
        struct finding finding = {.found = false};
        rig_open(&rig, names[k], 4096, 1, ADMISSION_BATCHED);
        assert_int_equal(shadow_init(&shadow, rig.machine), 0);
        for (size_t i = 0; i < PL_COUNT_OF(runs); i++) {
            struct pl_request request = {.node = PL_NODE_ANY};
            assert_int_equal(
                rig.instance.page.ops->alloc(rig.instance.page.self, rig.cpu, &request, &runs[i]), PL_OK);
        }
        for (size_t i = 0; i < PL_COUNT_OF(runs); i++) {
            if (runs[i].first.number < 2048 || runs[i].first.number % 2 == 0)
                (void)rig.instance.page.ops->free(rig.instance.page.self, rig.cpu, &runs[i]);
            else
                shadow_grant(&shadow, &runs[i], 1, &finding);
        }
        assert_int_equal(shadow.live, 1024);
        assert_true(age_usable_share(&shadow, 9) == 2048.0 / 3072);
        for (unsigned i = 0; i < AGE_PROBES; i++) {
            unsigned exist = age_probe_exist(&age_probes[i], &shadow);
            int granted = age_probe_granted(&age_probes[i], &shadow, &rig.instance, rig.cpu, &finding);
            assert_false(finding.found);
            assert_int_equal(exist, age_probes[i].frame_count == 512 ? 4 : i == 1 ? 32 : 0);
            assert_int_equal(granted, exist);
        }
        assert_int_equal(shadow.live, 1024);
        shadow_audit(&shadow, &rig.instance, &finding);
        assert_false(finding.found);
        shadow_fini(&shadow);
        rig_close(&rig);
    }
}

/* --- rows --- */

static cJSON *run_cell(const char *workload, const char *backend, unsigned cpus)
{
    struct spec_error error = {.text = ""};
    struct cell_params params = {.cpus = cpus, .smoke = true, .admission = ADMISSION_BATCHED};
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

static double number_of(const cJSON *row, const char *key)
{
    const cJSON *number = cJSON_GetObjectItem(row, key);
    if (!cJSON_IsNumber(number))
        fail_msg("%s: no %s", text_of(row, "name"), key);
    return number->valuedouble;
}

/* [operations, share, held]: begins with the young machine and ends with the old one, operations always grow.
 */
static void assert_looks(const cJSON *row)
{
    const cJSON *looks = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "age_maps"), "over_time");
    const cJSON *look = NULL;
    double before = -1;
    int count = cJSON_GetArraySize(looks);
    assert_in_range(count, 2, 18);
    cJSON_ArrayForEach(look, looks)
    {
        double operations = cJSON_GetArrayItem(look, 0)->valuedouble;
        double share = cJSON_GetArrayItem(look, 1)->valuedouble;
        double held = cJSON_GetArrayItem(look, 2)->valuedouble;
        assert_true(operations > before && share >= 0 && share <= 1 && held > 0 && held <= 1);
        before = operations;
        if (look == looks->child)
            assert_true(operations == 0 && share == number_of(row, "usable_order_9_young"));
        if (look->next == NULL)
            assert_true(share == number_of(row, "usable_order_9") && held == number_of(row, "held_old"));
    }
}

/* Two small pictures at looks after a tenth and after half of the life, of the machine that the looks saw. */
static void assert_between(const cJSON *row)
{
    const cJSON *maps = cJSON_GetObjectItem(row, "age_maps");
    const cJSON *pictures = cJSON_GetObjectItem(maps, "between");
    const cJSON *picture = NULL;
    double least = 0.1 * number_of(row, "operations");
    assert_int_equal(cJSON_GetArraySize(pictures), 2);
    cJSON_ArrayForEach(picture, pictures)
    {
        const char *cells = text_of(picture, "cells");
        const cJSON *look = cJSON_GetObjectItem(maps, "over_time")->child;
        double sum = 0;
        while (look != NULL && cJSON_GetArrayItem(look, 0)->valuedouble < least)
            look = look->next;
        assert_true(look != NULL &&
                    number_of(picture, "operations") == cJSON_GetArrayItem(look, 0)->valuedouble);
        assert_in_range(strlen(cells), 1, 1024);
        for (const char *cell = cells; *cell != '\0'; cell++)
            sum += *cell == '.' ? 0 : (*cell - '0') / 9.0;
        assert_true(fabs(sum / (double)strlen(cells) - cJSON_GetArrayItem(look, 2)->valuedouble) < 0.1);
        least = 0.5 * number_of(row, "operations");
    }
}

static void assert_aged(const cJSON *row)
{
    static const char *const ages[] = {"young", "old"};
    if (strcmp(text_of(row, "status"), "ok") != 0)
        fail_msg("%s: %s: %s", text_of(row, "name"), text_of(row, "status"), text_of(row, "reason"));
    assert_true(number_of(row, "real_time") > 0);
    assert_true(number_of(row, "usable_order_9") <= number_of(row, "usable_order_4"));
    assert_true(number_of(row, "usable_order_4") <= 1);
    assert_true(number_of(row, "order_9_granted") <= number_of(row, "order_9_exist"));
    assert_true(number_of(row, "held_old") > 0.2 && number_of(row, "held_old") < 0.95);
    assert_true(number_of(row, "requests") > 0);
    for (unsigned i = 0; i < 2; i++) {
        const cJSON *map = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "age_maps"), ages[i]);
        assert_in_range(strlen(text_of(map, "cells")), 1, CELL_MAP_LIMIT);
        assert_true(number_of(map, "frame_count") <=
                    number_of(map, "frames_per_cell") * (double)strlen(text_of(map, "cells")));
    }
    assert_looks(row);
    assert_between(row);
}

/* Expect a time, shares and pictures on each candidate, that twice the same comes of it, and a map that shows
 * a quarter to a half of the machine free. */
static void test_rows(void **state)
{
    static const char *const names[] = {"reference", "bitmap", "buddy", "percpu+buddy"};
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(names); k++) {
        cJSON *row = run_cell("age", names[k], 1);
        cJSON *again = run_cell("age", names[k], 1);
        assert_aged(row);
        assert_true(number_of(row, "operations") == 100000);
        assert_true(number_of(row, "usable_order_9_young") > 0.5);
        assert_true(number_of(row, "usable_order_9_young") > number_of(row, "usable_order_9"));
        assert_true(number_of(row, "failures") == number_of(again, "failures"));
        assert_true(cJSON_Compare(cJSON_GetObjectItem(row, "age_maps"),
                                  cJSON_GetObjectItem(again, "age_maps"), true));
        cJSON_Delete(row);
        cJSON_Delete(again);
    }
    cJSON *row = run_cell("age", "percpu+buddy", 2);
    assert_aged(row);
    assert_true(cJSON_HasObjectItem(row, "usable_order_9_undrained"));
    assert_true(cJSON_HasObjectItem(row, "order_9_granted_undrained"));
    cJSON_Delete(row);
    row = run_cell("age:" PL_SOURCE_DIR "/corpora/traces/nginx.pltrace", "buddy", 1);
    assert_aged(row);
    assert_string_equal(text_of(row, "workload"), "age-nginx");
    assert_true(number_of(row, "failures") == 0 && number_of(row, "generations") == 2);
    cJSON_Delete(row);
}

/* Expect n/a for who has no large orders, a time and nothing else for a rod that has no grants, and many
 * repetitions that keep one picture. */
static void test_who_cannot(void **state)
{
    (void)state;
    cJSON *row = run_cell("age", "freelist", 1);
    assert_string_equal(text_of(row, "status"), "n/a");
    assert_non_null(strstr(text_of(row, "reason"), "capability"));
    cJSON_Delete(row);
    row = run_cell("age", "null", 1);
    assert_string_equal(text_of(row, "status"), "ok");
    assert_false(cJSON_HasObjectItem(row, "usable_order_9"));
    cJSON_Delete(row);
    cJSON *root = cJSON_Parse("{\"context\": {\"pagelab\": {}}, \"benchmarks\": []}");
    cJSON *rows = cJSON_GetObjectItem(root, "benchmarks");
    row = run_cell("age", "buddy", 1);
    cJSON_AddItemToArray(rows, cJSON_Duplicate(row, true));
    cJSON_AddItemToArray(rows, row);
    rows_finish(root);
    assert_int_equal(cJSON_GetArraySize(rows), 3);
    assert_true(cJSON_HasObjectItem(cJSON_GetArrayItem(rows, 0), "age_maps"));
    assert_false(cJSON_HasObjectItem(cJSON_GetArrayItem(rows, 1), "age_maps"));
    assert_true(cJSON_HasObjectItem(cJSON_GetArrayItem(rows, 2), "age_maps"));
    cJSON_Delete(root);
}

/* Expect age and age with each trace in the matrix, in the first round only, with as many operations as
 * asked. */
static void test_plan_has_them(void **state)
{
    static const char *const traces[] = {"a.pltrace", "b.pltrace"};
    struct spec spec;
    struct spec_error error;
    struct plan plan = {0};
    size_t planned = 0;
    (void)state;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    struct plan_options options = {.specs = &spec,
                                   .spec_count = 1,
                                   .traces = traces,
                                   .trace_count = 2,
                                   .age_operations = 77,
                                   .min_time_s = 0.3};
    assert_int_equal(plan_matrix(&plan, &options), 0);
    for (size_t i = 0; i < plan.cell_count; i++) {
        const struct cell_params *cell = &plan.cells[i];
        if (strncmp(cell->workload, "age", 3) != 0) {
            assert_int_equal(cell->operations, 0);
            continue;
        }
        char command[512];
        planned++;
        assert_true(cell->once && cell->cpus == 1 && cell->operations == 77);
        cell_command(cell, command, sizeof(command));
        assert_non_null(strstr(command, "--operations 77"));
    }
    assert_int_equal(planned, 3);
    plan_fini(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix_is_deterministic),
        cmocka_unit_test(test_mix_keeps_its_limits),
        cmocka_unit_test(test_mix_is_as_stated),
        cmocka_unit_test(test_trace_has_survivors),
        cmocka_unit_test(test_usable_share),
        cmocka_unit_test(test_probes_find_what_there_is),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_who_cannot),
        cmocka_unit_test(test_plan_has_them),
    };
    return cmocka_run_group_tests_name("age", tests, NULL, NULL);
}
