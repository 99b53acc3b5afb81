/* What the files of this system share: the buffer descriptor, its pages, addresses, the heap. All live in
 * frames of the machine (slab) or in the caller's host memory. */
#ifndef SYSTEMS_IOKIT_IOKIT_INTERNAL_H
#define SYSTEMS_IOKIT_IOKIT_INTERNAL_H

#include "systems/iokit/iokit.h"

#define PAGE_ID_NONE UINT32_MAX

/* Addresses taken in a window; bytes 0: not in one. Lives in its owner. */
struct iokit_area {
    uint64_t addr;
    uint64_t bytes;
    struct iokit_memory *owner;
    struct iokit_area *next;
    struct iokit_area *previous;
};

/* A page of a pageable buffer: in a frame, or in a slot of the swap store. Named by an id: frames first, then
 * slots. Invariant: at most one id is in the hash for each (owner, index). */
struct iokit_page {
    struct iokit_buffer *owner;
    uint64_t index;
    uint32_t hash_next;
    uint32_t next; /* of the owner's pages of this sort */
    uint32_t previous;
    uint32_t run_flags; /* frames: to be given back with */
    uint32_t slot;      /* frames, while a prepare is unfinished: the copy that failure goes back to */
    bool tentative;     /* frames: made resident by the prepare that is unfinished */
    uint64_t transfer;  /* frames: the last one that touched it */
};

struct iokit_frame {
    union {
        struct iokit_page page;
        struct {
            struct pl_run run; /* as planned; this frame is its first */
            pl_frame next;     /* first frame of the buffer's next run */
        };
    };
};

struct iokit_slot {
    struct iokit_page page;
};

/* Objects of one power of two in a frame; `taken` has a bit for each. */
struct iokit_heap_page {
    struct pl_run run;
    uint64_t taken[4];
    uint32_t class_log2;
    uint32_t used;
    struct iokit_heap_page *next; /* of the class, with something free */
    struct iokit_heap_page *previous;
};

enum iokit_path {
    IOKIT_PATH_PAGEABLE,
    IOKIT_PATH_PLAN, /* frames from the buffer service */
    IOKIT_PATH_HEAP,
};

struct iokit_buffer {
    struct iokit_memory memory; /* first: a buffer is a descriptor */
    uint64_t capacity;
    uint64_t backing_bytes; /* of frames, or of the heap's class */
    uint64_t alignment;
    uint64_t addr; /* in its task; 0: none */
    uint32_t options;
    enum iokit_task task;
    enum iokit_path path;
    bool mapped;    /* the IOMMU translates for it */
    bool purgeable; /* pageable, too */
    bool guarded;
    uint32_t purge_state;
    uint32_t pins; /* descriptors that hold its pages: itself, ranges over it */
    struct iokit_area area;
    struct iokit_area io;
    struct iokit_buffer *next;
    struct iokit_buffer *previous;

    pl_frame first_run; /* PLAN */
    uint64_t run_count;
    struct iokit_heap_page *heap_page; /* HEAP */
    uint32_t heap_at;                  /* byte in the page */
    uint32_t frames_first;             /* PAGEABLE: ids, oldest first */
    uint32_t frames_last;
    uint32_t slots_first;
    uint64_t frames_held;
    uint64_t transfer; /* the last one that touched a page of it; it is not emptied meanwhile */
};

PL_INLINE struct iokit_buffer *buffer_of(struct iokit_memory *memory)
{
    return (struct iokit_buffer *)(void *)memory;
}

PL_INLINE const struct iokit_buffer *buffer_of_const(const struct iokit_memory *memory)
{
    return (const struct iokit_buffer *)(const void *)memory;
}

PL_INLINE uint64_t pages_of(uint64_t bytes)
{
    return bytes / PL_FRAME_BYTES + (bytes % PL_FRAME_BYTES != 0);
}

