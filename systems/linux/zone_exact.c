/* alloc_pages_exact_nid and its free: single pages in a row; see zone.h. Failure after the grant gives the
 * grant back whole, so that a call that does not succeed leaves nothing behind. */
#include "systems/lie.h"
#include "systems/linux/zone.h"

/* Pages that the bytes fill, 0 if there is no such number: none, or the sum wraps. */
static uint64_t pages_of(uint64_t bytes)
{
    if (bytes > UINT64_MAX - (PL_FRAME_BYTES - 1) && !LIE("X-6"))
        return 0;
    uint64_t rounded = (bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES;
    return rounded == 0 && LIE("X-6") ? 1 : rounded;
}

static uint32_t order_of(uint64_t pages)
{
    uint32_t order = 0;
    while (order <= PL_ORDER_LIMIT && UINT64_C(1) << order < pages)
        order++;
    return order;
}

static enum pl_status free_from(struct linux_zones *zones, struct pl_cpu *cpu, pl_frame first, uint64_t from,
                                uint64_t end)
{
    for (uint64_t i = from; i < end; i++) {
        enum pl_status status = linux_free_pages(zones, cpu, pl_frame_at(first.number + i), 0);
        if (status != PL_OK)
            return status;
    }
    return PL_OK;
}

enum pl_status linux_alloc_pages_exact_nid(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid,
                                           uint64_t bytes, uint32_t gfp, pl_frame *first)
{
    uint64_t pages = pages_of(bytes);
    uint32_t order = order_of(pages);
    struct pl_run run = {0};
    if (gfp & (LINUX_GFP_COMP | LINUX_GFP_HIGHMEM)) {
        trap_take(zones->trap, "alloc_pages_exact_nid", "3.3", "mask 0x%x has COMP or HIGHMEM", gfp);
        return PL_INVALID;
    }
    if (!linux_zones_may_ask(zones, cpu, nid, gfp))
        return PL_INVALID;
    if (pages == 0 || order > PL_ORDER_LIMIT)
        return PL_NO_MEMORY;
    if (order > 0 && !zones->nodes[nid].can_split)
        return PL_UNSUPPORTED;
    enum pl_status status = linux_alloc_pages(zones, cpu, nid, gfp, order, &run);
    if (status != PL_OK)
        return status;
    *first = run.first;
    if (order == 0)
        return PL_OK;
    status = linux_zone_split(linux_zone_of(zones, run.first), cpu, &run);
    if (status != PL_OK) {
        (void)linux_free_pages(zones, cpu, run.first, order);
        return status;
    }
    return free_from(zones, cpu, run.first, pages + (LIE("L-15") ? 1 : 0), run.frame_count);
}

enum pl_status linux_free_pages_exact(struct linux_zones *zones, struct pl_cpu *cpu, pl_frame first,
                                      uint64_t bytes)
{
    uint64_t pages = pages_of(bytes);
    for (uint64_t i = 0; i < pages || pages == 0; i++) {
        uint32_t order = 0;
        if (pages == 0 || !linux_page_is_head(zones, pl_frame_at(first.number + i), &order) || order != 0) {
            trap_take(zones->trap, "free_pages_exact", "X-10", "0x%llx+%llu bytes are not single pages",
                      (unsigned long long)first.number, (unsigned long long)bytes);
            return PL_REFUSED;
        }
    }
    return free_from(zones, cpu, first, 0, pages);
}
