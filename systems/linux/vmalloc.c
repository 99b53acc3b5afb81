/* Areas that come with pages: vmalloc_user and vfree; see area.h. The leaf entries are the only list of the
 * pages: what is unmapped there is what goes back. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/linux/area_internal.h"
#include "systems/linux/tables.h"

static struct gate *gate_of(const struct linux_mm *mm, pl_frame frame)
{
    uint32_t node = 0;
    while (!gate_owns(mm->config.gates[node], frame)) {
        node++;
        PL_ASSERT(node < mm->config.node_count);
    }
    return mm->config.gates[node];
}

static void put_frame(struct linux_mm *mm, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct pl_page to = gate_page(gate_of(mm, run->first));
    if (to.ops->free(to.self, cpu, run) != PL_OK)
        mm->refused++;
}

static void put_entry(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t entry)
{
    struct pl_run run = linux_entry_run(entry);
    put_frame(mm, cpu, &run);
}

/* A zeroed frame, from the node that the watermarks say, else from another; the last node asked is the one
 * that is waited for. */
static bool get_frame(struct linux_mm *mm, struct pl_cpu *cpu, uint32_t node, struct pl_run *run)
{
    uint32_t count = mm->config.node_count;
    if (!linux_may_take(mm, cpu, &node, false))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t nid = (node + i) % count;
        struct pl_page from = gate_page(mm->config.gates[nid]);
        struct pl_request request = linux_kernel_request(mm);
        if (i > 0 && !linux_may_take(mm, cpu, &nid, true))
            continue;
        if (i + 1 < count)
            request.flags &= ~PL_REQUEST_WAIT_OK;
        request.flags |= PL_REQUEST_ZERO;
        memset(run, 0, sizeof(*run));
        if (from.ops->alloc(from.self, cpu, &request, run) != PL_OK)
            continue;
        if (!linux_entry_holds(run->first)) {
            put_frame(mm, cpu, run);
            return false;
        }
        if ((run->flags & PL_RUN_ZERO) == 0)
            memset(linux_frame_bytes(mm, run->first), 0, PL_FRAME_BYTES);
        return true;
    }
    return false;
}

static bool fill(struct linux_mm *mm, struct pl_cpu *cpu, const struct linux_area *area, uint32_t node)
{
    for (uint64_t at = 0; at < linux_area_usable(area); at += PL_FRAME_BYTES) {
        struct pl_run run;
        if (!get_frame(mm, cpu, node, &run))
            return false;
        uint64_t *slot = linux_entry_at(mm, mm->top, area->addr + at, 0);
        *slot = linux_entry_of(run.first) | linux_entry_flags(&run);
    }
    return true;
}

/* All frames of all nodes: who asks for more need not be tried. */
static uint64_t frames_of(const struct linux_mm *mm)
{
    uint64_t frames = 0;
    for (uint32_t node = 0; node < mm->config.node_count; node++)
        frames += mm->config.gates[node]->machine->frame_count;
    return frames;
}

struct linux_area *linux_vmalloc_user(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes, uint32_t node)
{
    uint64_t rounded = (bytes + PL_FRAME_BYTES - 1) & ~(PL_FRAME_BYTES - 1);
    if (!linux_in_task(mm, cpu, "vmalloc_user", "L-13"))
        return NULL;
    if (rounded < bytes || rounded / PL_FRAME_BYTES > frames_of(mm))
        return NULL;
    struct linux_area *area = area_make(mm, cpu, rounded, LINUX_VM_ALLOC | LINUX_VM_USERMAP);
    if (area == NULL)
        return NULL;
    bool made = area_make_tables(mm, cpu, area->addr, rounded, NULL) && fill(mm, cpu, area, node);
    if (!made)
        area_clear(mm, cpu, area, put_entry);
    area_settle_tables(mm, cpu, area->addr, rounded, made);
    if (made)
        return area;
    area_drop(mm, cpu, area);
    return NULL;
}

void linux_vfree(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr)
{
    if (!linux_in_task(mm, cpu, "vfree", "3.1"))
        return;
    struct linux_area *area = linux_find_area(mm, addr);
    if (area == NULL || (area->flags & LINUX_VM_ALLOC) == 0) {
        trap_take(mm->config.trap, "vfree", "L-12", "no vmalloc area starts at 0x%llx",
                  (unsigned long long)addr);
        return;
    }
    if (area->user_vmas != 0) {
        trap_take(mm->config.trap, "vfree", "X-8", "%u processes' mappings reach its pages", area->user_vmas);
        return;
    }
    area_clear(mm, cpu, area, put_entry);
    area_drop(mm, cpu, area);
}
