/* See admission.h. The two modes share the floor test, budget_take; they differ in who holds the credits. */
#include "systems/admission/admission.h"

#include <pagelab/check.h>

#include <string.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"

enum {
    BATCH_MAX = 2048, /* frames drawn at once on a large machine */
    BATCH_SHARE = 64, /* no CPU draws more than 1/64 of its share of the machine */
};

void admission_init(struct admission *admission, struct pl_page page, const struct pl_machine *machine,
                    enum admission_mode mode)
{
    memset(admission, 0, offsetof(struct admission, cpus));
    memset(admission->cpus, 0, machine->cpu_count * sizeof(admission->cpus[0]));
    admission->page = page;
    admission->hooks.self = page.self;
    admission->hooks.alloc = page.ops->alloc;
    admission->hooks.free = page.ops->free;
    admission->machine = machine;
    admission->mode = mode;
    admission->floors[PL_CLASS_NORMAL] = (int64_t)machine->floors.normal;
    admission->floors[PL_CLASS_SYSTEM] = (int64_t)machine->floors.system;
    admission->floors[PL_CLASS_INTERRUPT] = (int64_t)machine->floors.interrupt;
    atomic_init(&admission->budget, (long long)machine->frame_count);
    if (mode != ADMISSION_BATCHED)
        return;
    int64_t share = (int64_t)machine->frame_count / machine->cpu_count / BATCH_SHARE;
    admission->batch = share < 1 ? 1 : share > BATCH_MAX ? BATCH_MAX : share;
    admission->slack = 2 * admission->batch;
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        admission->cpus[i].room = admission->batch;
}

int64_t admission_slack(const struct admission *admission)
{
    return admission->slack;
}

int64_t admission_free_frames(const struct admission *admission)
{
    int64_t frames = atomic_load_explicit(&admission->budget, memory_order_relaxed);
    if (admission->mode == ADMISSION_BATCHED) {
        for (uint32_t i = 0; i < admission->machine->cpu_count; i++) {
            const struct admission_cpu *slot = &admission->cpus[i];
            frames += slot->drawn + (admission->batch - slot->room);
        }
    }
    return frames;
}

void admission_drain_all(struct admission *admission, struct pl_cpu *cpu)
{
    const struct pl_page_ops *ops = admission->page.ops;
    if (ops->drain == NULL)
        return;
    for (uint32_t i = 0; i < admission->machine->cpu_count; i++)
        ops->drain(admission->page.self, cpu, admission->machine->cpus[i]);
}

/* What `need` frames of this class must leave; and how to break the promises about it. */
static int64_t floor_of(const struct admission *admission, unsigned alloc_class, int64_t need)
{
    int64_t floor = admission->floors[alloc_class];
    if (LIE("F-3") || (LIE("F-3a") && alloc_class == PL_CLASS_INTERRUPT) ||
        (LIE("F-3b") && alloc_class == PL_CLASS_SYSTEM) || (LIE("F-3c") && alloc_class == PL_CLASS_NORMAL))
        return floor + 1;
    if (LIE("F-4") && alloc_class == PL_CLASS_SYSTEM)
        return admission->floors[PL_CLASS_NORMAL] + 1;
    if (LIE("F-7") && alloc_class == PL_CLASS_NORMAL)
        return floor - 1;
    if (LIE("X-7") && floor > 0)
        return floor - 1;
    return LIE("F-8") && need > 1 ? floor - need + 1 : floor;
}

/* Debits `need` frames, and up to `extra` more if the floor allows. Returns what was debited, 0 if refused.
 */
static int64_t budget_take(struct admission *admission, unsigned alloc_class, int64_t need, int64_t extra)
{
    int64_t floor = floor_of(admission, alloc_class, need);
    long long seen = atomic_load_explicit(&admission->budget, memory_order_relaxed);
    int64_t taken;
    if (PL_MUTANT("admission-floor-unscaled")) {
        PL_MUTANT_TRIGGERED("admission-floor-unscaled", seen < floor + need && seen > floor);
        floor -= need - 1;
    }
    if (PL_MUTANT("admission-floor-strict")) {
        PL_MUTANT_TRIGGERED("admission-floor-strict", seen == floor + need);
        floor++;
    }
    do {
        if (seen < floor + need)
            return 0;
        taken = seen >= floor + need + extra ? need + extra : need;
        if (LIE("X-11") && admission->threaded) {
            /* What others took since the load is forgotten, and they are let take something. */
            LIE_WAIT(atomic_load_explicit(&admission->budget, memory_order_relaxed) != seen);
            atomic_store_explicit(&admission->budget, seen - taken, memory_order_relaxed);
            return taken;
        }
    } while (!atomic_compare_exchange_weak_explicit(&admission->budget, &seen,
                                                    seen - taken - (LIE("F-6") ? 1 : 0), memory_order_acquire,
                                                    memory_order_relaxed));
    return taken;
}

