/* What alloc_pages must answer, from the shadow's free frames and the oracle's own watermarks. For a single
 * frame of a candidate that can give every one the answer is exact, to the frame; for larger blocks it
 * depends on whether the candidate must find what is there. */
#include <inttypes.h>

#include "engine/oracle/zone.h"

/* What the candidate behind a node does with a block that the watermark lets through. */
enum finds { FINDS_NEVER, FINDS_PERHAPS, FINDS_ALWAYS };

static enum finds candidate_finds(const struct zone_oracle *oracle, uint32_t node, uint32_t order)
{
    const struct services_node *at = &oracle->services->nodes[node];
    uint64_t frames = UINT64_C(1) << order;
    if (!shadow_admits(at->shadow, PL_CLASS_INTERRUPT, frames) || order > at->instance->max_order)
        return FINDS_NEVER;
    if (at->gate.fail_in != 0)
        return FINDS_PERHAPS;
    if (order == 0)
        return at->instance->caps & PL_CAP_ALL_FRAMES ? FINDS_ALWAYS : FINDS_PERHAPS;
    if (!shadow_has_block(at->shadow, order))
        return FINDS_NEVER;
    return at->instance->caps & PL_CAP_COMPLETE ? FINDS_ALWAYS : FINDS_PERHAPS;
}

static bool lets_through(const struct zone_oracle *oracle, uint32_t node, uint32_t order,
                         const struct zone_right *right)
{
    return shadow_free_frames(oracle->services->nodes[node].shadow) >=
           zone_needs(&oracle->numbers[node], order, right);
}

/* One pass over the nodes. False: some node certainly grants it. */
static bool pass(const struct zone_oracle *oracle, uint32_t nid, uint32_t gfp, uint32_t order,
                 const struct zone_right *right, uint32_t *nodes)
{
    uint32_t count = gfp & LINUX_GFP_THISNODE ? 1 : oracle->services->node_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = (nid + i) % oracle->services->node_count;
        if (!lets_through(oracle, node, order, right))
            continue;
        enum finds finds = candidate_finds(oracle, node, order);
        if (finds != FINDS_NEVER)
            *nodes |= 1u << node;
        if (finds == FINDS_ALWAYS)
            return false;
    }
    return true;
}

/* Could a node have such a block if all of it were free? If not, nobody sleeps for it. */
static bool is_possible(const struct zone_oracle *oracle, uint32_t nid, uint32_t gfp, uint32_t order)
{
    const struct services *services = oracle->services;
    uint32_t count = gfp & LINUX_GFP_THISNODE ? 1 : services->node_count;
    for (uint32_t i = 0; i < count && order <= PL_ORDER_LIMIT; i++) {
        const struct services_node *node = &services->nodes[(nid + i) % services->node_count];
        if (order <= node->instance->max_order && node->machine->frame_count >> order != 0)
            return true;
    }
    return false;
}

struct zone_expectation zone_expect(const struct zone_oracle *oracle, const struct pl_cpu *cpu, uint32_t nid,
                                    uint32_t gfp, uint32_t order)
{
    struct zone_expectation expected = {.may_refuse = true};
    bool sleeps = (gfp & LINUX_GFP_DIRECT_RECLAIM) != 0;
    expected.must_trap = (sleeps && cpu->context != PL_CONTEXT_TASK) || gfp & ~LINUX_GFP_ALL ||
                         nid >= oracle->services->node_count;
    if (expected.must_trap)
        return expected;
    expected.hopeless = !is_possible(oracle, nid, gfp, order);
    if (expected.hopeless)
        return expected;
    struct zone_right first = zone_right_of(gfp, cpu, &oracle->zones.task, true);
    struct zone_right later = zone_right_of(gfp, cpu, &oracle->zones.task, false);
    expected.may_refuse = pass(oracle, nid, gfp, order, &first, &expected.nodes) &&
                          pass(oracle, nid, gfp, order, &later, &expected.nodes);
    return expected;
}

/* --- afterwards --- */

static void check_trap(const struct zone_oracle *oracle, const struct zone_before *before,
                       const struct zone_expectation *expected, enum pl_status status,
                       struct finding *finding)
{
    const struct trap *trap = &oracle->services->trap;
    uint64_t wanted = before->traps + (expected->must_trap ? 1 : 0);
    if (trap->count != wanted || (expected->must_trap && status != PL_INVALID)) {
        finding_set(finding, "L-17 X-5", "");
        finding_expected(finding, "%s",
                         expected->must_trap ? "a mask that may not be used here is trapped, and nothing done"
                                             : "a legal call is not trapped");
        finding_actual(finding, "%s, %" PRIu64 " traps; the last one: %s", pl_status_name(status),
                       trap->count - before->traps, trap->words);
    }
}

