/* The binary buddy: free lists of blocks of 2^order, halved to serve a smaller order, merged with the other
 * half when both are free again. Last freed, first granted. One lock.
 *
 * The block of each order that was freed last is cached in front of the lists: a caller that frees and
 * allocates in turn would otherwise build up a largest block and cut it down again every time. No request
 * fails for it, because who finds nothing merges what was kept and looks again. */
#include <stdio.h>
#include <string.h>

#include "buddy_internal.h"

/* ---- layout and init ---- */

/* Fills base and index_count. False if a pair number would not fit into 32 bits. */
static bool buddy_measure(struct buddy *self, const struct pl_machine *machine)
{
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    uint64_t first = machine->first.number;
    uint64_t largest = UINT64_C(1) << BUDDY_MAX_ORDER;
    if (machine->span == 0 || machine->span > (uint64_t)BUDDY_NONE * 2 - 2 * largest)
        return false;
    if (machine->span + 2 * largest > UINT64_MAX - first || machine->node_count > PL_NODE_LIMIT)
        return false;
    self->base = first & ~(largest - 1);
    self->index_count = ((first - self->base + machine->span) / largest + 1) * largest;
    return true;
}

static size_t buddy_link_offset(void)
{
    return (sizeof(struct buddy) + PL_CPU_LINE_BYTES - 1) & ~(size_t)(PL_CPU_LINE_BYTES - 1);
}

static size_t buddy_state_offset(const struct buddy *self)
{
    PL_ASSERT(self->index_count > 0);
    return buddy_link_offset() + self->index_count / 2 * sizeof(struct buddy_link);
}

static size_t buddy_meta_bytes(const struct pl_page_config *config)
{
    struct buddy measured = {.link = NULL};
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    if (!buddy_measure(&measured, config->machine))
        return 0;
    return buddy_state_offset(&measured) + measured.index_count;
}

/* Pushes a range's blocks from the top down, so that the lowest is granted first. */
static void buddy_add_range(struct buddy *self, const struct pl_range *range)
{
    uint64_t low = range->first.number - self->base;
    uint64_t at = low + range->frame_count;
    PL_ASSERT(at < self->index_count);
    while (at > low) {
        uint32_t order = 63u - PL_CLZ64(at - low);
        order = PL_CTZ64(at) < order ? PL_CTZ64(at) : order;
        order = order < BUDDY_MAX_ORDER ? order : BUDDY_MAX_ORDER;
        at -= UINT64_C(1) << order;
        buddy_push(self, &self->node[range->node], at, order);
    }
    PL_ASSERT(at == low);
}

static enum pl_status buddy_init(void *instance, const struct pl_page_config *config)
{
    struct buddy *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!buddy_measure(self, machine) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    self->machine = machine;
    self->link = (void *)((unsigned char *)instance + buddy_link_offset());
    self->state = (unsigned char *)instance + buddy_state_offset(self);
    for (uint32_t n = 0; n < PL_NODE_LIMIT; n++) {
        for (uint32_t order = 0; order < BUDDY_ORDER_COUNT; order++) {
            self->node[n].head[order] = BUDDY_NONE;
            buddy_kept_set(&self->node[n], order, BUDDY_NO_INDEX);
        }
    }
    for (uint32_t i = machine->range_count; i-- > 0;)
        buddy_add_range(self, &machine->ranges[i]);
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}

static void buddy_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* ---- grants ---- */

/* Ranges ascend: halves the list until one is left. */
const struct pl_range *buddy_range_of(const struct pl_machine *machine, uint64_t frame)
{
    PL_ASSERT(machine->range_count > 0);
    const struct pl_range *range = machine->ranges;
    uint32_t left = machine->range_count;
    while (left > 1) {
        uint32_t half = left / 2;
        PL_ASSERT(half > 0);
        if (range[half].first.number <= frame)
            range += half;
        left -= half;
    }
    if (frame < range->first.number || frame - range->first.number >= range->frame_count)
        return NULL;
    return range;
}

