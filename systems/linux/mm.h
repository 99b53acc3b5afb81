/* A kernel's address space after Linux on x86-64: a window of addresses from which areas are cut, and tables
 * of four levels, 512 entries of 8 bytes each, that say which frame each page is.
 *
 *     entry   63        51                 12 11      9 8        0
 *             no-exec   frame number          ours      bits as the processor reads them
 *
 * The kernel's top-level table is part of the kernel, so it never has to be got; the tables below it come
 * from the table service and are kept for reuse until the address space ends. A process has a top-level table
 * of its own: a view. Its upper half is a copy of the kernel's, so that all views share what is below; its
 * lower half is the process's.
 *
 * All calls: the caller serialises. What may sleep says so; nothing else does, nor calls an allocator. */
#ifndef SYSTEMS_LINUX_MM_H
#define SYSTEMS_LINUX_MM_H

#include <pagelab/page_table.h>

#include "systems/contract.h"
#include "systems/linux/zone.h"
#include "systems/slab/slab.h"
#include "systems/trap.h"

#define LINUX_ENTRIES      512u
#define LINUX_TOP_LEVEL    3u /* 0: the leaf tables, whose entries name pages */
#define LINUX_NODE_LIMIT   2u
#define LINUX_VIEW_LIMIT   16u
#define LINUX_BUCKETS      256u
#define LINUX_USER_END     (UINT64_C(1) << 47)
#define LINUX_KERNEL_VIEW  UINT32_MAX /* the kernel's own top-level table */
#define LINUX_VIEW_NONE    (UINT32_MAX - 1)
#define LINUX_FRAME_NUMBER UINT64_C(0x000ffffffffff000)

#define LINUX_PRESENT  UINT64_C(0x001)
#define LINUX_WRITABLE UINT64_C(0x002)
#define LINUX_USER     UINT64_C(0x004)
#define LINUX_ACCESSED UINT64_C(0x020)
#define LINUX_DIRTY    UINT64_C(0x040)
#define LINUX_GLOBAL   UINT64_C(0x100)
#define LINUX_NO_EXEC  (UINT64_C(1) << 63)

/* Errors of those calls that have a code. */
#define LINUX_ENOMEM (-12)
#define LINUX_EBUSY  (-16)
#define LINUX_EINVAL (-22)

struct linux_area;
struct linux_vma;

struct linux_view {
    struct pl_run top;
    struct linux_vma *vmas; /* those with pages mapped */
    bool live;
};

/* What an address space is made of; all borrowed. */
struct linux_mm_config {
    enum contract contract;
    struct trap *trap;
    struct gate *gates[LINUX_NODE_LIMIT]; /* of the nodes; the first one gives the descriptors' pages */
    uint32_t node_count;
    /* The nodes' watermarks, which every frame has to pass (GFP_KERNEL); NULL: the gates' floors instead. */
    struct linux_zones *zones;
    struct pl_page_table va;     /* reserve, release */
    struct pl_page_table tables; /* table_get, table_put */
    uint64_t window_addr;        /* where areas may lie: whole pages of the upper half, not its last one */
    uint64_t window_bytes;
};

struct linux_mm {
    struct linux_mm_config config;
    struct slab descriptors;
    struct linux_view views[LINUX_VIEW_LIMIT];
    struct linux_area *buckets[LINUX_BUCKETS]; /* live areas by address */
    uint64_t area_count;
    uint64_t next_serial;
    uint64_t warnings; /* entries neither empty nor present that a free met */
    uint64_t refused;  /* what a service or a gate would not take back: never, unless it is broken */
    uint64_t top[LINUX_ENTRIES];
};

/* Takes no frame. Forgets whatever was there: the same call begins the next run. */
void linux_mm_init(struct linux_mm *mm, const struct linux_mm_config *config);

/* Gives all tables back. No area is live; views are dropped. Never sleeps. */
void linux_mm_fini(struct linux_mm *mm, struct pl_cpu *cpu);

/* The bytes of a frame of any node; NULL: no node has it. */
unsigned char *linux_frame_bytes(const struct linux_mm *mm, pl_frame frame);

/* Can an entry name this frame? Numbers end at 2^40. */
PL_INLINE bool linux_entry_holds(pl_frame frame)
{
    return frame.number < UINT64_C(1) << 40;
}

/* The entry of a kernel page that is this frame. */
PL_INLINE uint64_t linux_entry_of(pl_frame frame)
{
    return frame.number << PL_FRAME_SHIFT | LINUX_PRESENT | LINUX_WRITABLE | LINUX_ACCESSED | LINUX_DIRTY |
           LINUX_GLOBAL | LINUX_NO_EXEC;
}

PL_INLINE pl_frame linux_entry_frame(uint64_t entry)
{
    return pl_frame_at((entry & LINUX_FRAME_NUMBER) >> PL_FRAME_SHIFT);
}

/* What set_pte is: one store. `slot` came from alloc_vm_area and its area lives. Any context. */
void linux_set_pte(uint64_t *slot, uint64_t entry);

/* May the caller sleep here? If not, traps in the name of `call`. */
bool linux_in_task(struct linux_mm *mm, const struct pl_cpu *cpu, const char *call, const char *rule);

/* Before a frame is taken: is there one for GFP_KERNEL on node *nid or, unless `this_node`, on another, which
 * *nid then says? Waits for it. May sleep. */
bool linux_may_take(struct linux_mm *mm, struct pl_cpu *cpu, uint32_t *nid, bool this_node);

/* And what it is then asked with. */
struct pl_request linux_kernel_request(const struct linux_mm *mm);

/* A process's view: LINUX_VIEW_NONE if there is no frame for its table, or there are too many; traps at
 * interrupt level. May sleep. */
uint32_t linux_view_new(struct linux_mm *mm, struct pl_cpu *cpu);

/* Unmaps all that the process has mapped, and gives its tables back. Traps if there is no such
 * view, and at interrupt level. */
void linux_view_drop(struct linux_mm *mm, struct pl_cpu *cpu, uint32_t view);

/* The view's top-level table: what the processor would be given. NULL: no such view. */
uint64_t *linux_view_top(struct linux_mm *mm, uint32_t view);

#endif
