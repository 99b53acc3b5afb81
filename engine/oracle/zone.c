/* The zones' oracle: makes a zone for each node of the services, runs the zone operations, and keeps the sums
 * that must hold after anybody's operation. */
#include "engine/oracle/zone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void zone_fini(void *self)
{
    struct zone_oracle *oracle = self;
    for (uint32_t i = 0; i < SERVICES_NODE_LIMIT; i++)
        free(oracle->pages[i]);
    free(oracle);
}

static int zone_init(struct services *services, void **self)
{
    struct zone_oracle *oracle = calloc(1, sizeof(*oracle));
    if (oracle == NULL)
        return -1;
    oracle->services = services;
    linux_zones_init(&oracle->zones, &services->trap);
    for (uint32_t i = 0; i < services->node_count; i++) {
        struct services_node *node = &services->nodes[i];
        oracle->pages[i] = calloc(1, linux_zone_bytes(node->machine));
        if (oracle->pages[i] == NULL) {
            zone_fini(oracle);
            return -1;
        }
        bool can_split = (node->instance->caps & PL_CAP_SPLIT) != 0;
        linux_zones_add(&oracle->zones, &node->gate, node->machine, oracle->pages[i], can_split,
                        node->instance->max_order);
    }
    *self = oracle;
    return 0;
}

static void zone_reset(void *self)
{
    struct zone_oracle *oracle = self;
    linux_zones_reset(&oracle->zones);
    for (uint32_t i = 0; i < ZONE_SLOT_COUNT; i++) {
        oracle->slots[i].live = false;
        oracle->slots[i].used = false;
    }
    for (uint32_t i = 0; i < oracle->services->node_count; i++)
        oracle->numbers[i] = zone_numbers_of(oracle->services->nodes[i].machine->frame_count);
    oracle->cache_count = 0;
    oracle->starved_count = 0;
    oracle->frames = 0;
    pageout_join(&oracle->services->pageout, zone_reclaim, oracle);
}

static void zone_run(void *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct zone_oracle *oracle = self;
    uint32_t node = zone_node_of(oracle, op->mobility) % oracle->services->node_count;
    if (op->slot >= ZONE_SLOT_COUNT)
        return;
    switch (op->kind) {
    case OP_ZONE_ALLOC:
        zone_do_alloc(oracle, cpu, op, finding);
        break;
    case OP_ZONE_FREE:
        zone_do_free(oracle, cpu, &oracle->slots[op->slot], finding);
        break;
    case OP_ZONE_BAD_FREE:
        zone_do_bad_free(oracle, cpu, op, finding);
        break;
    case OP_ZONE_EXACT:
        zone_do_exact(oracle, cpu, op, finding);
        break;
    case OP_ZONE_PAGE_FREE:
        zone_do_page_free(oracle, cpu, op, finding);
        break;
    case OP_ZONE_STARVE:
        zone_do_starve(oracle, cpu, op, finding);
        break;
    case OP_ZONE_FEED:
        zone_do_feed(oracle, cpu);
        break;
    case OP_ZONE_CACHE:
        zone_do_cache(oracle, cpu, op, finding);
        break;
    case OP_ZONE_TUNE:
        zone_do_tune(oracle, op, finding);
        break;
    case OP_ZONE_PROBE:
        zone_check_marks(oracle, node, op->order, finding);
        break;
    default:
        break;
    }
}

/* --- after anybody's operation --- */

static void check_node(const struct zone_oracle *oracle, uint32_t node, struct finding *finding)
{
    const struct services_node *at = &oracle->services->nodes[node];
    const struct linux_zone *zone = &oracle->zones.nodes[node];
    uint64_t published = linux_zone_free_frames(zone);
    uint64_t free_frames = gate_free_frames(&at->gate);
    if (published != shadow_free_frames(at->shadow)) {
        finding_set(finding, "L-19 X-4", "");
        finding_expected(finding, "%" PRIu64 " frames of node %" PRIu32 " are nobody's",
                         shadow_free_frames(at->shadow), node);
        finding_actual(finding, "the zone publishes %" PRIu64 " free", published);
    } else if (free_frames + at->gate.held > at->machine->frame_count) {
        finding_set(finding, "X-1 X-8 X-4", "no frame is free while a system has it");
        finding_actual(finding, "%" PRIu64 " free and %" PRIu64 " held, of %" PRIu64, free_frames,
                       at->gate.held, at->machine->frame_count);
    } else if (zone->marks.reserved_highatomic >
               zone->managed / 100 + (UINT64_C(1) << zone->pageblock_order)) {
        finding_set(finding, "L-18", "about one frame in a hundred is kept for atomic requests, no more");
        finding_actual(finding, "%" PRIu64 " of %" PRIu64, zone->marks.reserved_highatomic, zone->managed);
    }
}

