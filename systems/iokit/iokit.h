/* Apple's IOKit memory: buffer descriptors (IOBufferMemoryDescriptor::inTaskWithOptions and its siblings) on
 * any candidate. Wired buffers are planned by the lent buffer service, small ones come from a heap of
 * power-of-two classes, pageable ones get their pages one by one and lose them to the page daemon.
 * Source: xnu-11417 IOBufferMemoryDescriptor.cpp, IOMemoryDescriptor.cpp; docs/invariants.md, section B.
 *
 *     buffer --wired-->  plan of the service        --small-->  a part of a heap page
 *            --pageable-->  object pages: absent, in a frame, in the swap store
 *
 * Not concurrent: the caller serialises. Needs a machine with contents. */
#ifndef SYSTEMS_IOKIT_IOKIT_H
#define SYSTEMS_IOKIT_IOKIT_H

#include <pagelab/buffer.h>

#include "systems/contract.h"
#include "systems/gate/gate.h"
#include "systems/iokit/memory.h"
#include "systems/slab/slab.h"
#include "systems/trap.h"

/* Option bits of inTaskWithOptions; the low three are the direction. */
#define IOKIT_DIRECTION_MASK             UINT32_C(0x00000007)
#define IOKIT_PHYSICALLY_CONTIGUOUS      UINT32_C(0x00000010)
#define IOKIT_PAGEABLE                   UINT32_C(0x00000020)
#define IOKIT_PURGEABLE                  UINT32_C(0x00000040)
#define IOKIT_HOST_PHYSICALLY_CONTIGUOUS UINT32_C(0x00000080)
#define IOKIT_CACHE_MASK                 UINT32_C(0x00000F00)
#define IOKIT_CACHE_SHIFT                8u
#define IOKIT_MAPPER_NONE                UINT32_C(0x00000800) /* also the top bit of the cache field */
#define IOKIT_SHARING_MASK               UINT32_C(0x000F0000)
#define IOKIT_KERNEL_USER_SHARED         UINT32_C(0x00010000)
#define IOKIT_THREAD_SAFE                UINT32_C(0x00100000)
#define IOKIT_CLEAR_ENCRYPT              UINT32_C(0x00200000)
#define IOKIT_USE_RESERVE                UINT32_C(0x00800000) /* frames of class SYSTEM */
#define IOKIT_MAP_PREFAULT               UINT32_C(0x10000000)

/* States of setPurgeable, and the modifiers that go with Volatile and Empty. */
#define IOKIT_PURGE_KEEP         1u
#define IOKIT_PURGE_NON_VOLATILE 2u
#define IOKIT_PURGE_VOLATILE     3u
#define IOKIT_PURGE_EMPTY        4u
#define IOKIT_PURGE_STATE_MASK   0xFu
/* group 0-7 << 8, LIFO 1 << 6, obsolete 1 << 5, fault debug 2 << 12 */
#define IOKIT_PURGE_MODIFIERS 0x2760u

/* Whose addresses. NONE is inTask NULL. Windows of different tasks do not overlap, so that an address says
 * whose it is. */
enum iokit_task {
    IOKIT_TASK_NONE = 0,
    IOKIT_TASK_KERNEL = 1,
    IOKIT_TASK_USER = 2,
    IOKIT_TASK_OTHER = 3,
    IOKIT_TASK_COUNT = 4,
};

/* Largest pageable object, as the largest of the original's pageable maps. */
#define IOKIT_OBJECT_BYTES_MAX (UINT64_C(1) << 29)

#define IOKIT_WINDOW_BYTES (UINT64_C(1) << 40)
#define IOKIT_DIRECT_ADDR  UINT64_C(0xffff888000000000) /* frame f is at this + f * PL_FRAME_BYTES */
#define IOKIT_KERNEL_ADDR  UINT64_C(0xffffff0000000000)
#define IOKIT_USER_ADDR    UINT64_C(0x0000100000000000)
#define IOKIT_OTHER_ADDR   UINT64_C(0x0000200000000000)
#define IOKIT_IO_ADDR      UINT64_C(0x0000010000000000)

