/* The page-table hooks of a candidate: a kernel's address space, and the memory of its tables. Optional;
 * those who only know frames are lent a service. Source: Linux alloc_vm_area / free_vm_area; FreeBSD vmem(9).
 * Addresses are bytes. */
#ifndef PAGELAB_PAGE_TABLE_H
#define PAGELAB_PAGE_TABLE_H

#include <pagelab/page.h>

/* What init gets: the frames that tables are made of, and the window of addresses to hand out. */
struct pl_page_table_config {
    uint32_t bytes;
    uint32_t reserved32;
    const struct pl_machine *machine;
    struct pl_page page;
    uint64_t window_addr;
    uint64_t window_bytes;
    const char *params;
    uint64_t reserved[4];
};

struct pl_area_request {
    uint64_t bytes_wanted; /* a multiple of PL_FRAME_BYTES, not 0 */
    uint64_t alignment;    /* bytes, a power of two */
    uint64_t low_addr;     /* the area lies in [low_addr, high_addr); high_addr 0: the window's end */
    uint64_t high_addr;
    uint32_t flags; /* PL_REQUEST_WAIT_* */
    uint16_t node;  /* of the tables, or PL_NODE_ANY */
    uint16_t reserved16;
    uint64_t reserved[4];
};

/* Reserved addresses [addr, addr + area_bytes). */
struct pl_area {
    uint64_t addr;
    uint64_t area_bytes;
    uint64_t reserved[2];
};

struct pl_page_table_counts {
    uint64_t areas;
    uint64_t bytes_reserved;
    uint64_t tables_live; /* handed out by table_get */
    uint64_t tables_kept; /* held for reuse */
    uint64_t areas_most;  /* areas that it has room for: one more may be refused; 0: as many as fit */
    uint64_t reserved[3];
};

struct pl_page_table_ops {
    uint32_t bytes;
    uint32_t abi;
    uint64_t caps;
    size_t (*meta_bytes)(const struct pl_page_table_config *config);
    enum pl_status (*init)(void *self, const struct pl_page_table_config *config);
    void (*fini)(void *self);
    /* Address space. reserve may sleep iff its flags say so; release and lookup never do. A release of what
     * is not exactly a reserved area is PL_REFUSED. */
    enum pl_status (*reserve)(void *self, struct pl_cpu *cpu, const struct pl_area_request *request,
                              struct pl_area *area);
    enum pl_status (*release)(void *self, struct pl_cpu *cpu, const struct pl_area *area);
    enum pl_status (*lookup)(const void *self, uint64_t addr, struct pl_area *area);
    /* Table memory: one frame, all zero. Never sleeps without a WAIT flag in `request`. */
    enum pl_status (*table_get)(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run);
    enum pl_status (*table_put)(void *self, struct pl_cpu *cpu, const struct pl_run *run);
    /* Optional. So many later gets of this CPU cannot fail, unless its interrupts take tables meanwhile. */
    enum pl_status (*table_prepare)(void *self, struct pl_cpu *cpu, uint64_t tables);
    void (*count)(const void *self, struct pl_page_table_counts *counts);
    uint64_t (*audit)(const void *self, struct pl_visitor *visitor);
    void (*settings)(const void *self, char *text, size_t bytes);
    /* Gives what is kept for reuse, on whatever CPU, back to the page allocator. The caller sees to it that
     * no call is unfinished. Never sleeps. */
    void (*drain)(void *self, struct pl_cpu *cpu);
    /* Takes what it holds from the start, as much of it as there is. Called after init, and after each
     * restoring of the state, when the page allocator is ready. Never sleeps. */
    void (*start)(void *self, struct pl_cpu *cpu);
    void (*reserved[4])(void);
};

/* Address space and table memory, each of an instance of its own: `va=NAME` brings reserve, release and
 * lookup, `tables=NAME` brings table_get, table_put and table_prepare. Copied freely; owns nothing. */
struct pl_page_table {
    const struct pl_page_table_ops *ops;
    void *self;
    uint64_t reserved[2];
};

#endif