static void zone_step(void *self, struct finding *finding)
{
    const struct zone_oracle *oracle = self;
    uint64_t allocated = 0;
    for (uint32_t i = 0; i < oracle->services->node_count && !finding->found; i++) {
        allocated += oracle->zones.nodes[i].allocated;
        check_node(oracle, i, finding);
    }
    if (finding->found || allocated == oracle->frames)
        return;
    finding_set(finding, "L-15 X-4", "");
    finding_expected(finding, "the callers have %" PRIu64 " frames of the zones", oracle->frames);
    finding_actual(finding, "the zones count %" PRIu64, allocated);
}

/* --- everything --- */

struct zone_ear {
    struct pl_visitor visitor;              /* first: the hooks get a pointer to it */
    uint64_t blocks[2][PL_ORDER_LIMIT + 1]; /* free and reserved; what caches hold */
    uint64_t others;                        /* metadata, lost: frames */
};

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct zone_ear *ear = (struct zone_ear *)visitor;
    bool cached = block->state == PL_BLOCK_CACHED;
    if (block->order > PL_ORDER_LIMIT)
        return;
    if (cached || block->state == PL_BLOCK_FREE || block->state == PL_BLOCK_RESERVED)
        ear->blocks[cached][block->order]++;
    else
        ear->others += UINT64_C(1) << block->order;
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    (void)words; /* the shadow's audit reports it */
}

/* The published count is the sum over orders of blocks times their size, and what caches hold (L-19). */
static void audit_node(const struct zone_oracle *oracle, uint32_t node, struct finding *finding)
{
    const struct services_node *at = &oracle->services->nodes[node];
    struct zone_ear ear = {
        .visitor = {.bytes = sizeof(ear.visitor), .block = hear_block, .broken = hear_broken}};
    uint64_t sum[2] = {0, 0};
    if (!instance_has_audit(at->instance))
        return;
    (void)at->instance->page.ops->audit(at->instance->page.self, &ear.visitor);
    for (uint32_t order = 0; order <= PL_ORDER_LIMIT; order++) {
        sum[0] += ear.blocks[0][order] << order;
        sum[1] += ear.blocks[1][order] << order;
    }
    uint64_t published = linux_zone_free_frames(&oracle->zones.nodes[node]);
    if (published == sum[0] + sum[1] + ear.others)
        return;
    finding_set(finding, "L-19", "");
    finding_expected(finding, "the zone publishes %" PRIu64 " free", published);
    finding_actual(finding,
                   "blocks by order sum to %" PRIu64 ", caches have %" PRIu64 ", %" PRIu64 " are unusable",
                   sum[0], sum[1], ear.others);
}

static void zone_audit(void *self, struct finding *finding)
{
    const struct zone_oracle *oracle = self;
    for (uint32_t i = 0; i < oracle->services->node_count && !finding->found; i++) {
        const struct zone_numbers *numbers = &oracle->numbers[i];
        const uint64_t *mark = oracle->zones.nodes[i].marks.mark;
        audit_node(oracle, i, finding);
        zone_audit_reserve(oracle, i, finding);
        if (finding->found ||
            (mark[0] == numbers->min && mark[1] == numbers->low && mark[2] == numbers->high))
            continue;
        finding_set(finding, "L-16", "");
        finding_expected(finding, "marks %" PRIu64 ", %" PRIu64 ", %" PRIu64 " for this zone", numbers->min,
                         numbers->low, numbers->high);
        finding_actual(finding, "%" PRIu64 ", %" PRIu64 ", %" PRIu64, mark[0], mark[1], mark[2]);
    }
}

static void zone_end(void *self, struct pl_cpu *cpu, struct finding *finding)
{
    struct zone_oracle *oracle = self;
    zone_do_feed(oracle, cpu);
    for (uint32_t i = 0; i < ZONE_SLOT_COUNT && !finding->found; i++)
        zone_do_free(oracle, cpu, &oracle->slots[i], finding);
    if (!finding->found)
        (void)zone_reclaim(oracle, cpu, UINT64_MAX);
    for (uint32_t i = 0; i < oracle->services->node_count && !finding->found; i++) {
        if (oracle->zones.nodes[i].allocated == 0 && oracle->frames == 0)
            continue;
        finding_set(finding, "X-4 L-15", "everything is given back: the zones have granted nothing");
        finding_actual(finding, "node %" PRIu32 " counts %" PRIu64 " frames", i,
                       oracle->zones.nodes[i].allocated);
    }
}

const struct oracle_ops oracle_zone = {
    .name = "zone",
    .init = zone_init,
    .fini = zone_fini,
    .reset = zone_reset,
    .run = zone_run,
    .step = zone_step,
    .audit = zone_audit,
    .end = zone_end,
};