#define IOKIT_HEAP_CLASS_MIN 4u  /* 16 bytes */
#define IOKIT_HEAP_CLASS_MAX 11u /* 2,048 bytes */
#define IOKIT_HEAP_HEADER    32u /* of the original; part of the test for small contiguous requests */

struct iokit_buffer;
struct iokit_heap_page;
struct iokit_area;
struct range_chunk;

/* Addresses of one task, or of the IOMMU: areas ascend; the search goes on where the last one ended. */
struct iokit_window {
    uint64_t addr;
    uint64_t bytes;
    struct iokit_area *first;
    struct iokit_area *hint;
};

struct iokit_config {
    enum contract contract;
    bool iommu;
    struct gate *gate;       /* borrowed, as all here */
    struct pl_buffer buffer; /* plans wired buffers, on this gate */
    struct trap *trap;
    uint32_t swap_pages; /* of the store for pages taken away */
};

/* What a frame is to this system: the head of a run of a wired buffer, or a page of a pageable one. */
struct iokit_frame;
struct iokit_slot;

struct iokit {
    struct iokit_config config;
    struct slab buffers;                                    /* descriptors */
    struct slab ranges;                                     /* descriptors over ranges */
    struct slab heap_pages;                                 /* what is known of a heap page */
    struct iokit_heap_page *heap[IOKIT_HEAP_CLASS_MAX + 1]; /* by class: pages with something free */
    uint64_t heap_objects;
    struct iokit_window tasks[IOKIT_TASK_COUNT];
    struct iokit_window io;
    struct iokit_buffer *first; /* all live buffers, oldest first */
    struct iokit_buffer *last;
    struct iokit_memory *ranges_first; /* all live descriptors over ranges */
    const struct iokit_memory *known;  /* the live descriptor that was asked for last, or NULL */
    uint64_t serial;
    uint64_t live;   /* buffers */
    uint64_t pinned; /* buffers whose pages are pinned */
    /* Of the transfer that is under way, 0 for none: pages that it touched stay until its end. */
    uint64_t transfer;
    uint64_t transfers;

    /* Host memory, the caller's. */
    struct pl_run *plan;        /* a run a frame: what plan fills */
    struct iokit_frame *frames; /* by frame number - machine->first */
    uint32_t *buckets;          /* hash of (buffer, page) to page ids; see pageable.c */
    struct iokit_slot *slots;
    unsigned char *swap;
    uint32_t bucket_mask;
    uint32_t slot_top;  /* slots from here on were never used */
    uint32_t slot_free; /* chain of those given back */
    uint32_t slots_used;

    /* Of the walk through a wired buffer's runs: where the last one stopped. */
    struct {
        uint64_t serial;
        uint64_t page; /* of the buffer, where `frame`'s run begins */
        pl_frame frame;
    } cursor;
    struct {
        uint64_t serial;
        uint64_t start; /* offset where `chunk` begins */
        const struct range_chunk *chunk;
    } range_cursor; /* the same for descriptors over ranges */

    uint64_t swapped_out; /* pages, since the start */
    uint64_t swapped_in;
    uint64_t emptied; /* volatile buffers */
};

/* Bytes of host memory for this machine, aligned to 64. */
size_t iokit_bytes(const struct pl_machine *machine, uint32_t swap_pages);

/* A fresh system: no buffer. Joins the gate's page daemon, which the caller has made fresh before. Costs a
 * memset of about 8 bytes a frame; called once a program. */
void iokit_init(struct iokit *system, const struct iokit_config *config, void *memory);

/* --- creation. NULL: refused, or no memory; nothing changed. References 1. May sleep. --- */

/* inTaskWithOptions: the decision order of 5.3. alignment 0 is 1. */
struct iokit_memory *iokit_buffer_in_task(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                          uint32_t options, uint64_t capacity, uint64_t alignment);
struct iokit_memory *iokit_buffer_with_options(struct iokit *system, struct pl_cpu *cpu, uint32_t options,
                                               uint64_t capacity, uint64_t alignment);
/* contiguous: aligned to its capacity, as the original does. */
struct iokit_memory *iokit_buffer_with_capacity(struct iokit *system, struct pl_cpu *cpu, uint64_t capacity,
                                                uint32_t direction, bool contiguous);
