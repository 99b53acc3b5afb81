/* What the buffer services share: constraints turned into frames, grants taken and joined into runs, exact
 * undo, and release. They differ in which grants they ask for.
 *
 * A byte a frame says which grants are out, so that runs need no record of how they were made:
 *
 *   runs      [        run 0        ]   [      run 1      ]
 *   grants    [order 0][  order 1   ]   [ run of 3        ]
 *   bytes      B0       B1     .         R     P     P            . is nobody's, or what a block has too much
 */
#ifndef SERVICES_PLAN_H
#define SERVICES_PLAN_H

#include <stdatomic.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

#define PLAN_NONE    0x00u
#define PLAN_RUN     0x40u /* first frame of a grant by alloc_run; PARTs follow */
#define PLAN_BLOCK   0x80u /* first frame of a grant by alloc: plus its order */
#define PLAN_PART    0xc0u
#define PLAN_CLAIMED 0x20u /* of RUN and BLOCK: being released, or kept for reuse */

#define PLAN_KIND(state)  ((state) & 0xc0u)
#define PLAN_ORDER(state) ((state) & 0x1fu)

_Static_assert(PL_ORDER_LIMIT < 0x20, "an order fits below the claim");

/* The head of each such service's struct. */
struct plan_service {
    const struct pl_machine *machine;
    struct pl_page page;
    _Atomic uint64_t frames_held; /* of grants that are out, what a block has too much included */
    _Atomic uint8_t *state;       /* a byte a frame of the machine's span, behind the service's struct */
};

/* One call. */
struct plan {
    struct plan_service *service;
    struct pl_cpu *cpu;
    struct pl_request request;
    uint64_t frame_count; /* to cover */
    uint64_t covered;
    uint64_t run_max;  /* frames of a run at most */
    uint64_t boundary; /* frames, 0: none */
    uint64_t high;     /* the first frame number that no byte may be in; UINT64_MAX: all may */
    uint32_t unit;     /* runs begin at multiples of 2^unit frames */
    bool contiguous;
    bool zero;
    struct pl_run *runs;
    size_t run_count;
    size_t run_limit;
};

/* The hooks of a service that is nothing but its head, and takes no parameters. */
size_t plan_service_meta_bytes(const struct pl_buffer_config *config);
enum pl_status plan_service_init(void *instance, const struct pl_buffer_config *config);
void plan_service_fini(void *instance);

/* Fills the head of one with more: `states` is where its bytes are, zero at first. */
void plan_service_begin(struct plan_service *self, const struct pl_buffer_config *config, void *states);

/* Covers plan->frame_count with grants; not PL_OK: those taken so far are in the plan. */
typedef enum pl_status plan_cover(struct plan *plan);

/* The plan hook of a service that covers so. */
enum pl_status plan_by(plan_cover *cover, void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                       const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                       size_t run_capacity, size_t *run_count);

/* Checks the constraints and fills `plan`. PL_INVALID: illegal; PL_NEVER: no state of this machine could;
 * PL_UNSUPPORTED: an address mask with a hole below all that it would need, or contents that are not there.
 */
enum pl_status plan_begin(struct plan *plan, void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                          const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                          size_t run_capacity);

/* One grant that covers `frame_count` more frames, at most run_max, consecutive and aligned. `may_sleep`:
 * with the wait flags of the request. PL_NO_MEMORY also when it would be a run too many. Nothing changed
 * unless PL_OK. */
enum pl_status plan_take(struct plan *plan, uint64_t frame_count, bool may_sleep);

/* A way to get such a grant: plan_take, or another that comes before it. */
typedef enum pl_status plan_taker(struct plan *plan, uint64_t frame_count, bool may_sleep);

/* One run if there is one, else the largest pieces, halved whenever none is left of a size. */
enum pl_status plan_cover_largest(struct plan *plan, plan_taker *take);

/* Could the first frames of this grant, which is ours already, be in the plan, alone? */
bool plan_suits(const struct plan *plan, const struct pl_run *grant, uint64_t frame_count);

/* Puts them in, and makes them zero if that is asked for. False, and nothing changed: a run too many. */
bool plan_accept(struct plan *plan, const struct pl_run *grant, uint64_t frame_count);

/* Gives back all that was taken, to the page allocator; the second returns `status`. */
void plan_restart(struct plan *plan);
enum pl_status plan_fail(struct plan *plan, enum pl_status status);

/* Where a grant goes that no buffer has any more; it is still claimed. To the page allocator: */
typedef enum pl_status plan_giver(struct plan_service *self, struct pl_cpu *cpu, const struct pl_run *grant,
                                  unsigned kind);
enum pl_status plan_give_back(struct plan_service *self, struct pl_cpu *cpu, const struct pl_run *grant,
                              unsigned kind);

/* Whole grants, each once, or PL_REFUSED and nothing changed. The second is the hook. */
enum pl_status plan_release_by(plan_giver *give, struct plan_service *self, struct pl_cpu *cpu,
                               const struct pl_run *runs, size_t run_count);
enum pl_status plan_release(void *instance, struct pl_cpu *cpu, const struct pl_run *runs, size_t run_count);

/* The other hooks. `frames_kept`: of grants that stay claimed, because they are kept for reuse. */
void plan_count(const void *instance, struct pl_buffer_counts *counts);
uint64_t plan_audit(const void *instance, struct pl_visitor *visitor);
uint64_t plan_audit_kept(const struct plan_service *self, struct pl_visitor *visitor, uint64_t frames_kept);

PL_INLINE uint64_t plan_index(const struct plan_service *self, pl_frame frame)
{
    PL_ASSERT(frame.number - self->machine->first.number < self->machine->span);
    return frame.number - self->machine->first.number;
}

PL_INLINE uint8_t plan_state_of(const struct plan_service *self, uint64_t at)
{
    return at < self->machine->span ? atomic_load_explicit(&self->state[at], memory_order_relaxed)
                                    : PLAN_NONE;
}

PL_INLINE void plan_state_set(struct plan_service *self, uint64_t at, unsigned state)
{
    PL_ASSERT(at < self->machine->span);
    atomic_store_explicit(&self->state[at], (uint8_t)state, memory_order_relaxed);
}

PL_INLINE uint32_t plan_order_of(uint64_t frame_count)
{
    return pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
}

/* Largest n with 2^n <= value, and smallest with 2^n >= value; value > 0. */
PL_INLINE uint32_t plan_log2_floor(uint64_t value)
{
    return 63u - PL_CLZ64(value);
}

PL_INLINE uint32_t plan_log2_ceil(uint64_t value)
{
    return plan_log2_floor(value) + ((value & (value - 1)) != 0);
}

#endif
