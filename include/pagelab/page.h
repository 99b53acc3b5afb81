/* The page table of a candidate's hooks: who hands out frames, and what else can be asked of it.
 *
 * Ownership: the caller allocates the metadata (meta_bytes, zero-filled, page aligned), passes it as `self`
 * to every call, and owns it again after fini. All state is in there, or in free frames if the candidate says
 * so; an instance can then be saved, restored and compared by memcpy (unless PL_CAP_OUTSIDE_STATE). Errors:
 * see enum pl_status. A call that does not return PL_OK changed nothing. Sleep: no hook may block, except
 * alloc and alloc_run with PL_REQUEST_WAIT_*, init, fini, audit and settings. Interrupts: alloc, free, split,
 * alloc_run may come from interrupt level iff PL_CAP_IRQ_SAFE. */
#ifndef PAGELAB_PAGE_H
#define PAGELAB_PAGE_H

#include <pagelab/caps.h>
#include <pagelab/lock.h>
#include <pagelab/machine.h>
#include <pagelab/request.h>

struct pl_page_ops;

/* An instance: its hooks and its metadata. Copied freely; owns nothing. */
struct pl_page {
    const struct pl_page_ops *ops;
    void *self;
    uint64_t reserved[2];
};

/* What init gets. Lives as long as the instance. */
struct pl_page_config {
    uint32_t bytes; /* sizeof(struct pl_page_config) of whoever made it */
    uint32_t reserved32;
    const struct pl_machine *machine;
    struct pl_page inner; /* wrappers: the allocator below, initialised; else all zero */
    const char *params;   /* the text in parentheses after the name, or NULL */
    uint64_t inner_caps;  /* capabilities of inner */
    uint64_t reserved[4];
};

/* Frames by where they are. Their sum and what is granted is machine->frame_count (F-2, X-1). */
struct pl_page_counts {
    uint64_t free;            /* in free structures, unpopulated reserved frames included */
    uint64_t cached;          /* in per-CPU caches: free, but not for everybody */
    uint64_t reserved_frames; /* of `free`, set aside for an owner */
    uint64_t metadata;        /* frames of the machine that the candidate uses for itself */
    uint64_t lost;            /* neither usable nor granted, e.g. cut off by alignment */
    uint64_t heap_bytes;      /* memory taken beside the metadata given */
    uint64_t reserve_blocks;  /* PL_CAP_ZONES: pageblocks kept for atomic requests, granted frames or not */
    uint64_t reserved[3];
};

enum pl_block_state {
    PL_BLOCK_FREE,
    PL_BLOCK_CACHED,
    PL_BLOCK_RESERVED,
    PL_BLOCK_METADATA,
    PL_BLOCK_LOST,
};

struct pl_block {
    pl_frame first;
    uint32_t order;
    uint32_t state;    /* enum pl_block_state */
    uint16_t node;     /* of its range; the shadow compares */
    uint16_t mobility; /* enum pl_mobility, where the candidate groups by it */
    uint32_t reserved32;
    uint64_t owner; /* PL_BLOCK_RESERVED: for whom, as in the request, or 0 */
    uint64_t index; /* with an owner: the index that the block's first frame is kept for */
};

/* Who listens to audit. `block` hears every block that is not granted, in any order, each frame once;
 * `broken` hears one line for each thing that is wrong. */
struct pl_visitor {
    uint32_t bytes;
    uint32_t reserved32;
    void (*block)(struct pl_visitor *visitor, const struct pl_block *block);
    void (*broken)(struct pl_visitor *visitor, const char *words);
    uint64_t reserved[2];
};

struct pl_page_ops {
    uint32_t bytes;     /* sizeof(struct pl_page_ops) of whoever built it */
    uint32_t abi;       /* PL_ABI */
    uint64_t caps;      /* PL_CAP_*, unless caps_of is given */
    uint32_t max_order; /* largest order served; PL_UNSUPPORTED above. Wrappers may narrow, never widen */
    uint32_t reserved32;

    /* Required. */

    /* Bytes of metadata for this machine; 0 if the machine is beyond what it can manage. */
    size_t (*meta_bytes)(const struct pl_page_config *config);
    /* Makes every frame of every range free. PL_UNSUPPORTED: this machine's shape is beyond its capabilities;
     * PL_INVALID: the params are wrong.
     */
    enum pl_status (*init)(void *self, const struct pl_page_config *config);
    /* Returns what is outside the metadata. Frames may still be granted. */
    void (*fini)(void *self);
    /* Grants 2^order frames aligned to their number. `run` is written on PL_OK only. */
    enum pl_status (*alloc)(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                            struct pl_run *run);
    /* Takes a grant back, from any CPU. PL_REFUSED iff PL_CAP_CHECKS_FREE and it is not a whole grant. */
    enum pl_status (*free)(void *self, struct pl_cpu *cpu, const struct pl_run *run);

    /* Optional: NULL where the capability is absent. */

    /* Wrappers: outer capabilities from the config's inner ones. */
    uint64_t (*caps_of)(const struct pl_page_config *config);
    /* Turns one grant into grants of 2^order frames each. PL_INVALID if these would not be aligned.
     * PL_CAP_SPLIT. */
    enum pl_status (*split)(void *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order);
    /* Grants exactly constraints->frame_count frames. PL_NEVER if no state of this machine could.
     * PL_CAP_RUNS. */
    enum pl_status (*alloc_run)(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                const struct pl_constraints *constraints, struct pl_run *run);
    /* Moves all that is cached for CPU `of` back to the shared structures. The caller sees to it that no call
     * is unfinished on `of`. */
    void (*drain)(void *self, struct pl_cpu *cpu, struct pl_cpu *of);
    /* Exact when no call is unfinished. */
    void (*count)(const void *self, struct pl_page_counts *counts);
    /* Walks everything, when no call is unfinished. Returns the number of things broken. */
    uint64_t (*audit)(const void *self, struct pl_visitor *visitor);
    /* Writes one line, "name=value ...", at most `bytes` with the terminator. */
    void (*settings)(const void *self, char *text, size_t bytes);
    void (*reserved[6])(void);
};

#endif
