/* What a candidate says of its own structure, where it claims to have it: buddies (F-22), reservations
 * (F-23). The walk hears its blocks one by one; that each frame is heard once is the shadow's affair. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oracle/vm_view.h"

#define RESERVATION_ORDER  9u /* of FreeBSD's superpages on amd64 */
#define RESERVATION_FRAMES (UINT64_C(1) << RESERVATION_ORDER)

/* What was said of one aligned superpage. */
struct reservation {
    uint64_t set_aside; /* frames; 0: not a reservation */
    uint64_t owner;     /* 0: kept for nobody in particular */
    uint64_t index;     /* that its first frame is kept for, if there is an owner */
};

/* Free blocks' first frames by order: free[frame - first] is the order + 1, 0 where none begins. */
struct blocks {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    const struct vm_oracle *self;
    struct finding *finding;
    uint8_t *free_orders;
    struct reservation *reservations; /* one a superpage that the machine has a frame in */
    uint64_t reserved_frames;
};

/* The frames of the reservation that the block belongs to, granted and not. */
static uint64_t populated(const struct vm_oracle *self, uint64_t first)
{
    const struct shadow *shadow = self->node->shadow;
    uint64_t base = self->node->machine->first.number;
    uint64_t start = first >> RESERVATION_ORDER << RESERVATION_ORDER;
    uint64_t count = 0;
    for (uint64_t frame = start; frame < start + RESERVATION_FRAMES; frame++) {
        if (frame >= base && frame - base < self->node->machine->span && shadow->owner[frame - base] != 0 &&
            shadow->owner[frame - base] != SHADOW_HOLE)
            count++;
    }
    return count;
}

static struct reservation *reservation_of(const struct blocks *blocks, uint64_t frame)
{
    uint64_t first = blocks->self->node->machine->first.number;
    return &blocks->reservations[(frame >> RESERVATION_ORDER) - (first >> RESERVATION_ORDER)];
}

/* A reservation is one aligned superpage of one owner, and its frames lie in it as the indexes do; while some
 * of it is set aside, some of it is live. */
static void hear_reserved(struct blocks *blocks, const struct pl_block *block)
{
    uint64_t frames = UINT64_C(1) << (block->order & 63u);
    uint64_t at = block->first.number % RESERVATION_FRAMES;
    struct reservation *reservation = reservation_of(blocks, block->first.number);
    uint64_t index = block->owner == 0 ? 0 : block->index - at;
    blocks->reserved_frames += frames;
    bool inside = block->order <= RESERVATION_ORDER && block->first.number % frames == 0;
    bool agrees =
        reservation->set_aside == 0 || (reservation->owner == block->owner && reservation->index == index);
    if (!inside || !agrees || index % RESERVATION_FRAMES != 0 ||
        populated(blocks->self, block->first.number) == 0) {
        finding_set(blocks->finding, "F-23",
                    "set-aside frames lie in one aligned superpage of one owner, part of which is live");
        finding_actual(blocks->finding,
                       "0x%" PRIx64 " order %" PRIu32 " is set aside for owner %" PRIu64 ", index 0x%" PRIx64,
                       block->first.number, block->order, block->owner, block->index);
        return;
    }
    *reservation = (struct reservation){
        .set_aside = reservation->set_aside + frames, .owner = block->owner, .index = index};
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

/* Every frame of a reservation is set aside or live: none is free for others. */
static void check_populated(const struct blocks *blocks, struct finding *finding)
{
    const struct pl_machine *machine = blocks->self->node->machine;
    uint64_t end = machine->first.number + machine->span;
    uint64_t frame = machine->first.number >> RESERVATION_ORDER << RESERVATION_ORDER;
    for (; frame < end && !finding->found; frame += RESERVATION_FRAMES) {
        const struct reservation *reservation = reservation_of(blocks, frame);
        uint64_t live = populated(blocks->self, frame);
        if (reservation->set_aside == 0 || reservation->set_aside + live == RESERVATION_FRAMES)
            continue;
        finding_set(finding, "F-23",
                    "each frame of a reservation is set aside if and only if it is not live");
        finding_actual(finding, "of superpage 0x%" PRIx64 " %" PRIu64 " are set aside and %" PRIu64 " live",
                       frame, reservation->set_aside, live);
    }
}

/* A page that lies in somebody's reservation was allocated for that object, and for that index. */
static void check_owners(const struct blocks *blocks, struct finding *finding)
{
    const struct vm_oracle *self = blocks->self;
    const struct pl_machine *machine = self->node->machine;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count && !finding->found; j++) {
            const struct vm_view_page *page = &self->slots[i].pages[j];
            if (!page->live || page->frame - machine->first.number >= machine->span)
                continue;
            const struct reservation *reservation = reservation_of(blocks, page->frame);
            uint64_t index = reservation->index + page->frame % RESERVATION_FRAMES;
            if (reservation->set_aside == 0 || reservation->owner == 0 ||
                (page->owner == reservation->owner && page->pindex == index))
                continue;
            finding_set(finding, "F-23", "the pages of a reservation are its owner's, at their indexes");
            finding_expected(finding, "frame 0x%" PRIx64 " is index 0x%" PRIx64 " of owner %" PRIu64,
                             page->frame, index, reservation->owner);
            finding_actual(finding, "it is index 0x%" PRIx64 " of owner %" PRIu64, page->pindex, page->owner);
        }
    }
}

static void check_reservations(const struct blocks *blocks, struct finding *finding)
{
    const struct instance *instance = blocks->self->node->instance;
    struct pl_page_counts counts = {0};
    if (instance_has_count(instance))
        instance->page.ops->count(instance->page.self, &counts);
    check_populated(blocks, finding);
    check_owners(blocks, finding);
    if (!finding->found && counts.reserved_frames != blocks->reserved_frames) {
        finding_set(finding, "F-23 F-2", "");
        finding_expected(finding, "%" PRIu64 " frames are set aside in blocks", blocks->reserved_frames);
        finding_actual(finding, "count says %" PRIu64, counts.reserved_frames);
    }
}

void vm_audit_blocks(struct vm_oracle *self, struct finding *finding)
{
    const struct instance *instance = self->node->instance;
    const struct pl_machine *machine = self->node->machine;
    if (finding->found || !(instance->caps & (PL_CAP_BUDDY | PL_CAP_RESERVATIONS)) ||
        !instance_has_audit(instance))
        return;
    struct blocks blocks = {
        .visitor = {.bytes = sizeof(blocks.visitor), .block = hear_block, .broken = hear_broken},
        .self = self,
        .finding = finding,
        .free_orders = calloc((size_t)machine->span, 1),
        .reservations = calloc((size_t)(machine->span / RESERVATION_FRAMES + 2), sizeof(struct reservation)),
    };
    if (blocks.free_orders != NULL && blocks.reservations != NULL) {
        (void)instance->page.ops->audit(instance->page.self, &blocks.visitor);
        if (!finding->found && instance->caps & PL_CAP_BUDDY)
            check_buddies(&blocks, finding);
        if (!finding->found && instance->caps & PL_CAP_RESERVATIONS)
            check_reservations(&blocks, finding);
    }
    free(blocks.free_orders);
    free(blocks.reservations);
}
