/* Areas of the kernel's addresses, after Linux 4.x mm/vmalloc.c: alloc_vm_area reserves addresses and
 * prepares their tables, so that pages can later be put there by plain stores, without any allocation;
 * vmalloc_user brings the pages, too, and may be remapped into a process.
 *
 *     addr                          addr + bytes - P      addr + bytes
 *     | page | page | ...           | guard: never mapped |
 *
 * Addresses and descriptors are free for reuse at once: nothing is purged lazily here, which Linux may do. */
#ifndef SYSTEMS_LINUX_AREA_H
#define SYSTEMS_LINUX_AREA_H

#include "systems/linux/mm.h"

#define LINUX_VM_IOREMAP      UINT32_C(0x01)
#define LINUX_VM_ALLOC        UINT32_C(0x02)
#define LINUX_VM_USERMAP      UINT32_C(0x08)
#define LINUX_VM_DMA_COHERENT UINT32_C(0x10)

/* IOREMAP areas are aligned to a power of two near their size, at most this. */
#define LINUX_IOREMAP_ORDER_MAX (7u + PL_FRAME_SHIFT)

/* The descriptor, vm_struct. Owned by the address space; callers read. */
struct linux_area {
    uint64_t addr;
    uint64_t bytes; /* guard page included */
    uint32_t flags; /* LINUX_VM_* */
    uint32_t user_vmas;
    uint64_t serial; /* unique in a run: descriptors are reused, serials are not */
    struct linux_area *next;
};

/* Bytes without the guard page. */
PL_INLINE uint64_t linux_area_usable(const struct linux_area *area)
{
    return area->bytes - PL_FRAME_BYTES;
}

/* Addresses for `bytes`, a multiple of the page (else trap R-7; 0: NULL), and all tables for them; no page
 * is mapped. If `ptes` is not NULL, ptes[i] becomes the leaf entry of page i; it has room for bytes / P.
 * NULL: no addresses, or no memory. Then CONTRACT_DOC leaves no table behind and ptes unwritten;
 * CONTRACT_REAL keeps the tables made so far and has written the ptes of these. Traps at interrupt
 * level (L-13). May sleep. */
struct linux_area *linux_alloc_vm_area(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes,
                                       uint64_t **ptes);

/* Clears the area's leaf entries and forgets it; tables stay, mapped frames remain their owner's. Traps for
 * what is not an area of alloc_vm_area, and at interrupt level. The caller's ptes are dead. */
void linux_free_vm_area(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_area *area);

/* An area with pages in it, zeroed, from node `node` or if that has none, from another; `bytes` is rounded up
 * to pages. NULL: as above, and CONTRACT_REAL keeps the tables. Traps at interrupt level. May sleep. */
struct linux_area *linux_vmalloc_user(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes, uint32_t node);

/* Gives pages and addresses back. Traps if no area of vmalloc_user starts at `addr`, at interrupt level, and
 * while a process has pages of it mapped: frames here have no count of their users, so the caller unmaps
 * first. */
void linux_vfree(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr);

/* The live area that starts at `addr`, or NULL. */
struct linux_area *linux_find_area(const struct linux_mm *mm, uint64_t addr);

/* Alignment of an IOREMAP area: ceil(log2) of its bytes by the documents; one more for powers of two by the
 * code, which counts bits. */
uint64_t linux_ioremap_alignment(enum contract contract, uint64_t bytes);

#endif
