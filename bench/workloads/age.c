/* age, age:FILE: what is left of a machine after a long life. The candidate is brought to the state of a
 * young machine (age_mix.h), or through the first generation of a recording (age_trace.h), untimed. Then it
 * ages, and what is timed is every slice of operations, but not the making of the next one. At last, with
 * everything still held, the old machine is looked at (age_measure.h). */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/workloads/age_measure.h"
#include "bench/workloads/age_mix.h"
#include "bench/workloads/age_trace.h"
#include "engine/op_level.h"
#include "engine/trace/trace.h"

#define SLICE             4096u /* operations; even */
#define LOOK_SLICES       32u   /* between two looks at what is held */
#define POINTS            14u   /* looks at what is usable, between young and old */
#define AHEAD             8u
#define OPERATIONS        12000000u
#define OPERATIONS_SMOKE  100000u
#define GENERATIONS       20u
#define GENERATIONS_LEAST 2u
#define SECONDS_MOST      45.0 /* of ageing: a candidate that takes longer is given up, and its row says so */
#define FAILED_SHARE      10u  /* more than one request of so many: it did not live through it */

struct age {
    bool is_trace;
    union {
        struct age_mix mix;
        struct age_trace trace;
    } life;
    struct op ops[SLICE];
    size_t count; /* operations in ops */
    uint64_t requests;
    uint64_t requests_large; /* of the order that matters most, 9, and above */
    uint64_t failed;
    uint64_t failed_large;
    uint64_t slices;
    double metadata_most; /* bytes a frame */
    bool given_up;
};

#define LARGE_ORDER 9u

static size_t life_fill(struct age *age, struct op *ops)
{
    return age->is_trace ? age_trace_fill(&age->life.trace, ops, SLICE)
                         : age_mix_fill(&age->life.mix, ops, SLICE);
}

/* The next slice, of an even length: a slot that is always empty is freed in vain. */
static bool next_slice(struct cell *cell, struct age *age)
{
    age->count = life_fill(age, age->ops);
    for (size_t i = 0; i < age->count; i++) {
        age->requests += age->ops[i].kind == OP_ALLOC;
        age->requests_large += age->ops[i].kind == OP_ALLOC && age->ops[i].order >= LARGE_ORDER;
    }
    if (age->count % 2 != 0)
        age->ops[age->count++] = (struct op){.kind = OP_FREE, .slot = (uint32_t)cell->threads[0].run_count};
    return age->count != 0;
}

static void run_slice(struct cell *cell, struct age *age)
{
    struct pl_run *runs = cell->threads[0].runs;
    struct pl_cpu *const *cpus = cell->machine->cpus;
    for (size_t i = 0; i < age->count; i++) {
        const struct op *op = &age->ops[i];
        struct pl_run *run = &runs[op->slot];
        struct pl_cpu *cpu = cpus[op->cpu];
        if (i + AHEAD < age->count)
            PL_PREFETCH(&runs[age->ops[i + AHEAD].slot]);
        op_level(cpu, op);
        if (op->kind == OP_ALLOC) {
            struct pl_request request = {
                .order = op->order,
                .alloc_class = op->alloc_class,
                .mobility = op->mobility,
                .node = PL_NODE_ANY,
                .flags = op->flags & OP_FLAG_ZERO ? PL_REQUEST_ZERO : 0,
                .owner = op->owner,
                .index = op->index,
            };
            if (PL_UNLIKELY(admission_alloc(&cell->admission, cpu, &request, run) != PL_OK)) {
                run->frame_count = 0;
                age->failed++;
                age->failed_large += op->order >= LARGE_ORDER;
            }
        } else if (PL_LIKELY(run->frame_count != 0)) {
            (void)admission_free(&cell->admission, cpu, run);
            run->frame_count = 0;
        }
    }
    for (uint32_t i = 0; i < cell->machine->cpu_count; i++)
        op_level_end(cpus[i]);
}

/* What is held, and what it costs to know. */
static void look(struct cell *cell, struct age *age)
{
    const struct cell_thread *thread = &cell->threads[0];
    uint64_t frames = 0;
    for (size_t i = 0; i < thread->run_count; i++)
        frames += thread->runs[i].frame_count;
    cell->granted_frames = frames > cell->granted_frames ? frames : cell->granted_frames;
    double metadata = instance_metadata_bytes_per_frame(&cell->instance);
    age->metadata_most = metadata > age->metadata_most ? metadata : age->metadata_most;
}

/* --- before the clock --- */

static uint64_t operations_of(const struct cell *cell)
{
    if (cell->params.operations != 0)
        return cell->params.operations;
    return cell->params.smoke ? OPERATIONS_SMOKE : OPERATIONS;
}

static unsigned generations_of(const struct cell *cell)
{
    uint64_t wanted = cell->params.smoke ? GENERATIONS_LEAST : GENERATIONS;
    if (cell->params.operations != 0)
        wanted = cell->params.operations / cell->trace->op_count;
    wanted = wanted > 1000000 ? 1000000 : wanted;
    return wanted < GENERATIONS_LEAST ? GENERATIONS_LEAST : (unsigned)wanted;
}

/* Pairs of operations from the second generation to the last. 0: out of memory. */
static uint64_t count_pairs(const struct cell *cell, struct age *age)
{
    struct age_trace dry;
    uint64_t pairs = 0;
    size_t count;
    if (age_trace_init(&dry, cell->trace, cell->machine->frame_count, 1) != 0)
        return 0;
    while (age_trace_fill(&dry, age->ops, SLICE) != 0)
        continue;
    dry.end = generations_of(cell);
    while ((count = age_trace_fill(&dry, age->ops, SLICE)) != 0)
        pairs += (count + 1) / 2;
    age_trace_fini(&dry);
    return pairs;
}

