/* alloc_pages and alloc_pages_exact_nid, predicted, called, compared. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/zone.h"

uint32_t zone_node_of(const struct zone_oracle *oracle, unsigned choice)
{
    return choice == UINT8_MAX ? UINT8_MAX : choice % oracle->services->node_count;
}

/* The frames came from where they must, once, and are counted. */
static void check_block(const struct zone_oracle *oracle, const struct zone_before *before, uint32_t order,
                        const struct pl_run *run, struct finding *finding)
{
    const struct services *services = oracle->services;
    uint64_t frames = UINT64_C(1) << order;
    uint64_t first = run->first.number % SERVICES_NODE_FRAMES;
    uint64_t held = 0;
    uint64_t held_before = 0;
    uint32_t page_order = 0;
    for (uint32_t i = 0; i < services->node_count; i++) {
        held += services->nodes[i].gate.held;
        held_before += before->held[i];
    }
    if (run->frame_count != frames || run->order != order || first % frames != 0) {
        finding_set(finding, "X-2", "a block of 2^order frames, aligned to its size");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 ", order %" PRIu32, run->first.number,
                       run->frame_count, run->order);
    } else if (services->pageout.steps == before->steps && held != held_before + frames) {
        finding_set(finding, "X-4 L-15", "");
        finding_expected(finding, "%" PRIu64 " frames more are held", frames);
        finding_actual(finding, "%" PRId64, (int64_t)(held - held_before));
    } else if (!linux_page_is_head(&oracle->zones, run->first, &page_order) || page_order != order) {
        finding_set(finding, "X-1", "the first frame's page says that it is a block of this order");
        finding_actual(finding, "order %" PRIu32, page_order);
    }
}

enum pl_status zone_call(struct zone_oracle *oracle, struct pl_cpu *cpu, uint32_t nid, uint32_t gfp,
                         uint32_t order, struct pl_run *run, struct finding *finding)
{
    struct zone_expectation expected = zone_expect(oracle, cpu, nid, gfp, order);
    struct zone_before before = zone_look(oracle, cpu);
    enum pl_status status = linux_alloc_pages(&oracle->zones, cpu, nid, gfp, order, run);
    if (finding->found)
        return status;
    zone_check_outcome(oracle, cpu, &expected, &before, nid, gfp, order, status, run->first, finding);
    if (status != PL_OK || finding->found)
        return status;
    oracle->frames += run->frame_count;
    check_block(oracle, &before, order, run, finding);
    if (gfp & LINUX_GFP_ZERO)
        zone_check_zero(oracle, run->first, run->frame_count, finding);
    if (!finding->found)
        zone_stamp(oracle, run->first, run->frame_count);
    return status;
}

static void take_task(struct zone_oracle *oracle, const struct op *op)
{
    oracle->zones.task.realtime = (op->flags & OP_ZONE_TASK_REALTIME) != 0;
    oracle->zones.task.oom_victim = (op->flags & OP_ZONE_TASK_OOM) != 0;
}

void zone_do_alloc(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    struct zone_slot *slot = &oracle->slots[op->slot];
    uint32_t nid = zone_node_of(oracle, op->mobility);
    struct pl_run run = {0};
    if (slot->live)
        return;
    take_task(oracle, op);
    zone_check_marks(oracle, nid % oracle->services->node_count, op->order, finding);
    if (finding->found || zone_call(oracle, cpu, nid, op->extra, op->order, &run, finding) != PL_OK)
        return;
    slot->live = true;
    slot->used = true;
    slot->exact = false;
    slot->first = run.first;
    slot->order = run.order;
    slot->frames = run.frame_count;
    slot->bytes = run.frame_count * PL_FRAME_BYTES;
    slot->gone_count = 0;
}

/* --- exact pages --- */

/* By division, so that nothing can wrap: the pages that so many bytes fill. */
static uint64_t exact_pages(uint64_t bytes)
{
    return bytes / PL_FRAME_BYTES + (bytes % PL_FRAME_BYTES != 0);
}

static uint32_t exact_order(uint64_t pages)
{
    uint32_t order = 0;
    while (order < 63 && UINT64_C(1) << order < pages)
        order++;
    return order;
}

