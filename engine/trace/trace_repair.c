/* See trace_repair.h. */
#include "engine/trace/trace_repair.h"

#include <stdlib.h>

#include <pagelab/check.h>

#include "engine/trace/trace_grow.h"
#include "engine/trace/trace_owner.h"

/* How many events later a free may come and still be late rather than the allocation's own; and how far to
 * look for what follows it. Both bound the work on hostile input. */
#define LATE_EVENTS_MAX  256u
#define AFTER_EVENTS_MAX 4096u

/* Block numbers leave room for the step's bit and fit the owner map. */
#define BLOCK_LIMIT (TRACE_OWNER_LIMIT - 1)

struct repairer {
    struct trace_repair *out;
    struct trace_event *events;
    uint32_t event_count;
    struct trace_report *report;
    struct trace_owner owner;
};

static uint64_t end_of(uint64_t frame, uint32_t order)
{
    return frame + (UINT64_C(1) << order);
}

static bool overlap(const struct trace_event *event, const struct trace_block *block)
{
    return event->frame < end_of(block->frame, block->order) &&
           block->frame < end_of(event->frame, event->order);
}

static bool is_free(const struct trace_event *event)
{
    return event->kind == TRACE_FREE || event->kind == TRACE_FREE_BATCHED;
}

static int push_step(struct trace_repair *out, uint32_t step)
{
    uint32_t *grown = trace_grow(out->steps, &out->step_capacity, out->step_count + 1, sizeof(*out->steps));
    if (grown == NULL)
        return -1;
    out->steps = grown;
    out->steps[out->step_count++] = step;
    return 0;
}

static int push_block(struct trace_repair *out, const struct trace_block *block, uint32_t *id)
{
    if (out->block_count >= BLOCK_LIMIT)
        return -1;
    struct trace_block *grown =
        trace_grow(out->blocks, &out->block_capacity, out->block_count + 1, sizeof(*out->blocks));
    if (grown == NULL)
        return -1;
    out->blocks = grown;
    *id = (uint32_t)out->block_count++;
    out->blocks[*id] = *block;
    return 0;
}

static int free_block(struct repairer *repairer, uint32_t id, uint32_t event)
{
    struct trace_block *block = &repairer->out->blocks[id];
    PL_ASSERT(block->is_live);
    block->is_live = false;
    block->freed_by = event;
    return push_step(repairer->out, id << 1 | 1);
}

/* --- Allocations, and the grants in their way. --- */

/* Is the free at `late` out of order? Then another free of the block follows, the reusing allocation's own,
 * or nothing more within sight. An allocation says that `late` was that own free. */
static bool another_free_follows(const struct repairer *repairer, const struct trace_block *block,
                                 uint32_t late)
{
    for (uint32_t i = late + 1; i < repairer->event_count && i - late <= AFTER_EVENTS_MAX; i++) {
        const struct trace_event *event = &repairer->events[i];
        if (event->kind != TRACE_USED && overlap(event, block))
            return is_free(event);
    }
    return true;
}

/* The event that frees `block`, on which the allocation `reuse` has just landed; event_count if there is
 * none. */
static uint32_t late_free(const struct repairer *repairer, const struct trace_block *block, uint32_t reuse)
{
    const uint32_t none = repairer->event_count;
    for (uint32_t i = reuse + 1; i < none && i - reuse <= LATE_EVENTS_MAX; i++) {
        const struct trace_event *event = &repairer->events[i];
        if (event->kind == TRACE_USED || !overlap(event, block))
            continue;
        const bool fits = is_free(event) && event->frame == block->frame && event->order == block->order &&
                          event->cpu != repairer->events[reuse].cpu;
        return fits && another_free_follows(repairer, block, i) ? i : none;
    }
    return none;
}

static int evict(struct repairer *repairer, uint32_t id, uint32_t reuse)
{
    const uint32_t late = late_free(repairer, &repairer->out->blocks[id], reuse);
    if (late == repairer->event_count) {
        /* Nobody knows who freed it: the CPU that had it, so that it is no remote free. */
        repairer->report->missing_frees++;
        return free_block(repairer, id, repairer->out->blocks[id].source);
    }
    repairer->report->reordered_frees++;
    repairer->events[late].kind = TRACE_USED;
    return free_block(repairer, id, late);
}

static int grant(struct repairer *repairer, uint32_t at)
{
    const struct trace_event *event = &repairer->events[at];
    const uint64_t end = end_of(event->frame, event->order);
    for (uint64_t frame = event->frame; frame < end;) {
        uint64_t run_end;
        const uint32_t id = trace_owner_get(&repairer->owner, frame, &run_end);
        if (id != TRACE_OWNER_NONE && repairer->out->blocks[id].is_live) {
            if (evict(repairer, id, at) != 0)
                return -1;
        }
        frame = run_end;
    }
    const struct trace_block block = {
        .frame = event->frame,
        .source = at,
        .next_part = TRACE_BLOCK_NONE,
        .order = event->order,
        .is_live = true,
    };
    uint32_t id;
    if (push_block(repairer->out, &block, &id) != 0 || push_step(repairer->out, id << 1) != 0)
        return -1;
    return trace_owner_set(&repairer->owner, event->frame, end, id) ? 0 : -1;
}

/* --- Frees. --- */

