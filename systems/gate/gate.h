/* The gate: how the four systems, and the services lent to a candidate, reach its frames. It is itself a page
 * table of hooks, so a service takes it for an allocator. Behind it stands admission (floors), behind that
 * the candidate. Here live once: counting of calls (X-5: "allocates nothing" is a counted fact), failure of
 * the n-th grant, waiting (WAIT_OK and WAIT_FAIL step the page daemon), and the observer that tells the
 * shadow of every frame that moves.
 *
 *     system, service -> gate -> admission -> candidate
 *
 * Frames are named with `frame_offset` added, so that two nodes, each with an instance of its own that starts
 * at frame 0, do not share numbers. */
#ifndef SYSTEMS_GATE_H
#define SYSTEMS_GATE_H

#include "systems/admission/admission.h"
#include "systems/pageout/pageout.h"

/* Told after each grant and before each release, in the backend's own frame numbers. */
struct gate_observer {
    void (*granted)(void *self, const struct pl_run *run);
    void (*releasing)(void *self, const struct pl_run *run);
    void *self;
};

struct gate {
    struct admission *admission;
    const struct pl_machine *machine;
    struct pageout *pageout; /* NULL: nothing can ever be freed */
    struct gate_observer observer;
    uint64_t frame_offset;
    uint64_t calls;       /* of alloc and alloc_run, whatever came of them */
    uint64_t grants;      /* of those, the successful ones */
    uint64_t frees;       /* calls of free */
    uint64_t held;        /* frames granted through here and not yet given back */
    uint64_t fail_in;     /* 1: the next grant fails, 2: the one after it ...; 0: none */
    uint64_t injected;    /* grants that were failed so */
    uint64_t sleeps;      /* times that a call with a wait flag slept */
    uint64_t would_sleep; /* times that it would have slept for ever */
    pl_frame last;        /* of the last grant; a lie's */
};

/* `admission` and `pageout` are borrowed. Counts start at 0. */
void gate_init(struct gate *gate, struct admission *admission, const struct pl_machine *machine,
               struct pageout *pageout, uint64_t frame_offset);

/* The gate as a page table of hooks: alloc, free, alloc_run, split, count (split and
 * alloc_run are PL_UNSUPPORTED where the candidate lacks them). Requests with PL_REQUEST_WAIT_OK sleep (in
 * simulation) until memory came or PL_WOULD_SLEEP; PL_REQUEST_WAIT_FAIL sleeps once after a failure and
 * returns PL_NO_MEMORY. Both at once are PL_INVALID. Any other request never sleeps. */
struct pl_page gate_page(struct gate *gate);

/* Frames not granted to anybody. */
uint64_t gate_free_frames(const struct gate *gate);

/* Address of a frame's first byte; the machine has contents, and the frame is this gate's. */
PL_INLINE unsigned char *gate_bytes(const struct gate *gate, pl_frame frame)
{
    return pl_frame_address(gate->machine, pl_frame_at(frame.number - gate->frame_offset));
}

/* Is this frame number one of this gate's machine (holes included)? */
PL_INLINE bool gate_owns(const struct gate *gate, pl_frame frame)
{
    return frame.number - gate->frame_offset - gate->machine->first.number < gate->machine->span;
}

/* One sleep of a caller that may: tells the platform (which panics in a no-sleep region or at interrupt
 * level) and steps the page daemon. Returns the frames that came free. */
uint64_t gate_sleep(struct gate *gate, struct pl_cpu *cpu, const char *where, uint64_t wanted);

#endif
