/* Pages of an area in a process's addresses, after remap_vmalloc_range of Linux 5.7 and later. */
#ifndef SYSTEMS_LINUX_REMAP_H
#define SYSTEMS_LINUX_REMAP_H

#include "systems/linux/mm.h"

/* A range of a process's addresses, [start, end). The caller's; fills in the first three and zeroes the rest.
 * While pages are mapped it stays where it is. */
struct linux_vma {
    uint32_t view;
    uint64_t start;
    uint64_t end;
    struct linux_area *area; /* whose pages are mapped; NULL: none */
    uint64_t pages;          /* mapped, from start on */
    struct linux_vma *next;
};

/* Maps the area that starts at `addr`, from page `pgoff` of it on, into all of the vma. 0; LINUX_EINVAL: the
 * areas or addresses are not such that this can be (3.2); LINUX_EBUSY: a page is mapped there; LINUX_ENOMEM:
 * no memory for a table. After the last two, pages inserted before stay inserted. Traps at interrupt level.
 * May sleep. */
int linux_remap_vmalloc_range(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_vma *vma, uint64_t addr,
                              uint64_t pgoff);

/* Unmaps what is mapped, if anything; the process's tables stay until its view is dropped. Traps for what
 * only looks like a mapped vma: a copy, or one of a view that is gone. Never sleeps. */
void linux_unmap_vma(struct linux_mm *mm, struct linux_vma *vma);

#endif
