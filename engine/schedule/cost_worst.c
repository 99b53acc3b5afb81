/* See cost_worst.h. */
#include "engine/schedule/cost_worst.h"

#include <stdlib.h>
#include <string.h>

#include "engine/program_tables.h"
#include "engine/runner_bare.h"

#define SIM_CPUS 8u /* more CPUs than programs of the binary form have */

int cost_worst_init(struct cost_worst *worst, const struct spec *spec)
{
    memset(worst, 0, sizeof(*worst));
    worst->spec = *spec;
    worst->sim = sim_new(SIM_CPUS);
    return worst->sim == NULL ? -1 : 0;
}

static void drop(struct cost_rig *rig)
{
    if (rig != NULL && rig->able)
        schedule_fini(&rig->schedule);
    free(rig);
}

void cost_worst_fini(struct cost_worst *worst)
{
    for (uint32_t i = 0; i < COST_RIGS; i++)
        drop(worst->rigs[i]);
    sim_delete(worst->sim);
    memset(worst, 0, sizeof(*worst));
}

/* --- machines --- */

static struct cost_rig *rig_new(struct cost_worst *worst, const struct native_shape *shape)
{
    struct spec_error error;
    struct native_shape own = *shape;
    struct cost_rig *rig = aligned_alloc(_Alignof(struct cost_rig), sizeof(*rig));
    if (rig == NULL)
        return NULL;
    memset(rig, 0, sizeof(*rig));
    rig->shape = *shape;
    runner_fit_shape(&worst->spec, &own);
    rig->able = shape->cpu_count <= SIM_CPUS &&
                schedule_init(&rig->schedule, &worst->spec, &own, worst->sim, &error) == PL_OK;
    if (rig->able)
        cost_watch(&rig->cost, &rig->schedule);
    return rig;
}

static bool same_shape(const struct native_shape *a, const struct native_shape *b)
{
    return shape_same_ranges(a, b) && a->cpu_count == b->cpu_count && a->contents == b->contents &&
           a->shared_contents == b->shared_contents && a->contents_alignment == b->contents_alignment &&
           a->floors.interrupt == b->floors.interrupt && a->floors.system == b->floors.system &&
           a->floors.normal == b->floors.normal;
}

static struct cost_rig *rig_of(struct cost_worst *worst, const struct native_shape *shape)
{
    for (uint32_t i = 0; i < COST_RIGS; i++) {
        struct cost_rig *rig = worst->rigs[i];
        if (rig != NULL && same_shape(&rig->shape, shape))
            return rig->able ? rig : NULL;
    }
    uint32_t at = worst->next++ % COST_RIGS;
    drop(worst->rigs[at]);
    worst->rigs[at] = rig_new(worst, shape);
    return worst->rigs[at] != NULL && worst->rigs[at]->able ? worst->rigs[at] : NULL;
}

uint64_t cost_worst_frames(struct cost_worst *worst, const struct program *program)
{
    struct cost_rig *rig = rig_of(worst, &program->shape);
    return rig == NULL ? 0 : rig->schedule.runner.machine->frame_count;
}

/* --- a program --- */

bool cost_worst_of(struct cost_worst *worst, const struct program *program,
                   struct cost_call calls[COST_KINDS])
{
    struct finding finding;
    struct cost_rig *rig = rig_of(worst, &program->shape);
    memset(calls, 0, COST_KINDS * sizeof(calls[0]));
    if (rig == NULL || program->family != OP_FAMILY_PAGE || program->op_count > PROGRAM_OP_LIMIT)
        return false;
    cost_begin(&rig->cost, true);
    if (runner_bare_run(&rig->schedule.runner, program->ops, program->op_count) != PL_OK)
        return false;
    calls[COST_ACCESSES] = rig->cost.worst[COST_ACCESSES];
    calls[COST_LOCKED] = rig->cost.worst[COST_LOCKED];
    cost_begin(&rig->cost, false);
    if (schedule_run(&rig->schedule, program->ops, program->op_count, NULL, &finding) != PL_OK ||
        finding.found)
        return false;
    calls[COST_RETRIES] = rig->cost.worst[COST_RETRIES];
    return true;
}

/* --- made small --- */

static struct program without(const struct program *program, struct op *ops, uint32_t from, uint32_t count)
{
    struct program less = *program;
    memcpy(ops, program->ops, from * sizeof(*ops));
    memcpy(ops + from, program->ops + from + count, (program->op_count - from - count) * sizeof(*ops));
    less.ops = ops;
    less.op_count -= count;
    return less;
}

struct cost_call cost_worst_shrink(struct cost_worst *worst, struct program *program, struct op *ops,
                                   enum cost_kind kind, const volatile sig_atomic_t *stop)
{
    static struct op kept[PROGRAM_OP_LIMIT];
    struct cost_call calls[COST_KINDS];
    (void)cost_worst_of(worst, program, calls);
    struct cost_call best = calls[kind];
    for (uint32_t count = program->op_count; count > 0; count /= 2) {
        for (uint32_t from = 0; from + count <= program->op_count && !(stop != NULL && *stop);) {
            struct program less = without(program, kept, from, count);
            if (!cost_worst_of(worst, &less, calls) || calls[kind].counts[kind] < best.counts[kind]) {
                from += count;
                continue;
            }
            best = calls[kind];
            memcpy(ops, kept, less.op_count * sizeof(*ops));
            program->ops = ops;
            program->op_count = less.op_count;
        }
    }
    return best;
}