static void budget_give(struct admission *admission, int64_t frames)
{
    atomic_fetch_add_explicit(&admission->budget, frames, memory_order_release);
}

/* --- the gate of exact, threaded mode: a drain of other CPUs waits until none of them is inside a call ---
 */

static bool gate_enter(struct admission *admission, struct pl_cpu *cpu)
{
    struct admission_cpu *slot = &admission->cpus[cpu->id];
    if (!admission->threaded || atomic_load_explicit(&slot->busy, memory_order_relaxed) != 0)
        return false;
    /* An interrupt of the call that drains: it would wait for itself. */
    if (atomic_load_explicit(&admission->draining, memory_order_relaxed) == cpu->id + 1)
        return false;
    for (;;) {
        /* Masked, or an interrupt would take who knocks for one who is inside, and go in while others drain.
         */
        uint32_t before = pl_mask(cpu);
        atomic_store_explicit(&slot->busy, 1, memory_order_seq_cst);
        bool open = atomic_load_explicit(&admission->draining, memory_order_seq_cst) == 0;
        if (!open)
            atomic_store_explicit(&slot->busy, 0, memory_order_release);
        pl_unmask(cpu, before);
        if (open)
            return true;
        while (atomic_load_explicit(&admission->draining, memory_order_acquire) != 0)
            pl_relax(cpu);
    }
}

static void gate_leave(struct admission *admission, struct pl_cpu *cpu, bool entered)
{
    if (entered)
        atomic_store_explicit(&admission->cpus[cpu->id].busy, 0, memory_order_release);
}

/* Waits until this CPU alone is inside. Its own call is unfinished but at a safe point: between two hooks. */
static void gate_close(struct admission *admission, struct pl_cpu *cpu)
{
    atomic_uint *own_busy = &admission->cpus[cpu->id].busy;
    unsigned nobody = 0;
    atomic_store_explicit(own_busy, 0, memory_order_release);
    while (!atomic_compare_exchange_weak_explicit(&admission->draining, &nobody, cpu->id + 1,
                                                  memory_order_seq_cst, memory_order_relaxed)) {
        nobody = 0;
        pl_relax(cpu);
    }
    for (uint32_t i = 0; i < admission->machine->cpu_count; i++) {
        while (atomic_load_explicit(&admission->cpus[i].busy, memory_order_seq_cst) != 0)
            pl_relax(cpu);
    }
}

static void gate_open(struct admission *admission, struct pl_cpu *cpu)
{
    atomic_store_explicit(&admission->cpus[cpu->id].busy, 1, memory_order_relaxed);
    atomic_store_explicit(&admission->draining, 0, memory_order_seq_cst);
}

/* --- one call of the backend, tried again after a drain when the budget says that there is a frame --- */

static enum pl_status backend_call(struct admission *admission, struct pl_cpu *cpu,
                                   const struct pl_request *request, const struct pl_constraints *constraints,
                                   struct pl_run *run)
{
    const struct pl_page_ops *ops = admission->page.ops;
    if (constraints == NULL)
        return admission->hooks.alloc(admission->hooks.self, cpu, request, run);
    PL_ASSERT(ops->alloc_run != NULL); /* admission_alloc_run looked */
    return ops->alloc_run(admission->page.self, cpu, request, constraints, run);
}

static enum pl_status exact_call(struct admission *admission, struct pl_cpu *cpu,
                                 const struct pl_request *request, const struct pl_constraints *constraints,
                                 struct pl_run *run, int64_t frames)
{
    if (budget_take(admission, request->alloc_class, frames, 0) == 0)
        return PL_NO_MEMORY;
    bool entered = gate_enter(admission, cpu);
    enum pl_status status = backend_call(admission, cpu, request, constraints, run);
    /* A call nested in another (an interrupt's) cannot wait for the other CPUs, so it does not drain them. */
    bool may_drain = (entered || !admission->threaded) && !admission->nested;
    if (status == PL_NO_MEMORY && may_drain && admission->page.ops->drain != NULL) {
        if (entered)
            gate_close(admission, cpu);
        admission_drain_all(admission, cpu);
        status = backend_call(admission, cpu, request, constraints, run);
        if (entered)
            gate_open(admission, cpu);
    }
    gate_leave(admission, cpu, entered);
    if (status != PL_OK && PL_MUTANT("admission-failure-charged"))
        PL_MUTANT_TRIGGERED("admission-failure-charged", true);
    else if (status != PL_OK)
        budget_give(admission, frames);
    return admission_note(admission, status);
}