/* Makes cell->shared and room for the grants. NULL: cell->cannot says why. */
static struct age *age_new(struct cell *cell, bool is_trace, size_t slot_count)
{
    struct age *age = calloc(1, sizeof(*age));
    cell->shared = age;
    if (age == NULL)
        (void)workload_cannot(cell, "out of memory");
    else
        age->is_trace = is_trace;
    return age != NULL && workload_hold(cell, slot_count) ? age : NULL;
}

/* The part of the life that is not timed. */
static bool grow_up(struct cell *cell, struct age *age)
{
    while (next_slice(cell, age))
        run_slice(cell, age);
    look(cell, age);
    age_see_young(cell);
    return true;
}

static bool age_prepare(struct cell *cell)
{
    uint64_t frames = cell->machine->frame_count;
    uint64_t operations = (operations_of(cell) + 1) / 2 * 2;
    if (cell->instance.max_order + 1 < AGE_ORDERS)
        return workload_cannot(cell, "n/a (capability): orders up to %u are asked for, it serves up to %u",
                               AGE_ORDERS - 1, cell->instance.max_order);
    if (frames < AGE_FRAMES_LEAST || frames >= UINT32_MAX)
        return workload_cannot(cell, "n/a (machine): %u frames are the least to age", AGE_FRAMES_LEAST);
    struct age *age = age_new(cell, false, (size_t)frames);
    if (age == NULL)
        return false;
    if (age_mix_init(&age->life.mix, frames, cell->params.cpus, operations) != 0)
        return workload_cannot(cell, "out of memory");
    cell->iterations = operations / 2;
    return grow_up(cell, age);
}

static bool age_trace_prepare(struct cell *cell)
{
    const struct trace *trace = cell->trace;
    uint64_t frames = cell->machine->frame_count;
    if (trace->max_order > cell->instance.max_order)
        return workload_cannot(cell,
                               "n/a (capability): the trace has order %u, the candidate serves up to %u",
                               trace->max_order, cell->instance.max_order);
    if (frames >= UINT32_MAX)
        return workload_cannot(cell, "n/a (machine): too large to age");
    struct age *age = age_new(cell, true, trace->slot_count + (size_t)frames / AGE_SURVIVOR_LIMIT + 2);
    if (age == NULL)
        return false;
    cell->iterations = count_pairs(cell, age);
    if (cell->iterations == 0 || age_trace_init(&age->life.trace, trace, frames, 1) != 0)
        return workload_cannot(cell, "out of memory");
    grow_up(cell, age);
    age->life.trace.end = generations_of(cell);
    return true;
}

static void age_drop(struct cell *cell)
{
    struct age *age = cell->shared;
    if (age != NULL && age->is_trace)
        age_trace_fini(&age->life.trace);
    else if (age != NULL)
        age_mix_fini(&age->life.mix);
}

/* --- the life --- */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void give_up(struct age *age, struct lb_state *state, const char *words)
{
    age->given_up = true;
    lb_skip(state, words);
}

/* How many slices lie between two looks at what is usable. */
static uint64_t point_slices(const struct cell *cell)
{
    uint64_t slices = 2 * cell->iterations / SLICE;
    return slices / (POINTS + 1) + 1;
}

static void age_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct age *age = cell->shared;
    double end_s = now_s() + SECONDS_MOST;
    char words[128];
    bool more = next_slice(cell, age);
    while (lb_keep_running_batch(state, more ? (int64_t)age->count / 2 : 1)) {
        if (!more || now_s() > end_s) {
            snprintf(words, sizeof(words), "given up after %llu operations in %.0f s",
                     (unsigned long long)age->slices * SLICE, SECONDS_MOST);
            give_up(age, state, more ? words : "the list of operations ended early");
            break;
        }
        run_slice(cell, age);
        lb_pause(state);
        if (age->slices++ % LOOK_SLICES == 0)
            look(cell, age);
        if (age->slices % point_slices(cell) == 0)
            age_see_between(cell, age->slices * SLICE);
        more = next_slice(cell, age);
        lb_resume(state);
    }
    thread->failures = age->failed;
    if (!age->given_up && age->failed * FAILED_SHARE > age->requests) {
        snprintf(words, sizeof(words), "%llu of %llu requests were not granted: no life to time",
                 (unsigned long long)age->failed, (unsigned long long)age->requests);
        lb_skip(state, words);
    }
}

static void age_finish(struct cell *cell)
{
    struct age *age = cell->shared;
    if (age->given_up)
        return;
    look(cell, age);
    age_see_old(cell);
    workload_count(cell, "operations", 2.0 * (double)cell->iterations);
    workload_count(cell, "requests", (double)age->requests);
    workload_count(cell, "requests_order_9", (double)age->requests_large);
    workload_count(cell, "failures_order_9", (double)age->failed_large);
    workload_count(cell, "metadata_bytes_per_frame_peak", age->metadata_most);
    if (age->is_trace)
        workload_count(cell, "generations", generations_of(cell));
}

const struct workload workload_age = {
    .name = "age",
    .summary =
        "a long life of mixed orders, lifetimes and owners, then what is left; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_cpus = true,
    .one_thread = true,
    .may_fail = true,
    .prepare = age_prepare,
    .body = age_body,
    .finish = age_finish,
    .drop = age_drop,
};

const struct workload workload_age_trace = {
    .name = "age:FILE",
    .summary =
        "a recording lived through 20 times, with survivors, then what is left; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_trace = true,
    .one_thread = true,
    .may_fail = true,
    .prepare = age_trace_prepare,
    .body = age_body,
    .finish = age_finish,
    .drop = age_drop,
};
