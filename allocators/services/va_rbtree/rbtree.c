/* Address space as a red-black tree of areas, each node with the largest free gap below it: the way of
 * Linux's vmalloc and of its mmap before 6.1. The lowest place that fits, in the depth of the tree. */
#include "allocators/services/va_rbtree/rbtree_internal.h"

static size_t rbtree_meta_bytes(const struct pl_page_table_config *config)
{
    PL_ASSERT(config != NULL);
    uint32_t areas = area_parse_count(config->params);
    if (!area_window_is_legal(config))
        return 0;
    return sizeof(struct rbtree) + ((size_t)RBTREE_FIRST + areas) * sizeof(struct rbtree_node);
}

static enum pl_status rbtree_init(void *instance, const struct pl_page_table_config *config)
{
    struct rbtree *self = instance;
    PL_ASSERT(self != NULL);
    enum pl_status status = area_space_init(&self->space, config, area_parse_count(config->params));
    if (status != PL_OK)
        return status;
    self->fresh = RBTREE_FIRST;
    self->nodes[RBTREE_END] =
        (struct rbtree_node){.start = config->window_bytes, .gap = config->window_bytes};
    rbtree_insert(self, RBTREE_END, RBTREE_NIL, RBTREE_LEFT);
    return PL_OK;
}

/* RBTREE_NIL if all are in use. */
static uint32_t rbtree_node_get(struct rbtree *self)
{
    uint32_t at = self->unused;
    if (at != RBTREE_NIL)
        self->unused = self->nodes[at].child[0];
    else if (self->fresh < RBTREE_FIRST + self->space.areas_max)
        at = self->fresh++;
    return at;
}

/* Can this subtree hold it, by the length of its gaps? */
PL_INLINE bool rbtree_may_hold(const struct rbtree *self, uint32_t at, const struct area_want *want)
{
    return at != RBTREE_NIL && self->nodes[at].most >= want->bytes;
}

/* The node behind this one in order, or RBTREE_NIL. */
static uint32_t rbtree_next(const struct rbtree *self, uint32_t at)
{
    const struct rbtree_node *nodes = self->nodes;
    if (nodes[at].child[RBTREE_RIGHT] != RBTREE_NIL) {
        at = nodes[at].child[RBTREE_RIGHT];
        while (nodes[at].child[RBTREE_LEFT] != RBTREE_NIL)
            at = nodes[at].child[RBTREE_LEFT];
        return at;
    }
    while (nodes[at].parent != RBTREE_NIL && nodes[nodes[at].parent].child[RBTREE_RIGHT] == at)
        at = nodes[at].parent;
    return nodes[at].parent;
}

/* The leftmost node of the subtree with a gap that is long enough at or under it, past what ends below
 * want->low. */
static uint32_t rbtree_leftmost(const struct rbtree *self, uint32_t at, const struct area_want *want)
{
    const struct rbtree_node *nodes = self->nodes;
    PL_ASSERT(rbtree_may_hold(self, at, want));
    while (nodes[at].start - nodes[at].gap > want->low &&
           rbtree_may_hold(self, nodes[at].child[RBTREE_LEFT], want))
        at = nodes[at].child[RBTREE_LEFT];
    return at;
}

/* The node whose gap has the lowest place, and the place; RBTREE_NIL if there is none. Visits in order what
 * could hold it: the first node tried is the answer, unless its gap is spoilt by alignment or by want->low.
 */
static uint32_t rbtree_search(const struct rbtree *self, const struct area_want *want, uint64_t *start)
{
    const struct rbtree_node *nodes = self->nodes;
    uint32_t at = self->root;
    if (!rbtree_may_hold(self, at, want))
        return RBTREE_NIL;
    at = rbtree_leftmost(self, at, want);
    for (;;) {
        uint64_t gap_start = nodes[at].start - nodes[at].gap;
        *start = area_fit(&self->space.window, want, gap_start, nodes[at].start);
        if (*start != AREA_NO_PLACE)
            return at;
        if (gap_start >= want->high)
            return RBTREE_NIL;
        if (rbtree_may_hold(self, nodes[at].child[RBTREE_RIGHT], want)) {
            at = rbtree_leftmost(self, nodes[at].child[RBTREE_RIGHT], want);
            continue;
        }
        while (nodes[at].parent != RBTREE_NIL && nodes[nodes[at].parent].child[RBTREE_RIGHT] == at)
            at = nodes[at].parent;
        at = nodes[at].parent;
        if (at == RBTREE_NIL)
            return RBTREE_NIL;
    }
}