/* --- batched mode --- */

/* Makes this CPU's credits cover `frames` and pays them. An interrupt between the fast path's subtraction and
 * this one sees too few credits, never too many. */
static bool credits_pay_slow(struct admission *admission, struct pl_cpu *cpu, unsigned alloc_class,
                             int64_t frames)
{
    struct admission_cpu *slot = &admission->cpus[cpu->id];
    bool paid = true;
    uint32_t before = pl_mask(cpu);
    slot->drawn += admission->batch - slot->room;
    slot->room = admission->batch;
    if (slot->drawn < frames) {
        int64_t taken = budget_take(admission, alloc_class, frames - slot->drawn, admission->batch);
        slot->drawn += taken;
        paid = taken != 0;
    }
    if (paid)
        slot->drawn -= frames;
    pl_unmask(cpu, before);
    return paid;
}

void admission_credit_slow(struct admission *admission, struct pl_cpu *cpu)
{
    struct admission_cpu *slot = &admission->cpus[cpu->id];
    uint32_t before = pl_mask(cpu);
    int64_t returned = admission->batch - slot->room;
    slot->room = admission->batch;
    int64_t wanted = admission->batch - slot->drawn;
    int64_t kept = wanted < 0 ? 0 : wanted > returned ? returned : wanted;
    slot->drawn += kept;
    budget_give(admission, returned - kept);
    pl_unmask(cpu, before);
}

enum pl_status admission_note(struct admission *admission, enum pl_status status)
{
    if (!pl_status_is_known(status))
        atomic_store_explicit(&admission->nonsense, (int)status, memory_order_relaxed);
    return status;
}

void admission_undo(struct admission *admission, struct pl_cpu *cpu, int64_t frames, enum pl_status status)
{
    (void)admission_note(admission, status);
    if (pl_local_sub_is_negative(cpu, &admission->cpus[cpu->id].room, frames))
        admission_credit_slow(admission, cpu);
}

/* --- the calls --- */

enum pl_status admission_alloc_slow(struct admission *admission, struct pl_cpu *cpu,
                                    const struct pl_request *request, struct pl_run *run)
{
    uint64_t taken = UINT64_C(1) << (request->order & 63u);
    int64_t frames = (int64_t)taken;
    /* The fast path took them before it looked. Modulo 2^64, so that order 63 comes out even, too. */
    (void)pl_local_sub_is_negative(cpu, &admission->cpus[cpu->id].drawn, (int64_t)(0 - taken));
    if (request->order > PL_ORDER_LIMIT)
        return PL_UNSUPPORTED;
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (admission->mode == ADMISSION_EXACT)
        return exact_call(admission, cpu, request, NULL, run, frames);
    if (!credits_pay_slow(admission, cpu, request->alloc_class, frames))
        return PL_NO_MEMORY;
    enum pl_status status = backend_call(admission, cpu, request, NULL, run);
    if (status != PL_OK)
        admission_undo(admission, cpu, frames, status);
    return status;
}

enum pl_status admission_alloc_run(struct admission *admission, struct pl_cpu *cpu,
                                   const struct pl_request *request, const struct pl_constraints *constraints,
                                   struct pl_run *run)
{
    if (request->alloc_class >= PL_CLASS_COUNT || constraints->frame_count == 0)
        return PL_INVALID;
    if (admission->page.ops->alloc_run == NULL)
        return PL_UNSUPPORTED;
    /* Also what keeps floor + frames from wrapping. */
    if (constraints->frame_count > admission->machine->frame_count)
        return PL_NEVER;
    int64_t frames = (int64_t)constraints->frame_count;
    if (admission->mode == ADMISSION_EXACT)
        return exact_call(admission, cpu, request, constraints, run, frames);
    if (!credits_pay_slow(admission, cpu, request->alloc_class, frames))
        return PL_NO_MEMORY;
    enum pl_status status = backend_call(admission, cpu, request, constraints, run);
    if (status != PL_OK)
        admission_undo(admission, cpu, frames, status);
    return status;
}

enum pl_status admission_free_exact(struct admission *admission, struct pl_cpu *cpu, const struct pl_run *run)
{
    bool entered = gate_enter(admission, cpu);
    enum pl_status status = admission->page.ops->free(admission->page.self, cpu, run);
    gate_leave(admission, cpu, entered);
    if (status == PL_OK)
        budget_give(admission, (int64_t)run->frame_count);
    return admission_note(admission, status);
}
