/* The shadow model: who owns each frame, kept so simply that it is obviously right, and compared with what
 * the backend does after every operation.
 *
 *     owner[frame - first]   0 free, SHADOW_HOLE not a frame, else the grant's tag
 *
 * Invariant: the number of owned entries is `live`; machine frames = live + free. */
#ifndef ENGINE_SHADOW_H
#define ENGINE_SHADOW_H

#include "engine/finding.h"
#include "engine/instance.h"

#define SHADOW_HOLE UINT32_MAX

struct shadow {
    const struct pl_machine *machine;
    uint32_t *owner;
    uint32_t *pristine; /* owner of an empty machine: what reset copies back */
    uint8_t *seen;      /* scratch of the audit */
    uint64_t live;
};

/* 0, or -1: out of memory. */
int shadow_init(struct shadow *shadow, const struct pl_machine *machine);
void shadow_reset(struct shadow *shadow);
void shadow_fini(struct shadow *shadow);

/* Frames not granted. */
uint64_t shadow_free_frames(const struct shadow *shadow);

/* The floor test of the contract: may a request of so many frames succeed now? */
bool shadow_admits(const struct shadow *shadow, unsigned alloc_class, uint64_t frames);

/* Is there a free, aligned block of 2^order frames? */
bool shadow_has_block(const struct shadow *shadow, unsigned order);

/* Free frames in free, aligned blocks of 2^order frames: what could serve that order. */
uint64_t shadow_usable_frames(const struct shadow *shadow, unsigned order);

/* How many runs of so many consecutive free frames there are, side by side. */
uint64_t shadow_run_count(const struct shadow *shadow, uint64_t frame_count);

/* Is there a run that obeys the constraints, among the free frames or, if `empty`, on an empty machine? */
bool shadow_has_run(const struct shadow *shadow, const struct pl_constraints *constraints, bool empty);

/* Does this run lie wholly in the machine's ranges? */
bool shadow_in_machine(const struct shadow *shadow, pl_frame first, uint64_t frame_count);

/* Records a grant, if it is legal: inside the machine, free (F-1, X-2). `tag` is not 0 nor SHADOW_HOLE.
 */
void shadow_grant(struct shadow *shadow, const struct pl_run *run, uint32_t tag, struct finding *finding);

/* Forgets a grant of `tag`. */
void shadow_release(struct shadow *shadow, const struct pl_run *run, uint32_t tag);
/* Passes part of a grant to another tag. */
void shadow_retag(struct shadow *shadow, const struct pl_run *run, uint32_t tag);

/* Walks the backend's own view and compares every frame (F-1, F-2, X-1). No-op without an audit hook.
 */
void shadow_audit(struct shadow *shadow, const struct instance *instance, struct finding *finding);

/* Compares the backend's counts with the shadow's (F-2). Only where they are exact. */
void shadow_check_counts(const struct shadow *shadow, const struct instance *instance,
                         struct finding *finding);

/* Order of the largest free aligned block, -1 if nothing is free. */
int shadow_largest_free_order(const struct shadow *shadow);

#endif
