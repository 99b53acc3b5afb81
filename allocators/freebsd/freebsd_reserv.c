/* Superpage reservations: an owner's first frame in each 512 indexes sets a superpage aside, and the owner's
 * other frames there fill it in place, so that it becomes one superpage without a copy. Reservations that are
 * populated in part queue up by their last change; when nothing else is left, the first of them is broken.
 *
 * The never-free arena is a reservation without a key, populated from its first frame on. */
#include "freebsd_internal.h"

static uint64_t freebsd_reserv_index(uint32_t number)
{
    return (uint64_t)number * FREEBSD_RESERV_FRAMES;
}

PL_INLINE bool freebsd_is_populated(const struct freebsd_reserv *reserv, uint32_t bit)
{
    PL_ASSERT(bit < FREEBSD_RESERV_FRAMES);
    return (reserv->popmap[bit / 64] >> (bit % 64) & 1) != 0;
}

/* --- the partial queue --- */

static void freebsd_partial_add(struct freebsd *self, struct freebsd_domain *domain, uint32_t number)
{
    struct freebsd_reserv *reserv = &self->reserv[number];
    PL_ASSERT(reserv->live);
    PL_ASSERT(reserv->count > 0 && reserv->count < FREEBSD_RESERV_FRAMES);
    reserv->next = FREEBSD_NONE;
    reserv->before = domain->partial_tail;
    if (domain->partial_tail != FREEBSD_NONE)
        self->reserv[domain->partial_tail].next = number;
    else
        domain->partial_head = number;
    domain->partial_tail = number;
}

static void freebsd_partial_remove(struct freebsd *self, struct freebsd_domain *domain, uint32_t number)
{
    struct freebsd_reserv *reserv = &self->reserv[number];
    PL_ASSERT(reserv->before != FREEBSD_NONE || domain->partial_head == number);
    PL_ASSERT(reserv->next != FREEBSD_NONE || domain->partial_tail == number);
    if (reserv->next != FREEBSD_NONE)
        self->reserv[reserv->next].before = reserv->before;
    else
        domain->partial_tail = reserv->before;
    if (reserv->before != FREEBSD_NONE)
        self->reserv[reserv->before].next = reserv->next;
    else
        domain->partial_head = reserv->next;
}

/* To the tail, because it has just changed. */
static void freebsd_partial_touch(struct freebsd *self, struct freebsd_domain *domain, uint32_t number)
{
    if (domain->partial_tail == number)
        return;
    freebsd_partial_remove(self, domain, number);
    freebsd_partial_add(self, domain, number);
}

/* --- keys --- */

uint32_t *freebsd_reserv_chain(struct freebsd *self, struct freebsd_domain *domain, uint64_t owner,
                               uint64_t number)
{
    PL_ASSERT(owner != 0);
    uint64_t mixed = (owner * UINT64_C(0x9e3779b97f4a7c15)) ^ (number * UINT64_C(0xd6e8feb86659fd93));
    return &domain->hash[(mixed >> 32) & self->hash_mask];
}

static uint32_t freebsd_reserv_find(struct freebsd *self, struct freebsd_domain *domain, uint64_t owner,
                                    uint64_t number)
{
    uint32_t at = *freebsd_reserv_chain(self, domain, owner, number);
    while (at != FREEBSD_NONE && (self->reserv[at].owner != owner || self->reserv[at].number != number))
        at = self->reserv[at].same_hash;
    PL_ASSERT(at == FREEBSD_NONE || self->reserv[at].live);
    return at;
}

/* Not live any more: its key is gone, and the arena if it is that. */
static void freebsd_reserv_end(struct freebsd *self, struct freebsd_domain *domain, uint32_t number)
{
    struct freebsd_reserv *reserv = &self->reserv[number];
    PL_ASSERT(reserv->live);
    if (reserv->owner != 0) {
        uint32_t *at = freebsd_reserv_chain(self, domain, reserv->owner, reserv->number);
        while (*at != number)
            at = &self->reserv[*at].same_hash;
        *at = reserv->same_hash;
    }
    if (domain->arena == number)
        domain->arena = FREEBSD_NONE;
    reserv->live = 0;
}

/* --- populate and depopulate --- */

/* Makes a reservation of a free superpage, nothing of it populated yet. FREEBSD_NONE: there is no such
 * superpage. Owner 0: without a key. */
