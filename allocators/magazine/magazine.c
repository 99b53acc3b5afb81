/* The bound of every measurement: the fastest page allocator that still allocates. Order 0 only, nothing
 * checked. Each CPU has an array of free frames; one locked stack below it is reached once per batch.
 *
 *     CPU 0  [ f f f f . . . . ]      CPU 1  [ f f . . . . . . ]      64 slots, LIFO, masked
 *                     |  32 at a time, one lock                 |
 *     depot  [ f f f f f f f f f f f f . . . . . . . . . . . . . ]     a slot for every frame */
#include <stdio.h>

#include "magazine_depot.h"
#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

extern const struct pl_candidate pl_candidate_magazine;

#define MAGAZINE_BATCH    32u
#define MAGAZINE_CAPACITY (2u * MAGAZINE_BATCH)

/* frames[0 .. count) are free; the one freed last is on top. Only its own CPU touches it, masked. The count
 * is atomic, never contended, so that count() may read it from elsewhere. */
struct magazine_cpu {
    PL_CPU_ALIGNED atomic_uint count;
    uint64_t frames[MAGAZINE_CAPACITY];
};

struct magazine_state {
    struct magazine_cpu cpus[PL_CPU_LIMIT];
    const struct pl_machine *machine;
    struct magazine_depot depot; /* its slots follow */
};

/* &state->cpus[cpu->id], in words that make the compiler compute it once and not again for each field: 1 ns a
 * pair with gcc 12. */
PL_INLINE struct magazine_cpu *magazine_of(struct magazine_state *state, const struct pl_cpu *cpu)
{
    _Static_assert(offsetof(struct magazine_state, cpus) == 0, "the magazines come first");
    PL_ASSERT(cpu->id < PL_CPU_LIMIT);
    return (struct magazine_cpu *)((uintptr_t)state + cpu->id * sizeof(struct magazine_cpu));
}

static uint32_t magazine_count_get(const struct magazine_cpu *magazine)
{
    return atomic_load_explicit(&magazine->count, memory_order_relaxed);
}

static void magazine_count_set(struct magazine_cpu *magazine, uint32_t count)
{
    PL_ASSERT(count <= MAGAZINE_CAPACITY);
    atomic_store_explicit(&magazine->count, count, memory_order_relaxed);
}

/* Pops from a magazine that has frames. Caller masks. */
PL_INLINE void magazine_pop(struct magazine_cpu *magazine, uint32_t count, struct pl_run *run)
{
    PL_ASSERT(count > 0);
    uint64_t number = magazine->frames[count - 1];
    magazine_count_set(magazine, count - 1);
    *run = (struct pl_run){
        .first = pl_frame_at(number), .frame_count = 1, .order = 0, .flags = PL_RUN_FROM_CACHE};
}

/* Pushes to a magazine that has room. Caller masks. */
PL_INLINE void magazine_push(struct magazine_cpu *magazine, uint32_t count, pl_frame frame)
{
    PL_ASSERT(count < MAGAZINE_CAPACITY);
    magazine->frames[count] = frame.number;
    magazine_count_set(magazine, count + 1);
}

/* The slow halves finish the call, unmasking included, so that the fast halves end in a jump and save no
 * registers. */
static PL_NOINLINE enum pl_status magazine_alloc_empty(struct magazine_state *state, struct pl_cpu *cpu,
                                                       struct pl_run *run, uint32_t before)
{
    struct magazine_cpu *magazine = magazine_of(state, cpu);
    if (PL_MUTANT("magazine-double-refill")) {
        pl_unmask(cpu, before);
        before = pl_mask(cpu);
        PL_MUTANT_TRIGGERED("magazine-double-refill", magazine_count_get(magazine) != 0);
    }
    uint32_t count = magazine_depot_pop(&state->depot, cpu, magazine->frames, MAGAZINE_BATCH);
    pl_point(cpu, state);
    if (count != 0)
        magazine_pop(magazine, count, run);
    pl_unmask(cpu, before);
    return count != 0 ? PL_OK : PL_NO_MEMORY;
}

static PL_NOINLINE enum pl_status magazine_free_full(struct magazine_state *state, struct pl_cpu *cpu,
                                                     const struct pl_run *run, uint32_t before)
{
    struct magazine_cpu *magazine = magazine_of(state, cpu);
    /* The colder half goes down. */
    magazine_depot_push(&state->depot, cpu, magazine->frames, MAGAZINE_BATCH);
    pl_point(cpu, state);
    if (PL_MUTANT("magazine-half-kept"))
        PL_MUTANT_TRIGGERED("magazine-half-kept", true);
    else
        memcpy(magazine->frames, magazine->frames + MAGAZINE_BATCH, MAGAZINE_BATCH * sizeof(uint64_t));
    magazine_push(magazine, MAGAZINE_CAPACITY - MAGAZINE_BATCH, run->first);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status magazine_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                     struct pl_run *run)
{
    struct magazine_state *state = self;
    struct magazine_cpu *magazine = magazine_of(state, cpu);
    if (PL_UNLIKELY(request->order != 0))
        return PL_UNSUPPORTED;
    uint32_t before = pl_mask(cpu);
    uint32_t count = magazine_count_get(magazine);
    if (PL_UNLIKELY(count == 0))
        return magazine_alloc_empty(state, cpu, run, before);
    magazine_pop(magazine, count, run);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status magazine_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct magazine_state *state = self;
    struct magazine_cpu *magazine = magazine_of(state, cpu);
    PL_ASSERT(run->frame_count == 1);
    PL_ASSERT(run->first.number - state->machine->first.number < state->machine->span);
    uint32_t before = pl_mask(cpu);
    uint32_t count = magazine_count_get(magazine);
    if (PL_UNLIKELY(count == MAGAZINE_CAPACITY))
        return magazine_free_full(state, cpu, run, before);
    magazine_push(magazine, count, run->first);
    pl_unmask(cpu, before);
    return PL_OK;
}

