/* What a candidate says of its own structure, where it claims to have it: buddies (F-22), reservations
 * (F-23). The walk hears its blocks one by one; that each frame is heard once is the shadow's affair. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oracle/vm_view.h"

#define RESERVATION_ORDER 9u /* of FreeBSD's superpages on amd64 */

/* Free blocks' first frames by order: free[frame - first] is the order + 1, 0 where none begins. */
struct blocks {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    const struct vm_oracle *self;
    struct finding *finding;
    uint8_t *free_orders;
    uint64_t reserved_frames;
};

/* The frames of the reservation that the block belongs to, granted and not. */
static uint64_t populated(const struct vm_oracle *self, uint64_t first)
{
    const struct shadow *shadow = self->node->shadow;
    uint64_t base = self->node->machine->first.number;
    uint64_t start = first >> RESERVATION_ORDER << RESERVATION_ORDER;
    uint64_t count = 0;
    for (uint64_t frame = start; frame < start + (UINT64_C(1) << RESERVATION_ORDER); frame++) {
        if (frame >= base && frame - base < self->node->machine->span && shadow->owner[frame - base] != 0 &&
            shadow->owner[frame - base] != SHADOW_HOLE)
            count++;
    }
    return count;
}

/* A reservation is one aligned superpage; while some of it is set aside, some of it is live. */
static void hear_reserved(struct blocks *blocks, const struct pl_block *block)
{
    uint64_t frames = UINT64_C(1) << (block->order & 63u);
    blocks->reserved_frames += frames;
    bool inside = block->order <= RESERVATION_ORDER && block->first.number % frames == 0;
    if (inside && populated(blocks->self, block->first.number) != 0)
        return;
    finding_set(blocks->finding, "F-23",
                "set-aside frames lie in one aligned superpage, part of which is live");
    finding_actual(blocks->finding, "0x%" PRIx64 " order %" PRIu32 " is set aside", block->first.number,
                   block->order);
}

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct blocks *blocks = (struct blocks *)visitor;
    const struct vm_oracle *self = blocks->self;
    uint64_t caps = self->node->instance->caps;
    uint64_t at = block->first.number - self->node->machine->first.number;
    if (blocks->finding->found || at >= self->node->machine->span)
        return;
    if (block->state == PL_BLOCK_RESERVED && caps & PL_CAP_RESERVATIONS)
        hear_reserved(blocks, block);
    if (block->state != PL_BLOCK_FREE || !(caps & PL_CAP_BUDDY))
        return;
    if (block->order > PL_ORDER_LIMIT || block->first.number % (UINT64_C(1) << block->order) != 0) {
        finding_set(blocks->finding, "F-22", "a free block is aligned to its size");
        finding_actual(blocks->finding, "0x%" PRIx64 " order %" PRIu32, block->first.number, block->order);
        return;
    }
    blocks->free_orders[at] = (uint8_t)(block->order + 1);
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    (void)words; /* the shadow's audit reports it */
}

/* Alignment was seen to; here: none overlaps the one before, and no two are buddies that should be one. */
static void check_buddies(const struct blocks *blocks, struct finding *finding)
{
    const struct pl_machine *machine = blocks->self->node->machine;
    uint64_t end = 0;
    for (uint64_t at = 0; at < machine->span && !finding->found; at++) {
        if (blocks->free_orders[at] == 0)
            continue;
        unsigned order = blocks->free_orders[at] - 1u;
        uint64_t frame = machine->first.number + at;
        uint64_t buddy = frame ^ (UINT64_C(1) << order);
        uint64_t buddy_at = buddy - machine->first.number;
        bool apart = order < blocks->self->node->instance->max_order && buddy > frame &&
                     buddy_at < machine->span && blocks->free_orders[buddy_at] == order + 1;
        if (at < end || apart) {
            finding_set(finding, "F-22",
                        apart ? "two free buddies are one block" : "free blocks do not overlap");
            finding_actual(finding, "0x%" PRIx64 " order %u%s", frame, order,
                           apart ? " and its buddy are both free" : " lies in the block before");
        }
        end = at + (UINT64_C(1) << order);
    }
}

void vm_audit_blocks(struct vm_oracle *self, struct finding *finding)
{
    const struct instance *instance = self->node->instance;
    if (finding->found || !(instance->caps & (PL_CAP_BUDDY | PL_CAP_RESERVATIONS)) ||
        !instance_has_audit(instance))
        return;
    struct blocks blocks = {
        .visitor = {.bytes = sizeof(blocks.visitor), .block = hear_block, .broken = hear_broken},
        .self = self,
        .finding = finding,
        .free_orders = calloc((size_t)self->node->machine->span, 1),
    };
    if (blocks.free_orders == NULL)
        return;
    (void)instance->page.ops->audit(instance->page.self, &blocks.visitor);
    struct pl_page_counts counts = {0};
    if (instance_has_count(instance))
        instance->page.ops->count(instance->page.self, &counts);
    if (!finding->found && instance->caps & PL_CAP_BUDDY)
        check_buddies(&blocks, finding);
    if (!finding->found && instance->caps & PL_CAP_RESERVATIONS &&
        counts.reserved_frames != blocks.reserved_frames) {
        finding_set(finding, "F-23 F-2", "");
        finding_expected(finding, "%" PRIu64 " frames are set aside in blocks", blocks.reserved_frames);
        finding_actual(finding, "count says %" PRIu64, counts.reserved_frames);
    }
    free(blocks.free_orders);
}
