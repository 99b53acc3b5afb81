/* The physical layer: queues of buddies by freelist, pool and order. Blocks leave at the head and come back
 * at the tail; a pool that has nothing takes over the largest block of the other one. */
#include "freebsd_internal.h"

PL_INLINE uint64_t freebsd_buddy_of(uint64_t index, uint32_t order)
{
    return index ^ (UINT64_C(1) << order);
}

uint64_t freebsd_block_of_pair(const struct freebsd *self, uint32_t pair)
{
    uint64_t index = (uint64_t)pair * 2;
    PL_ASSERT(index < self->index_count);
    if (FREEBSD_KIND(freebsd_state_get(self, index)) != FREEBSD_FREE)
        index++;
    PL_ASSERT(FREEBSD_KIND(freebsd_state_get(self, index)) == FREEBSD_FREE);
    return index;
}

/* At the tail. */
PL_INLINE void freebsd_push_to(struct freebsd *self, struct freebsd_queues *queues, uint64_t index,
                               uint32_t order, uint32_t pool)
{
    uint32_t pair = (uint32_t)(index / 2);
    uint32_t before = queues->tail[order];
    PL_ASSERT((index & ((UINT64_C(1) << order) - 1)) == 0);
    PL_ASSERT(freebsd_state_get(self, index) == FREEBSD_INSIDE);
    freebsd_state_set(self, index, FREEBSD_FREE | FREEBSD_POOL_BITS(pool) | order);
    self->link[pair] = (struct freebsd_link){.next = FREEBSD_NONE, .before = before};
    if (before != FREEBSD_NONE)
        self->link[before].next = pair;
    else
        queues->head[order] = pair;
    queues->tail[order] = pair;
    queues->nonempty |= 1u << order;
}

PL_INLINE void freebsd_unlink_from(struct freebsd *self, struct freebsd_queues *queues, uint64_t index,
                                   uint32_t order)
{
    struct freebsd_link link = self->link[index / 2];
    PL_ASSERT((queues->nonempty >> order & 1) != 0);
    freebsd_state_set(self, index, FREEBSD_INSIDE);
    if (link.next != FREEBSD_NONE)
        self->link[link.next].before = link.before;
    else
        queues->tail[order] = link.before;
    if (link.before != FREEBSD_NONE) {
        self->link[link.before].next = link.next;
        return;
    }
    PL_ASSERT(queues->head[order] == index / 2);
    queues->head[order] = link.next;
    if (link.next == FREEBSD_NONE)
        queues->nonempty &= ~(1u << order);
}

void freebsd_push(struct freebsd *self, struct freebsd_domain *domain, uint64_t index, uint32_t order,
                  uint32_t pool)
{
    PL_ASSERT(order <= FREEBSD_MAX_ORDER);
    PL_ASSERT(pool < FREEBSD_POOL_COUNT);
    freebsd_push_to(self, &domain->queues[freebsd_freelist_of(self, index)][pool], index, order, pool);
    freebsd_count_add(&domain->queued, UINT64_C(1) << order);
}

void freebsd_unlink(struct freebsd *self, struct freebsd_domain *domain, uint64_t index)
{
    uint32_t state = freebsd_state_get(self, index);
    PL_ASSERT(FREEBSD_KIND(state) == FREEBSD_FREE);
    uint32_t order = FREEBSD_ORDER(state);
    PL_ASSERT(freebsd_count_get(&domain->queued) >= UINT64_C(1) << order);
    freebsd_unlink_from(self, &domain->queues[freebsd_freelist_of(self, index)][FREEBSD_POOL(state)], index,
                        order);
    freebsd_count_add(&domain->queued, 0 - (UINT64_C(1) << order));
}

void freebsd_push_range(struct freebsd *self, struct freebsd_domain *domain, uint64_t from, uint64_t to,
                        uint32_t pool)
{
    PL_ASSERT(to <= self->index_count);
    while (from < to) {
        uint32_t order = freebsd_order_at(from, to);
        freebsd_push(self, domain, from, order, pool);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from >= to);
}

/* Takes the block that serves this order best off the queues of one freelist. Returns its index, and its
 * order in *from. */
