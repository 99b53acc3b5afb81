/* The allocator that is right because anybody can see it: a byte says what each frame is, one search looks
 * for the lowest run of free bytes that fits, and every question is answered by looking at the bytes. */
#include <stdio.h>
#include <string.h>

#include <pagelab/check.h>

#include "reference_internal.h"

/* Beyond this, adding the sizes could wrap. No machine comes near. */
#define REFERENCE_SPAN_MAX (UINT64_C(1) << 48)

static size_t reference_meta_bytes(const struct pl_page_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    uint64_t span = config->machine->span;
    if (span == 0 || span > REFERENCE_SPAN_MAX || span > SIZE_MAX / 2)
        return 0;
    return sizeof(struct reference) + (size_t)span + 1;
}

static unsigned char *reference_byte(struct reference *self, uint64_t frame)
{
    PL_ASSERT(frame >= self->machine->first.number);
    PL_ASSERT(frame - self->machine->first.number < self->machine->span);
    return &self->state[frame - self->machine->first.number];
}

static enum pl_status reference_init(void *instance, const struct pl_page_config *config)
{
    struct reference *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (reference_meta_bytes(config) == 0 || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    self->machine = machine;
    memset(self->state, REFERENCE_HOLE, machine->span + 1);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        memset(reference_byte(self, range->first.number), REFERENCE_FREE, range->frame_count);
    }
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}

static void reference_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* The one search: the lowest legal run of free frames in [low, high) of one range, or PL_FRAME_NONE. */
static uint64_t reference_find(struct reference *self, const struct pl_constraints *want, uint64_t low,
                               uint64_t high)
{
    PL_ASSERT(want->frame_count > 0);
    uint64_t at = low;
    while (at < high) {
        const unsigned char *from = reference_byte(self, at);
        const unsigned char *hit = memchr(from, REFERENCE_FREE, high - at);
        if (hit == NULL)
            return PL_FRAME_NONE;
        at = pl_legal_start(want, at + (uint64_t)(hit - from));
        if (at >= high || high - at < want->frame_count)
            return PL_FRAME_NONE;
        uint64_t good = 0;
        from = reference_byte(self, at);
        while (good < want->frame_count && from[good] == REFERENCE_FREE)
            good++;
        if (good == want->frame_count)
            return at;
        at += good + 1;
    }
    return PL_FRAME_NONE;
}

