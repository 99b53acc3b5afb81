/* Two-level segregated fit over frames: the structures, and every step that touches them.
 *
 * Blocks of any number of frames tile each range. Only a block's first frame says what it is; the last frame
 * of a free one says where it began, so that a neighbour finds it. No step looks at the frames between.
 *
 *   frame      0    1    2    3    4    5    6    7    8
 *   kind      [F    .    .    T ] [G    .    .] [F] [G]
 *   frames     4              4    3             1   1
 *
 * Two free blocks never touch. Index 0 and the last index are frames of nobody, so each frame has two
 * neighbours and 0 can mean "none". */
#ifndef TLSF_INTERNAL_H
#define TLSF_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define TLSF_MAX_ORDER    10u
#define TLSF_FIRST_COUNT  32u /* first levels: block sizes fit 32 bits */
#define TLSF_STEP_SHIFT   3u  /* second levels cut 2^k frames into 8 steps ... */
#define TLSF_SECOND_COUNT 24u /* ... and a block whose largest aligned order is k has less than 2^(k+2) */
#define TLSF_NONE         0u
#define TLSF_SPAN_MAX     (UINT64_C(1) << 32)

_Static_assert(TLSF_SECOND_COUNT == 3u << TLSF_STEP_SHIFT, "frames 2^k .. 2^(k+2) in steps of 2^k / 8");
_Static_assert(TLSF_SECOND_COUNT <= 32, "a bit each in a word");

enum tlsf_kind {
    TLSF_INSIDE = 0, /* no block's first frame, no free block's last; or a hole */
    TLSF_FREE = 1,
    TLSF_GRANT = 2,
    TLSF_TAIL = 3, /* last frame of a free block of two or more */
};

/* One a frame. frame_count counts for all but INSIDE, the links for FREE. */
struct tlsf_record {
    uint32_t kind; /* enum tlsf_kind */
    uint32_t frame_count;
    uint32_t next; /* indexes of the list, TLSF_NONE at its ends */
    uint32_t before;
};

/* The free blocks of one node. Bit f of first_level is set iff second_level[f] is not 0; bit s of that iff
 * head[f][s] is a block. */
struct tlsf_node {
    uint32_t first_level;
    uint32_t reserved32;
    uint32_t second_level[TLSF_FIRST_COUNT];
    uint32_t head[TLSF_FIRST_COUNT][TLSF_SECOND_COUNT];
};

struct tlsf {
    struct pl_lock lock;
    _Atomic uint64_t free_count; /* written with the lock held, read at any time */
    const struct pl_machine *machine;
    uint64_t index_count;       /* span and a frame of nobody at each end */
    uint64_t shift;             /* frame number - index; wraps if frame 0 is the first */
    struct tlsf_node *node;     /* [machine->node_count] */
    struct tlsf_record *record; /* [index_count] */
};

/* The lists a block can be on. */
struct tlsf_class {
    uint32_t first;
    uint32_t second;
};

PL_INLINE uint64_t tlsf_up(uint64_t number, uint64_t alignment)
{
    PL_ASSERT((alignment & (alignment - 1)) == 0);
    return (number + alignment - 1) & ~(alignment - 1);
}

/* The first level is the largest order of which the block holds a naturally aligned block: the order of its
 * length, or one less if it lies badly. So whoever asks for an order finds a block that serves in any class
 * from there on, without looking into it. The second level is the length. */
PL_INLINE struct tlsf_class tlsf_class_of(const struct tlsf *self, uint64_t index, uint64_t frame_count)
{
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(frame_count < TLSF_SPAN_MAX);
    uint64_t number = index + self->shift;
    uint32_t first = 63u - PL_CLZ64(frame_count);
    uint64_t largest = UINT64_C(1) << first;
    first -= tlsf_up(number, largest) - number > frame_count - largest;
    uint64_t second = ((frame_count - (UINT64_C(1) << first)) << TLSF_STEP_SHIFT) >> first;
    PL_ASSERT(second < TLSF_SECOND_COUNT);
    return (struct tlsf_class){.first = first, .second = (uint32_t)second};
}

