/* Wrong on purpose, twice. `canary`: a byte a frame, first fit, all checks honest, until the third free after
 * an order-1 grant: the next order-0 request then gets the lowest frame that is granted already. A fuzzer
 * that does not find this finds nothing. `canary-race`: no fuse; it looks for frames before it takes the
 * lock, and never looks again. On one CPU nobody can tell. */
#include <string.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

#define CANARY_MAX_ORDER 3u
#define CANARY_FUSE      3u /* frees after an order-1 grant that arm the bug */

/* HEAD plus the order begins a grant; INSIDE follows in it. */
enum canary_state { CANARY_FREE = 0, CANARY_HOLE = 1, CANARY_INSIDE = 2, CANARY_HEAD = 4 };

struct canary {
    struct pl_lock lock;
    const struct pl_machine *machine;
    _Atomic uint64_t free_count;
    bool hasty;            /* canary-race */
    uint32_t fuse;         /* frees left until the bug is armed, plus 1; 1: armed; 0: not lit */
    unsigned char state[]; /* [span] */
};

static size_t canary_meta_bytes(const struct pl_page_config *config)
{
    PL_ASSERT(config->machine != NULL);
    uint64_t span = config->machine->span;
    return span == 0 || span > UINT32_MAX ? 0 : sizeof(struct canary) + (size_t)span;
}

static enum pl_status canary_init(void *instance, const struct pl_page_config *config)
{
    struct canary *self = instance;
    PL_ASSERT(self != NULL);
    if (config->machine->node_count > 1)
        return PL_UNSUPPORTED;
    self->machine = config->machine;
    memset(self->state, CANARY_HOLE, self->machine->span);
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        PL_ASSERT(range->first.number - self->machine->first.number < self->machine->span);
        memset(self->state + range->first.number - self->machine->first.number, CANARY_FREE,
               range->frame_count);
    }
    atomic_store_explicit(&self->free_count, self->machine->frame_count, memory_order_relaxed);
    return PL_OK;
}

static enum pl_status canary_race_init(void *instance, const struct pl_page_config *config)
{
    struct canary *self = instance;
    self->hasty = true;
    return canary_init(instance, config);
}

static void canary_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* Lowest frame number whose 2^order frames are all free; if `again`, the lowest that is granted. */
static uint64_t canary_find(const struct canary *self, uint32_t order, bool again)
{
    uint64_t base = self->machine->first.number;
    uint64_t frames = UINT64_C(1) << order;
    PL_ASSERT(order <= CANARY_MAX_ORDER);
    uint64_t end = base + self->machine->span;
    for (uint64_t at = (base + frames - 1) & ~(frames - 1); at + frames <= end; at += frames) {
        uint64_t good = 0;
        while (good < frames && self->state[at - base + good] == CANARY_FREE)
            good++;
        if (again ? self->state[at - base] >= CANARY_INSIDE : good == frames)
            return at;
    }
    return PL_FRAME_NONE;
}

static enum pl_status canary_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    struct canary *self = instance;
    PL_ASSERT(cpu != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (request->order > CANARY_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t frames = UINT64_C(1) << request->order;
    uint64_t early = self->hasty ? canary_find(self, request->order, false) : PL_FRAME_NONE;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    bool again = request->order == 0 && self->fuse == 1 && free_count < self->machine->frame_count;
    uint64_t found = self->hasty ? early : canary_find(self, request->order, again);
    if (again && found != PL_FRAME_NONE) {
        self->fuse = 0; /* the planted bug: nothing is marked, somebody else owns this frame */
    } else if (found != PL_FRAME_NONE) {
        unsigned char *state = &self->state[found - self->machine->first.number];
        PL_ASSERT(free_count >= frames);
        memset(state, CANARY_INSIDE, frames);
        *state = (unsigned char)(CANARY_HEAD + request->order);
        atomic_store_explicit(&self->free_count, free_count - frames, memory_order_relaxed);
        if (request->order == 1 && self->fuse == 0 && !self->hasty)
            self->fuse = CANARY_FUSE + 1;
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (found != PL_FRAME_NONE)
        *run = (struct pl_run){.first = pl_frame_at(found), .frame_count = frames, .order = request->order};
    return found != PL_FRAME_NONE ? PL_OK : PL_NO_MEMORY;
}

static enum pl_status canary_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct canary *self = instance;
    uint64_t index = run->first.number - self->machine->first.number;
    PL_ASSERT(cpu != NULL);
    if (index >= self->machine->span || run->order > CANARY_MAX_ORDER ||
        run->frame_count != UINT64_C(1) << run->order)
        return PL_REFUSED;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool granted = self->state[index] == CANARY_HEAD + run->order;
    if (granted) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(index + run->frame_count <= self->machine->span);
        memset(&self->state[index], CANARY_FREE, run->frame_count);
        atomic_store_explicit(&self->free_count, free_count + run->frame_count, memory_order_relaxed);
        if (self->fuse > 1)
            self->fuse--;
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

static void canary_count(const void *instance, struct pl_page_counts *counts)
{
    const struct canary *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = atomic_load_explicit(&self->free_count, memory_order_relaxed)};
}

#define CANARY_PAGE(init_hook)                                                                               \
    {                                                                                                        \
        .bytes = sizeof(struct pl_page_ops),                                                                 \
        .abi = PL_ABI,                                                                                       \
        .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES |               \
                PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE | PL_CAP_HOLES | PL_CAP_BASE,                           \
        .max_order = CANARY_MAX_ORDER,                                                                       \
        .meta_bytes = canary_meta_bytes,                                                                     \
        .init = (init_hook),                                                                                 \
        .fini = canary_fini,                                                                                 \
        .alloc = canary_alloc,                                                                               \
        .free = canary_free,                                                                                 \
        .count = canary_count,                                                                               \
    }

static const struct pl_page_ops canary_page = CANARY_PAGE(canary_init);
static const struct pl_page_ops canary_race_page = CANARY_PAGE(canary_race_init);

extern const struct pl_candidate pl_candidate_canary;
const struct pl_candidate pl_candidate_canary = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "canary",
    .summary = "wrong on purpose: grants a frame twice",
    .kind = PL_KIND_CANARY,
    .page = &canary_page,
};

extern const struct pl_candidate pl_candidate_canary_race;
const struct pl_candidate pl_candidate_canary_race = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "canary-race",
    .summary = "wrong on purpose: two CPUs at once may get one frame",
    .kind = PL_KIND_CANARY,
    .page = &canary_race_page,
};
