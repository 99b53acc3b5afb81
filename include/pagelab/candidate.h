/* A candidate: a name and its three tables of hooks. Built-in ones are listed by CMake; a foreign one exports
 * a single `pl_candidate_export` of this type. */
#ifndef PAGELAB_CANDIDATE_H
#define PAGELAB_CANDIDATE_H

#include <pagelab/buffer.h>
#include <pagelab/page.h>
#include <pagelab/page_table.h>

enum pl_kind {
    PL_KIND_CANDIDATE = 0, /* an allocator to weigh */
    PL_KIND_WRAPPER = 1,   /* page -> page: needs an inner one */
    PL_KIND_FLOOR = 2,     /* a measuring rod: not an allocator that anybody could use */
    PL_KIND_CANARY = 3,    /* wrong on purpose: built with the tests only */
    PL_KIND_SERVICE = 4,   /* no page hooks: lends address space, table memory or buffers to the others */
};

struct pl_candidate {
    uint32_t bytes;       /* sizeof(struct pl_candidate) of whoever built it */
    uint32_t abi;         /* PL_ABI */
    const char *name;     /* [a-z0-9-]+, shown on every row */
    const char *summary;  /* one line */
    const char *model_of; /* "Linux 6.8", or NULL: not a model of a kernel's allocator */
    uint32_t kind;        /* enum pl_kind */
    uint32_t reserved32;
    const struct pl_page_ops *page;             /* required, but for a service */
    const struct pl_page_table_ops *page_table; /* NULL: lent */
    const struct pl_buffer_ops *buffer;         /* NULL: lent */
    uint64_t frames_max;                        /* most frames it can manage, 0: no limit of its own */
    uint64_t
        arena_alignment;   /* bytes; the address that frame 0 has, or would have, is a multiple; 0: a frame */
    uint64_t fixed_frames; /* PL_CAP_FIXED_POOL: the size it was built for */
    const char *params;    /* what may stand in parentheses after the name, "batch=N,high=N"; NULL: nothing */
    const char
        *services; /* what it is lent unless its name says otherwise, "va=vmem,buf=run"; NULL: the defaults */
    uint64_t reserved[6];
};

#define PL_EXPORT_SYMBOL "pl_candidate_export"

#endif