/* Everything below is called with the lock held, or by init. */

/* Makes frames of nobody a free block of its own. Its neighbours are not free. */
PL_INLINE void tlsf_insert(struct tlsf *self, struct tlsf_node *node, uint64_t index, uint64_t frame_count)
{
    struct tlsf_class at = tlsf_class_of(self, index, frame_count);
    struct tlsf_record *record = &self->record[index];
    uint32_t next = node->head[at.first][at.second];
    PL_ASSERT(record->kind == TLSF_INSIDE);
    PL_ASSERT(index + frame_count < self->index_count);
    uint64_t length = frame_count;
    if (PL_MUTANT("tlsf-tail-narrow")) {
        PL_MUTANT_TRIGGERED("tlsf-tail-narrow", length != (length & 15));
        length &= 15;
    }
    record[frame_count - 1] = (struct tlsf_record){.kind = TLSF_TAIL, .frame_count = (uint32_t)length};
    *record = (struct tlsf_record){.kind = TLSF_FREE, .frame_count = (uint32_t)frame_count, .next = next};
    self->record[next].before = (uint32_t)index; /* of index 0 if there is none: nobody reads that */
    node->head[at.first][at.second] = (uint32_t)index;
    node->second_level[at.first] |= 1u << at.second;
    node->first_level |= 1u << at.first;
}

/* Makes a free block frames of nobody; returns their number. */
PL_INLINE uint64_t tlsf_remove(struct tlsf *self, struct tlsf_node *node, uint64_t index)
{
    struct tlsf_record *record = &self->record[index];
    uint64_t frame_count = record->frame_count;
    struct tlsf_class at = tlsf_class_of(self, index, frame_count);
    PL_ASSERT(record->kind == TLSF_FREE);
    PL_ASSERT((node->second_level[at.first] >> at.second & 1) != 0);
    self->record[record->next].before = record->before;
    if (record->before != TLSF_NONE) {
        self->record[record->before].next = record->next;
    } else {
        PL_ASSERT(node->head[at.first][at.second] == index);
        node->head[at.first][at.second] = record->next;
        if (record->next == TLSF_NONE) {
            node->second_level[at.first] &= ~(1u << at.second);
            bool is_empty = node->second_level[at.first] == 0;
            if (is_empty && PL_MUTANT("tlsf-level-kept")) {
                PL_MUTANT_TRIGGERED("tlsf-level-kept", true);
                is_empty = false;
            }
            node->first_level &= ~((uint32_t)is_empty << at.first);
        }
    }
    record->kind = TLSF_INSIDE;
    record[frame_count - 1].kind = TLSF_INSIDE;
    return frame_count;
}

/* Cuts a grant out of the free block that it lies in; what is left over at the ends is free again. */
PL_INLINE void tlsf_carve(struct tlsf *self, struct tlsf_node *node, struct pl_cpu *cpu, uint64_t block,
                          uint64_t index, uint64_t frame_count)
{
    uint64_t end = block + tlsf_remove(self, node, block);
    PL_ASSERT(index >= block);
    PL_ASSERT(end - index >= frame_count);
    pl_point(cpu, self);
    if (index > block)
        tlsf_insert(self, node, block, index - block);
    if (end > index + frame_count)
        tlsf_insert(self, node, index + frame_count, end - index - frame_count);
    self->record[index].kind = TLSF_GRANT;
    self->record[index].frame_count = (uint32_t)frame_count;
}

/* The range that a frame number lies in, or NULL. */
const struct pl_range *tlsf_range_of(const struct pl_machine *machine, uint64_t number);

size_t tlsf_meta_bytes(const struct pl_page_config *config);
enum pl_status tlsf_init(void *instance, const struct pl_page_config *config);
enum pl_status tlsf_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                              const struct pl_constraints *constraints, struct pl_run *run);
uint64_t tlsf_audit(const void *instance, struct pl_visitor *visitor);

#endif
