/* See age_mix.h. */
#include "bench/workloads/age_mix.h"

#include <pagelab/check.h>
#include <pagelab/request.h>

#include <stdlib.h>
#include <string.h>

#define SEED             UINT64_C(0x2545f4914f6cdd1d)
#define NONE             UINT32_MAX
#define SMALL_ORDERS     4u /* below: any life; from here on no stack has such, and nothing lasts forever */
#define SHORT_PERCENT    2u /* of the machine, at most */
#define FOREVER_PERCENT  8u
#define LONG_PERCENT     35u /* of what is medium or long */
#define PHASES_MOST      24u
#define PHASES_LEAST     2u
#define OWNER_PAGES_LOG2 4u /* owners have 2^4 .. 2^12 pages */
#define OWNER_LOG2_RANGE 9u

const unsigned age_order_shares[AGE_ORDERS] = {8800, 450, 300, 350, 40, 25, 12, 8, 5, 10};

static uint64_t draw(struct age_mix *mix, uint64_t limit)
{
    mix->rng ^= mix->rng << 13;
    mix->rng ^= mix->rng >> 7;
    mix->rng ^= mix->rng << 17;
    return (mix->rng >> 32) * limit >> 32;
}

static struct age_owner owner_new(struct age_mix *mix)
{
    unsigned log2 = OWNER_PAGES_LOG2 + (unsigned)draw(mix, OWNER_LOG2_RANGE);
    return (struct age_owner){.id = ++mix->owner_id, .limit = UINT32_C(1) << log2, .first = NONE};
}

int age_mix_init(struct age_mix *mix, uint64_t frame_count, unsigned cpu_count, uint64_t op_total)
{
    memset(mix, 0, sizeof(*mix));
    PL_ASSERT(frame_count >= AGE_FRAMES_LEAST && frame_count < NONE);
    mix->rng = SEED;
    mix->frame_count = frame_count;
    mix->cpu_count = cpu_count;
    mix->is_young = true;
    mix->op_total = op_total;
    mix->target = frame_count * AGE_PERCENT_SEEN / 100;
    uint64_t phases = op_total / (frame_count + frame_count / 2);
    mix->phase_count = phases > PHASES_MOST    ? PHASES_MOST
                       : phases < PHASES_LEAST ? PHASES_LEAST
                                               : (unsigned)phases;
    mix->dying = NONE;
    mix->objects = calloc(frame_count, sizeof(*mix->objects));
    mix->spare = calloc(frame_count, sizeof(*mix->spare));
    mix->of_short = calloc(frame_count, sizeof(*mix->of_short));
    mix->of_medium = calloc(frame_count, sizeof(*mix->of_medium));
    mix->closed = calloc(frame_count, sizeof(*mix->closed));
    if (mix->objects == NULL || mix->spare == NULL || mix->of_short == NULL || mix->of_medium == NULL ||
        mix->closed == NULL) {
        age_mix_fini(mix);
        return -1;
    }
    while (mix->spare_count < frame_count) {
        mix->spare[mix->spare_count] = (uint32_t)(frame_count - 1 - mix->spare_count);
        mix->spare_count++;
    }
    for (unsigned life = 0; life < 2; life++) {
        for (unsigned i = 0; i < AGE_ACTIVE_OWNERS; i++)
            mix->active[life][i] = owner_new(mix);
    }
    return 0;
}

void age_mix_fini(struct age_mix *mix)
{
    free(mix->objects);
    free(mix->spare);
    free(mix->of_short);
    free(mix->of_medium);
    free(mix->closed);
    memset(mix, 0, sizeof(*mix));
}

/* --- allocations --- */

static unsigned draw_order(struct age_mix *mix)
{
    uint64_t at = draw(mix, AGE_SHARE_WHOLE);
    unsigned order = 0;
    while (at >= age_order_shares[order])
        at -= age_order_shares[order++];
    PL_ASSERT(order < AGE_ORDERS);
    return order;
}

