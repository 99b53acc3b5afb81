/* FreeBSD's page allocation, vm_page_alloc(9), over any candidate: objects with an index of pages, the single
 * forms and the runs, with object and without, release, wiring, busying, the reserve's thresholds. Semantics:
 * docs/invariants.md; what the manual promises is CONTRACT_DOC, what the code does CONTRACT_REAL.
 *
 *     freebsd_page_alloc -> never-free arena -> gate -> admission (the floors) -> candidate
 *                        -> index of the object -> slab of nodes -> gate
 *
 * Failure: NULL or false, the reason in vm->status, nothing changed but the deficit (F-17). A broken
 * precondition is a trap, and vm->status is PL_INVALID. Calls sleep only with a WAIT flag (F-18). Not
 * concurrent: the caller serialises; `cpu` stands for the calling thread. Needs a machine with contents. */
#ifndef SYSTEMS_FREEBSD_VM_H
#define SYSTEMS_FREEBSD_VM_H

#include "systems/contract.h"
#include "systems/freebsd/alloc_flags.h"
#include "systems/freebsd/index.h"
#include "systems/freebsd/reserve.h"

/* The never-free arena imports blocks of 2^this frames. */
#define FREEBSD_NOFREE_ORDER 3u

enum freebsd_object_kind {
    FREEBSD_OBJECT_MANAGED = 0,    /* anonymous memory, files */
    FREEBSD_OBJECT_UNMANAGED = 1,  /* its pages are VPO_UNMANAGED: kernel memory */
    FREEBSD_OBJECT_FICTITIOUS = 2, /* pages of a device; no runs */
};

struct freebsd_object {
    struct freebsd_index index;
    uint64_t resident;
    uint64_t quota;     /* the pager vetoes what would make `resident` larger */
    uint64_t serial;    /* the owner, as candidates hear of it */
    uint32_t kind;      /* enum freebsd_object_kind */
    uint32_t locked;    /* 0, or CPU id + 1 of the writer */
    uint32_t attribute; /* memory attribute of its pages; 0 is the default */
    uint32_t reserved32;
    struct freebsd_object *next;
    struct freebsd_object *previous;
};

struct freebsd_vm {
    struct gate *gate;
    struct trap *trap;
    enum contract contract;
    struct freebsd_page *pages; /* by frame - the machine's first */
    uint32_t epoch;
    bool daemon; /* the caller is the page daemon, as it also is inside a step of the gate's pageout (F-5) */
    enum pl_status status; /* why the last call that failed did */
    struct slab nodes;
    struct slab objects;
    struct freebsd_reserve reserve;
    struct freebsd_object *first_object;
    struct freebsd_page *oldest; /* allocated pages, by age */
    struct freebsd_page *newest;
    struct freebsd_page *arena; /* first page of the newest never-free block, or NULL */
    uint32_t arena_left;        /* frames of it not yet carved */
    uint64_t serials;
    uint64_t live;          /* pages allocated */
    uint64_t wired;         /* sum of all wirings (F-10) */
    uint64_t deficit;       /* frames that the page daemon is asked for beyond its target */
    uint64_t wakeups;       /* of the page daemon (F-25) */
    bool in_min_set;        /* the domain is short: below free_min ... */
    bool in_severe_set;     /* ... and below free_severe */
    uint64_t node_failures; /* insertions that found no node */
    uint64_t reclaimed;     /* pages that the page daemon took */
};

/* --- life of the system --- */

/* Host memory that init needs: zero-filled, aligned for pointers. */
size_t freebsd_vm_bytes(const struct pl_machine *machine);

/* `memory`, `gate`, `trap` are borrowed. Follow with reset. */
void freebsd_vm_init(struct freebsd_vm *vm, void *memory, struct gate *gate, struct trap *trap);

/* A fresh system: nothing is allocated, and the page daemon of the gate, if any, knows us. What was allocated
 * is forgotten, for the candidate is reset too. Does not depend on the size of the machine. */
void freebsd_vm_reset(struct freebsd_vm *vm, enum contract contract);

/* Gives back every frame, those promised never to be freed included. Objects are gone. */
void freebsd_vm_release(struct freebsd_vm *vm, struct pl_cpu *cpu);