/* The pages kept are single pages each, and what was granted beyond them is free again. */
static void check_kept(const struct zone_oracle *oracle, const struct zone_before *before, pl_frame first,
                       uint64_t pages, uint32_t order, struct finding *finding)
{
    uint32_t node = first.number >= SERVICES_NODE_FRAMES ? 1 : 0;
    const struct shadow *shadow = oracle->services->nodes[node].shadow;
    uint64_t at = first.number % SERVICES_NODE_FRAMES - shadow->machine->first.number;
    uint64_t allocated = 0;
    uint32_t page_order = 0;
    uint64_t bad = 0;
    for (uint32_t i = 0; i < oracle->services->node_count; i++)
        allocated += oracle->zones.nodes[i].allocated;
    for (uint64_t i = 0; i < pages; i++) {
        if (!linux_page_is_head(&oracle->zones, pl_frame_at(first.number + i), &page_order) ||
            page_order != 0 || shadow->owner[at + i] == 0)
            bad++;
    }
    for (uint64_t i = pages; i < UINT64_C(1) << order; i++)
        bad += shadow->owner[at + i] != 0;
    if (bad == 0 && allocated == before->frames + pages)
        return;
    finding_set(finding, "L-15 X-6", "");
    finding_expected(finding,
                     "%" PRIu64 " single pages and the surplus free again: %" PRIu64
                     " frames of the zones are in use",
                     pages, before->frames + pages);
    finding_actual(finding, "%" PRIu64 " are, and %" PRIu64 " frames are not as they must be", allocated,
                   bad);
}

/* Answers that need no memory. False: the call must try. */
static bool is_decided(const struct zone_oracle *oracle, const struct pl_cpu *cpu, const struct op *op,
                       uint32_t nid, uint64_t pages, enum pl_status *wanted, bool *trapped)
{
    bool asleep = cpu->context != PL_CONTEXT_TASK && (op->extra & LINUX_GFP_DIRECT_RECLAIM);
    *trapped = (op->extra & (LINUX_GFP_COMP | LINUX_GFP_HIGHMEM)) || (op->extra & ~LINUX_GFP_ALL) || asleep ||
               nid >= oracle->services->node_count;
    *wanted = *trapped ? PL_INVALID : PL_NO_MEMORY;
    if (*trapped || pages == 0 || exact_order(pages) > PL_ORDER_LIMIT)
        return true;
    *wanted = PL_UNSUPPORTED;
    return pages > 1 && !oracle->zones.nodes[nid].can_split;
}

static void check_decided(const struct zone_oracle *oracle, const struct zone_before *before,
                          enum pl_status status, enum pl_status wanted, bool trapped, struct finding *finding)
{
    if (status != wanted || oracle->services->trap.count != before->traps + (trapped ? 1 : 0)) {
        finding_set(finding, "L-15 X-6 X-3", "");
        finding_expected(finding, "%s%s: no such number of pages, or no such mask", pl_status_name(wanted),
                         trapped ? " and a trap" : "");
        finding_actual(finding, "%s, %" PRIu64 " traps", pl_status_name(status),
                       oracle->services->trap.count - before->traps);
        return;
    }
    zone_check_unchanged(oracle, before, "X-3 L-15", finding);
}

void zone_do_exact(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    struct zone_slot *slot = &oracle->slots[op->slot];
    uint32_t nid = zone_node_of(oracle, op->mobility);
    uint64_t pages = exact_pages(op->value);
    uint32_t order = exact_order(pages);
    enum pl_status wanted = PL_OK;
    bool trapped = false;
    pl_frame first = pl_frame_none();
    if (slot->live)
        return;
    take_task(oracle, op);
    bool decided = is_decided(oracle, cpu, op, nid, pages, &wanted, &trapped);
    struct zone_expectation expected = zone_expect(oracle, cpu, nid, op->extra, decided ? 0 : order);
    struct zone_before before = zone_look(oracle, cpu);
    enum pl_status status =
        linux_alloc_pages_exact_nid(&oracle->zones, cpu, nid, op->value, op->extra, &first);
    if (finding->found)
        return;
    if (decided) {
        check_decided(oracle, &before, status, wanted, trapped, finding);
        return;
    }
    before.frames = oracle->frames; /* the page daemon may have taken some of the cache meanwhile */
    /* The surplus is free again when this looks: never fewer frames than the whole block would leave. */
    zone_check_outcome(oracle, cpu, &expected, &before, nid, op->extra, order, status, first, finding);
    if (status != PL_OK || finding->found)
        return;
    oracle->frames += pages;
    check_kept(oracle, &before, first, pages, order, finding);
    if (op->extra & LINUX_GFP_ZERO)
        zone_check_zero(oracle, first, pages, finding);
    if (finding->found)
        return;
    zone_stamp(oracle, first, pages);
    slot->live = true;
    slot->used = true;
    slot->exact = true;
    slot->first = first;
    slot->order = 0;
    slot->frames = pages;
    slot->bytes = op->value;
    slot->gone_count = 0;
    memset(slot->gone, 0, sizeof(slot->gone));
}
