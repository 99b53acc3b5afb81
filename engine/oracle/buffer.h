/* Inside of the buffer oracle: what it expects of each buffer, and the checks that its files share. It knows
 * a buffer's bytes from what was written, its frames from the segments when they were first seen, and
 * computes what a call must do from the specification, never from the system's own fields. */
#ifndef ENGINE_ORACLE_BUFFER_H
#define ENGINE_ORACLE_BUFFER_H

#include "engine/op_buffer.h"
#include "engine/oracle/oracle.h"
#include "systems/iokit/iokit.h"

#define BUFFER_SLOTS 16u
#define BUFFER_BYTES_MAX                                                                                     \
    (UINT64_C(64) << 10) /* of a buffer, whose contents are known; the rest is not looked at */
#define BUFFER_UNKNOWN  UINT64_MAX
#define BUFFER_HEAP_MAX 2048u /* a larger buffer has pages of its own */
#define BUFFER_SHARED   0xFFu /* in owner[]: a heap page */

struct expected {
    struct iokit_memory *memory; /* of the last buffer in this slot, live or not */
    uint64_t serial;
    bool used; /* there was one */
    bool live;
    bool wired; /* not pageable */
    bool purgeable;
    bool mapped;   /* the IOMMU translates */
    bool granular; /* has pages of its own */
    bool guarded;
    bool known;         /* frames are known: it is wired, or prepared */
    bool must_be_empty; /* the page daemon took from it while it was volatile */
    bool vague;         /* emptied: what the bytes are is not promised */
    uint32_t options;
    uint32_t direction;
    uint32_t wire_count;
    uint32_t wire_direction;
    uint32_t range_pins; /* prepared descriptors over ranges of it */
    uint32_t purge_state;
    enum iokit_task task;
    uint64_t volatile_since; /* steps of the page daemon when it became so */
    uint64_t capacity;
    uint64_t length;
    uint64_t alignment; /* that was asked for, or the mask's */
    uint64_t mask;      /* UINT64_MAX: none */
    uint64_t address;
    uint64_t first_byte; /* physical address of byte 0, while `known` */
    uint64_t io_addr;    /* IO-virtual, while mapped and known */
    uint64_t *frames;    /* by page */
    unsigned char *bytes;
};

/* Counters before the call that is under way. */
struct buffer_before {
    uint64_t held;
    uint64_t calls;
    uint64_t grants;
    uint64_t sleeps;
    uint64_t would_sleep;
    uint64_t injected;
    uint64_t freed; /* by the page daemon */
    uint64_t traps;
    uint64_t objects; /* descriptors, heap pages and heap objects */
    uint64_t pages;   /* of the slabs */
    uint64_t pinned;
    uint64_t free_frames;
    bool may_inject;
};

struct buffer_oracle {
    struct services *services;
    struct iokit iokit;
    void *host; /* of the system */
    uint32_t swap_pages;
    bool iommu;
    uint64_t live;
    uint32_t busy; /* bits of the slots that the operation under way is about */
    struct expected slots[BUFFER_SLOTS];
    uint8_t *owner; /* by frame - first: 0, slot + 1, BUFFER_SHARED */
    unsigned char *scratch;
    uint64_t *frames;
    unsigned char *bytes;
    struct buffer_before before;
};

/* What a walk over the segments found. */
struct buffer_walk {
    uint64_t segments;
    uint64_t first_bytes;
    bool consecutive; /* its frames */
};

/* --- buffer_memory.c --- */

uint64_t buffer_page_count(const struct expected *expected);
void buffer_begin(struct buffer_oracle *oracle);
/* After each call: `traps` were expected. */
void buffer_finish(struct buffer_oracle *oracle, uint64_t traps, struct finding *finding);
/* After a call that succeeded: what was granted in it left the floor of its class. */
void buffer_floor(const struct buffer_oracle *oracle, uint32_t options, struct finding *finding);
/* Was there a reason to be out of memory since buffer_begin? */
bool buffer_was_short(const struct buffer_oracle *oracle);
/* Asserts that a call that failed left every count as it was. */
void buffer_unchanged(struct buffer_oracle *oracle, const char *ids, struct finding *finding);
/* Walks the segments; with `learn` their frames become the known ones, else they must be. */
void buffer_walk(struct buffer_oracle *oracle, struct expected *expected, bool learn,
                 struct buffer_walk *walk, struct finding *finding);
/* A page's frame is this buffer's from now on: of this machine, granted by somebody, and nobody else's. */
bool buffer_claim(struct buffer_oracle *oracle, struct expected *expected, uint64_t page, uint64_t frame,
                  struct finding *finding);
/* Forgets the frames. */
void buffer_forget(struct buffer_oracle *oracle, struct expected *expected);
/* Compares bytes [from, to) as they are in memory with what was written. */
void buffer_compare(struct buffer_oracle *oracle, const struct expected *expected, uint64_t from, uint64_t to,
                    const char *ids, struct finding *finding);
/* Are the first and the last known frame, or all, still its own? */
void buffer_identity(struct buffer_oracle *oracle, const struct expected *expected, bool all,
                     struct finding *finding);
/* Fields that calls on other buffers must leave alone. */
void buffer_fields(const struct expected *expected, struct finding *finding);
/* Has the page daemon emptied it? May it have? */
void buffer_sync(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                 struct finding *finding);
void buffer_fill(unsigned char *to, uint64_t offset, uint64_t bytes, unsigned pattern);
/* The expectation of contents after such a write. */
void buffer_expect(struct expected *expected, uint64_t offset, const unsigned char *from, uint64_t bytes);
PL_INLINE bool buffer_reads_only(uint32_t direction)
{
    return (direction & IOKIT_DIRECTION_INOUT) == IOKIT_DIRECTION_OUT;
}

/* --- buffer_reclaim.c --- */

/* Stands for iokit_reclaim at the page daemon; `oracle` is a struct buffer_oracle. */
uint64_t buffer_reclaim(void *oracle, struct pl_cpu *cpu, uint64_t wanted);

/* --- buffer_create.c --- */

void buffer_run_create(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding);

/* --- buffer_calls.c, buffer_bytes.c --- */

void buffer_run_release(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                        struct finding *finding);
void buffer_run_prepare(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                        uint32_t direction, struct finding *finding);
void buffer_run_complete(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                         struct finding *finding);
void buffer_run_segments(struct buffer_oracle *oracle, struct expected *expected, uint64_t offset,
                         struct finding *finding);
void buffer_run_purge(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                      uint32_t state, struct finding *finding);
void buffer_run_bad(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                    unsigned mistake, struct finding *finding);
void buffer_run_write(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                      const struct op *op, struct finding *finding);
void buffer_run_read(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                     uint64_t offset, uint64_t bytes, struct finding *finding);
void buffer_run_append(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                       const struct op *op, struct finding *finding);
void buffer_run_length(struct buffer_oracle *oracle, struct expected *expected, uint64_t length,
                       struct finding *finding);
void buffer_run_direction(struct buffer_oracle *oracle, struct expected *expected, uint32_t direction,
                          struct finding *finding);
void buffer_run_nocopy(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                       const struct op *op, struct finding *finding);
void buffer_run_ranges(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding);

#endif
