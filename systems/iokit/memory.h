/* A memory descriptor: bytes that a device will touch, whoever owns them. The part that the buffer descriptor
 * (IOBufferMemoryDescriptor), descriptors over ranges of a task (IOMemoryDescriptor::withAddressRanges) and
 * the SBP-2 ORB share: length, direction, retain count, counted prepare and complete, physical segments, read
 * and write. Source: xnu-11417 IOMemoryDescriptor.cpp; docs/invariants.md, section B. */
#ifndef SYSTEMS_IOKIT_MEMORY_H
#define SYSTEMS_IOKIT_MEMORY_H

#include <pagelab/cpu.h>

/* IOReturn codes. */
#define IOKIT_SUCCESS       UINT32_C(0)
#define IOKIT_ERROR         UINT32_C(0xE00002BC)
#define IOKIT_NO_MEMORY     UINT32_C(0xE00002BD)
#define IOKIT_NO_RESOURCES  UINT32_C(0xE00002BE)
#define IOKIT_BAD_ARGUMENT  UINT32_C(0xE00002C2)
#define IOKIT_UNSUPPORTED   UINT32_C(0xE00002C7)
#define IOKIT_NOT_WRITABLE  UINT32_C(0xE00002CF)
#define IOKIT_NOT_ALIGNED   UINT32_C(0xE00002D0)
#define IOKIT_BUSY          UINT32_C(0xE00002D5)
#define IOKIT_NOT_READY     UINT32_C(0xE00002D8)
#define IOKIT_NOT_ATTACHED  UINT32_C(0xE00002D9)
#define IOKIT_CANNOT_WIRE   UINT32_C(0xE00002DE)
#define IOKIT_NOT_PERMITTED UINT32_C(0xE00002E2)
/* Mach codes that come through unchanged. */
#define KERN_INVALID_ADDRESS    UINT32_C(1)
#define KERN_PROTECTION_FAILURE UINT32_C(2)
#define KERN_INVALID_ARGUMENT   UINT32_C(4)

#define IOKIT_DIRECTION_NONE  0u
#define IOKIT_DIRECTION_IN    1u /* device to memory */
#define IOKIT_DIRECTION_OUT   2u /* memory to device */
#define IOKIT_DIRECTION_INOUT 3u

struct iokit_memory;

/* What kinds differ in. `self` is the descriptor itself; kinds embed struct iokit_memory first. */
struct iokit_memory_ops {
    const char *kind; /* "buffer", "ranges" */
    /* On the 0 -> 1 transition: makes all bytes resident and pins them; may sleep. Nothing pinned on error.
     */
    uint32_t (*wire)(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction);
    /* On the 1 -> 0 transition. */
    void (*unwire)(struct iokit_memory *self, struct pl_cpu *cpu);
    /* Physical (IO-virtual, if mapped) address of byte `offset` < length and the bytes that follow it without
     * a gap, at least 1, not past the end. Only while wired. */
    uint64_t (*segment)(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes);
    /* The byte's place in memory, and how many follow it there; NULL: not resident and nothing to be had.
     * Makes a pageable byte resident if need be; may sleep then. */
    unsigned char *(*touch)(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset, bool write,
                            uint64_t *bytes);
    /* The last reference is gone: releases everything, the descriptor too. */
    void (*destroy)(struct iokit_memory *self, struct pl_cpu *cpu);
};

struct iokit; /* the system, in iokit.h */

struct iokit_memory {
    const struct iokit_memory_ops *ops;
    struct iokit *system;
    uint64_t length; /* bytes */
    uint32_t direction;
    uint32_t references;             /* 1 when made */
    uint32_t wire_count;             /* prepares minus completes */
    uint32_t wire_direction;         /* that it was wired with; meaningful while wire_count is not 0 */
    bool born_wired;                 /* its first prepare was the creation's */
    uint32_t dma_holds;              /* DMA commands that use its pages */
    uint64_t serial;                 /* unique in a run: a stale handle is recognised by it */
    const struct iokit_memory *self; /* its own address: a forged handle has another's, or anything */
};

/* Is this a live descriptor of this system? A descriptor of a kind of the caller's own, which is not in the
 * machine's memory, must be readable. Of all others nothing is looked at before it is known to live. */
bool iokit_memory_check(struct iokit *system, const struct iokit_memory *memory);

/* The door for who may hold a stale handle, or a forged one: trapped as `call`, and false, unless it
 * is live and that one. The calls below have no system to ask, and trust their caller to hold a reference;
 * a handle that is none fails an assertion there. */
bool iokit_memory_door(struct iokit *system, const struct iokit_memory *memory, uint64_t serial,
                       const char *call);

/* A DMA command begins, ceases to use the pages (5.5). While one does, the complete that would unwire and the
 * release that would destroy are trapped ("5.5") and change nothing. Never sleep. */
void iokit_memory_hold(struct iokit_memory *memory);
void iokit_memory_unhold(struct iokit_memory *memory);

/* References. release of the last one completes outstanding prepares and destroys; may sleep. */
void iokit_memory_retain(struct iokit_memory *memory);
void iokit_memory_release(struct iokit_memory *memory, struct pl_cpu *cpu);

/* Counted pair (5.5). direction NONE: the descriptor's own. May sleep. */
uint32_t iokit_memory_prepare(struct iokit_memory *memory, struct pl_cpu *cpu, uint32_t direction);
/* complete without a prepare is trapped by CONTRACT_DOC, and nothing to CONTRACT_REAL; success either way.
 * What was wired at its creation stays wired for life by CONTRACT_DOC: completing that, too, is without a
 * prepare. */
uint32_t iokit_memory_complete(struct iokit_memory *memory, struct pl_cpu *cpu);

/* 5.6: address of byte `offset` and the contiguous bytes from there; offset >= length: 0, and *bytes 0. On an
 * unwired descriptor: CONTRACT_DOC returns 0, CONTRACT_REAL traps. Never sleeps. Frame 0 is memory as
 * any other on our machines, so "no segment" is said by *bytes 0, not by the address. */
uint64_t iokit_memory_segment(struct iokit_memory *memory, uint64_t offset, uint64_t *bytes);

/* 5.4: all or nothing; bytes moved. write with `from` NULL writes zeros. May sleep on pageable memory. */
uint64_t iokit_memory_read(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset, void *to,
                           uint64_t bytes);
uint64_t iokit_memory_write(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset,
                            const void *from, uint64_t bytes);

/* A range of a task's addresses. */
struct iokit_range {
    uint64_t addr;
    uint64_t bytes;
};

/* A descriptor over ranges of addresses of memory made by this system (buffers have addresses; see
 * iokit_buffer_address); NULL if a range is nowhere, the total wraps, or no memory for the descriptor. The
 * descriptor retains nothing: as in the original, the caller keeps the memory alive. */
struct iokit_memory *iokit_memory_with_ranges(struct iokit *system, struct pl_cpu *cpu,
                                              const struct iokit_range *ranges, uint32_t range_count,
                                              uint32_t direction);

#endif
