/* The buffer-descriptor hooks of a candidate: which frames back a buffer of so many bytes. Optional; those
 * who only know frames are lent a service. Source: Apple IOBufferMemoryDescriptor::inTaskWithOptions;
 * IOFireWireSBP2ORB's segment limits. */
#ifndef PAGELAB_BUFFER_H
#define PAGELAB_BUFFER_H

#include <pagelab/page.h>

struct pl_buffer_config {
    uint32_t bytes;
    uint32_t reserved32;
    const struct pl_machine *machine;
    struct pl_page page;
    const char *params;
    uint64_t reserved[4];
};

#define PL_BUFFER_CONTIGUOUS UINT32_C(0x0001) /* one run */
#define PL_BUFFER_ZERO       UINT32_C(0x0002) /* every byte zero on return */

struct pl_buffer_constraints {
    uint64_t alignment;         /* bytes, a power of two */
    uint64_t address_mask;      /* every byte's address a: (a & ~mask) == 0 */
    uint64_t boundary;          /* bytes that no segment crosses a multiple of, a power of two; 0: none */
    uint64_t segment_bytes_max; /* 0: no limit */
    uint32_t segment_count_max; /* 0: no limit */
    uint32_t flags;             /* PL_BUFFER_* */
    struct pl_request request;  /* class, wait flags and hints for the frames */
    uint64_t reserved[4];
};

/* Frames that the page allocator has granted to it. */
struct pl_buffer_counts {
    uint64_t frames_held; /* all of them */
    uint64_t frames_kept; /* of these, for reuse: in no buffer */
    uint64_t reserved[4];
};

struct pl_buffer_ops {
    uint32_t bytes;
    uint32_t abi;
    uint64_t caps;
    size_t (*meta_bytes)(const struct pl_buffer_config *config);
    enum pl_status (*init)(void *self, const struct pl_buffer_config *config);
    void (*fini)(void *self);
    /* Fills runs[0 .. *run_count), at most run_capacity, covering buffer_bytes rounded up to frames. All or
     * nothing. */
    enum pl_status (*plan)(void *self, struct pl_cpu *cpu, uint64_t buffer_bytes,
                           const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                           size_t run_capacity, size_t *run_count);
    /* Takes back exactly what one plan gave. */
    enum pl_status (*release)(void *self, struct pl_cpu *cpu, const struct pl_run *runs, size_t run_count);
    /* Optional. */
    uint64_t (*audit)(const void *self, struct pl_visitor *visitor);
    void (*settings)(const void *self, char *text, size_t bytes);
    /* Exact when no call is unfinished. */
    void (*count)(const void *self, struct pl_buffer_counts *counts);
    /* Gives what is kept for reuse back to the page allocator. May be called while calls wait for memory.
     * Never sleeps. */
    void (*drain)(void *self, struct pl_cpu *cpu);
    void (*reserved[4])(void);
};

/* An instance: its hooks and its metadata. Copied freely; owns nothing. */
struct pl_buffer {
    const struct pl_buffer_ops *ops;
    void *self;
    uint64_t reserved[2];
};

#endif
