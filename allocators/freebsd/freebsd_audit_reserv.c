/* The audit's second half: every reservation's popmap against the states and its count, its key against the
 * hash, its place on the partial queue (F-23). */
#include "freebsd_internal.h"

/* Tells the frames [from, to) of a reservation as aligned blocks. */
static void freebsd_tell_reserved(struct freebsd_walk *walk, uint32_t number, uint32_t node, uint32_t from,
                                  uint32_t to)
{
    const struct freebsd_reserv *reserv = &walk->self->reserv[number];
    uint64_t first = walk->self->base + (uint64_t)number * FREEBSD_RESERV_FRAMES;
    PL_ASSERT(to <= FREEBSD_RESERV_FRAMES);
    while (from < to) {
        uint32_t order = freebsd_order_at(from, to);
        struct pl_block block = {.first = pl_frame_at(first + from),
                                 .order = order,
                                 .state = PL_BLOCK_RESERVED,
                                 .node = (uint16_t)node,
                                 .owner = reserv->owner};
        if (reserv->owner != 0)
            block.index = reserv->number * FREEBSD_RESERV_FRAMES + from;
        walk->visitor->block(walk->visitor, &block);
        from += UINT32_C(1) << order;
    }
}

static bool freebsd_is_found(const struct freebsd_walk *walk, const struct freebsd_domain *domain,
                             uint32_t number)
{
    struct freebsd *self = (struct freebsd *)walk->self; /* only looked at */
    const struct freebsd_reserv *reserv = &self->reserv[number];
    uint32_t at = *freebsd_reserv_chain(self, (struct freebsd_domain *)domain, reserv->owner, reserv->number);
    for (uint32_t steps = 0; at < self->reserv_count && steps <= self->reserv_count; steps++) {
        if (at == number)
            return true;
        at = self->reserv[at].same_hash;
    }
    return false;
}

/* One live reservation. Returns whether it belongs on the partial queue of domain *node. */
static bool freebsd_audit_reserv(struct freebsd_walk *walk, uint32_t number, uint32_t *node)
{
    const struct freebsd *self = walk->self;
    const struct freebsd_reserv *reserv = &self->reserv[number];
    uint64_t first = (uint64_t)number * FREEBSD_RESERV_FRAMES;
    const struct pl_range *range = freebsd_range_of(self->machine, self->base + first);
    uint32_t count = 0;
    uint32_t told = 0;
    PL_ASSERT(reserv->live);
    if (range == NULL || range->node >= self->domain_count) {
        freebsd_broken(walk, "reservation", number, "is not of the machine");
        return false;
    }
    *node = range->node;
    for (uint32_t bit = 0; bit < FREEBSD_RESERV_FRAMES; bit++) {
        bool populated = (reserv->popmap[bit / 64] >> (bit % 64) & 1) != 0;
        uint32_t state = freebsd_state_get(self, first + bit);
        if (state != (populated ? FREEBSD_GRANT : FREEBSD_RESERVED))
            freebsd_broken(walk, "frame", self->base + first + bit, "is not what its reservation's bit says");
        if (!populated)
            continue;
        freebsd_tell_reserved(walk, number, *node, told, bit);
        told = bit + 1;
        count++;
    }
    freebsd_tell_reserved(walk, number, *node, told, FREEBSD_RESERV_FRAMES);
    if (count != reserv->count || count == 0)
        freebsd_broken(walk, "reservation", number, "has a count that is not its bits, or nothing populated");
    if (reserv->owner != 0 && !freebsd_is_found(walk, &self->domain[*node], number))
        freebsd_broken(walk, "reservation", number, "is not found by its key");
    return count < FREEBSD_RESERV_FRAMES;
}

/* The partial queue's reservations are live and partly populated, its links agree, and there are `wanted`:
 * so it is all of those. */
static void freebsd_audit_partial(struct freebsd_walk *walk, uint32_t node, uint64_t wanted)
{
    const struct freebsd *self = walk->self;
    const struct freebsd_domain *domain = &self->domain[node];
    uint64_t found = 0;
    uint32_t before = FREEBSD_NONE;
    uint32_t at = domain->partial_head;
    PL_ASSERT(node < PL_NODE_LIMIT);
    while (at < self->reserv_count && found <= wanted) {
        const struct freebsd_reserv *reserv = &self->reserv[at];
        if (!reserv->live || reserv->count == 0 || reserv->count >= FREEBSD_RESERV_FRAMES)
            freebsd_broken(walk, "reservation", at, "is on the partial queue and not partly populated");
        if (reserv->before != before)
            freebsd_broken(walk, "reservation", at, "has a wrong link backwards");
        found++;
        before = at;
        at = reserv->next;
    }
    if (at != FREEBSD_NONE || found != wanted || domain->partial_tail != before)
        freebsd_broken(walk, "the partial queue of domain", node, "is not its partly populated reservations");
    if (domain->arena != FREEBSD_NONE &&
        (domain->arena >= self->reserv_count || !self->reserv[domain->arena].live ||
         self->reserv[domain->arena].owner != 0 || domain->arena_next >= FREEBSD_RESERV_FRAMES))
        freebsd_broken(walk, "the arena of domain", node, "is no reservation without a key");
}

void freebsd_audit_reservs(struct freebsd_walk *walk)
{
    const struct freebsd *self = walk->self;
    uint64_t partial[PL_NODE_LIMIT] = {0};
    PL_ASSERT(self->reserv_count > 0);
    for (uint32_t number = 0; number < self->reserv_count; number++) {
        uint32_t node = 0;
        if (self->reserv[number].live && freebsd_audit_reserv(walk, number, &node))
            partial[node]++;
    }
    for (uint32_t node = 0; node < PL_NODE_LIMIT; node++)
        freebsd_audit_partial(walk, node, partial[node]);
}
