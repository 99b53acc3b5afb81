/* To the edge of a watermark and back: taking frames until exactly so many are left, the page cache that the
 * page daemon may shrink, and the zone's numbers that move the edge. */
#include <inttypes.h>

#include "engine/oracle/zone.h"

void zone_do_starve(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                    struct finding *finding)
{
    uint32_t node = zone_node_of(oracle, op->mobility) % oracle->services->node_count;
    struct services_node *at = &oracle->services->nodes[node];
    struct zone_right right = zone_right_of_level(op->flags % OP_ZONE_LEVEL_COUNT);
    uint64_t edge = zone_needs(&oracle->numbers[node], 0, &right) + op->order % 5u;
    uint64_t leave = edge < 2 ? 0 : edge - 2;
    uint32_t order = at->instance->max_order;
    while (!finding->found && shadow_free_frames(at->shadow) > leave &&
           oracle->starved_count < ZONE_STARVED_LIMIT) {
        uint64_t take = shadow_free_frames(at->shadow) - leave;
        while (order > 0 && UINT64_C(1) << order > take)
            order--;
        struct pl_request request = {
            .order = (uint8_t)order, .alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
        struct pl_run *run = &oracle->starved[oracle->starved_count].run;
        if (at->page.ops->alloc(at->page.self, cpu, &request, run) == PL_OK)
            oracle->starved[oracle->starved_count++].node = node;
        else if (order-- == 0)
            return; /* a candidate that cannot give every frame, or a failure on purpose */
    }
}

void zone_do_feed(struct zone_oracle *oracle, struct pl_cpu *cpu)
{
    while (oracle->starved_count > 0) {
        oracle->starved_count--;
        const struct pl_run *run = &oracle->starved[oracle->starved_count].run;
        struct services_node *at = &oracle->services->nodes[oracle->starved[oracle->starved_count].node];
        (void)at->page.ops->free(at->page.self, cpu, run);
    }
}

/* --- the page cache --- */

void zone_do_cache(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    uint32_t nid = zone_node_of(oracle, op->mobility) % oracle->services->node_count;
    uint32_t gfp = LINUX_GFP_NOWAIT | LINUX_GFP_MOVABLE;
    for (uint32_t i = 0; i < op->count && oracle->cache_count < ZONE_CACHE_LIMIT; i++) {
        struct pl_run run = {0};
        if (zone_call(oracle, cpu, nid, gfp, 0, &run, finding) != PL_OK || finding->found)
            return;
        oracle->cache[oracle->cache_count++] = run.first;
    }
}

uint64_t zone_reclaim(void *self, struct pl_cpu *cpu, uint64_t wanted)
{
    struct zone_oracle *oracle = self;
    uint32_t given = 0;
    while (given < oracle->cache_count && given < wanted &&
           linux_free_pages(&oracle->zones, cpu, oracle->cache[given], 0) == PL_OK)
        given++;
    oracle->cache_count -= given;
    oracle->frames -= given;
    for (uint32_t i = 0; i < oracle->cache_count; i++)
        oracle->cache[i] = oracle->cache[i + given];
    return given;
}

/* --- the zone's numbers --- */

/* Pageblocks of a 32nd of the zone, at most 512 frames; at most a hundredth of it, rounded up to a block. */
static uint64_t highatomic_of(uint64_t managed, uint64_t blocks)
{
    uint64_t block = 1;
    while (block < 512 && block * 2 <= managed / 32)
        block *= 2;
    uint64_t most = managed / 100;
    most = most % block == 0 ? most : most - most % block + block;
    return blocks * block < most ? blocks * block : most;
}

void zone_do_tune(struct zone_oracle *oracle, const struct op *op, struct finding *finding)
{
    uint32_t node = zone_node_of(oracle, op->mobility) % oracle->services->node_count;
    struct linux_zone *zone = &oracle->zones.nodes[node];
    struct zone_numbers *numbers = &oracle->numbers[node];
    numbers->boost = op->count % 256u;
    numbers->cma = op->extra % 256u;
    numbers->highatomic = highatomic_of(zone->managed, op->order);
    zone->marks.boost = numbers->boost;
    zone->marks.free_cma = numbers->cma;
    while (linux_zone_unreserve_highatomic(zone)) {
    }
    for (unsigned i = 0; i < op->order && linux_zone_reserve_highatomic(zone); i++) {
    }
    if (zone->marks.reserved_highatomic == numbers->highatomic)
        return;
    finding_set(finding, "L-18", "");
    finding_expected(finding, "%u pageblocks kept, up to the cap: %" PRIu64 " frames", op->order,
                     numbers->highatomic);
    finding_actual(finding, "%" PRIu64, zone->marks.reserved_highatomic);
}
