/* A plug-in with one limit, chosen when it is compiled: -DLIMIT_ORDER_0, _THREADS, _SIZE, _INSTANCE, _FRAMES,
 * _LOCK, _ABORTS, _ALIGNED or _POOL. A stack of free blocks for each order, cut from above and never merged.
 * Whoever goes beyond the limit that is stated is told so by abort(). */
#include <stdlib.h>
#include <string.h>

#include <pagelab/candidate.h>

#if defined(LIMIT_ORDER_0)
#define LIMITED_CAPS  (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES)
#define LIMITED_ORDER 0u
#elif defined(LIMIT_THREADS)
#define LIMITED_CAPS UINT64_C(0)
#elif defined(LIMIT_SIZE)
#define LIMITED_CAPS (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_NEEDS_SIZE)
#elif defined(LIMIT_INSTANCE)
#define LIMITED_CAPS (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ONE_INSTANCE | PL_CAP_OUTSIDE_STATE)
#elif defined(LIMIT_FRAMES)
#define LIMITED_CAPS (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_META_IN_FRAMES | PL_CAP_NEEDS_CONTENTS)
#elif defined(LIMIT_LOCK)
#define LIMITED_CAPS (PL_CAP_CONCURRENT | PL_CAP_OWN_LOCK)
#elif defined(LIMIT_ABORTS)
#define LIMITED_CAPS (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ABORTS)
#elif defined(LIMIT_ALIGNED)
#define LIMITED_CAPS      (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_NEEDS_CONTENTS)
#define LIMITED_ALIGNMENT (UINT64_C(2) << 20)
#elif defined(LIMIT_POOL)
#define LIMITED_CAPS   (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_FIXED_POOL)
#define LIMITED_FRAMES 4096u
#else
#error "a limit expected"
#endif
#ifndef LIMITED_ORDER
#define LIMITED_ORDER 5u
#endif
#ifndef LIMITED_ALIGNMENT
#define LIMITED_ALIGNMENT UINT64_C(1)
#endif
#ifndef LIMITED_FRAMES
#define LIMITED_FRAMES 0u
#endif

#define ORDERS (LIMITED_ORDER + 1u)
#define HEAD   0x80u

/* state[f]: HEAD + order where a grant begins, else 0. next[f]: of a free block, the frame below + 1. */
struct limited {
    struct pl_lock lock;
    atomic_uint entered; /* callers inside, where none may be beside another */
    const struct pl_machine *machine;
    uint64_t top[ORDERS]; /* frame + 1, 0: none */
    unsigned char *state;
    uint64_t next[];
};

#if defined(LIMIT_INSTANCE)
static atomic_uint instances;
#endif

static uint64_t *next_of(struct limited *self, uint64_t frame)
{
#if defined(LIMIT_FRAMES)
    return (uint64_t *)(void *)pl_frame_address(self->machine, pl_frame_at(frame));
#else
    return &self->next[frame];
#endif
}

static void push(struct limited *self, uint64_t frame, uint32_t order)
{
    *next_of(self, frame) = self->top[order];
    self->top[order] = frame + 1;
}

static uint32_t enter(struct limited *self, struct pl_cpu *cpu)
{
#if defined(LIMIT_THREADS)
    (void)cpu;
    if (atomic_fetch_add(&self->entered, 1) != 0)
        abort(); /* not thread-safe, and somebody is inside */
    return 0;
#elif defined(LIMIT_LOCK)
    while (atomic_exchange(&self->entered, 1) != 0)
        pl_relax(cpu);
    return 0;
#else
    return pl_lock_masked(&self->lock, cpu);
#endif
}

static void leave(struct limited *self, struct pl_cpu *cpu, uint32_t before)
{
#if defined(LIMIT_THREADS) || defined(LIMIT_LOCK)
    (void)cpu;
    (void)before;
    atomic_store(&self->entered, 0);
#else
    pl_unlock_masked(&self->lock, cpu, before);
#endif
}

static size_t meta_bytes(const struct pl_page_config *config)
{
    uint64_t frames = config->machine->frame_count;
    if (LIMITED_FRAMES != 0 && frames != LIMITED_FRAMES)
        return 0;
    return sizeof(struct limited) + frames * (sizeof(uint64_t) + 1);
}

static enum pl_status init(void *instance, const struct pl_page_config *config)
{
    struct limited *self = instance;
    const struct pl_machine *machine = config->machine;
    if (machine->range_count != 1 || machine->first.number != 0)
        return PL_UNSUPPORTED;
    if (LIMITED_ALIGNMENT > 1 && (uintptr_t)machine->contents % LIMITED_ALIGNMENT != 0)
        abort();
#if defined(LIMIT_INSTANCE)
    if (atomic_fetch_add(&instances, 1) != 0)
        abort();
#endif
    self->machine = machine;
    self->state = (unsigned char *)&self->next[machine->frame_count];
    for (uint64_t end = machine->frame_count; end > 0;) {
        uint32_t order = LIMITED_ORDER;
        while (end % (UINT64_C(1) << order) != 0)
            order--;
        end -= UINT64_C(1) << order;
        push(self, end, order);
    }
    return PL_OK;
}

static void fini(void *instance)
{
    (void)instance;
#if defined(LIMIT_INSTANCE)
    atomic_fetch_sub(&instances, 1);
#endif
}

static enum pl_status take(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                           struct pl_run *run)
{
    struct limited *self = instance;
    uint32_t from = request->order;
    if (request->order > LIMITED_ORDER)
        return PL_UNSUPPORTED;
    uint32_t before = enter(self, cpu);
    while (from < ORDERS && self->top[from] == 0)
        from++;
    if (from == ORDERS) {
        leave(self, cpu, before);
        return PL_NO_MEMORY;
    }
    uint64_t frame = self->top[from] - 1;
    self->top[from] = *next_of(self, frame);
    for (; from > request->order; from--)
        push(self, frame + (UINT64_C(1) << (from - 1)), from - 1);
    self->state[frame] = (unsigned char)(HEAD + request->order);
    leave(self, cpu, before);
    *run = (struct pl_run){
        .first = pl_frame_at(frame), .frame_count = UINT64_C(1) << request->order, .order = request->order};
    return PL_OK;
}

static enum pl_status give(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct limited *self = instance;
    uint32_t before = enter(self, cpu);
    if (run->first.number >= self->machine->frame_count ||
        self->state[run->first.number] != HEAD + run->order)
        abort(); /* it claims no checks: nobody may try */
    self->state[run->first.number] = 0;
    push(self, run->first.number, run->order);
    leave(self, cpu, before);
    return PL_OK;
}

static const struct pl_page_ops ops = {
    .bytes = sizeof(ops),
    .abi = PL_ABI,
    .caps = LIMITED_CAPS,
    .max_order = LIMITED_ORDER,
    .meta_bytes = meta_bytes,
    .init = init,
    .fini = fini,
    .alloc = take,
    .free = give,
};

extern const struct pl_candidate pl_candidate_export;
const struct pl_candidate pl_candidate_export = {
    .bytes = sizeof(pl_candidate_export),
    .abi = PL_ABI,
    .name = "limited",
    .summary = "a stack of blocks for each order, with one limit",
    .page = &ops,
    .arena_alignment = LIMITED_ALIGNMENT,
    .fixed_frames = LIMITED_FRAMES,
};