static enum pl_status rbtree_reserve(void *instance, struct pl_cpu *cpu,
                                     const struct pl_area_request *request, struct pl_area *area)
{
    struct rbtree *self = instance;
    struct area_want want;
    uint64_t start;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    enum pl_status status = area_want_of(&self->space.window, request, &want);
    if (status != PL_OK)
        return status;
    area_might_sleep(cpu, request);
    uint32_t above = rbtree_search(self, &want, &start);
    uint32_t at = above == RBTREE_NIL ? RBTREE_NIL : rbtree_node_get(self);
    if (at == RBTREE_NIL)
        return area_no_room(request);
    struct rbtree_node *nodes = self->nodes;
    uint64_t gap_start = nodes[above].start - nodes[above].gap;
    nodes[at] = (struct rbtree_node){.start = start, .bytes = want.bytes, .gap = start - gap_start};
    nodes[above].gap = nodes[above].start - (start + want.bytes);
    /* Right below `above` in order: its empty left place, or the last right one under that. */
    uint32_t parent = above;
    unsigned side = RBTREE_LEFT;
    if (nodes[above].child[RBTREE_LEFT] != RBTREE_NIL) {
        side = RBTREE_RIGHT;
        parent = nodes[above].child[RBTREE_LEFT];
        while (nodes[parent].child[RBTREE_RIGHT] != RBTREE_NIL)
            parent = nodes[parent].child[RBTREE_RIGHT];
    }
    rbtree_insert(self, at, parent, side); /* corrects all above it, and `above` is */
    *area = area_entered(&self->space, start, want.bytes);
    return PL_OK;
}

/* The area that holds this address, or RBTREE_NIL. */
static uint32_t rbtree_find(const struct rbtree *self, uint64_t addr)
{
    const struct rbtree_node *nodes = self->nodes;
    uint32_t at = self->root;
    if (addr < self->space.window.addr)
        return RBTREE_NIL;
    uint64_t offset = addr - self->space.window.addr;
    while (at != RBTREE_NIL) {
        if (offset < nodes[at].start)
            at = nodes[at].child[RBTREE_LEFT];
        else if (offset - nodes[at].start >= nodes[at].bytes)
            at = nodes[at].child[RBTREE_RIGHT];
        else
            break;
    }
    return at;
}

static enum pl_status rbtree_release(void *instance, struct pl_cpu *cpu, const struct pl_area *area)
{
    struct rbtree *self = instance;
    struct rbtree_node *nodes = self->nodes;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    uint32_t at = rbtree_find(self, area->addr);
    if (at == RBTREE_NIL || !area_is(&self->space, nodes[at].start, nodes[at].bytes, area))
        return PL_REFUSED;
    uint32_t next = rbtree_next(self, at);
    PL_ASSERT(next != RBTREE_NIL);
    uint64_t gap = nodes[at].gap + nodes[at].bytes;
    rbtree_erase(self, at);
    nodes[next].gap += gap;
    rbtree_gap_changed(self, next);
    nodes[at] = (struct rbtree_node){.child = {self->unused, RBTREE_NIL}};
    self->unused = at;
    area_left(&self->space, area->area_bytes);
    return PL_OK;
}

static enum pl_status rbtree_lookup(const void *instance, uint64_t addr, struct pl_area *area)
{
    const struct rbtree *self = instance;
    PL_ASSERT(area != NULL);
    uint32_t at = rbtree_find(self, addr);
    if (at == RBTREE_NIL)
        return PL_REFUSED;
    *area = area_of(&self->space, self->nodes[at].start, self->nodes[at].bytes);
    return PL_OK;
}

static void rbtree_settings(const void *instance, char *text, size_t bytes)
{
    const struct rbtree *self = instance;
    area_space_settings(&self->space, "lowest-fit", text, bytes);
}

static const struct pl_page_table_ops rbtree_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CHECKS_FREE | PL_CAP_COMPLETE,
    .meta_bytes = rbtree_meta_bytes,
    .init = rbtree_init,
    .fini = area_space_fini,
    .reserve = rbtree_reserve,
    .release = rbtree_release,
    .lookup = rbtree_lookup,
    .count = area_space_count,
    .audit = rbtree_audit,
    .settings = rbtree_settings,
};

extern const struct pl_candidate pl_candidate_rbtree;
const struct pl_candidate pl_candidate_rbtree = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "rbtree",
    .summary = "address space: a red-black tree that knows its gaps, lowest fit",
    .kind = PL_KIND_SERVICE,
    .page_table = &rbtree_ops,
    .params = "areas=N",
};