void buddy_merge_kept(struct buddy *self, struct buddy_kept *kept)
{
    PL_ASSERT(self->machine->node_count > 0);
    PL_ASSERT(self->machine->node_count <= PL_NODE_LIMIT);
    for (uint32_t n = 0; n < self->machine->node_count; n++) {
        struct buddy_node *node = &self->node[n];
        for (uint32_t order = 0; order < BUDDY_ORDER_COUNT; order++) {
            uint64_t index = buddy_kept_get(node, order);
            kept->index[n][order] = index;
            if (index == BUDDY_NO_INDEX)
                continue;
            buddy_kept_set(node, order, BUDDY_NO_INDEX);
            buddy_release(self, node, index, order);
        }
    }
}

/* Cuts the block out of the listed one that it was merged into; the halves that are left over are what it was
 * merged with. */
static void buddy_keep_again(struct buddy *self, struct buddy_node *node, uint64_t index, uint32_t order)
{
    uint32_t from = order;
    PL_ASSERT(buddy_kept_get(node, order) == BUDDY_NO_INDEX);
    while (self->state[index & ~((UINT64_C(1) << from) - 1)] != (BUDDY_FREE | from))
        from++;
    PL_ASSERT(from <= BUDDY_MAX_ORDER);
    buddy_unlink(self, node, index & ~((UINT64_C(1) << from) - 1), from);
    while (from > order) {
        from--;
        buddy_push(self, node, (index ^ (UINT64_C(1) << from)) & ~((UINT64_C(1) << from) - 1), from);
    }
    self->state[index] = (uint8_t)(BUDDY_KEPT | order);
    buddy_kept_set(node, order, index);
}

/* In the reverse order, so that each is cut out of exactly what it was merged into. */
void buddy_unmerge_kept(struct buddy *self, const struct buddy_kept *kept)
{
    PL_ASSERT(self->machine->node_count <= PL_NODE_LIMIT);
    for (uint32_t n = self->machine->node_count; n-- > 0;) {
        for (uint32_t order = BUDDY_ORDER_COUNT; order-- > 0;) {
            if (kept->index[n][order] != BUDDY_NO_INDEX)
                buddy_keep_again(self, &self->node[n], kept->index[n][order], order);
        }
    }
}

PL_INLINE bool buddy_has_block(const struct buddy_node *node, uint32_t order)
{
    PL_ASSERT(order <= BUDDY_MAX_ORDER);
    return buddy_kept_get(node, order) != BUDDY_NO_INDEX || node->nonempty >> order != 0;
}

/* Cuts the first block of the shortest list that serves down to this order; returns its index. */
PL_INLINE uint64_t buddy_cut(struct buddy *self, struct buddy_node *node, uint32_t order)
{
    PL_ASSERT(node->nonempty >> order != 0);
    uint32_t from = order + PL_CTZ64((uint64_t)(node->nonempty >> order));
    uint64_t index = buddy_block_of_pair(self, node->head[from], from);
    buddy_unlink(self, node, index, from);
    /* The lists between the two orders are empty, or the block would have come from there. */
    node->nonempty |= (1u << from) - (1u << order);
    uint8_t *state = self->state;
    struct buddy_link *link = self->link;
    while (from > order) {
        from--;
        uint64_t upper = index + (UINT64_C(1) << from);
        PL_ASSERT(node->head[from] == BUDDY_NONE);
        PL_ASSERT(state[upper] == BUDDY_INSIDE);
        state[upper] = (uint8_t)(BUDDY_FREE | from);
        link[upper / 2] = (struct buddy_link){.next = BUDDY_NONE, .before = BUDDY_NONE};
        node->head[from] = (uint32_t)(upper / 2);
    }
    return index;
}

/* Takes a block of this order from one node, which has one; returns its index. */
PL_INLINE uint64_t buddy_take(struct buddy *self, struct buddy_node *node, uint32_t order)
{
    uint64_t index = buddy_kept_get(node, order);
    PL_ASSERT(buddy_has_block(node, order));
    if (index != BUDDY_NO_INDEX)
        buddy_kept_set(node, order, BUDDY_NO_INDEX);
    else
        index = buddy_cut(self, node, order);
    PL_ASSERT(index < self->index_count);
    self->state[index] = (uint8_t)(BUDDY_GRANT | order);
    return index;
}

