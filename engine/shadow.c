/* See shadow.h. */
#include "engine/shadow.h"

#include <inttypes.h>
#include <pagelab/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int shadow_init(struct shadow *shadow, const struct pl_machine *machine)
{
    memset(shadow, 0, sizeof(*shadow));
    shadow->machine = machine;
    size_t span = (size_t)machine->span;
    shadow->owner = malloc(span * sizeof(*shadow->owner));
    shadow->pristine = malloc(span * sizeof(*shadow->pristine));
    shadow->seen = malloc(span);
    if (shadow->owner == NULL || shadow->pristine == NULL || shadow->seen == NULL) {
        shadow_fini(shadow);
        return -1;
    }
    memset(shadow->pristine, 0xff, span * sizeof(*shadow->pristine));
    for (uint32_t i = 0; i < machine->range_count; i++) {
        size_t at = (size_t)(machine->ranges[i].first.number - machine->first.number);
        memset(shadow->pristine + at, 0, (size_t)machine->ranges[i].frame_count * sizeof(*shadow->pristine));
    }
    shadow_reset(shadow);
    return 0;
}

void shadow_reset(struct shadow *shadow)
{
    memcpy(shadow->owner, shadow->pristine, (size_t)shadow->machine->span * sizeof(*shadow->owner));
    shadow->live = 0;
}

void shadow_fini(struct shadow *shadow)
{
    free(shadow->owner);
    free(shadow->pristine);
    free(shadow->seen);
    memset(shadow, 0, sizeof(*shadow));
}

uint64_t shadow_free_frames(const struct shadow *shadow)
{
    return shadow->machine->frame_count - shadow->live;
}

bool shadow_admits(const struct shadow *shadow, unsigned alloc_class, uint64_t frames)
{
    const struct pl_floors *floors = &shadow->machine->floors;
    uint64_t floor = alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
                     : alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                                       : floors->normal;
    uint64_t free_frames = shadow_free_frames(shadow);
    return free_frames >= floor && free_frames - floor >= frames;
}

bool shadow_in_machine(const struct shadow *shadow, pl_frame first, uint64_t frame_count)
{
    for (uint32_t i = 0; i < shadow->machine->range_count; i++) {
        const struct pl_range *range = &shadow->machine->ranges[i];
        if (first.number >= range->first.number && first.number - range->first.number < range->frame_count)
            return frame_count <= range->frame_count - (first.number - range->first.number);
    }
    return false;
}

bool shadow_has_run(const struct shadow *shadow, const struct pl_constraints *c, bool empty)
{
    const struct pl_machine *machine = shadow->machine;
    const uint32_t *map = empty ? shadow->pristine : shadow->owner;
    uint64_t base = machine->first.number;
    uint64_t end = base + machine->span < c->high.number ? base + machine->span : c->high.number;
    uint64_t first = base > c->low.number ? base : c->low.number;
    first = (first + c->alignment - 1) / c->alignment * c->alignment;
    while (first < end && c->frame_count <= end - first) {
        uint64_t last = first + c->frame_count - 1;
        if (c->boundary != 0 && first / c->boundary != last / c->boundary) {
            uint64_t next = last / c->boundary * c->boundary;
            next = (next + c->alignment - 1) / c->alignment * c->alignment;
            first = next > first ? next : first + c->alignment;
            continue;
        }
        uint64_t at = first;
        while (at <= last && map[at - base] == 0)
            at++;
        if (at > last)
            return true;
        first = (at / c->alignment + 1) * c->alignment;
    }
    return false;
}

bool shadow_has_block(const struct shadow *shadow, unsigned order)
{
    struct pl_constraints c = {
        .frame_count = UINT64_C(1) << order,
        .high = {UINT64_MAX},
        .alignment = UINT64_C(1) << order,
    };
    return shadow_has_run(shadow, &c, false);
}

