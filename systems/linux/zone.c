/* See zone.h. */
#include "systems/linux/zone.h"

#include <pagelab/check.h>

#include <string.h>

#include "systems/lie.h"

/* A byte of `pages`: 0 is no page of ours; else the block's order plus 1, and where the frames came from. */
#define PAGE_ORDER      0x1fu
#define PAGE_FROM_CACHE 0x20u
#define PAGE_TAIL       0x80u

_Static_assert(PL_ORDER_LIMIT + 1 <= PAGE_ORDER, "an order fits");

#define PAGEBLOCK_ORDER_MOST 9u
#define PAGEBLOCK_SHARE      32u /* blocks that even a small zone has */

/* --- a zone --- */

size_t linux_zone_bytes(const struct pl_machine *machine)
{
    return (size_t)machine->span;
}

void linux_zones_init(struct linux_zones *zones, struct trap *trap)
{
    memset(zones, 0, sizeof(*zones));
    zones->trap = trap;
}

void linux_zones_add(struct linux_zones *zones, struct gate *gate, const struct pl_machine *machine,
                     uint8_t *pages, bool can_split, uint32_t max_order)
{
    PL_ASSERT(zones->node_count < LINUX_ZONE_LIMIT);
    struct linux_zone *zone = &zones->nodes[zones->node_count++];
    zone->gate = gate;
    zone->pages = pages;
    zone->can_split = can_split;
    zone->max_order = max_order;
    zone->managed = machine->frame_count;
    zone->marks = linux_watermarks_of(zone->managed);
    while (zone->pageblock_order < PAGEBLOCK_ORDER_MOST &&
           UINT64_C(2) << zone->pageblock_order <= zone->managed / PAGEBLOCK_SHARE)
        zone->pageblock_order++;
}

void linux_zones_reset(struct linux_zones *zones)
{
    for (uint32_t i = 0; i < zones->node_count; i++) {
        struct linux_zone *zone = &zones->nodes[i];
        zone->marks = linux_watermarks_of(zone->managed);
        zone->allocated = 0;
        if (zone->used)
            memset(zone->pages, 0, linux_zone_bytes(zone->gate->machine));
        zone->used = false;
    }
    zones->task = (struct linux_task){.realtime = false};
    zones->daemon_wakes = 0;
    zones->direct_reclaims = 0;
}

uint64_t linux_zone_free_frames(const struct linux_zone *zone)
{
    return gate_free_frames(zone->gate) + (LIE("L-19") ? 1 : 0);
}

struct linux_zone *linux_zone_of(const struct linux_zones *zones, pl_frame frame)
{
    for (uint32_t i = 0; i < zones->node_count; i++) {
        if (gate_owns(zones->nodes[i].gate, frame))
            return (struct linux_zone *)&zones->nodes[i];
    }
    return NULL;
}

uint8_t *linux_zone_page(const struct linux_zone *zone, pl_frame frame)
{
    return &zone->pages[frame.number - zone->gate->frame_offset - zone->gate->machine->first.number];
}

bool linux_page_is_head(const struct linux_zones *zones, pl_frame frame, uint32_t *order)
{
    const struct linux_zone *zone = linux_zone_of(zones, frame);
    unsigned page = zone == NULL ? 0 : *linux_zone_page(zone, frame);
    if (page == 0 || page & PAGE_TAIL)
        return false;
    *order = (page & PAGE_ORDER) - 1;
    return true;
}

/* --- pageblocks for atomic requests: the numbers --- */

uint64_t linux_zone_highatomic_cap(const struct linux_zone *zone)
{
    uint64_t block = UINT64_C(1) << zone->pageblock_order;
    return (zone->managed / 100 + block - 1) / block * block;
}

bool linux_zone_reserve_highatomic(struct linux_zone *zone)
{
    uint64_t block = UINT64_C(1) << zone->pageblock_order;
    if (zone->marks.reserved_highatomic + block > linux_zone_highatomic_cap(zone))
        return false;
    zone->marks.reserved_highatomic += block;
    return true;
}

bool linux_zone_unreserve_highatomic(struct linux_zone *zone)
{
    uint64_t block = UINT64_C(1) << zone->pageblock_order;
    if (zone->marks.reserved_highatomic < block)
        return false;
    zone->marks.reserved_highatomic -= block;
    return true;
}

/* --- granting --- */