static enum age_life draw_life(struct age_mix *mix, unsigned order)
{
    uint64_t at = draw(mix, 1000);
    if (order >= SMALL_ORDERS)
        return at < 700 ? AGE_MEDIUM : AGE_LONG;
    if (at < 600)
        return mix->live_of[AGE_SHORT] * 100 < mix->frame_count * SHORT_PERCENT ? AGE_SHORT : AGE_MEDIUM;
    if (at < 605)
        return mix->live_of[AGE_FOREVER] * 100 < mix->frame_count * FOREVER_PERCENT ? AGE_FOREVER : AGE_LONG;
    return at < 670 ? AGE_LONG : AGE_MEDIUM;
}

/* Percent movable and reclaimable of each life; the rest is unmovable. */
static unsigned draw_mobility(struct age_mix *mix, enum age_life life)
{
    static const unsigned char movable[AGE_LIVES] = {30, 75, 55, 0};
    static const unsigned char reclaimable[AGE_LIVES] = {10, 15, 25, 0};
    uint64_t at = draw(mix, 100);
    if (at < movable[life])
        return PL_MOBILITY_MOVABLE;
    return at < (unsigned)movable[life] + reclaimable[life] ? PL_MOBILITY_RECLAIMABLE : PL_MOBILITY_UNMOVABLE;
}

/* One of the owners that ask now, its next index, aligned as a superpage's would be. */
static void take_index(struct age_mix *mix, struct op *op, enum age_life life)
{
    struct age_owner *owner = &mix->active[life - AGE_MEDIUM][draw(mix, AGE_ACTIVE_OWNERS)];
    uint32_t pages = UINT32_C(1) << op->order;
    op->owner = owner->id;
    op->index = (owner->index + pages - 1) & ~(pages - 1);
    owner->index = op->index + pages;
    if (life == AGE_LONG) {
        mix->objects[op->slot].next = owner->first;
        owner->first = op->slot;
    }
    if (owner->index < owner->limit)
        return;
    if (life == AGE_LONG)
        mix->closed[mix->closed_count++] = *owner;
    *owner = owner_new(mix);
}

static void put_alloc(struct age_mix *mix, struct op *op, unsigned order)
{
    enum age_life life = draw_life(mix, order);
    PL_ASSERT(mix->spare_count != 0);
    uint32_t slot = mix->spare[--mix->spare_count];
    *op = (struct op){.kind = OP_ALLOC, .order = (uint8_t)order, .slot = slot};
    op->cpu = (uint8_t)draw(mix, mix->cpu_count);
    op->mobility = (uint8_t)draw_mobility(mix, life);
    mix->objects[slot] = (struct age_object){.next = NONE, .order = (uint8_t)order, .life = (uint8_t)life};
    mix->live_frames += UINT64_C(1) << order;
    mix->live_of[life] += UINT64_C(1) << order;
    if (life == AGE_SHORT)
        mix->of_short[mix->short_count++] = slot;
    if (life == AGE_MEDIUM)
        mix->of_medium[mix->medium_count++] = slot;
    if (life == AGE_MEDIUM || life == AGE_LONG)
        take_index(mix, op, life);
}

/* --- frees --- */

/* On a small machine all owners may still be asking: one of them dies early. */
static uint32_t take_active(struct age_mix *mix)
{
    for (unsigned i = 0; i < AGE_ACTIVE_OWNERS; i++) {
        struct age_owner *owner = &mix->active[AGE_LONG - AGE_MEDIUM][i];
        uint32_t first = owner->first;
        if (first != NONE) {
            *owner = owner_new(mix);
            return first;
        }
    }
    return NONE;
}

/* The next one of the owner that dies. NONE: no long one is left. */
static uint32_t take_dying(struct age_mix *mix)
{
    if (mix->dying == NONE && mix->closed_count != 0) {
        size_t at = draw(mix, mix->closed_count);
        mix->dying = mix->closed[at].first;
        mix->closed[at] = mix->closed[--mix->closed_count];
    } else if (mix->dying == NONE) {
        mix->dying = take_active(mix);
    }
    uint32_t slot = mix->dying;
    if (slot != NONE)
        mix->dying = mix->objects[slot].next;
    return slot;
}

