/* percpu: what its files share. One magazine per CPU over any inner page allocator, for order 0.
 *
 *     CPU 0  [ f f f f . . . . ]      CPU 1  [ f f . . . . . . ]      LIFO, only touched masked
 *                     |  `batch` calls at a time               |
 *     inner allocator, behind a guard if it needs one            <--  other orders, runs, nodes */
#ifndef PERCPU_H
#define PERCPU_H

#include <pagelab/lock.h>
#include <pagelab/mutant.h>
#include <pagelab/page.h>

#define PERCPU_BATCH_DEFAULT 32u
#define PERCPU_HIGH_LIMIT    8192u

/* What an inner call is wrapped in, from what the inner one does not claim. */
enum percpu_guard {
    PERCPU_GUARD_NONE = 0, /* concurrent and interrupt-safe already */
    PERCPU_GUARD_MASK = 1, /* concurrent only: keeping this CPU's interrupts out is enough */
    PERCPU_GUARD_LOCK = 2, /* masked, and one CPU at a time */
};

/* frames[0 .. count) are granted by the inner one and free for this CPU's callers; the one freed last is on
 * top. Frame numbers whole, not offsets: the fast path adds nothing and any span fits. The count is atomic,
 * never contended, so that count() may read it from elsewhere. */
struct percpu_magazine {
    PL_CPU_ALIGNED atomic_uint count;
    uint32_t reserved;
    uint64_t frames[]; /* `high` of them */
};

struct percpu_params {
    uint32_t batch; /* frames moved at a time, 1 .. high */
    uint32_t high;  /* frames that a magazine holds at most */
};

/* The magazines follow the struct, `stride` bytes apart. */
struct percpu_state {
    uint32_t high;
    uint32_t node_mask; /* node | node_mask == PL_NODE_ANY: a request that magazines may serve */
    uint32_t stride;
    uint32_t batch;
    uint32_t cpu_count;
    uint32_t guard; /* enum percpu_guard */
    struct pl_page inner;
    const struct pl_machine *machine;   /* for the audit */
    PL_CPU_ALIGNED struct pl_lock lock; /* PERCPU_GUARD_LOCK: taken masked around inner calls */
};

PL_INLINE struct percpu_magazine *percpu_magazine_of(const struct percpu_state *state, uint32_t cpu_id)
{
    return (struct percpu_magazine *)((uintptr_t)(state + 1) + (uintptr_t)cpu_id * state->stride);
}

PL_INLINE uint32_t percpu_count_get(const struct percpu_magazine *magazine)
{
    return atomic_load_explicit(&magazine->count, memory_order_relaxed);
}

PL_INLINE void percpu_count_set(struct percpu_magazine *magazine, uint32_t count)
{
    atomic_store_explicit(&magazine->count, count, memory_order_relaxed);
}

/* Reads "batch=N,high=M", either or both or neither; a lone batch makes high two batches. */
bool percpu_parse(const char *text, struct percpu_params *params);

/* Around a call of the inner one that is not already masked. */
uint32_t percpu_enter(struct percpu_state *state, struct pl_cpu *cpu);
void percpu_leave(struct percpu_state *state, struct pl_cpu *cpu, uint32_t before);

/* Caller masks. Fills an empty magazine with up to `batch` frames, fewer if the inner one runs dry half way.
 * Other than PL_OK, with the inner one's word for it: it is still empty. Never sleeps. */
enum pl_status percpu_refill(struct percpu_state *state, struct pl_cpu *cpu, struct percpu_magazine *magazine,
                             const struct pl_request *request);

/* Caller masks. Gives the `count` frames at the bottom, the coldest, back to the inner one. */
void percpu_push_down(struct percpu_state *state, struct pl_cpu *cpu, struct percpu_magazine *magazine,
                      uint32_t count);

uint64_t percpu_cached(const struct percpu_state *state);

/* The audit hook. */
uint64_t percpu_audit(const void *self, struct pl_visitor *visitor);

#endif
