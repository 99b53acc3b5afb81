/* The liar's own view of itself, and the lies in it. */
#include <string.h>

#include "tests/liars/liar_internal.h"

enum lie liar_parse(const char *params)
{
    static const char *const names[LIE_COUNT] = {
#define LIE_NAME(name, text) [LIE_##name] = text,
        LIES(LIE_NAME)
#undef LIE_NAME
    };
    for (int i = 0; i < LIE_COUNT; i++) {
        if (params != NULL && strcmp(params, names[i]) == 0)
            return (enum lie)i;
    }
    return params == NULL ? LIE_NONE : LIE_COUNT;
}

uint64_t liar_frames_in(const struct liar *self, enum liar_state state)
{
    uint64_t frames = 0;
    for (uint64_t at = 0; at < self->machine->span; at++)
        frames += self->state[at] == state;
    return frames;
}

void liar_count(const void *instance, struct pl_page_counts *counts)
{
    const struct liar *self = instance;
    memset(counts, 0, sizeof(*counts));
    counts->free = liar_frames_in(self, LIAR_FREE);
    counts->lost = liar_frames_in(self, LIAR_LOST);
    if (self->lie == LIE_FORGETS_FRAME) /* the count keeps up appearances; only the walk can tell */
        counts->free += liar_frames_in(self, LIAR_FORGOTTEN);
    if (self->lie == LIE_COUNT_DRIFTS && self->drift > 0)
        counts->free--;
    if (self->lie == LIE_COUNTS_CACHED)
        counts->cached = 1;
    if (self->lie == LIE_BOASTS_EXACT && counts->free > 0) {
        counts->free--;
        counts->cached = 1;
    }
}

static void report(const struct liar *self, struct pl_visitor *visitor, uint64_t frame,
                   enum pl_block_state state)
{
    struct pl_block block = {.first = {frame}, .state = state};
    block.node = pl_machine_node(self->machine, block.first);
    if (self->lie == LIE_AUDIT_NODE)
        block.node++;
    visitor->block(visitor, &block);
}

uint64_t liar_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct liar *self = instance;
    uint64_t base = self->machine->first.number;
    for (uint64_t at = 0; at < self->machine->span; at++) {
        bool granted = self->state[at] == LIAR_HEAD || self->state[at] == LIAR_TAIL;
        if (self->state[at] == LIAR_FREE)
            report(self, visitor, base + at, PL_BLOCK_FREE);
        if (self->state[at] == LIAR_LOST)
            report(self, visitor, base + at, PL_BLOCK_LOST);
        if (self->state[at] == LIAR_FREE && self->lie == LIE_AUDIT_TWICE)
            report(self, visitor, base + at, PL_BLOCK_FREE);
        if (granted && self->lie == LIE_AUDIT_GRANTED)
            report(self, visitor, base + at, PL_BLOCK_FREE);
    }
    if (self->lie == LIE_AUDIT_OUTSIDE)
        report(self, visitor, base + self->machine->span, PL_BLOCK_FREE);
    if (self->lie != LIE_AUDIT_BROKEN)
        return 0;
    visitor->broken(visitor, "a list is not what it was");
    return 1;
}