/* Invents the grant of 2^order frames that event `at` frees. */
static int invent(struct repairer *repairer, uint64_t frame, uint32_t order, uint32_t at)
{
    const struct trace_block block = {
        .frame = frame,
        .source = at,
        .next_part = TRACE_BLOCK_NONE,
        .order = (uint8_t)order,
        .is_live = true,
        .is_invented = true,
    };
    uint32_t id;
    if (push_block(repairer->out, &block, &id) != 0)
        return -1;
    repairer->report->invented_allocs++;
    if (!trace_owner_set(&repairer->owner, frame, end_of(frame, order), id))
        return -1;
    return free_block(repairer, id, at);
}

/* Invents what covers [frame, end) of the free at `at`, as the largest blocks aligned within it. */
static int invent_gap(struct repairer *repairer, uint64_t frame, uint64_t end, uint32_t at)
{
    while (frame < end) {
        const uint64_t offset = frame - repairer->events[at].frame;
        uint32_t order = 0;
        while (order < repairer->events[at].order && (offset >> order & 1) == 0 &&
               end_of(frame, order + 1) <= end)
            order++;
        if (invent(repairer, frame, order, at) != 0)
            return -1;
        frame = end_of(frame, order);
    }
    return 0;
}

/* Cuts the block in halves; it keeps the lower one. */
static int halve(struct repairer *repairer, uint32_t id, uint32_t *upper)
{
    struct trace_block *lower = &repairer->out->blocks[id];
    PL_ASSERT(lower->order > 0);
    lower->order--;
    lower->is_part = true;
    struct trace_block half = *lower;
    half.frame = end_of(lower->frame, lower->order);
    if (push_block(repairer->out, &half, upper) != 0)
        return -1;
    repairer->out->blocks[id].next_part = *upper;
    return trace_owner_set(&repairer->owner, half.frame, end_of(half.frame, half.order), *upper) ? 0 : -1;
}

/* Frees what event `at` covers of a live block. Goes down one order a call. */
static int free_part(struct repairer *repairer, uint32_t id, uint32_t at)
{
    const struct trace_event *event = &repairer->events[at];
    const struct trace_block *block = &repairer->out->blocks[id];
    if (!overlap(event, block))
        return 0;
    if (event->frame <= block->frame &&
        end_of(block->frame, block->order) <= end_of(event->frame, event->order))
        return free_block(repairer, id, at);
    uint32_t upper;
    if (halve(repairer, id, &upper) != 0)
        return -1;
    const int result = free_part(repairer, id, at);
    return result != 0 ? result : free_part(repairer, upper, at);
}

/* The frame's last block is freed, by a line of the other kind: the same free, told twice. */
static bool is_double(const struct repairer *repairer, struct trace_block *block, uint32_t at)
{
    if (block->is_live || block->is_doubled)
        return false;
    const struct trace_event *event = &repairer->events[at];
    const struct trace_event *before = &repairer->events[block->freed_by];
    /* A kind other than these two: the free was moved, or added by repair. */
    if (!is_free(before) || before->kind == event->kind || before->frame != event->frame)
        return false;
    block->is_doubled = true;
    return true;
}

/* The free at `at` is not of exactly one live block. */
static int take_back_parts(struct repairer *repairer, uint32_t at)
{
    const struct trace_event event = repairer->events[at];
    const uint64_t end = end_of(event.frame, event.order);
    uint64_t gap = event.frame; /* [gap, frame) is not live */
    bool was_seen = false;
    for (uint64_t frame = event.frame; frame < end;) {
        uint64_t run_end;
        const uint32_t id = trace_owner_get(&repairer->owner, frame, &run_end);
        was_seen |= id != TRACE_OWNER_NONE;
        if (id != TRACE_OWNER_NONE && repairer->out->blocks[id].is_live) {
            const uint64_t block_end =
                end_of(repairer->out->blocks[id].frame, repairer->out->blocks[id].order);
            if (invent_gap(repairer, gap, frame, at) != 0 || free_part(repairer, id, at) != 0)
                return -1;
            run_end = block_end;
            gap = block_end;
        }
        frame = run_end;
    }
    if (gap == event.frame)
        repairer->report->invented_again += was_seen;
    else
        repairer->report->split_frees++;
    if (gap < end && invent_gap(repairer, gap, end, at) != 0)
        return -1;
    return 0;
}

static int take_back(struct repairer *repairer, uint32_t at)
{
    const struct trace_event *event = &repairer->events[at];
    uint64_t run_end;
    const uint32_t id = trace_owner_get(&repairer->owner, event->frame, &run_end);
    if (id != TRACE_OWNER_NONE) {
        struct trace_block *block = &repairer->out->blocks[id];
        if (PL_LIKELY(block->is_live && block->frame == event->frame && block->order == event->order))
            return free_block(repairer, id, at);
        if (is_double(repairer, block, at)) {
            repairer->report->duplicate_frees++;
            return 0;
        }
    }
    return take_back_parts(repairer, at);
}

int trace_repair_run(struct trace_repair *repair, struct trace_events *events, struct trace_report *report)
{
    if (events->count >= BLOCK_LIMIT)
        return -1;
    struct repairer repairer = {
        .out = repair,
        .events = events->items,
        .event_count = (uint32_t)events->count,
        .report = report,
    };
    int result = 0;
    for (uint32_t i = 0; i < repairer.event_count && result == 0; i++) {
        if (events->items[i].kind == TRACE_ALLOC)
            result = grant(&repairer, i);
        else if (is_free(&events->items[i]))
            result = take_back(&repairer, i);
    }
    trace_owner_fini(&repairer.owner);
    return result;
}

void trace_repair_fini(struct trace_repair *repair)
{
    free(repair->blocks);
    free(repair->steps);
    *repair = (struct trace_repair){0};
}
