/* Between the zone oracle's files: its own view of what the zones gave out, and its own arithmetic of who may
 * have the next frame. */
#ifndef ENGINE_ORACLE_ZONE_H
#define ENGINE_ORACLE_ZONE_H

#include "engine/op_zone.h"
#include "engine/oracle/oracle.h"
#include "systems/linux/zone.h"

#define ZONE_SLOT_COUNT    16u
#define ZONE_CACHE_LIMIT   256u
#define ZONE_STARVED_LIMIT 4096u
#define ZONE_EXACT_LIMIT   4096u /* pages of one exact grant that are followed one by one */

/* A zone as the oracle thinks that it is. Frames. */
struct zone_numbers {
    uint64_t min;
    uint64_t low;
    uint64_t high;
    uint64_t boost;
    uint64_t highmem; /* that requests which could use high memory leave */
    uint64_t highatomic;
    uint64_t cma;
};

/* What a caller is entitled to. */
struct zone_right {
    bool first;      /* its first attempt: watermark LOW, nothing else */
    bool everything; /* no watermark at all */
    bool high;
    bool atomic; /* must not sleep */
    bool dying;
    bool highmem;
};

struct zone_slot {
    bool live;
    bool used; /* the fields below mean something */
    bool exact;
    uint32_t order;  /* of a block */
    uint64_t frames; /* kept: 2^order, or the exact pages */
    uint64_t bytes;  /* asked for */
    pl_frame first;
    uint64_t gone_count;
    uint64_t gone[ZONE_EXACT_LIMIT / 64]; /* exact pages that were given back alone */
};

struct zone_oracle {
    struct services *services;
    struct linux_zones zones;
    uint8_t *pages[SERVICES_NODE_LIMIT];
    struct zone_numbers numbers[SERVICES_NODE_LIMIT];
    struct zone_slot slots[ZONE_SLOT_COUNT];
    pl_frame cache[ZONE_CACHE_LIMIT]; /* the oldest first */
    uint32_t cache_count;
    struct {
        struct pl_run run;
        uint32_t node;
    } starved[ZONE_STARVED_LIMIT];
    uint32_t starved_count;
    uint64_t frames; /* the slots' and the cache's, by our own count */
};

/* Everything that a call could change, before it. */
struct zone_before {
    uint64_t free[SERVICES_NODE_LIMIT];
    uint64_t held[SERVICES_NODE_LIMIT];
    uint64_t allocated[SERVICES_NODE_LIMIT];
    uint64_t frames;
    uint64_t sleeps;
    uint64_t cpu_sleeps;
    uint64_t steps;
    uint64_t traps;
    bool failing; /* a grant will fail soon, on purpose */
};

/* --- zone_view.c: arithmetic --- */

struct zone_numbers zone_numbers_of(uint64_t managed_frames);
struct zone_right zone_right_of(uint32_t gfp, const struct pl_cpu *cpu, const struct linux_task *task,
                                bool first);
struct zone_right zone_right_of_level(unsigned level);

/* The smallest number of free frames at which the watermark lets a block of this order through. */
uint64_t zone_needs(const struct zone_numbers *zone, uint32_t order, const struct zone_right *right);

struct zone_before zone_look(const struct zone_oracle *oracle, const struct pl_cpu *cpu);
/* A call that failed left everything as it was. */
void zone_check_unchanged(const struct zone_oracle *oracle, const struct zone_before *before, const char *ids,
                          struct finding *finding);
/* Nothing slept and no page daemon ran (L-17 X-5). */
void zone_check_awake(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                      const struct zone_before *before, struct finding *finding);
/* The watermark test of the system, asked for every caller: L-16 and L-20. */
void zone_check_marks(const struct zone_oracle *oracle, uint32_t node, uint32_t order,
                      struct finding *finding);

/* --- zone_expect.c: what alloc_pages must answer --- */

struct zone_expectation {
    uint32_t nodes;  /* a bit a node that may grant it */
    bool may_refuse; /* awake */
    bool must_trap;
    bool hopeless; /* no node could ever: no-memory at once */
};

struct zone_expectation zone_expect(const struct zone_oracle *oracle, const struct pl_cpu *cpu, uint32_t nid,
                                    uint32_t gfp, uint32_t order);
/* After the call. `run` counts if status is PL_OK. */
void zone_check_outcome(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                        const struct zone_expectation *expected, const struct zone_before *before,
                        uint32_t nid, uint32_t gfp, uint32_t order, enum pl_status status, pl_frame first,
                        struct finding *finding);

/* --- zone_alloc.c: the calls --- */

/* alloc_pages with its expectation around it. PL_OK: `run` is granted and counted in oracle->frames. */
enum pl_status zone_call(struct zone_oracle *oracle, struct pl_cpu *cpu, uint32_t nid, uint32_t gfp,
                         uint32_t order, struct pl_run *run, struct finding *finding);
void zone_do_alloc(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);
void zone_do_exact(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);

/* --- zone_free.c --- */

void zone_do_free(struct zone_oracle *oracle, struct pl_cpu *cpu, struct zone_slot *slot,
                  struct finding *finding);
void zone_do_page_free(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding);
void zone_do_bad_free(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                      struct finding *finding);

/* --- zone_stamp.c: bytes --- */

/* Every byte of a frame that was asked for as zero is. */
void zone_check_zero(const struct zone_oracle *oracle, pl_frame first, uint64_t frames,
                     struct finding *finding);
/* Marks of ownership in frames; looks for them when they are given back. */
void zone_stamp(const struct zone_oracle *oracle, pl_frame first, uint64_t frames);
void zone_check_stamps(const struct zone_oracle *oracle, pl_frame first, uint64_t frames,
                       struct finding *finding);

/* --- zone_blocks.c: the candidate's own reserve --- */

/* What the candidate says of the pageblocks that it keeps for atomic requests, if it keeps any (L-18). */
void zone_audit_reserve(const struct zone_oracle *oracle, uint32_t node, struct finding *finding);

/* --- zone_edge.c: to the edge and back --- */

void zone_do_starve(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                    struct finding *finding);
void zone_do_feed(struct zone_oracle *oracle, struct pl_cpu *cpu);
void zone_do_cache(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);
void zone_do_tune(struct zone_oracle *oracle, const struct op *op, struct finding *finding);
uint64_t zone_reclaim(void *oracle, struct pl_cpu *cpu, uint64_t wanted);

/* Node that an operation names: those that this candidate has not are counted round. */
uint32_t zone_node_of(const struct zone_oracle *oracle, unsigned choice);

#endif