static void mark_block(struct linux_zone *zone, const struct pl_run *run)
{
    uint8_t *page = linux_zone_page(zone, run->first);
    unsigned from = run->flags & PL_RUN_FROM_CACHE ? PAGE_FROM_CACHE : 0;
    memset(page, PAGE_TAIL, (size_t)run->frame_count);
    page[0] = (uint8_t)((run->order + 1) | from);
    zone->used = true;
    zone->allocated += run->frame_count;
}

static void clear_contents(const struct linux_zone *zone, const struct pl_run *run)
{
    if (zone->gate->machine->contents != NULL && !LIE("X-9"))
        memset(gate_bytes(zone->gate, run->first), 0, (size_t)(run->frame_count * PL_FRAME_BYTES));
}

static enum pl_mobility mobility_of(uint32_t gfp)
{
    if (gfp & LINUX_GFP_MOVABLE)
        return PL_MOBILITY_MOVABLE;
    return gfp & LINUX_GFP_RECLAIMABLE ? PL_MOBILITY_RECLAIMABLE : PL_MOBILITY_UNMOVABLE;
}

static bool lets_through(const struct linux_zone *zone, uint32_t gfp, uint32_t order, uint32_t flags)
{
    return linux_watermark_fast(&zone->marks, gate_free_frames(zone->gate), order, flags,
                                linux_zone_index_of(gfp));
}

static bool zone_try(struct linux_zone *zone, struct pl_cpu *cpu, uint32_t gfp, uint32_t order,
                     uint32_t flags, struct pl_run *run)
{
    struct pl_page page = gate_page(zone->gate);
    struct pl_request request = {
        .order = (uint8_t)order,
        .alloc_class = PL_CLASS_INTERRUPT,
        .mobility = (uint8_t)mobility_of(gfp),
        .node = PL_NODE_ANY,
        .flags = gfp & LINUX_GFP_ZERO ? PL_REQUEST_ZERO : 0,
    };
    if (!lets_through(zone, gfp, order, flags))
        return false;
    if (page.ops->alloc(page.self, cpu, &request, run) != PL_OK)
        return false;
    mark_block(zone, run);
    if (gfp & LINUX_GFP_ZERO)
        clear_contents(zone, run);
    return true;
}

/* One pass over the nodes, the wanted one first. */
static bool nodes_try(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid, uint32_t gfp,
                      uint32_t order, uint32_t flags, struct pl_run *run)
{
    for (uint32_t i = 0; i < zones->node_count; i++) {
        if (zone_try(&zones->nodes[(nid + i) % zones->node_count], cpu, gfp, order, flags, run))
            return true;
        if (gfp & LINUX_GFP_THISNODE)
            break;
    }
    return false;
}

bool linux_zones_may_ask(struct linux_zones *zones, const struct pl_cpu *cpu, uint32_t nid, uint32_t gfp)
{
    if (cpu->context != PL_CONTEXT_TASK && linux_gfp_may_sleep(gfp))
        trap_take(zones->trap, "alloc_pages", "L-17", "mask 0x%x may sleep, at interrupt level", gfp);
    else if (gfp & ~LINUX_GFP_ALL)
        trap_take(zones->trap, "alloc_pages", "3.4", "mask 0x%x has bits that do not exist", gfp);
    else if (nid >= zones->node_count)
        trap_take(zones->trap, "alloc_pages", "3.3", "node %u of %u", nid, zones->node_count);
    else
        return true;
    return false;
}

/* Frames that reclaim goes for, however few are wanted. */
#define RECLAIM_BATCH UINT64_C(32)

/* The caller may sleep: lets the page daemon work, as long as that brings something. */
static enum pl_status reclaim_and_try(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid,
                                      uint32_t gfp, uint32_t order, uint32_t flags, struct pl_run *run)
{
    struct gate *gate = zones->nodes[nid].gate;
    uint64_t wanted = UINT64_C(1) << order > RECLAIM_BATCH ? UINT64_C(1) << order : RECLAIM_BATCH;
    uint64_t freed;
    do {
        zones->direct_reclaims++;
        freed = gate_sleep(gate, cpu, "direct reclaim", wanted);
        if (nodes_try(zones, cpu, nid, gfp, order, flags, run))
            return PL_OK;
        /* NOFAIL outweighs NORETRY: while memory comes free, waiting is not for ever. */
    } while (freed != 0 && ((gfp & LINUX_GFP_NOFAIL) || !(gfp & LINUX_GFP_NORETRY)));
    if (!(gfp & LINUX_GFP_NOFAIL))
        return PL_NO_MEMORY;
    gate->would_sleep++;
    return PL_WOULD_SLEEP;
}