static uint32_t freebsd_reserv_make(struct freebsd *self, struct freebsd_domain *domain, uint64_t owner,
                                    uint64_t number)
{
    uint64_t index = freebsd_phys_alloc(self, domain, FREEBSD_POOL_DEFAULT, FREEBSD_RESERV_ORDER);
    if (index == FREEBSD_NO_INDEX)
        return FREEBSD_NONE;
    uint32_t made = (uint32_t)(index / FREEBSD_RESERV_FRAMES);
    struct freebsd_reserv *reserv = &self->reserv[made];
    PL_ASSERT(!reserv->live);
    PL_ASSERT(index % FREEBSD_RESERV_FRAMES == 0);
    *reserv = (struct freebsd_reserv){.owner = owner, .number = number, .live = 1};
    if (owner != 0) {
        uint32_t *chain = freebsd_reserv_chain(self, domain, owner, number);
        reserv->same_hash = *chain;
        *chain = made;
    }
    for (uint32_t i = 0; i < FREEBSD_RESERV_FRAMES; i++)
        freebsd_state_set(self, index + i, FREEBSD_RESERVED);
    freebsd_count_add(&domain->unpopulated, FREEBSD_RESERV_FRAMES);
    return made;
}

static uint64_t freebsd_reserv_populate(struct freebsd *self, struct freebsd_domain *domain, uint32_t number,
                                        uint32_t bit)
{
    struct freebsd_reserv *reserv = &self->reserv[number];
    uint64_t index = freebsd_reserv_index(number) + bit;
    PL_ASSERT(!freebsd_is_populated(reserv, bit));
    PL_ASSERT(freebsd_state_get(self, index) == FREEBSD_RESERVED);
    reserv->popmap[bit / 64] |= UINT64_C(1) << (bit % 64);
    reserv->count++;
    if (reserv->count == 1)
        freebsd_partial_add(self, domain, number);
    else if (reserv->count == FREEBSD_RESERV_FRAMES)
        freebsd_partial_remove(self, domain, number);
    else
        freebsd_partial_touch(self, domain, number);
    freebsd_state_set(self, index, FREEBSD_GRANT);
    freebsd_count_add(&domain->unpopulated, UINT64_MAX);
    return index;
}

