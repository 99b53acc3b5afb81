/* See remap.h. */
#include "systems/linux/remap.h"

#include <pagelab/mutant.h>

#include "systems/lie.h"
#include "systems/linux/area.h"
#include "systems/linux/tables.h"

/* The area, if every rule of 3.2 allows it; in their order there. */
static struct linux_area *find_mappable(struct linux_mm *mm, const struct linux_vma *vma, uint64_t addr,
                                        uint64_t pgoff)
{
    uint64_t offset = pgoff << PL_FRAME_SHIFT;
    uint64_t bytes = vma->end - vma->start;
    uint64_t rounded = (bytes + PL_FRAME_BYTES - 1) & ~(PL_FRAME_BYTES - 1);
    if (offset >> PL_FRAME_SHIFT != pgoff && PL_MUTANT("linux-remap-shift"))
        PL_MUTANT_TRIGGERED("linux-remap-shift", true);
    else if (offset >> PL_FRAME_SHIFT != pgoff && !LIE("L-14"))
        return NULL;
    if (vma->start % PL_FRAME_BYTES != 0 || addr % PL_FRAME_BYTES != 0)
        return NULL;
    struct linux_area *area = linux_find_area(mm, addr);
    if (area == NULL || (area->flags & (LINUX_VM_USERMAP | LINUX_VM_DMA_COHERENT)) == 0)
        return NULL;
    if (vma->end <= vma->start || rounded < bytes || rounded + offset < rounded)
        return NULL;
    if (PL_MUTANT("linux-remap-offset"))
        PL_MUTANT_TRIGGERED("linux-remap-offset", rounded + offset > linux_area_usable(area));
    else if (rounded + offset > linux_area_usable(area))
        return NULL;
    /* A vma of the real kernel lies in the lower half and in a process; here the caller could say otherwise.
     */
    if (vma->start >= LINUX_USER_END || rounded > LINUX_USER_END - vma->start)
        return NULL;
    return vma->view == LINUX_KERNEL_VIEW || linux_view_top(mm, vma->view) == NULL ? NULL : area;
}

static void join(struct linux_mm *mm, struct linux_vma *vma, struct linux_area *area)
{
    vma->area = area;
    area->user_vmas++;
    vma->next = mm->views[vma->view].vmas;
    mm->views[vma->view].vmas = vma;
}

static int insert_page(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_vma *vma, uint64_t from)
{
    uint64_t *top = linux_view_top(mm, vma->view);
    uint64_t *source = linux_entry_at(mm, mm->top, from, 0);
    if (source == NULL || (*source & LINUX_PRESENT) == 0)
        return LINUX_EINVAL;
    uint64_t *slot = linux_leaf_make(mm, cpu, top, vma->start + vma->pages * PL_FRAME_BYTES);
    if (slot == NULL)
        return LINUX_ENOMEM;
    if (*slot != 0)
        return LINUX_EBUSY;
    *slot = (linux_entry_of(linux_entry_frame(*source)) & ~LINUX_GLOBAL) | LINUX_USER;
    vma->pages++;
    return 0;
}

int linux_remap_vmalloc_range(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_vma *vma, uint64_t addr,
                              uint64_t pgoff)
{
    if (!linux_in_task(mm, cpu, "remap_vmalloc_range", "3.2"))
        return LINUX_EINVAL;
    struct linux_area *area = find_mappable(mm, vma, addr, pgoff);
    if (area == NULL)
        return LINUX_EINVAL;
    if (vma->area != NULL)
        return LINUX_EBUSY;
    uint64_t from = addr + (pgoff << PL_FRAME_SHIFT);
    int error = 0;
    for (uint64_t at = 0; at < vma->end - vma->start && error == 0; at += PL_FRAME_BYTES)
        error = insert_page(mm, cpu, vma, from + at);
    if (vma->pages != 0)
        join(mm, vma, area);
    return error;
}

/* Where this very vma hangs among those of its view; NULL: nowhere. */
static struct linux_vma **find_link(struct linux_mm *mm, const struct linux_vma *vma)
{
    if (vma->view >= LINUX_VIEW_LIMIT || !mm->views[vma->view].live)
        return NULL;
    struct linux_vma **link = &mm->views[vma->view].vmas;
    while (*link != NULL && *link != vma)
        link = &(*link)->next;
    return *link == NULL ? NULL : link;
}

void linux_unmap_vma(struct linux_mm *mm, struct linux_vma *vma)
{
    if (vma != NULL && vma->area == NULL)
        return;
    struct linux_vma **link = vma == NULL ? NULL : find_link(mm, vma);
    if (link == NULL) {
        trap_take(mm->config.trap, "linux_unmap_vma", "X-10", "no view has this vma mapped");
        return;
    }
    uint64_t *top = linux_view_top(mm, vma->view);
    for (uint64_t page = 0; page < vma->pages; page++)
        *linux_entry_at(mm, top, vma->start + page * PL_FRAME_BYTES, 0) = 0;
    *link = vma->next;
    vma->next = NULL;
    vma->area->user_vmas--;
    vma->area = NULL;
    vma->pages = 0;
}
