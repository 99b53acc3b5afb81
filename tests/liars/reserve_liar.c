/* A liar over an allocator with reservations: "reserve-liar(LIE)+freebsd". What it passes on or tells breaks
 * F-23 and nothing else: every frame is still granted once, found by the audit, and counted.
 *
 *     mixes    all owners are one, so that their pages share superpages
 *     shifts   a page gets its neighbour's place in the superpage
 *     denies   the count knows of no frame set aside
 *     frees    the audit offers to others what is set aside
 *     shirks   who renounces what is set aside gets no run at all, though nothing is (F-8) */
#include <string.h>

#include <pagelab/candidate.h>

struct reserve_liar {
    struct pl_page inner;
    bool mixes;
    bool shifts;
    bool denies;
    bool frees;
    bool shirks;
};

/* Passes the audit on. */
struct reserve_listener {
    struct pl_visitor visitor; /* first: the inner one hands back its address */
    struct pl_visitor *outer;
    uint64_t blocks; /* that were set aside */
};

static size_t reserve_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct reserve_liar);
}

static enum pl_status reserve_init(void *instance, const struct pl_page_config *config)
{
    struct reserve_liar *self = instance;
    const char *lie = config->params == NULL ? "" : config->params;
    self->inner = config->inner;
    self->mixes = strcmp(lie, "mixes") == 0;
    self->shifts = strcmp(lie, "shifts") == 0;
    self->denies = strcmp(lie, "denies") == 0;
    self->frees = strcmp(lie, "frees") == 0;
    self->shirks = strcmp(lie, "shirks") == 0;
    return self->shirks || self->mixes || self->shifts || self->denies || self->frees || *lie == '\0'
               ? PL_OK
               : PL_INVALID;
}

static void reserve_fini(void *instance)
{
    (void)instance;
}

static uint64_t reserve_caps_of(const struct pl_page_config *config)
{
    return config->inner_caps;
}

static enum pl_status reserve_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                    struct pl_run *run)
{
    struct reserve_liar *self = instance;
    struct pl_request heard = *request;
    if (self->mixes && heard.owner != 0)
        heard.owner = 1;
    if (self->shifts)
        heard.index ^= 1;
    return self->inner.ops->alloc(self->inner.self, cpu, &heard, run);
}

static enum pl_status reserve_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct reserve_liar *self = instance;
    return self->inner.ops->free(self->inner.self, cpu, run);
}

static enum pl_status reserve_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                    uint32_t order)
{
    struct reserve_liar *self = instance;
    return self->inner.ops->split(self->inner.self, cpu, run, order);
}

static enum pl_status reserve_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                        const struct pl_constraints *constraints, struct pl_run *run)
{
    struct reserve_liar *self = instance;
    if (self->shirks && request->flags & PL_REQUEST_NO_RECLAIM)
        return PL_NO_MEMORY;
    return self->inner.ops->alloc_run(self->inner.self, cpu, request, constraints, run);
}

static void reserve_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct reserve_liar *self = instance;
    self->inner.ops->drain(self->inner.self, cpu, of);
}

static void reserve_count(const void *instance, struct pl_page_counts *counts)
{
    const struct reserve_liar *self = instance;
    self->inner.ops->count(self->inner.self, counts);
    if (self->denies)
        counts->reserved_frames = 0;
}

/* Every other block that is set aside; all of them would be a reservation that nobody has heard of. */
static void reserve_hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct reserve_listener *listener = (struct reserve_listener *)visitor;
    struct pl_block told = *block;
    if (told.state == PL_BLOCK_RESERVED && listener->blocks++ % 2 == 0)
        told.state = PL_BLOCK_FREE;
    listener->outer->block(listener->outer, &told);
}

static void reserve_hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct reserve_listener *listener = (struct reserve_listener *)visitor;
    listener->outer->broken(listener->outer, words);
}

static uint64_t reserve_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct reserve_liar *self = instance;
    struct reserve_listener listener = {
        .visitor = {.bytes = sizeof(struct pl_visitor),
                    .block = reserve_hear_block,
                    .broken = reserve_hear_broken},
        .outer = visitor,
    };
    return self->inner.ops->audit(self->inner.self, self->frees ? &listener.visitor : visitor);
}

static const struct pl_page_ops reserve_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = reserve_meta_bytes,
    .init = reserve_init,
    .fini = reserve_fini,
    .alloc = reserve_alloc,
    .free = reserve_free,
    .caps_of = reserve_caps_of,
    .split = reserve_split,
    .alloc_run = reserve_alloc_run,
    .drain = reserve_drain,
    .count = reserve_count,
    .audit = reserve_audit,
};

extern const struct pl_candidate pl_candidate_reserve_liar;
const struct pl_candidate pl_candidate_reserve_liar = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "reserve-liar",
    .summary = "wrapper: breaks the promise about reservations as its parameter says",
    .kind = PL_KIND_WRAPPER,
    .page = &reserve_ops,
    .params = "the lie",
};