/* Is there a node that could grant such a block if all of it were free? If not, reclaim would empty the page
 * cache for nothing. */
static bool is_possible(const struct linux_zones *zones, uint32_t nid, uint32_t gfp, uint32_t order)
{
    for (uint32_t i = 0; i < zones->node_count; i++) {
        const struct linux_zone *zone = &zones->nodes[i];
        bool allowed = i == nid || !(gfp & LINUX_GFP_THISNODE);
        if (allowed && order <= zone->max_order && UINT64_C(1) << order <= zone->managed)
            return true;
    }
    return false;
}

enum pl_status linux_alloc_pages(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid, uint32_t gfp,
                                 uint32_t order, struct pl_run *run)
{
    if (!linux_zones_may_ask(zones, cpu, nid, gfp))
        return PL_INVALID;
    if (order > PL_ORDER_LIMIT || !is_possible(zones, nid, gfp, order))
        return PL_NO_MEMORY;
    if (nodes_try(zones, cpu, nid, gfp, order, linux_alloc_flags_fast(gfp), run))
        return PL_OK;
    if (gfp & LINUX_GFP_KSWAPD_RECLAIM)
        zones->daemon_wakes++;
    uint32_t flags = linux_alloc_flags_slow(gfp, order, cpu, &zones->task);
    if (nodes_try(zones, cpu, nid, gfp, order, flags, run))
        return PL_OK;
    if (!linux_gfp_may_sleep(gfp) && !(LIE("L-17") && cpu->context == PL_CONTEXT_TASK))
        return PL_NO_MEMORY;
    return reclaim_and_try(zones, cpu, nid, gfp, order, flags, run);
}

/* --- frames that the kernel takes for itself --- */

static bool find_node(const struct linux_zones *zones, uint32_t *nid, uint32_t gfp, uint32_t flags)
{
    for (uint32_t i = 0; i < zones->node_count; i++) {
        uint32_t node = (*nid + i) % zones->node_count;
        if (lets_through(&zones->nodes[node], gfp, 0, flags)) {
            *nid = node;
            return true;
        }
        if (gfp & LINUX_GFP_THISNODE)
            break;
    }
    return false;
}

bool linux_zones_wait(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t *nid, uint32_t gfp)
{
    const struct linux_task plain = {.realtime = false};
    struct gate *gate = zones->nodes[*nid].gate;
    if (find_node(zones, nid, gfp, linux_alloc_flags_fast(gfp)))
        return true;
    zones->daemon_wakes++;
    uint32_t flags = linux_alloc_flags_slow(gfp, 0, cpu, &plain);
    while (!find_node(zones, nid, gfp, flags)) {
        zones->direct_reclaims++;
        if (gate_sleep(gate, cpu, "direct reclaim", RECLAIM_BATCH) == 0)
            return false;
    }
    return true;
}

/* --- giving back --- */

enum pl_status linux_free_pages(struct linux_zones *zones, struct pl_cpu *cpu, pl_frame first, uint32_t order)
{
    struct linux_zone *zone = linux_zone_of(zones, first);
    uint32_t granted = 0;
    bool is_head = linux_page_is_head(zones, first, &granted);
    if (zone == NULL || !is_head || granted != order) {
        if (LIE("X-10"))
            return PL_OK;
        trap_take(zones->trap, "free_pages", "X-10", "frame 0x%llx is no granted block of order %u",
                  (unsigned long long)first.number, order);
        return PL_REFUSED;
    }
    uint8_t *page = linux_zone_page(zone, first);
    struct pl_page to = gate_page(zone->gate);
    struct pl_run run = {
        .first = first,
        .frame_count = UINT64_C(1) << order,
        .order = order,
        .flags = *page & PAGE_FROM_CACHE ? PL_RUN_FROM_CACHE : 0,
    };
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    if (status != PL_OK)
        return status;
    if (!LIE("X-8"))
        memset(page, 0, (size_t)run.frame_count);
    zone->allocated -= run.frame_count;
    return PL_OK;
}

enum pl_status linux_zone_split(struct linux_zone *zone, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct pl_page page = gate_page(zone->gate);
    uint8_t *bytes = linux_zone_page(zone, run->first);
    enum pl_status status = page.ops->split(page.self, cpu, run, 0);
    if (status == PL_OK)
        memset(bytes, (int)((bytes[0] & PAGE_FROM_CACHE) | 1u), (size_t)run->frame_count);
    return status;
}