static uint32_t take_medium(struct age_mix *mix)
{
    if (mix->medium_count == 0)
        return NONE;
    size_t at = draw(mix, mix->medium_count);
    uint32_t slot = mix->of_medium[at];
    mix->of_medium[at] = mix->of_medium[--mix->medium_count];
    return slot;
}

static uint32_t take_victim(struct age_mix *mix)
{
    if (mix->short_count != 0 && draw(mix, 1000) < 600)
        return mix->of_short[--mix->short_count];
    uint64_t both = mix->live_of[AGE_MEDIUM] + mix->live_of[AGE_LONG];
    bool too_long = mix->live_of[AGE_LONG] * 100 > both * LONG_PERCENT;
    uint32_t slot = too_long || draw(mix, 20) == 0 ? take_dying(mix) : NONE;
    if (slot == NONE)
        slot = take_medium(mix);
    if (slot == NONE)
        slot = take_dying(mix);
    return slot != NONE || mix->short_count == 0 ? slot : mix->of_short[--mix->short_count];
}

/* More than what lasts forever is always held. */
static void put_free(struct age_mix *mix, struct op *op)
{
    uint32_t slot = take_victim(mix);
    PL_ASSERT(slot != NONE);
    const struct age_object *object = &mix->objects[slot];
    uint64_t frames = UINT64_C(1) << object->order;
    PL_ASSERT(mix->live_frames >= frames && mix->live_of[object->life] >= frames);
    *op = (struct op){.kind = OP_FREE, .order = object->order, .slot = slot};
    op->cpu = (uint8_t)draw(mix, mix->cpu_count);
    mix->live_frames -= frames;
    mix->live_of[object->life] -= frames;
    mix->spare[mix->spare_count++] = slot;
}

/* --- phases --- */

/* Up, down, up, down ... and at last where the young machine was. */
static void next_phase(struct age_mix *mix)
{
    uint64_t percent = mix->phase % 2 == 0 ? 80 + draw(mix, 14) : 52 + draw(mix, 14);
    if (mix->phase + 1 >= mix->phase_count)
        percent = AGE_PERCENT_SEEN;
    mix->phase++;
    mix->target = mix->frame_count * percent / 100;
    mix->phase_end = mix->op_total * mix->phase / mix->phase_count;
}

/* Three of four are allocations far below the target, one of four far above it; half at it. */
static bool wants_alloc(struct age_mix *mix)
{
    int64_t gap = (int64_t)mix->target - (int64_t)mix->live_frames;
    int64_t share = 512 + gap * 2048 / (int64_t)mix->frame_count;
    share = share < 256 ? 256 : share > 768 ? 768 : share;
    return (int64_t)draw(mix, 1024) < share;
}

static void put_op(struct age_mix *mix, struct op *op)
{
    uint64_t most = mix->frame_count * AGE_PERCENT_MOST / 100;
    uint64_t least = mix->frame_count * AGE_PERCENT_LEAST / 100 + (UINT64_C(1) << (AGE_ORDERS - 1));
    if (wants_alloc(mix) || mix->live_frames < least) {
        unsigned order = draw_order(mix);
        if (mix->live_frames + (UINT64_C(1) << order) <= most) {
            put_alloc(mix, op, order);
            return;
        }
    }
    put_free(mix, op);
}

static size_t fill_young(struct age_mix *mix, struct op *ops, size_t limit)
{
    size_t count = 0;
    while (count < limit && mix->live_frames < mix->target)
        put_alloc(mix, &ops[count++], draw_order(mix));
    mix->is_young = count != 0;
    return count;
}

size_t age_mix_fill(struct age_mix *mix, struct op *ops, size_t limit)
{
    size_t count = 0;
    if (mix->is_young)
        return fill_young(mix, ops, limit);
    while (count < limit && mix->op_done < mix->op_total) {
        if (mix->op_done >= mix->phase_end && mix->phase < mix->phase_count)
            next_phase(mix);
        put_op(mix, &ops[count++]);
        mix->op_done++;
    }
    return count;
}