static uint64_t freebsd_pick(struct freebsd *self, struct freebsd_queues queues[FREEBSD_POOL_COUNT],
                             uint32_t pool, uint32_t order, uint32_t *from)
{
    struct freebsd_queues *own = &queues[pool];
    struct freebsd_queues *other = &queues[pool ^ 1u];
    PL_ASSERT(order <= FREEBSD_MAX_ORDER);
    if (PL_LIKELY(own->nonempty >> order != 0)) {
        *from = order + PL_CTZ64((uint64_t)(own->nonempty >> order));
    } else if (other->nonempty >> order != 0) {
        /* The largest, so that the pools mix as little as possible. */
        *from = 63u - PL_CLZ64((uint64_t)other->nonempty);
        own = other;
    } else {
        return FREEBSD_NO_INDEX;
    }
    PL_ASSERT(*from <= FREEBSD_MAX_ORDER);
    uint64_t index = freebsd_block_of_pair(self, own->head[*from]);
    freebsd_unlink_from(self, own, index, *from);
    return index;
}

uint64_t freebsd_phys_alloc(struct freebsd *self, struct freebsd_domain *domain, uint32_t pool,
                            uint32_t order)
{
    PL_ASSERT(pool < FREEBSD_POOL_COUNT);
    for (uint32_t list = 0; list < FREEBSD_FREELIST_COUNT; list++) {
        uint32_t from = 0;
        uint64_t index = freebsd_pick(self, domain->queues[list], pool, order, &from);
        if (index == FREEBSD_NO_INDEX)
            continue;
        struct freebsd_queues *queues = &domain->queues[list][pool];
        while (from > order) {
            from--;
            freebsd_push_to(self, queues, index + (UINT64_C(1) << from), from, pool);
        }
        PL_ASSERT(freebsd_count_get(&domain->queued) >= UINT64_C(1) << order);
        freebsd_count_add(&domain->queued, 0 - (UINT64_C(1) << order));
        return index;
    }
    return FREEBSD_NO_INDEX;
}

void freebsd_phys_alloc_frames(struct freebsd *self, struct freebsd_domain *domain, uint32_t pool,
                               uint32_t *frames, uint32_t count)
{
    uint32_t taken = 0;
    PL_ASSERT(freebsd_count_get(&domain->queued) >= count);
    freebsd_count_add(&domain->queued, 0 - (uint64_t)count);
    for (uint32_t list = 0; list < FREEBSD_FREELIST_COUNT && taken < count; list++) {
        while (taken < count) {
            uint32_t from = 0;
            uint64_t index = freebsd_pick(self, domain->queues[list], pool, 0, &from);
            if (index == FREEBSD_NO_INDEX)
                break;
            uint64_t end = index + (UINT64_C(1) << from);
            while (index < end && taken < count)
                frames[taken++] = (uint32_t)index++;
            while (index < end) {
                uint32_t order = freebsd_order_at(index, end);
                freebsd_push_to(self, &domain->queues[list][pool], index, order, pool);
                index += UINT64_C(1) << order;
            }
        }
    }
    PL_ASSERT(taken == count);
}

void freebsd_phys_free(struct freebsd *self, struct freebsd_domain *domain, uint64_t index, uint32_t order,
                       uint32_t pool)
{
    PL_ASSERT(order <= FREEBSD_MAX_ORDER);
    PL_ASSERT(index < self->index_count);
    /* A largest block is in one freelist, and all that it is merged of. */
    struct freebsd_queues *queues = domain->queues[freebsd_freelist_of(self, index)];
    freebsd_state_set(self, index, FREEBSD_INSIDE);
    freebsd_count_add(&domain->queued, UINT64_C(1) << order);
    while (order < FREEBSD_MAX_ORDER) {
        uint64_t buddy = freebsd_buddy_of(index, order);
        uint32_t state = freebsd_state_get(self, buddy);
        if ((state & ~FREEBSD_POOL_BITS(1u)) != (FREEBSD_FREE | order))
            break;
        freebsd_unlink_from(self, &queues[FREEBSD_POOL(state)], buddy, order);
        index &= buddy;
        order++;
    }
    freebsd_push_to(self, &queues[pool], index, order, pool);
}