uint64_t shadow_usable_frames(const struct shadow *shadow, unsigned order)
{
    uint64_t block = UINT64_C(1) << order;
    uint64_t base = shadow->machine->first.number;
    uint64_t usable = 0;
    /* Frames are aligned by their numbers, and the machine may begin anywhere. */
    for (uint64_t at = (block - base % block) % block; at + block <= shadow->machine->span; at += block) {
        uint64_t i = 0;
        while (i < block && shadow->owner[at + i] == 0)
            i++;
        usable += i == block ? block : 0;
    }
    return usable;
}

uint64_t shadow_run_count(const struct shadow *shadow, uint64_t frame_count)
{
    uint64_t runs = 0;
    uint64_t length = 0;
    PL_ASSERT(frame_count != 0);
    for (uint64_t i = 0; i < shadow->machine->span; i++) {
        length = shadow->owner[i] == 0 ? length + 1 : 0;
        if (length == frame_count) {
            runs++;
            length = 0;
        }
    }
    return runs;
}

int shadow_largest_free_order(const struct shadow *shadow)
{
    int order = -1;
    while (order < (int)PL_ORDER_LIMIT && shadow_has_block(shadow, (unsigned)(order + 1)))
        order++;
    return order;
}

void shadow_grant(struct shadow *shadow, const struct pl_run *run, uint32_t tag, struct finding *finding)
{
    if (!shadow_in_machine(shadow, run->first, run->frame_count)) {
        finding_set(finding, "X-1", "every granted frame is a frame of the machine");
        finding_actual(finding, "granted 0x%" PRIx64 "+%" PRIu64 ", outside every range", run->first.number,
                       run->frame_count);
        return;
    }
    uint32_t *owner = shadow->owner + (run->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; i < run->frame_count; i++) {
        if (owner[i] != 0) {
            finding_set(finding, "F-1 X-2", "");
            finding_expected(finding, "frame 0x%" PRIx64 " is still granted (tag %" PRIu32 ")",
                             run->first.number + i, owner[i]);
            finding_actual(finding, "granted 0x%" PRIx64 "+%" PRIu64 ", which has it again",
                           run->first.number, run->frame_count);
            return;
        }
    }
    for (uint64_t i = 0; i < run->frame_count; i++)
        owner[i] = tag;
    shadow->live += run->frame_count;
}

void shadow_release(struct shadow *shadow, const struct pl_run *run, uint32_t tag)
{
    uint32_t *owner = shadow->owner + (run->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; i < run->frame_count; i++) {
        PL_ASSERT(owner[i] == tag);
        owner[i] = 0;
    }
    (void)tag;
    shadow->live -= run->frame_count;
}

void shadow_retag(struct shadow *shadow, const struct pl_run *run, uint32_t tag)
{
    uint32_t *owner = shadow->owner + (run->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; i < run->frame_count; i++)
        owner[i] = tag;
}

/* --- the audit --- */

struct audit {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    struct shadow *shadow;
    struct finding *finding;
    uint64_t frames[PL_BLOCK_LOST + 1];
    uint64_t seen;
};

/* The block lies in one range, so all of it is of that range's node. */
static void audit_node(const struct audit *audit, const struct pl_block *block)
{
    uint16_t node = pl_machine_node(audit->shadow->machine, block->first);
    if (block->node == node)
        return;
    finding_set(audit->finding, "X-1", "");
    finding_expected(audit->finding, "frame 0x%" PRIx64 " is of node %u", block->first.number, node);
    finding_actual(audit->finding, "the audit reports it as one of node %u", block->node);
}

static void audit_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct audit *audit = (struct audit *)visitor;
    struct shadow *shadow = audit->shadow;
    if (audit->finding->found)
        return;
    uint64_t frames = UINT64_C(1) << (block->order & 63u);
    if (block->order > PL_ORDER_LIMIT || block->state > PL_BLOCK_LOST ||
        !shadow_in_machine(shadow, block->first, frames)) {
        finding_set(audit->finding, "X-1", "the audit reports blocks of the machine only");
        finding_actual(audit->finding, "reports 0x%" PRIx64 " order %" PRIu32 " state %" PRIu32,
                       block->first.number, block->order, block->state);
        return;
    }
    audit_node(audit, block);
    size_t at = (size_t)(block->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; i < frames && !audit->finding->found; i++) {
        if (shadow->owner[at + i] != 0) {
            finding_set(audit->finding, "F-1 X-1", "");
            finding_expected(audit->finding, "frame 0x%" PRIx64 " is granted (tag %" PRIu32 ")",
                             block->first.number + i, shadow->owner[at + i]);
            finding_actual(audit->finding, "the audit reports it as not granted (state %" PRIu32 ")",
                           block->state);
            return;
        }
        if (shadow->seen[at + i]) {
            finding_set(audit->finding, "X-1", "each frame is reported once");
            finding_actual(audit->finding, "the audit reports frame 0x%" PRIx64 " twice",
                           block->first.number + i);
            return;
        }
        shadow->seen[at + i] = 1;
    }
    audit->frames[block->state] += frames;
    audit->seen += frames;
}

