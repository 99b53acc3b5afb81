/* Giving pages back, rightly and wrongly. A right one always succeeds and leaves no page behind that says it
 * is granted; a wrong one is trapped and changes nothing. */
#include <inttypes.h>

#include "engine/oracle/zone.h"

static bool is_gone(const struct zone_slot *slot, uint64_t page)
{
    return page < ZONE_EXACT_LIMIT && (slot->gone[page / 64] >> page % 64 & 1) != 0;
}

/* Our own answer to: does anybody have this frame from a zone, as a block that begins here? */
static bool somebody_has(const struct zone_oracle *oracle, uint64_t number)
{
    for (uint32_t i = 0; i < ZONE_SLOT_COUNT; i++) {
        const struct zone_slot *slot = &oracle->slots[i];
        uint64_t at = number - slot->first.number;
        if (slot->live && at < slot->frames && (slot->exact ? !is_gone(slot, at) : at == 0))
            return true;
    }
    for (uint32_t i = 0; i < oracle->cache_count; i++) {
        if (oracle->cache[i].number == number)
            return true;
    }
    return false;
}

static void check_freed(const struct zone_oracle *oracle, const struct zone_before *before, pl_frame first,
                        uint64_t frames, enum pl_status status, struct finding *finding)
{
    uint32_t order = 0;
    if (finding->found)
        return;
    if (status != PL_OK || oracle->services->trap.count != before->traps) {
        finding_set(finding, "X-4 L-15", "");
        finding_expected(finding, "0x%" PRIx64 "+%" PRIu64 " is granted, so its free succeeds", first.number,
                         frames);
        finding_actual(finding, "%s", pl_status_name(status));
        return;
    }
    for (uint64_t i = 0; i < frames; i++) {
        if (!linux_page_is_head(&oracle->zones, pl_frame_at(first.number + i), &order))
            continue;
        finding_set(finding, "X-8 X-10", "");
        finding_expected(finding, "frame 0x%" PRIx64 " was given back: no handle reaches it",
                         first.number + i);
        finding_actual(finding, "its page says that it is granted, order %" PRIu32, order);
        return;
    }
}

/* Gives `frames` back from `first`: a block, one exact page, or all of an exact grant. */
static void give(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct zone_slot *slot, pl_frame first,
                 uint64_t frames, struct finding *finding)
{
    zone_check_stamps(oracle, first, frames, finding);
    if (finding->found)
        return;
    struct zone_before before = zone_look(oracle, cpu);
    enum pl_status status = slot->exact && frames == slot->frames
                                ? linux_free_pages_exact(&oracle->zones, cpu, first, slot->bytes)
                                : linux_free_pages(&oracle->zones, cpu, first, slot->order);
    oracle->frames -= frames;
    check_freed(oracle, &before, first, frames, status, finding);
    if (!finding->found)
        zone_check_awake(oracle, cpu, &before, finding);
}

void zone_do_free(struct zone_oracle *oracle, struct pl_cpu *cpu, struct zone_slot *slot,
                  struct finding *finding)
{
    if (!slot->live)
        return;
    slot->live = false;
    if (slot->gone_count == 0) {
        give(oracle, cpu, slot, slot->first, slot->frames, finding);
        return;
    }
    for (uint64_t i = 0; i < slot->frames && !finding->found; i++) {
        if (!is_gone(slot, i))
            give(oracle, cpu, slot, pl_frame_at(slot->first.number + i), 1, finding);
    }
}

void zone_do_page_free(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    struct zone_slot *slot = &oracle->slots[op->slot];
    if (!slot->live || !slot->exact || slot->frames == 1)
        return;
    uint64_t page = op->count % (slot->frames < ZONE_EXACT_LIMIT ? slot->frames : ZONE_EXACT_LIMIT);
    if (is_gone(slot, page))
        return;
    slot->gone[page / 64] |= UINT64_C(1) << page % 64;
    slot->gone_count++;
    give(oracle, cpu, slot, pl_frame_at(slot->first.number + page), 1, finding);
    if (slot->gone_count == slot->frames)
        slot->live = false;
}

/* --- mistakes --- */

struct wrong {
    bool exact;
    pl_frame first;
    uint32_t order;
    uint64_t bytes;
};

/* The first page of the slot's that was given back. */
static bool twice(const struct zone_oracle *oracle, const struct zone_slot *slot, struct wrong *wrong)
{
    for (uint64_t i = 0; slot->live && slot->gone_count != 0 && i < slot->frames; i++) {
        if (is_gone(slot, i)) {
            wrong->first.number += i;
            wrong->exact = false;
            return !somebody_has(oracle, wrong->first.number);
        }
    }
    return !slot->live && !somebody_has(oracle, wrong->first.number);
}

/* False: this slot does not allow that mistake now. */
static bool make_wrong(const struct zone_oracle *oracle, const struct zone_slot *slot, unsigned mistake,
                       struct wrong *wrong)
{
    const struct pl_range *range = &oracle->services->nodes[0].machine->ranges[0];
    bool block = slot->live && !slot->exact;
    bool exact = slot->live && slot->exact && slot->gone_count == 0;
    *wrong = (struct wrong){slot->exact, slot->first, slot->order, slot->bytes};
    switch (mistake) {
    case OP_ZONE_TWICE:
        return slot->used && twice(oracle, slot, wrong);
    case OP_ZONE_FOREIGN:
        *wrong = (struct wrong){.first = pl_frame_at(range->first.number + range->frame_count)};
        return true;
    case OP_ZONE_INSIDE:
        wrong->first.number++;
        wrong->order = 0;
        return block && slot->order > 0;
    case OP_ZONE_HALF:
        wrong->order--;
        return block && slot->order > 0;
    case OP_ZONE_TOO_LARGE:
        wrong->order++;
        wrong->bytes += PL_FRAME_BYTES;
        return block || (exact && !somebody_has(oracle, slot->first.number + slot->frames));
    case OP_ZONE_NOTHING:
        wrong->bytes = 0;
        return exact;
    case OP_ZONE_WRAPS:
        wrong->bytes = UINT64_MAX;
        return exact;
    default:
        return false;
    }
}

void zone_do_bad_free(struct zone_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                      struct finding *finding)
{
    struct wrong wrong;
    if (!make_wrong(oracle, &oracle->slots[op->slot], op->mobility, &wrong))
        return;
    struct zone_before before = zone_look(oracle, cpu);
    enum pl_status status = wrong.exact
                                ? linux_free_pages_exact(&oracle->zones, cpu, wrong.first, wrong.bytes)
                                : linux_free_pages(&oracle->zones, cpu, wrong.first, wrong.order);
    if (finding->found)
        return;
    if (status != PL_REFUSED || oracle->services->trap.count != before.traps + 1) {
        finding_set(finding, op->mobility == OP_ZONE_WRAPS ? "X-6 X-10" : "X-10", "");
        finding_expected(finding, "0x%" PRIx64 ", order %" PRIu32 ", %" PRIu64 " bytes is no grant: trapped",
                         wrong.first.number, wrong.order, wrong.bytes);
        finding_actual(finding, "%s, %" PRIu64 " traps", pl_status_name(status),
                       oracle->services->trap.count - before.traps);
        return;
    }
    zone_check_unchanged(oracle, &before, "X-3 X-10", finding);
}