struct iokit_memory *iokit_buffer_with_bytes(struct iokit *system, struct pl_cpu *cpu, const void *from,
                                             uint64_t bytes, uint32_t direction, bool contiguous);
/* Every segment's address a: (a & ~mask) == 0, without an IOMMU. mask 0: no limit. */
struct iokit_memory *iokit_buffer_with_mask(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                            uint32_t options, uint64_t capacity, uint64_t mask);
/* A page before and a page after the buffer are nowhere. */
struct iokit_memory *iokit_buffer_guarded(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                          uint32_t options, uint64_t capacity);

/* --- of buffers only: on a descriptor over ranges they are trapped and do nothing --- */

uint64_t iokit_buffer_capacity(const struct iokit_memory *memory);
/* getBytesNoCopy: where the owning task sees byte 0; 0 if it does not (task NONE). */
uint64_t iokit_buffer_address(const struct iokit_memory *memory);
/* getBytesNoCopy(start, bytes): 0 unless start < length and start + bytes <= length. */
uint64_t iokit_buffer_address_at(const struct iokit_memory *memory, uint64_t start, uint64_t bytes);
/* Beyond the capacity: ignored; CONTRACT_DOC traps. */
void iokit_buffer_set_length(struct iokit_memory *memory, uint64_t length);
/* The direction bits only (see buffer_calls.c). */
void iokit_buffer_set_direction(struct iokit_memory *memory, uint32_t direction);
/* Copies what fits behind the length. CONTRACT_REAL: always true; DOC: false if not all fitted. */
bool iokit_buffer_append(struct iokit_memory *memory, struct pl_cpu *cpu, const void *from, uint64_t bytes);
/* 5.7. *old is written on success only. A descriptor over ranges: IOKIT_NOT_READY. The modifiers are checked
 * and make no difference. May sleep. */
uint32_t iokit_buffer_set_purgeable(struct iokit_memory *memory, struct pl_cpu *cpu, uint32_t state,
                                    uint32_t *old);
bool iokit_buffer_is(const struct iokit_memory *memory);
/* Bytes that a mapping of the buffer shows: the capacity, rounded up to pages where backing is by the page.
 */
uint64_t iokit_buffer_backing_bytes(const struct iokit_memory *memory);
/* Frame of a page of the buffer, or none: absent or in the swap store. */
pl_frame iokit_buffer_frame(const struct iokit_memory *memory, uint64_t page);

/* --- of the system --- */

/* The byte at a task's address as that task would reach it, and how many follow; NULL: nowhere, or no memory
 * for the page. May sleep. */
unsigned char *iokit_resolve(struct iokit *system, struct pl_cpu *cpu, uint64_t addr, bool write,
                             uint64_t *bytes);

/* What the IOMMU translates an address to; UINT64_MAX: no mapping there. */
uint64_t iokit_io_translate(const struct iokit *system, uint64_t io_addr);

/* Is this a live buffer, and that one? Looks at nothing of a dead one. */
bool iokit_buffer_alive(const struct iokit *system, const struct iokit_memory *memory, uint64_t serial);

/* Release by a handle that may be stale; a stale one is trapped and changes nothing. */
bool iokit_buffer_release(struct iokit *system, struct pl_cpu *cpu, struct iokit_memory *memory,
                          uint64_t serial);

/* Takes up to `wanted` frames from unpinned pageable buffers: empties volatile ones, swaps others out. */
uint64_t iokit_reclaim(void *system, struct pl_cpu *cpu, uint64_t wanted);

/* --- for the kinds of descriptors --- */

/* Fills the common part. */
void iokit_memory_init(struct iokit_memory *memory, const struct iokit_memory_ops *ops, struct iokit *system,
                       uint64_t length, uint32_t direction);
/* Around a transfer of bytes: what it touched once stays resident until it is over. They nest not. */
void iokit_transfer_begin(struct iokit *system);
void iokit_transfer_end(struct iokit *system);
/* False, and a trap, at interrupt level or inside a call promised not to sleep. */
bool iokit_may_sleep(struct iokit *system, const struct pl_cpu *cpu, const char *call);

#endif