/* The wanted node if it has a block, or the first that has one if any will do; else NULL. */
PL_INLINE struct buddy_node *buddy_choose_node(struct buddy *self, uint32_t wanted, uint32_t order)
{
    uint32_t node_count = self->machine->node_count;
    PL_ASSERT(node_count <= PL_NODE_LIMIT);
    if (wanted != PL_NODE_ANY)
        return wanted < node_count && buddy_has_block(&self->node[wanted], order) ? &self->node[wanted]
                                                                                  : NULL;
    for (uint32_t n = 0; n < node_count; n++)
        if (buddy_has_block(&self->node[n], order))
            return &self->node[n];
    return NULL;
}

/* The choice when the first one failed: merges, then tries again, then takes any node if it may. */
static PL_NOINLINE struct buddy_node *buddy_choose_again(struct buddy *self, const struct pl_request *request)
{
    struct buddy_kept kept;
    PL_ASSERT(request->order <= BUDDY_MAX_ORDER);
    buddy_merge_kept(self, &kept);
    struct buddy_node *node = buddy_choose_node(self, request->node, request->order);
    if (node == NULL && (request->flags & PL_REQUEST_NODE_ONLY) == 0)
        node = buddy_choose_node(self, PL_NODE_ANY, request->order);
    if (node == NULL)
        buddy_unmerge_kept(self, &kept);
    PL_ASSERT(node == NULL || buddy_has_block(node, request->order));
    return node;
}

static enum pl_status buddy_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    struct buddy *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order > BUDDY_MAX_ORDER))
        return PL_UNSUPPORTED;
    uint64_t frame_count = UINT64_C(1) << request->order;
    uint64_t index = 0;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    struct buddy_node *node = buddy_choose_node(self, request->node, request->order);
    if (PL_UNLIKELY(node == NULL))
        node = buddy_choose_again(self, request);
    if (PL_LIKELY(node != NULL)) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count >= frame_count);
        index = buddy_take(self, node, request->order);
        pl_point(cpu, self); /* the block is gone, the count is not */
        atomic_store_explicit(&self->free_count, free_count - frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (PL_UNLIKELY(node == NULL))
        return PL_NO_MEMORY;
    *run = (struct pl_run){
        .first = pl_frame_at(self->base + index), .frame_count = frame_count, .order = request->order};
    return PL_OK;
}

/* True iff `run` is exactly one grant, which may be several blocks. */
PL_INLINE bool buddy_is_grant(const struct buddy *self, const struct pl_run *run)
{
    uint64_t index = run->first.number - self->base;
    if (run->first.number < self->base || index >= self->index_count)
        return false;
    uint32_t state = self->state[index];
    uint64_t frame_count = UINT64_C(1) << BUDDY_ORDER(state);
    if (PL_LIKELY(BUDDY_KIND(state) == BUDDY_GRANT))
        return run->frame_count == frame_count && run->order == BUDDY_ORDER(state);
    if (BUDDY_KIND(state) != BUDDY_RUN)
        return false;
    for (uint64_t at = index + frame_count; BUDDY_KIND(self->state[at]) == BUDDY_PART;
         at = index + frame_count)
        frame_count += UINT64_C(1) << BUDDY_ORDER(self->state[at]);
    PL_ASSERT(frame_count < self->index_count);
    if ((frame_count & (frame_count - 1)) == 0 && run->order != PL_CTZ64(frame_count))
        return false;
    return run->frame_count == frame_count;
}

/* Takes the lock of a call that frees. Interrupts allocate, too, so they are held off. */
PL_INLINE uint32_t buddy_lock_to_free(struct buddy *self, struct pl_cpu *cpu)
{
    if (PL_MUTANT("buddy-lock-unmasked")) {
        uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
        PL_MUTANT_TRIGGERED("buddy-lock-unmasked", masked == 0);
        pl_lock_take(&self->lock, cpu);
        return masked;
    }
    return pl_lock_masked(&self->lock, cpu);
}

/* Every block of a grant becomes free. The last freed of each order is kept, the one before it goes to the
 * lists.
 */