PL_INLINE struct iokit_frame *frame_at(const struct iokit *system, pl_frame frame)
{
    const struct gate *gate = system->config.gate;
    return &system->frames[frame.number - gate->frame_offset - gate->machine->first.number];
}

/* A request of this system: it may block (5.1); the reserve is for those who asked for it. */
PL_INLINE struct pl_request iokit_request(uint32_t options)
{
    return (struct pl_request){.alloc_class = options & IOKIT_USE_RESERVE ? PL_CLASS_SYSTEM : PL_CLASS_NORMAL,
                               .node = PL_NODE_ANY,
                               .flags = PL_REQUEST_WAIT_OK};
}

/* --- window.c --- */

void window_init(struct iokit_window *window, uint64_t addr, uint64_t bytes);
/* Takes `bytes` aligned to `alignment` (a power of two). False: no such gap. Never sleeps. */
bool window_take(struct iokit_window *window, struct iokit_area *area, uint64_t bytes, uint64_t alignment);
void window_give(struct iokit_window *window, struct iokit_area *area);

/* --- heap.c --- */

/* A part of a page, 2^class_log2 bytes and aligned to that, or NULL. Contents as they were. May sleep. */
struct iokit_heap_page *heap_get(struct iokit *system, struct pl_cpu *cpu, uint32_t options,
                                 uint32_t class_log2, uint32_t *at);
void heap_put(struct iokit *system, struct pl_cpu *cpu, struct iokit_heap_page *page, uint32_t at);

/* --- pageable.c --- */

/* The id of a page; PAGE_ID_NONE: absent. */
uint32_t page_find(const struct iokit *system, const struct iokit_buffer *buffer, uint64_t index);
pl_frame page_frame(const struct iokit *system, const struct iokit_buffer *buffer, uint64_t index);
/* Makes a page resident; NULL: no memory. May sleep. */
unsigned char *page_touch(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer,
                          uint64_t index);
/* Makes all pages resident or none more than before. May sleep. */
bool pages_wire(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer);
/* Forgets all contents. Pinned pages stay, and are zeroed where they are. */
void pages_drop(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer);

/* --- buffer_memory.c --- */

extern const struct iokit_memory_ops iokit_buffer_ops;

/* Physical address of byte `offset` of a buffer and the bytes that follow it there, at most `limit`; 0 bytes:
 * not resident. */
uint64_t buffer_physical(const struct iokit_buffer *buffer, uint64_t offset, uint64_t limit, uint64_t *bytes);
/* Place of a byte of the backing, made resident if need be. */
unsigned char *buffer_touch(struct iokit_buffer *buffer, struct pl_cpu *cpu, uint64_t offset,
                            uint64_t *bytes);
/* Bytes seen at the buffer's address. */
uint64_t buffer_seen_bytes(const struct iokit_buffer *buffer);
bool buffer_pin(struct iokit_buffer *buffer, struct pl_cpu *cpu);
void buffer_unpin(struct iokit_buffer *buffer);
/* Gives back the backing by the path it came. */
void buffer_free_backing(struct iokit_buffer *buffer, struct pl_cpu *cpu);
void buffer_unmap(struct iokit_buffer *buffer);

/* --- iokit.c --- */

void iokit_link(struct iokit *system, struct iokit_buffer *buffer);
void iokit_unlink(struct iokit *system, struct iokit_buffer *buffer);
/* The buffer that all of [addr, addr + bytes) lies in, or NULL. */
struct iokit_buffer *iokit_buffer_at(const struct iokit *system, uint64_t addr, uint64_t bytes);

/* --- ranges.c --- */

#define IOKIT_RANGES_BYTES 480u /* of a descriptor over ranges */

/* Is this one of the live descriptors over ranges? */
bool iokit_ranges_alive(const struct iokit *system, const struct iokit_memory *memory);
uint64_t iokit_ranges_physical(const struct iokit_memory *memory, uint64_t page_offset);

#endif
