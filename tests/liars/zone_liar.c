/* A liar over an allocator with a high-atomic reserve: "zone-liar(LIE)+linux". What it tells breaks L-18 and
 * nothing else: every frame is still granted once, found by the audit, and counted. Without a lie it passes
 * everything on.
 *
 *     hoards    all that is free is kept, far beyond the cap
 *     frees     what is kept is offered to everybody, though the count knows of it
 *     mixes     half of what is kept is offered to everybody
 *     denies    no pageblock is kept, by the count
 *     boasts    one pageblock more is kept, by the count */
#include <string.h>

#include <pagelab/candidate.h>

struct zone_liar {
    struct pl_page inner;
    bool hoards;
    bool frees;
    bool mixes;
    bool denies;
    bool boasts;
};

/* Passes the audit on, or only sums up. */
struct zone_listener {
    struct pl_visitor visitor; /* first: the inner one hands back its address */
    const struct zone_liar *liar;
    struct pl_visitor *outer;
    uint64_t reserved_frames; /* as told */
    uint64_t reserve_blocks;  /* with at least one block that was told of, if blocks come in order */
    uint64_t last;            /* such a pageblock, or UINT64_MAX */
    bool turn;
};

static size_t zone_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct zone_liar);
}

static enum pl_status zone_init(void *instance, const struct pl_page_config *config)
{
    struct zone_liar *self = instance;
    const char *lie = config->params == NULL ? "" : config->params;
    self->inner = config->inner;
    self->hoards = strcmp(lie, "hoards") == 0;
    self->frees = strcmp(lie, "frees") == 0;
    self->mixes = strcmp(lie, "mixes") == 0;
    self->denies = strcmp(lie, "denies") == 0;
    self->boasts = strcmp(lie, "boasts") == 0;
    bool lies = self->hoards || self->frees || self->mixes || self->denies || self->boasts;
    return lies || *lie == '\0' ? PL_OK : PL_INVALID;
}

static void zone_fini(void *instance)
{
    (void)instance;
}

static uint64_t zone_caps_of(const struct pl_page_config *config)
{
    return config->inner_caps;
}

static enum pl_status zone_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    const struct zone_liar *self = instance;
    return self->inner.ops->alloc(self->inner.self, cpu, request, run);
}

static enum pl_status zone_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    const struct zone_liar *self = instance;
    return self->inner.ops->free(self->inner.self, cpu, run);
}

static enum pl_status zone_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    const struct zone_liar *self = instance;
    return self->inner.ops->split(self->inner.self, cpu, run, order);
}

static enum pl_status zone_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                     const struct pl_constraints *constraints, struct pl_run *run)
{
    const struct zone_liar *self = instance;
    return self->inner.ops->alloc_run(self->inner.self, cpu, request, constraints, run);
}

static void zone_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    const struct zone_liar *self = instance;
    self->inner.ops->drain(self->inner.self, cpu, of);
}

/* One block of a pageblock at most. */
static void tell(struct zone_listener *listener, const struct pl_block *block)
{
    uint64_t pageblock = block->first.number / PL_ZONE_BLOCK;
    if (block->state == PL_BLOCK_RESERVED) {
        listener->reserved_frames += UINT64_C(1) << block->order;
        listener->reserve_blocks += pageblock != listener->last;
        listener->last = pageblock;
    }
    if (listener->outer != NULL)
        listener->outer->block(listener->outer, block);
}

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct zone_listener *listener = (struct zone_listener *)visitor;
    const struct zone_liar *liar = listener->liar;
    struct pl_block told = *block;
    if (block->state == PL_BLOCK_RESERVED) {
        listener->turn = !listener->turn;
        if (liar->frees || (liar->mixes && listener->turn))
            told.state = PL_BLOCK_FREE;
    }
    if (block->state == PL_BLOCK_FREE && liar->hoards) {
        told.state = PL_BLOCK_RESERVED;
        for (; told.order > 9; told.order--) { /* in two: a pageblock is the largest that is kept */
            struct pl_block half = told;
            half.order--;
            tell(listener, &half);
            told.first.number += UINT64_C(1) << half.order;
        }
    }
    tell(listener, &told);
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct zone_listener *listener = (struct zone_listener *)visitor;
    if (listener->outer != NULL)
        listener->outer->broken(listener->outer, words);
}

static uint64_t zone_listen(const struct zone_liar *self, struct zone_listener *listener,
                            struct pl_visitor *outer)
{
    memset(listener, 0, sizeof(*listener));
    listener->visitor.bytes = sizeof(listener->visitor);
    listener->visitor.block = hear_block;
    listener->visitor.broken = hear_broken;
    listener->liar = self;
    listener->outer = outer;
    listener->last = UINT64_MAX;
    return self->inner.ops->audit(self->inner.self, &listener->visitor);
}

static uint64_t zone_audit(const void *instance, struct pl_visitor *visitor)
{
    struct zone_listener listener;
    return zone_listen(instance, &listener, visitor);
}

/* What is told is counted as told, but for those lies that are about the count. */
static void zone_count(const void *instance, struct pl_page_counts *counts)
{
    const struct zone_liar *self = instance;
    struct zone_listener listener;
    self->inner.ops->count(self->inner.self, counts);
    if (self->hoards || self->mixes) {
        (void)zone_listen(self, &listener, NULL);
        counts->reserved_frames = listener.reserved_frames;
        counts->reserve_blocks = self->hoards ? listener.reserve_blocks : counts->reserve_blocks;
    }
    if (self->denies)
        counts->reserve_blocks = 0;
    if (self->boasts)
        counts->reserve_blocks++;
}

static const struct pl_page_ops zone_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT,
    .meta_bytes = zone_meta_bytes,
    .init = zone_init,
    .fini = zone_fini,
    .alloc = zone_alloc,
    .free = zone_free,
    .caps_of = zone_caps_of,
    .split = zone_split,
    .alloc_run = zone_alloc_run,
    .drain = zone_drain,
    .count = zone_count,
    .audit = zone_audit,
};

extern const struct pl_candidate pl_candidate_zone_liar;
const struct pl_candidate pl_candidate_zone_liar = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "zone-liar",
    .summary = "breaks what its parameter names of L-18",
    .kind = PL_KIND_WRAPPER,
    .page = &zone_ops,
    .params = "the lie",
};