static void check_granted(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                          const struct zone_expectation *expected, bool slept, uint32_t gfp, uint32_t order,
                          pl_frame first, struct finding *finding)
{
    uint32_t node = first.number >= SERVICES_NODE_FRAMES ? 1 : 0;
    struct zone_right later = zone_right_of(gfp, cpu, &oracle->zones.task, false);
    uint64_t now = shadow_free_frames(oracle->services->nodes[node].shadow);
    uint64_t needs = zone_needs(&oracle->numbers[node], order, &later);
    if (!slept && (expected->nodes & 1u << node))
        return;
    /* After a sleep others gave frames back; but the watermark was asked again. */
    if (slept && now + (UINT64_C(1) << order) >= needs)
        return;
    finding_set(finding, order == 0 ? "L-16 L-20 X-7" : "L-16 X-7", "");
    finding_expected(finding,
                     "node %" PRIu32 ": gfp 0x%" PRIx32 " order %" PRIu32 " takes %" PRIu64
                     " free frames, so no grant there",
                     node, gfp, order, needs);
    finding_actual(finding, "granted; %" PRIu64 " are free after it", now);
}

/* What failed on the way, on purpose too, left no frame between the two counts. */
static void check_counts(const struct zone_oracle *oracle, struct finding *finding)
{
    for (uint32_t i = 0; i < oracle->services->node_count && !finding->found; i++) {
        const struct services_node *node = &oracle->services->nodes[i];
        if (gate_free_frames(&node->gate) == shadow_free_frames(node->shadow))
            continue;
        finding_set(finding, "X-3 X-4 F-6", "");
        finding_expected(finding, "%" PRIu64 " frames of node %" PRIu32 " are granted to nobody",
                         shadow_free_frames(node->shadow), i);
        finding_actual(finding, "%" PRIu64 " are free", gate_free_frames(&node->gate));
    }
}

/* Refused although a node certainly has it. Having slept, the caller was refused at the end once more. */
static void check_refused(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                          const struct zone_expectation *expected, const struct zone_before *before,
                          bool slept, uint32_t nid, uint32_t gfp, uint32_t order, struct finding *finding)
{
    bool may_refuse = expected->may_refuse || before->failing;
    if (may_refuse && slept && !before->failing) {
        struct zone_right later = zone_right_of(gfp, cpu, &oracle->zones.task, false);
        uint32_t nodes = 0;
        may_refuse = pass(oracle, nid, gfp, order, &later, &nodes);
    }
    if (may_refuse)
        return;
    uint64_t needs = 0;
    struct zone_right right = zone_right_of(gfp, cpu, &oracle->zones.task, false);
    needs = zone_needs(&oracle->numbers[nid], order, &right);
    finding_set(finding, order == 0 ? "L-16 X-7" : "L-16", "");
    finding_expected(finding, "node %" PRIu32 " has %" PRIu64 " free, %" PRIu64 " are enough: granted", nid,
                     shadow_free_frames(oracle->services->nodes[nid].shadow), needs);
    finding_actual(finding, "refused: gfp 0x%" PRIx32 " order %" PRIu32, gfp, order);
}

/* NULL is no-memory; but for a NOFAIL caller that sleeps there is no NULL: it waits as long as there is
 * anything to take back, and for ever after that. */
static void check_status(const struct zone_oracle *oracle, bool waits, bool slept, enum pl_status status,
                         struct finding *finding)
{
    if (status != (waits ? PL_WOULD_SLEEP : PL_NO_MEMORY) || (waits && !slept)) {
        finding_set(finding, "X-3 X-5", "");
        finding_expected(finding, "granted, or %s",
                         waits ? "asleep for ever, for NOFAIL has no NULL" : "no-memory");
        finding_actual(finding, "%s", pl_status_name(status));
    } else if (waits && oracle->cache_count != 0) {
        finding_set(finding, "L-17 X-5", "NOFAIL sleeps for ever only when nothing can be taken back");
        finding_actual(finding, "%" PRIu32 " pages of the page cache are left", oracle->cache_count);
    }
}

void zone_check_outcome(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                        const struct zone_expectation *expected, const struct zone_before *before,
                        uint32_t nid, uint32_t gfp, uint32_t order, enum pl_status status, pl_frame first,
                        struct finding *finding)
{
    struct zone_before now = zone_look(oracle, cpu);
    bool slept = now.sleeps != before->sleeps;
    bool may_sleep = !expected->must_trap && !expected->hopeless && (gfp & LINUX_GFP_DIRECT_RECLAIM) &&
                     (expected->may_refuse || before->failing);
    check_trap(oracle, before, expected, status, finding);
    if (!may_sleep && !finding->found)
        zone_check_awake(oracle, cpu, before, finding);
    if (!finding->found)
        check_counts(oracle, finding);
    if (finding->found)
        return;
    if (status == PL_OK) {
        check_granted(oracle, cpu, expected, slept, gfp, order, first, finding);
        return;
    }
    if (now.steps == before->steps)
        zone_check_unchanged(oracle, before, "X-3", finding);
    if (expected->must_trap || finding->found)
        return;
    check_status(oracle, may_sleep && (gfp & LINUX_GFP_NOFAIL), slept, status, finding);
    if (finding->found)
        return;
    check_refused(oracle, cpu, expected, before, slept, nid, gfp, order, finding);
}