static uint64_t reference_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t reference_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Looks through the ranges of the wanted node, then through the others unless the request forbids it. */
static uint64_t reference_search(struct reference *self, const struct pl_request *request,
                                 const struct pl_constraints *want)
{
    const struct pl_machine *machine = self->machine;
    uint64_t hint = machine->first.number + self->hint;
    PL_ASSERT(self->hint <= machine->span);
    for (int wanted = 1; wanted >= 0; wanted--) {
        if (!wanted && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            break;
        for (uint32_t i = 0; i < machine->range_count; i++) {
            const struct pl_range *range = &machine->ranges[i];
            if (pl_range_is_wanted(range, request) != (wanted == 1))
                continue;
            uint64_t low = reference_max(reference_max(want->low.number, range->first.number), hint);
            uint64_t high = reference_min(want->high.number, pl_range_end(range));
            uint64_t found = low < high ? reference_find(self, want, low, high) : PL_FRAME_NONE;
            if (found != PL_FRAME_NONE)
                return found;
        }
    }
    return PL_FRAME_NONE;
}

/* Searches and marks. The lock is held by this function only. */
static enum pl_status reference_take(struct reference *self, struct pl_cpu *cpu,
                                     const struct pl_request *request, const struct pl_constraints *want,
                                     struct pl_run *run)
{
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint64_t found = reference_search(self, request, want);
    if (found != PL_FRAME_NONE) {
        unsigned char *byte = reference_byte(self, found);
        uint64_t index = found - self->machine->first.number;
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count >= want->frame_count);
        PL_ASSERT(*byte == REFERENCE_FREE);
        memset(byte, REFERENCE_TAIL, want->frame_count);
        *byte = REFERENCE_HEAD;
        pl_point(cpu, self);
        bool jumps = self->hint != index && PL_MUTANT("reference-hint-jumps");
        PL_MUTANT_TRIGGERED("reference-hint-jumps", jumps);
        if (self->hint == index || jumps)
            self->hint = index + want->frame_count;
        atomic_store_explicit(&self->free_count, free_count - want->frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (found == PL_FRAME_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(found), .frame_count = want->frame_count};
    run->order = pl_is_power_of_two(want->frame_count) ? PL_CTZ64(want->frame_count) : PL_ORDER_NONE;
    return PL_OK;
}

static enum pl_status reference_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                      struct pl_run *run)
{
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (request->order > REFERENCE_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t frame_count = UINT64_C(1) << request->order;
    struct pl_constraints want = {
        .frame_count = frame_count, .high = pl_frame_at(UINT64_MAX), .alignment = frame_count};
    return reference_take(instance, cpu, request, &want, run);
}

static enum pl_status reference_alloc_run(void *instance, struct pl_cpu *cpu,
                                          const struct pl_request *request,
                                          const struct pl_constraints *constraints, struct pl_run *run)
{
    const struct reference *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || constraints->frame_count == 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(constraints->alignment))
        return PL_INVALID;
    if (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    return reference_take(instance, cpu, request, constraints, run);
}

/* True iff `run` is exactly one grant. The lock is held. */
static bool reference_is_grant(struct reference *self, const struct pl_run *run)
{
    const struct pl_machine *machine = self->machine;
    uint64_t frame = run->first.number;
    if (frame < machine->first.number || frame - machine->first.number >= machine->span)
        return false;
    if (pl_is_power_of_two(run->frame_count) && run->order != PL_CTZ64(run->frame_count))
        return false;
    const unsigned char *byte = reference_byte(self, frame);
    if (*byte != REFERENCE_HEAD)
        return false;
    uint64_t frame_count = 1;
    while (byte[frame_count] == REFERENCE_TAIL)
        frame_count++;
    PL_ASSERT(frame - machine->first.number + frame_count <= machine->span);
    if (PL_MUTANT("reference-part-freed")) {
        PL_MUTANT_TRIGGERED("reference-part-freed", run->frame_count < frame_count && run->frame_count != 0);
        return run->frame_count <= frame_count && run->frame_count != 0;
    }
    return frame_count == run->frame_count;
}

static enum pl_status reference_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct reference *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool granted = reference_is_grant(self, run);
    if (granted) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        uint64_t index = run->first.number - self->machine->first.number;
        PL_ASSERT(free_count + run->frame_count <= self->machine->frame_count);
        memset(&self->state[index], REFERENCE_FREE, run->frame_count);
        pl_point(cpu, self);
        if (PL_MUTANT("reference-hint-kept"))
            PL_MUTANT_TRIGGERED("reference-hint-kept", index < self->hint);
        else
            self->hint = reference_min(self->hint, index);
        if (PL_MUTANT("reference-count-narrow")) {
            PL_MUTANT_TRIGGERED("reference-count-narrow", run->frame_count > UINT8_MAX);
            free_count -= run->frame_count - (uint8_t)run->frame_count;
        }
        atomic_store_explicit(&self->free_count, free_count + run->frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* Each part gets its own HEAD. A grant whose parts would not be naturally aligned is not cut: PL_INVALID. */
static enum pl_status reference_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                      uint32_t order)
{
    struct reference *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > REFERENCE_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (!reference_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        for (uint64_t i = 0; i < run->frame_count; i += part)
            *reference_byte(self, run->first.number + i) = REFERENCE_HEAD;
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return status;
}

static void reference_count(const void *instance, struct pl_page_counts *counts)
{
    const struct reference *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = atomic_load_explicit(&self->free_count, memory_order_relaxed)};
}

static void reference_settings(const void *instance, char *text, size_t bytes)
{
    const struct reference *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=lowest-address orders=0-%u metadata=byte-a-frame", REFERENCE_MAX_ORDER);
}

static const struct pl_page_ops reference_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE |
            PL_CAP_CHECKS_FREE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES,
    .max_order = REFERENCE_MAX_ORDER,
    .meta_bytes = reference_meta_bytes,
    .init = reference_init,
    .fini = reference_fini,
    .alloc = reference_alloc,
    .free = reference_free,
    .split = reference_split,
    .alloc_run = reference_alloc_run,
    .count = reference_count,
    .audit = reference_audit,
    .settings = reference_settings,
};

extern const struct pl_candidate pl_candidate_reference;
const struct pl_candidate pl_candidate_reference = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "reference",
    .summary = "a byte a frame, lowest address first: obviously right",
    .kind = PL_KIND_CANDIDATE,
    .page = &reference_page,
};