void freebsd_reserv_give(struct freebsd *self, struct freebsd_domain *domain, uint64_t index)
{
    uint32_t number = (uint32_t)(index / FREEBSD_RESERV_FRAMES);
    uint32_t bit = (uint32_t)(index % FREEBSD_RESERV_FRAMES);
    struct freebsd_reserv *reserv = &self->reserv[number];
    PL_ASSERT(reserv->live);
    PL_ASSERT(freebsd_is_populated(reserv, bit));
    reserv->popmap[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    reserv->count--;
    freebsd_state_set(self, index, FREEBSD_RESERVED);
    freebsd_count_add(&domain->unpopulated, 1);
    if (reserv->count == FREEBSD_RESERV_FRAMES - 1) {
        freebsd_partial_add(self, domain, number);
    } else if (reserv->count > 0) {
        freebsd_partial_touch(self, domain, number);
    } else {
        freebsd_partial_remove(self, domain, number);
        freebsd_reserv_end(self, domain, number);
        uint64_t first = freebsd_reserv_index(number);
        for (uint32_t i = 0; i < FREEBSD_RESERV_FRAMES; i++)
            freebsd_state_set(self, first + i, FREEBSD_INSIDE);
        freebsd_count_add(&domain->unpopulated, 0 - (uint64_t)FREEBSD_RESERV_FRAMES);
        freebsd_phys_free(self, domain, first, FREEBSD_RESERV_ORDER, FREEBSD_POOL_DEFAULT);
    }
}

/* --- breaking --- */

void freebsd_reserv_break(struct freebsd *self, struct freebsd_domain *domain, uint32_t number)
{
    struct freebsd_reserv *reserv = &self->reserv[number];
    uint64_t first = freebsd_reserv_index(number);
    uint32_t bit = 0;
    PL_ASSERT(reserv->count > 0 && reserv->count < FREEBSD_RESERV_FRAMES);
    freebsd_partial_remove(self, domain, number);
    freebsd_reserv_end(self, domain, number);
    while (bit < FREEBSD_RESERV_FRAMES) {
        uint32_t from = bit;
        while (bit < FREEBSD_RESERV_FRAMES && !freebsd_is_populated(reserv, bit))
            freebsd_state_set(self, first + bit++, FREEBSD_INSIDE);
        /* Nothing to merge with: on both sides of it something is populated. */
        freebsd_push_range(self, domain, first + from, first + bit, FREEBSD_POOL_DEFAULT);
        while (bit < FREEBSD_RESERV_FRAMES && freebsd_is_populated(reserv, bit))
            bit++;
    }
    freebsd_count_add(&domain->unpopulated, (uint64_t)reserv->count - FREEBSD_RESERV_FRAMES);
}

/* Has it 2^order aligned frames of which none is populated? Some frame is, so no more than 2^8. */
static bool freebsd_reserv_has(const struct freebsd_reserv *reserv, uint32_t order)
{
    uint32_t frames = UINT32_C(1) << order;
    PL_ASSERT(reserv->live);
    PL_ASSERT(order < FREEBSD_RESERV_ORDER);
    for (uint32_t at = 0; at < FREEBSD_RESERV_FRAMES; at += frames) {
        uint64_t taken = 0;
        for (uint32_t word = at / 64; word <= (at + frames - 1) / 64; word++)
            taken |= reserv->popmap[word];
        if (frames < 64)
            taken = taken >> (at % 64) & ((UINT64_C(1) << frames) - 1);
        if (taken == 0)
            return true;
    }
    return false;
}

bool freebsd_reserv_reclaim(struct freebsd *self, struct freebsd_domain *domain, uint32_t order)
{
    uint32_t arena = FREEBSD_NONE;
    if (order >= FREEBSD_RESERV_ORDER)
        return false;
    PL_ASSERT(domain->partial_head == FREEBSD_NONE || self->reserv[domain->partial_head].live);
    for (uint32_t at = domain->partial_head; at != FREEBSD_NONE; at = self->reserv[at].next) {
        if (!freebsd_reserv_has(&self->reserv[at], order))
            continue;
        if (at != domain->arena) {
            freebsd_reserv_break(self, domain, at);
            return true;
        }
        arena = at;
    }
    if (arena == FREEBSD_NONE)
        return false;
    freebsd_reserv_break(self, domain, arena);
    return true;
}

/* --- requests --- */

/* The frame in one domain. `found` says that the key has a reservation here, even if that frame is taken. */
static uint64_t freebsd_reserv_take_from(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain_number,
                                         const struct pl_request *request, bool may_make, bool *found)
{
    struct freebsd_domain *domain = &self->domain[domain_number];
    uint64_t number = request->index / FREEBSD_RESERV_FRAMES;
    uint32_t bit = (uint32_t)(request->index % FREEBSD_RESERV_FRAMES);
    uint64_t index = FREEBSD_NO_INDEX;
    uint32_t before = pl_lock_masked(&domain->lock, cpu);
    uint32_t at = freebsd_reserv_find(self, domain, request->owner, number);
    *found = at != FREEBSD_NONE;
    if (at == FREEBSD_NONE && may_make)
        at = freebsd_reserv_make(self, domain, request->owner, number);
    pl_point(cpu, self);
    if (at != FREEBSD_NONE && !freebsd_is_populated(&self->reserv[at], bit))
        index = freebsd_reserv_populate(self, domain, at, bit);
    pl_unlock_masked(&domain->lock, cpu, before);
    return index;
}

uint64_t freebsd_reserv_take(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request)
{
    bool found = false;
    PL_ASSERT(request->order == 0);
    PL_ASSERT(request->owner != 0);
    if (!self->reserves)
        return FREEBSD_NO_INDEX;
    uint32_t first = freebsd_domain_at(self, cpu, request, 0);
    if (first == FREEBSD_NONE)
        return FREEBSD_NO_INDEX;
    for (uint32_t step = 0; self->domain_count > 1 && !found; step++) {
        uint32_t domain = freebsd_domain_at(self, cpu, request, step);
        if (domain == FREEBSD_NONE)
            break;
        uint64_t index = freebsd_reserv_take_from(self, cpu, domain, request, false, &found);
        if (found)
            return index;
    }
    return freebsd_reserv_take_from(self, cpu, first, request, true, &found);
}

uint64_t freebsd_arena_take(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request)
{
    uint64_t index = FREEBSD_NO_INDEX;
    uint32_t number = freebsd_domain_at(self, cpu, request, 0);
    if (!self->reserves || number == FREEBSD_NONE)
        return FREEBSD_NO_INDEX;
    PL_ASSERT(number < self->domain_count);
    struct freebsd_domain *domain = &self->domain[number];
    uint32_t before = pl_lock_masked(&domain->lock, cpu);
    if (domain->arena == FREEBSD_NONE) {
        domain->arena = freebsd_reserv_make(self, domain, 0, 0);
        domain->arena_next = 0;
    }
    if (domain->arena != FREEBSD_NONE) {
        PL_ASSERT(domain->arena_next < FREEBSD_RESERV_FRAMES);
        index = freebsd_reserv_populate(self, domain, domain->arena, domain->arena_next);
        if (++domain->arena_next == FREEBSD_RESERV_FRAMES)
            domain->arena = FREEBSD_NONE;
    }
    pl_unlock_masked(&domain->lock, cpu, before);
    return index;
}
