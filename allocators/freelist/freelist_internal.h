/* The textbook free list: each free frame holds the number of the next one in its first eight bytes.
 *
 *   head -> [ 7 | ........ ]   frame 3        The metadata is the head, a count and a lock, however many
 *            |                                frames there are. Nothing is known of a frame that is granted.
 *            +-> [ 2 | ........ ]   frame 7
 *                  |
 *                  +-> [ NONE | ........ ]   frame 2 */
#ifndef FREELIST_INTERNAL_H
#define FREELIST_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

/* What a free frame begins with; the rest of it is as its last owner left it. */
struct freelist_link {
    uint64_t next; /* a frame number, or PL_FRAME_NONE */
};

_Static_assert(sizeof(struct freelist_link) <= PL_FRAME_BYTES, "a frame holds its link");

struct freelist {
    struct pl_lock lock;
    uint64_t head;               /* PL_FRAME_NONE iff free_count is 0 */
    _Atomic uint64_t free_count; /* written with the lock held, read at any time */
    const struct pl_machine *machine;
};

PL_INLINE struct freelist_link *freelist_link_of(const struct freelist *self, uint64_t frame)
{
    PL_ASSERT(frame >= self->machine->first.number);
    PL_ASSERT(frame - self->machine->first.number < self->machine->span);
    return (struct freelist_link *)(void *)pl_frame_address(self->machine, pl_frame_at(frame));
}

/* Puts a frame in front. Caller holds the lock, or is init. */
PL_INLINE void freelist_push(struct freelist *self, uint64_t frame)
{
    PL_ASSERT(frame != self->head); /* the one double free that can be seen */
    uint64_t next = self->head;
    if (PL_MUTANT("freelist-link-narrow") && next != PL_FRAME_NONE) {
        PL_MUTANT_TRIGGERED("freelist-link-narrow", next != (uint8_t)next);
        next = (uint8_t)next;
    }
    freelist_link_of(self, frame)->next = next;
    self->head = frame;
}

uint64_t freelist_audit(const void *instance, struct pl_visitor *visitor);

#endif