/* --- objects --- */

/* NULL: no memory for it. Never sleeps. */
struct freebsd_object *freebsd_object_new(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                          enum freebsd_object_kind kind);

/* Ends it: pages without wirings are freed, wired ones leave the object and are freed by their last unwire.
 * The caller has locked it. Trapped if a page is busy, mapped or never to be freed. */
bool freebsd_object_free(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object);

/* The write lock. Trapped if it is held, or not held by this CPU. */
bool freebsd_object_lock(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object);
bool freebsd_object_unlock(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object);

/* The resident page, or NULL. The caller has locked the object. */
struct freebsd_page *freebsd_page_lookup(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                         struct freebsd_object *object, uint64_t pindex);

/* --- allocation --- */

/* Where a run must lie. Bytes; alignment and boundary are powers of two, boundary 0: none. Every byte of the
 * run is in [low, high). */
struct freebsd_bounds {
    uint64_t low;
    uint64_t high;
    uint64_t alignment;
    uint64_t boundary;
};

#define FREEBSD_ANYWHERE ((struct freebsd_bounds){0, UINT64_MAX, 1, 0})

/* A page for (object, pindex), where none is resident. The caller has locked the object; it is locked on
 * return, whatever came of it, but with WAITFAIL it was unlocked while this slept after a failure. */
struct freebsd_page *freebsd_page_alloc(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                        struct freebsd_object *object, uint64_t pindex, uint32_t req);

/* `frame_count` pages of consecutive frames for pindex, pindex + 1 ...; returns the first, the others follow
 * it in the array. Candidates without runs serve powers of two whose bounds ask for no more than blocks give;
 * else vm->status is PL_UNSUPPORTED. PL_NEVER: no state of this machine has such a run. */
struct freebsd_page *freebsd_page_alloc_contig(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                               struct freebsd_object *object, uint64_t pindex, uint32_t req,
                                               uint64_t frame_count, const struct freebsd_bounds *bounds);

/* Pages of no object. With WAITOK these sleep until they succeed, or fail with PL_WOULD_SLEEP where nothing
 * can ever be freed. ZERO: every byte is 0. */
struct freebsd_page *freebsd_page_alloc_noobj(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req);
struct freebsd_page *freebsd_page_alloc_noobj_contig(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req,
                                                     uint64_t frame_count,
                                                     const struct freebsd_bounds *bounds);

/* --- release --- */

/* Trapped unless: allocated, without wirings, not mapped, not promised never to be freed; in an object that
 * this CPU has locked and exclusively busied by this CPU, or in none and unbusied (F-20). Never sleeps. */
bool freebsd_page_free(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);
/* The same, and the caller promises that every byte is 0. */
bool freebsd_page_free_zero(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);

/* --- the state of an allocated page --- */

bool freebsd_page_wire(struct freebsd_vm *vm, struct freebsd_page *page);
/* The last wiring of a page of no object frees the page. Trapped where there is none to undo. */
bool freebsd_page_unwire(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);

/* False, without a trap, if somebody else is in the way, or the page is free. */
bool freebsd_page_try_xbusy(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);
bool freebsd_page_try_sbusy(struct freebsd_vm *vm, struct freebsd_page *page);
/* Trapped unless held so. */
bool freebsd_page_xunbusy(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);
bool freebsd_page_sunbusy(struct freebsd_vm *vm, struct freebsd_page *page);

/* Mappings; those of unmanaged pages are not tracked. Unmapping more than is mapped is trapped. */
bool freebsd_page_map(struct freebsd_vm *vm, struct freebsd_page *page);
bool freebsd_page_unmap(struct freebsd_vm *vm, struct freebsd_page *page);

/* Is this page of ours and allocated? Any pointer may be asked about. */
bool freebsd_page_is_live(const struct freebsd_vm *vm, const struct freebsd_page *page);

/* The page's first byte. */
PL_INLINE unsigned char *freebsd_page_bytes(const struct freebsd_vm *vm, const struct freebsd_page *page)
{
    return gate_bytes(vm->gate, page->frame);
}

#endif