static size_t magazine_meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct magazine_state) + magazine_depot_bytes(config->machine);
}

static enum pl_status magazine_init(void *self, const struct pl_page_config *config)
{
    struct magazine_state *state = self;
    if (config->machine->node_count > 1)
        return PL_UNSUPPORTED;
    PL_ASSERT(config->machine->cpu_count <= PL_CPU_LIMIT);
    state->machine = config->machine;
    magazine_depot_fill(&state->depot, state->machine);
    PL_ASSERT(magazine_depot_count(&state->depot) == state->machine->frame_count);
    return PL_OK;
}

static void magazine_fini(void *self)
{
    (void)self;
}

static void magazine_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct magazine_state *state = self;
    struct magazine_cpu *magazine = magazine_of(state, of);
    uint32_t before = pl_mask(cpu);
    uint32_t count = magazine_count_get(magazine);
    if (count != 0)
        magazine_depot_push(&state->depot, cpu, magazine->frames, count);
    if (PL_MUTANT("magazine-drained-twice"))
        PL_MUTANT_TRIGGERED("magazine-drained-twice", count != 0);
    else
        magazine_count_set(magazine, 0);
    pl_unmask(cpu, before);
}

static void magazine_count(const void *self, struct pl_page_counts *counts)
{
    const struct magazine_state *state = self;
    *counts = (struct pl_page_counts){.free = magazine_depot_count(&state->depot)};
    for (uint32_t i = 0; i < state->machine->cpu_count; i++)
        counts->cached += magazine_count_get(&state->cpus[i]);
}

/* Tells the visitor of one free frame. Returns the number of things broken. Whether a frame is in two places
 * would take a bit for each; the listener sees it, because it hears each frame. */
static uint64_t magazine_audit_frame(const struct magazine_state *state, struct pl_visitor *visitor,
                                     uint64_t number, enum pl_block_state where)
{
    for (uint32_t i = 0; i < state->machine->range_count; i++) {
        const struct pl_range *range = &state->machine->ranges[i];
        if (number - range->first.number < range->frame_count) {
            struct pl_block block = {.first = pl_frame_at(number), .order = 0, .state = (uint32_t)where};
            visitor->block(visitor, &block);
            return 0;
        }
    }
    char words[80];
    snprintf(words, sizeof(words), "frame %llu is free but in no range", (unsigned long long)number);
    visitor->broken(visitor, words);
    return 1;
}

static uint64_t magazine_audit(const void *self, struct pl_visitor *visitor)
{
    const struct magazine_state *state = self;
    uint64_t depot_count = magazine_depot_count(&state->depot);
    struct pl_page_counts counts;
    magazine_count(self, &counts);
    if (counts.free + counts.cached > state->machine->frame_count) {
        visitor->broken(visitor, "more frames free than the machine has");
        return 1;
    }
    uint64_t broken = 0;
    for (uint64_t i = 0; i < depot_count; i++)
        broken += magazine_audit_frame(state, visitor, magazine_depot_frame(&state->depot, i), PL_BLOCK_FREE);
    for (uint32_t i = 0; i < state->machine->cpu_count; i++) {
        const struct magazine_cpu *magazine = &state->cpus[i];
        for (uint32_t j = 0; j < magazine_count_get(magazine); j++)
            broken += magazine_audit_frame(state, visitor, magazine->frames[j], PL_BLOCK_CACHED);
    }
    return broken;
}

static void magazine_settings(const void *self, char *text, size_t bytes)
{
    const struct magazine_state *state = self;
    snprintf(text, bytes, "batch=%u capacity=%u slot_bytes=%u", MAGAZINE_BATCH, MAGAZINE_CAPACITY,
             state->depot.wide ? 8u : 4u);
}

static const struct pl_page_ops magazine_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_HOLES |
            PL_CAP_BASE,
    .max_order = 0,
    .meta_bytes = magazine_meta_bytes,
    .init = magazine_init,
    .fini = magazine_fini,
    .alloc = magazine_alloc,
    .free = magazine_free,
    .drain = magazine_drain,
    .count = magazine_count,
    .audit = magazine_audit,
    .settings = magazine_settings,
};

const struct pl_candidate pl_candidate_magazine = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "magazine",
    .summary = "bound: an array of frames per CPU over one locked stack, order 0 only",
    .kind = PL_KIND_FLOOR,
    .page = &magazine_ops,
};