static void audit_broken(struct pl_visitor *visitor, const char *words)
{
    struct audit *audit = (struct audit *)visitor;
    if (audit->finding->found)
        return;
    finding_set(audit->finding, "X-1", "the backend's own structures are sound");
    finding_actual(audit->finding, "its audit says: %s", words);
}

static void audit_missing(struct shadow *shadow, struct finding *finding)
{
    for (uint64_t i = 0; i < shadow->machine->span; i++) {
        if (shadow->owner[i] == 0 && !shadow->seen[i]) {
            finding_set(finding, "X-1 F-2", "");
            finding_expected(finding,
                             "frame 0x%" PRIx64 " is not granted, so it is free, cached, metadata or lost",
                             shadow->machine->first.number + i);
            finding_actual(finding, "the audit does not report it at all");
            return;
        }
    }
}

void shadow_audit(struct shadow *shadow, const struct instance *instance, struct finding *finding)
{
    const struct pl_page_ops *ops = instance->page.ops;
    if (!instance_has_audit(instance) || finding->found)
        return;
    struct audit audit = {
        .visitor = {.bytes = sizeof(struct pl_visitor), .block = audit_block, .broken = audit_broken},
        .shadow = shadow,
        .finding = finding,
    };
    memset(shadow->seen, 0, (size_t)shadow->machine->span);
    uint64_t broken = ops->audit(instance->page.self, &audit.visitor);
    if (!finding->found && broken != 0)
        audit_broken(&audit.visitor, "broken, without words");
    if (!finding->found && audit.seen != shadow_free_frames(shadow))
        audit_missing(shadow, finding);
    if (finding->found || !instance_has_count(instance))
        return;
    struct pl_page_counts counts = {0};
    ops->count(instance->page.self, &counts);
    if (counts.free != audit.frames[PL_BLOCK_FREE] + audit.frames[PL_BLOCK_RESERVED] ||
        counts.cached != audit.frames[PL_BLOCK_CACHED]) {
        finding_set(finding, "F-2", "");
        finding_expected(finding, "the audit walked over %" PRIu64 " free and %" PRIu64 " cached frames",
                         audit.frames[PL_BLOCK_FREE] + audit.frames[PL_BLOCK_RESERVED],
                         audit.frames[PL_BLOCK_CACHED]);
        finding_actual(finding, "count says %" PRIu64 " free, %" PRIu64 " cached", counts.free,
                       counts.cached);
    }
}

void shadow_check_counts(const struct shadow *shadow, const struct instance *instance,
                         struct finding *finding)
{
    if (!instance_has_count(instance) || finding->found)
        return;
    struct pl_page_counts counts = {0};
    instance->page.ops->count(instance->page.self, &counts);
    uint64_t sum = counts.free + counts.cached + counts.metadata + counts.lost;
    if (sum != shadow_free_frames(shadow)) {
        finding_set(finding, "F-2 F-6 X-4", "");
        finding_expected(finding, "%" PRIu64 " frames are not granted (%" PRIu64 " are)",
                         shadow_free_frames(shadow), shadow->live);
        finding_actual(finding,
                       "count says %" PRIu64 " free + %" PRIu64 " cached + %" PRIu64 " metadata + %" PRIu64
                       " lost",
                       counts.free, counts.cached, counts.metadata, counts.lost);
    }
}
