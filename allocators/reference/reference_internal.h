/* The reference allocator's one structure, shared by its two files: a byte a frame, and nothing that could
 * disagree with it but a count and a hint. */
#ifndef REFERENCE_INTERNAL_H
#define REFERENCE_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/mutant.h>

#define REFERENCE_MAX_ORDER 10u /* Linux 6.x: orders 0 .. 10 */

/* A grant is one HEAD and the TAILs that follow it: its length is where the TAILs end. */
enum reference_state {
    REFERENCE_FREE = 0,
    REFERENCE_HEAD = 1,
    REFERENCE_TAIL = 2,
    REFERENCE_HOLE = 3,
};

struct reference {
    struct pl_lock lock;
    const struct pl_machine *machine;
    _Atomic uint64_t free_count; /* written with the lock held, read at any time */
    uint64_t hint;               /* no frame with a smaller index is free */
    unsigned char state[];       /* [span + 1], by frame - machine->first; the last byte is a HOLE */
};

uint64_t reference_audit(const void *instance, struct pl_visitor *visitor);

#endif
