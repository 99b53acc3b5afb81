/* What the claims' own checks stand on: a machine, an instance called without admission, a shadow that knows
 * who has each frame. A grant that the shadow objects to ends a check without a verdict, unless the claim is
 * about just that. */
#ifndef ENGINE_CHECKS_CLAIM_RIG_H
#define ENGINE_CHECKS_CLAIM_RIG_H

#include "engine/checks/claims.h"

struct claim_rig {
    struct check *check;
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct shadow shadow;
    struct pl_run *runs; /* granted; room for one a frame */
    uint64_t run_count;
    uint32_t seed;
};

/* One range of 256 frames, or as many as the candidate needs, and two CPUs. False, with a verdict: none could
 * be made; the rig is closed. */
bool claim_open(struct claim_rig *rig, struct check *check);
/* The same with a machine of this shape, which the candidate claims to take: refusing it refutes the claim.
 */
bool claim_open_shape(struct claim_rig *rig, struct check *check, const struct native_shape *shape);
/* The same as claim_open with holes, and with another first frame than 0, as far as the candidate claims to
 * take them. */
bool claim_open_widest(struct claim_rig *rig, struct check *check);
void claim_close(struct claim_rig *rig);

/* Calls of the outermost hooks on a CPU. What alloc and run grant is in runs[run_count - 1]; a grant that is
 * illegal ends the check and is PL_REFUSED. */
enum pl_status claim_take(struct claim_rig *rig, uint32_t cpu, const struct pl_request *request);
enum pl_status claim_take_run(struct claim_rig *rig, uint32_t cpu, const struct pl_constraints *constraints);
/* Gives back grant `at`; the last one takes its number. False: it was refused, and the check has ended. */
bool claim_give(struct claim_rig *rig, uint32_t cpu, uint64_t at);
bool claim_give_all(struct claim_rig *rig);

/* One random call: a grant of order 0 to `top`, or a free. */
void claim_step(struct claim_rig *rig, uint32_t top);

/* Empties the caches of all CPUs. */
void claim_drain(struct claim_rig *rig);

/* Enters a grant that was made past the rig. False: it is illegal, and the check has ended. */
bool claim_enter(struct claim_rig *rig, const struct pl_run *run);

/* Walks the audit, if there is one; false: it is broken, and the check has ended. */
bool claim_audit(struct claim_rig *rig);

/* Frames that count() says are free to all; UINT64_MAX: there is no count. */
uint64_t claim_counted_free(const struct claim_rig *rig);

PL_INLINE struct pl_request claim_request(uint32_t order)
{
    return (struct pl_request){
        .order = (uint8_t)order, .alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
}

#endif