PL_INLINE void buddy_take_back(struct buddy *self, struct buddy_node *node, const struct pl_run *run)
{
    uint64_t at = run->first.number - self->base;
    uint64_t end = at + run->frame_count;
    PL_ASSERT(end < self->index_count);
    while (at < end) {
        uint32_t order = BUDDY_ORDER(self->state[at]);
        uint64_t before = buddy_kept_get(node, order);
        self->state[at] = (uint8_t)(BUDDY_KEPT | order);
        buddy_kept_set(node, order, at);
        if (before != BUDDY_NO_INDEX && PL_MUTANT("buddy-kept-dropped"))
            PL_MUTANT_TRIGGERED("buddy-kept-dropped", true);
        else if (before != BUDDY_NO_INDEX)
            buddy_release(self, node, before, order);
        at += UINT64_C(1) << order;
    }
    PL_ASSERT(at == end);
}

static enum pl_status buddy_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct buddy *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    uint32_t before = buddy_lock_to_free(self, cpu);
    bool granted = buddy_is_grant(self, run);
    if (PL_LIKELY(granted)) {
        struct buddy_node *node = &self->node[0];
        if (self->machine->node_count > 1)
            node = &self->node[buddy_range_of(self->machine, run->first.number)->node];
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count + run->frame_count <= self->machine->frame_count);
        buddy_take_back(self, node, run);
        pl_point(cpu, self);
        if (PL_MUTANT("buddy-uncharge-one")) {
            PL_MUTANT_TRIGGERED("buddy-uncharge-one", run->frame_count != 1);
            atomic_store_explicit(&self->free_count, free_count + 1, memory_order_relaxed);
        } else {
            atomic_store_explicit(&self->free_count, free_count + run->frame_count, memory_order_relaxed);
        }
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* Each part gets its own head. A grant whose parts would not be naturally aligned is not cut: PL_INVALID. */
static enum pl_status buddy_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                  uint32_t order)
{
    struct buddy *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > BUDDY_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (!buddy_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        uint64_t at = run->first.number - self->base;
        uint64_t end = at + run->frame_count;
        if (PL_MUTANT("buddy-split-first")) {
            PL_MUTANT_TRIGGERED("buddy-split-first", run->frame_count != part);
            end = at + 1;
        }
        for (; at < end; at += part)
            self->state[at] = (uint8_t)(BUDDY_GRANT | order);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return status;
}

/* What is kept is no CPU's own: any drain puts all of it onto the lists. */
static void buddy_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct buddy *self = instance;
    struct buddy_kept kept;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(of != NULL);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    pl_point(cpu, self);
    buddy_merge_kept(self, &kept);
    pl_unlock_masked(&self->lock, cpu, before);
}

/* The kept blocks are counted here, so that alloc and free need not. */
static void buddy_count(const void *instance, struct pl_page_counts *counts)
{
    const struct buddy *self = instance;
    uint64_t not_granted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    uint64_t cached = 0;
    PL_ASSERT(counts != NULL);
    for (uint32_t n = 0; n < self->machine->node_count; n++)
        for (uint32_t order = 0; order < BUDDY_ORDER_COUNT; order++)
            if (buddy_kept_get(&self->node[n], order) != BUDDY_NO_INDEX)
                cached += UINT64_C(1) << order;
    /* While calls are unfinished the two need not fit together. */
    cached = cached < not_granted ? cached : not_granted;
    *counts = (struct pl_page_counts){.free = not_granted - cached, .cached = cached};
}

static void buddy_settings(const void *instance, char *text, size_t bytes)
{
    const struct buddy *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes,
             "policy=last-freed-first orders=0-%u cached=last-freed nodes=%u metadata=links+bytes",
             BUDDY_MAX_ORDER, self->machine->node_count);
}

static const struct pl_page_ops buddy_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE |
            PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES | PL_CAP_BUDDY,
    .max_order = BUDDY_MAX_ORDER,
    .meta_bytes = buddy_meta_bytes,
    .init = buddy_init,
    .fini = buddy_fini,
    .alloc = buddy_alloc,
    .free = buddy_free,
    .split = buddy_split,
    .alloc_run = buddy_alloc_run,
    .drain = buddy_drain,
    .count = buddy_count,
    .audit = buddy_audit,
    .settings = buddy_settings,
};

extern const struct pl_candidate pl_candidate_buddy;
const struct pl_candidate pl_candidate_buddy = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "buddy",
    .summary = "binary buddy: free lists by order, the last freed cached, one lock",
    .kind = PL_KIND_CANDIDATE,
    .page = &buddy_page,
    .frames_max = UINT64_C(1) << 32,
};
