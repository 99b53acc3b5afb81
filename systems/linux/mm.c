/* See mm.h. */
#include "systems/linux/mm.h"

#include <pagelab/check.h>

#include <string.h>

#include "systems/lie.h"
#include "systems/linux/area.h"
#include "systems/linux/remap.h"
#include "systems/linux/tables.h"

void linux_mm_init(struct linux_mm *mm, const struct linux_mm_config *config)
{
    memset(mm, 0, sizeof(*mm));
    mm->config = *config;
    PL_ASSERT(config->node_count > 0 && config->node_count <= LINUX_NODE_LIMIT);
    PL_ASSERT(config->window_addr >= ~(LINUX_USER_END - 1) && config->window_addr % PL_FRAME_BYTES == 0);
    PL_ASSERT(config->window_bytes % PL_FRAME_BYTES == 0 && config->window_bytes <= ~config->window_addr);
    slab_init(&mm->descriptors, config->gates[0], sizeof(struct linux_area));
}

void linux_mm_fini(struct linux_mm *mm, struct pl_cpu *cpu)
{
    PL_ASSERT(mm->area_count == 0);
    for (uint32_t i = 0; i < LINUX_VIEW_LIMIT; i++) {
        if (mm->views[i].live)
            linux_view_drop(mm, cpu, i);
    }
    linux_tables_put(mm, cpu, mm->top, 0, LINUX_ENTRIES);
}

unsigned char *linux_frame_bytes(const struct linux_mm *mm, pl_frame frame)
{
    for (uint32_t i = 0; i < mm->config.node_count; i++) {
        if (gate_owns(mm->config.gates[i], frame))
            return gate_bytes(mm->config.gates[i], frame);
    }
    return NULL;
}

void linux_set_pte(uint64_t *slot, uint64_t entry)
{
    *slot = entry;
    if (LIE("L-8"))
        slot[(uintptr_t)slot / sizeof(*slot) % LINUX_ENTRIES == 0 ? 1 : -1] = entry;
}

bool linux_in_task(struct linux_mm *mm, const struct pl_cpu *cpu, const char *call, const char *rule)
{
    if (cpu->context == PL_CONTEXT_TASK)
        return true;
    if (!LIE("L-13"))
        trap_take(mm->config.trap, call, rule, "called from interrupt context %u", cpu->context);
    return false;
}

bool linux_may_take(struct linux_mm *mm, struct pl_cpu *cpu, uint32_t *nid, bool this_node)
{
    uint32_t gfp = LINUX_GFP_KERNEL | (this_node ? LINUX_GFP_THISNODE : 0);
    return mm->config.zones == NULL || linux_zones_wait(mm->config.zones, cpu, nid, gfp);
}

struct pl_request linux_kernel_request(const struct linux_mm *mm)
{
    return (struct pl_request){
        .alloc_class = mm->config.zones == NULL ? PL_CLASS_NORMAL : PL_CLASS_INTERRUPT,
        .node = PL_NODE_ANY,
        .flags = PL_REQUEST_WAIT_OK,
    };
}

/* --- views --- */

uint64_t *linux_view_top(struct linux_mm *mm, uint32_t view)
{
    if (view == LINUX_KERNEL_VIEW)
        return mm->top;
    if (view >= LINUX_VIEW_LIMIT || !mm->views[view].live)
        return NULL;
    return (uint64_t *)(void *)linux_frame_bytes(mm, mm->views[view].top.first);
}

uint32_t linux_view_new(struct linux_mm *mm, struct pl_cpu *cpu)
{
    uint32_t id = 0;
    if (!linux_in_task(mm, cpu, "linux_view_new", "3.1"))
        return LINUX_VIEW_NONE;
    while (id < LINUX_VIEW_LIMIT && mm->views[id].live)
        id++;
    if (id == LINUX_VIEW_LIMIT)
        return LINUX_VIEW_NONE;
    struct linux_view *view = &mm->views[id];
    if (linux_table_get(mm, cpu, &view->top) != PL_OK)
        return LINUX_VIEW_NONE;
    view->top.flags &= ~PL_RUN_ZERO;
    view->vmas = NULL;
    view->live = true;
    uint64_t *top = linux_view_top(mm, id);
    memcpy(top + LINUX_ENTRIES / 2, mm->top + LINUX_ENTRIES / 2, PL_FRAME_BYTES / 2);
    return id;
}

void linux_view_drop(struct linux_mm *mm, struct pl_cpu *cpu, uint32_t view)
{
    if (!linux_in_task(mm, cpu, "linux_view_drop", "3.1"))
        return;
    uint64_t *top = linux_view_top(mm, view);
    if (top == NULL || view == LINUX_KERNEL_VIEW) {
        trap_take(mm->config.trap, "linux_view_drop", "L-21", "view %u does not exist", view);
        return;
    }
    while (mm->views[view].vmas != NULL)
        linux_unmap_vma(mm, mm->views[view].vmas);
    linux_tables_put(mm, cpu, top, 0, LINUX_ENTRIES / 2);
    mm->views[view].live = false;
    linux_table_put(mm, cpu, &mm->views[view].top);
}
