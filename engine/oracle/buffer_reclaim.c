/* The oracle between the page daemon and the IOKit system: what the daemon asks for it must get, as far as
 * nobody has pinned it and there is room in the swap store; volatile buffers go first, and whole. */
#include <inttypes.h>

#include "engine/oracle/buffer.h"

#define LOOKED_AT 64u /* pages of a buffer at most: the others make the promise no smaller */

/* Frames in the hands of pageable buffers. */
struct view {
    uint64_t resident[BUFFER_SLOTS];
    uint64_t purgeable; /* of those that may be emptied */
    uint64_t ordinary;  /* of those whose pages may go to the swap store */
};

static bool is_pinned(const struct expected *expected)
{
    return expected->wire_count != 0 || expected->range_pins != 0;
}

/* A buffer that the call under way is about may be pinned for its time. */
static bool may_lose(const struct buffer_oracle *oracle, uint32_t slot)
{
    return !is_pinned(&oracle->slots[slot]) && (oracle->busy >> slot & 1u) == 0;
}

static void look(const struct buffer_oracle *oracle, struct view *view)
{
    *view = (struct view){0};
    for (uint32_t i = 0; i < BUFFER_SLOTS; i++) {
        const struct expected *expected = &oracle->slots[i];
        uint64_t pages = buffer_page_count(expected);
        if (!expected->live || expected->wired)
            continue;
        for (uint64_t page = 0; page < pages && page < LOOKED_AT; page++)
            view->resident[i] += !pl_frame_is_none(iokit_buffer_frame(expected->memory, page));
        if (may_lose(oracle, i) && expected->purge_state == IOKIT_PURGE_NON_VOLATILE)
            view->ordinary += view->resident[i];
        else if (may_lose(oracle, i))
            view->purgeable += view->resident[i];
    }
}

/* `hungry`: the daemon got less than it wanted, or took from buffers that are not volatile. */
static void check_slot(struct buffer_oracle *oracle, uint32_t slot, const struct view *before,
                       const struct view *after, bool hungry, struct finding *finding)
{
    struct expected *expected = &oracle->slots[slot];
    if (is_pinned(expected) && after->resident[slot] != before->resident[slot]) {
        finding_set(finding, "B-9 B-12", "the page daemon takes no pinned page");
        finding_actual(finding, "buffer %" PRIu32 " has %" PRIu64 " of %" PRIu64 " frames left", slot,
                       after->resident[slot], before->resident[slot]);
        return;
    }
    if (!may_lose(oracle, slot) || expected->purge_state == IOKIT_PURGE_NON_VOLATILE)
        return;
    if (hungry && after->resident[slot] != 0) {
        finding_set(finding, "B-12", "volatile memory is emptied before anything else is taken");
        finding_actual(finding, "buffer %" PRIu32 " still has %" PRIu64 " frames", slot,
                       after->resident[slot]);
    }
    if (after->resident[slot] != before->resident[slot])
        expected->must_be_empty = expected->purge_state == IOKIT_PURGE_VOLATILE;
}

uint64_t buffer_reclaim(void *self, struct pl_cpu *cpu, uint64_t wanted)
{
    struct buffer_oracle *oracle = self;
    struct finding *finding = oracle->services->finding;
    const struct gate *gate = &oracle->services->nodes[0].gate;
    struct view before;
    struct view after;
    look(oracle, &before);
    uint64_t held = gate->held;
    uint64_t swapped = oracle->iokit.swapped_out;
    uint64_t room = oracle->swap_pages - oracle->iokit.slots_used;
    uint64_t freed = iokit_reclaim(&oracle->iokit, cpu, wanted);
    if (finding == NULL || finding->found)
        return freed;
    look(oracle, &after);
    uint64_t least = before.purgeable + (before.ordinary < room ? before.ordinary : room);
    least = least < wanted ? least : wanted;
    if (freed < least) {
        finding_set(finding, "B-9 B-12", "");
        finding_expected(finding, "the page daemon gets %" PRIu64 " of the %" PRIu64 " frames that it wants",
                         least, wanted);
        finding_actual(finding, "it gets %" PRIu64, freed);
    } else if (gate->held + freed != held) {
        finding_set(finding, "B-9 X-4", "as many frames come back as the page daemon is told");
        finding_actual(finding, "%" PRIu64 " of %" PRIu64, held - gate->held, freed);
    }
    bool hungry = freed < wanted || oracle->iokit.swapped_out != swapped;
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++)
        check_slot(oracle, i, &before, &after, hungry, finding);
    return freed;
}
