/* See liar.h. Beneath the lies: a byte a frame, lowest address first, no hint and no speed. */
#include <string.h>

#include "tests/liars/liar_internal.h"

static bool liar_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static size_t liar_meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct liar) + (size_t)config->machine->span;
}

static enum pl_status liar_init(void *instance, const struct pl_page_config *config)
{
    struct liar *self = instance;
    self->machine = config->machine;
    self->lie = liar_parse(config->params);
    if (self->lie == LIE_COUNT)
        return PL_INVALID;
    if (self->lie == LIE_ONE_RANGE && self->machine->range_count > 1)
        return PL_UNSUPPORTED;
    if (self->lie == LIE_FILLS_HOLES)
        memset(self->state, LIAR_FREE, (size_t)self->machine->span);
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        memset(&self->state[range->first.number - self->machine->first.number], LIAR_FREE,
               (size_t)range->frame_count);
    }
    return PL_OK;
}

static void liar_fini(void *instance)
{
    (void)instance;
}

static bool liar_fits(const struct liar *self, const struct pl_constraints *want, uint64_t first, bool empty)
{
    uint64_t last = first + want->frame_count - 1;
    if (first < want->low.number || last >= want->high.number || first % want->alignment != 0)
        return false;
    if (want->boundary != 0 && first / want->boundary != last / want->boundary)
        return false;
    for (uint64_t frame = first; frame <= last; frame++) {
        unsigned char state = self->state[frame - self->machine->first.number];
        if (empty ? state == LIAR_HOLE : state != LIAR_FREE)
            return false;
    }
    return true;
}

/* The lowest run that fits, or PL_FRAME_NONE. MISALIGNED looks for the lowest that does not quite. */
static uint64_t liar_find(const struct liar *self, const struct pl_constraints *want, bool empty)
{
    struct pl_constraints heard = *want;
    if (self->lie == LIE_IGNORES_LOW)
        heard.low = pl_frame_at(0);
    if (self->lie == LIE_IGNORES_HIGH)
        heard.high = pl_frame_at(UINT64_MAX);
    if (self->lie == LIE_IGNORES_ALIGNMENT || self->lie == LIE_MISALIGNED)
        heard.alignment = 1;
    if (self->lie == LIE_IGNORES_BOUNDARY)
        heard.boundary = 0;
    uint64_t base = self->machine->first.number;
    uint64_t skip = self->lie == LIE_MISALIGNED && want->frame_count > 1 ? 1 : 0;
    for (uint64_t at = skip; at + heard.frame_count <= self->machine->span; at++) {
        if (liar_fits(self, &heard, base + at, empty))
            return base + at;
    }
    return PL_FRAME_NONE;
}

/* The lowest frame that somebody has, or PL_FRAME_NONE. */
static uint64_t liar_find_granted(const struct liar *self)
{
    for (uint64_t at = 0; at < self->machine->span; at++) {
        if (self->state[at] == LIAR_HEAD)
            return self->machine->first.number + at;
    }
    return PL_FRAME_NONE;
}

static void liar_mark(struct liar *self, uint64_t first, uint64_t frame_count)
{
    unsigned char *state = &self->state[first - self->machine->first.number];
    memset(state, LIAR_TAIL, (size_t)frame_count);
    *state = LIAR_HEAD;
}

/* What a failure leaves behind. */
static enum pl_status liar_fail(struct liar *self)
{
    bool leaks = self->lie == LIE_LEAKS_ON_FAILURE || self->lie == LIE_LOSES_ON_FAILURE;
    unsigned char *free_frame = memchr(self->state, LIAR_FREE, (size_t)self->machine->span);
    if (leaks && free_frame != NULL)
        *free_frame = self->lie == LIE_LEAKS_ON_FAILURE ? LIAR_FORGOTTEN : LIAR_LOST;
    return PL_NO_MEMORY;
}

/* Lies of a call that succeeds. */
static void liar_embellish(struct liar *self, struct pl_cpu *cpu, struct pl_run *run)
{
    uint64_t end = self->machine->first.number + self->machine->span;
    switch (self->lie) {
    case LIE_OUTSIDE:
        run->first.number = (end + run->frame_count - 1) / run->frame_count * run->frame_count;
        break;
    case LIE_WRONG_COUNT:
        run->frame_count *= 2;
        break;
    case LIE_HOLDS_LOCK:
        pl_lock_take(&self->kept, cpu);
        break;
    case LIE_KEEPS_MASKED:
        (void)pl_mask(cpu);
        break;
    case LIE_SLEEPS:
        cpu->sleeps++;
        break;
    case LIE_WRITES:
        if (liar_find_granted(self) != PL_FRAME_NONE)
            memset(pl_frame_address(self->machine, pl_frame_at(liar_find_granted(self))), 0x5a, 64);
        break;
    case LIE_FALSE_ZERO:
        run->flags |= PL_RUN_ZERO;
        break;
    case LIE_FROM_ZERO:
        run->first.number -= self->machine->first.number;
        break;
    default:
        break;
    }
}

/* Between the look and the entry, where somebody else may come in. */
static void liar_dawdle(struct liar *self, struct pl_cpu *cpu)
{
    for (int i = 0; i < 400 && self->lie == LIE_UNLOCKED; i++)
        pl_relax(cpu);
    if (self->lie == LIE_UNMASKED || self->lie == LIE_MASKED)
        pl_point(cpu, self);
}

static enum pl_status liar_take(struct liar *self, struct pl_cpu *cpu, const struct pl_constraints *want,
                                struct pl_run *run)
{
    uint64_t found = PL_FRAME_NONE;
    if (self->lie == LIE_GRANTS_TWICE || self->lie == LIE_TWICE_ON_NODES)
        found = liar_find_granted(self);
    if (found == PL_FRAME_NONE)
        found = liar_find(self, want, false);
    if (found == PL_FRAME_NONE)
        return liar_fail(self);
    liar_dawdle(self, cpu);
    *run = (struct pl_run){.first = {found}, .frame_count = want->frame_count, .order = PL_ORDER_NONE};
    if (liar_is_power_of_two(run->frame_count))
        run->order = PL_CTZ64(run->frame_count);
    liar_embellish(self, cpu, run);
    liar_mark(self, found, want->frame_count);
    return PL_OK;
}

/* To the node's range. */
static void liar_stay(const struct liar *self, uint16_t node, struct pl_constraints *want)
{
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        if (range->node != node)
            continue;
        want->low = range->first;
        want->high.number = range->first.number + range->frame_count;
    }
}

static enum pl_status liar_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    struct liar *self = instance;
    uint64_t frames = UINT64_C(1) << request->order;
    struct pl_constraints want = {.frame_count = frames, .high = {UINT64_MAX}, .alignment = frames};
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (self->lie == LIE_ODD_STATUS)
        return PL_REFUSED;
    if (request->order > LIAR_MAX_ORDER && self->lie != LIE_WIDENS)
        return PL_UNSUPPORTED;
    if (self->lie == LIE_HIDES_LAST && liar_frames_in(self, LIAR_FREE) == 1)
        return PL_NO_MEMORY;
    if (self->lie == LIE_HIDES_FEW && liar_frames_in(self, LIAR_FREE) < 16)
        return PL_NO_MEMORY;
    if (self->lie == LIE_HIDES_BLOCKS && request->order == 1)
        return PL_NO_MEMORY;
    if (self->lie == LIE_STAYS_ON_NODE && request->node != PL_NODE_ANY)
        liar_stay(self, request->node, &want);
    uint32_t before = self->lie == LIE_MASKED ? pl_mask(cpu) : 0;
    enum pl_status status = liar_take(self, cpu, &want, run);
    if (self->lie == LIE_MASKED)
        pl_unmask(cpu, before);
    return status;
}

static enum pl_status liar_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                     const struct pl_constraints *constraints, struct pl_run *run)
{
    struct liar *self = instance;
    struct pl_constraints want = *constraints;
    bool legal = want.frame_count > 0 && liar_is_power_of_two(want.alignment) &&
                 (want.boundary == 0 || liar_is_power_of_two(want.boundary));
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (!legal && self->lie != LIE_TAKES_ILLEGAL_RUN)
        return PL_INVALID;
    if (self->lie == LIE_NEVER_WRONGLY || liar_find(self, &want, true) == PL_FRAME_NONE)
        return PL_NEVER;
    return liar_take(self, cpu, &want, run);
}

static bool liar_is_grant(const struct liar *self, const struct pl_run *run)
{
    uint64_t at = run->first.number - self->machine->first.number;
    if (at >= self->machine->span || self->state[at] != LIAR_HEAD)
        return false;
    uint64_t frames = 1;
    while (at + frames < self->machine->span && self->state[at + frames] == LIAR_TAIL)
        frames++;
    return frames == run->frame_count;
}

static enum pl_status liar_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct liar *self = instance;
    (void)cpu;
    uint64_t at = run->first.number - self->machine->first.number;
    if (self->lie == LIE_TAKES_BELOW && run->first.number < self->machine->first.number)
        return PL_OK;
    if (self->lie == LIE_TAKES_HOLE && at < self->machine->span && self->state[at] == LIAR_HOLE)
        return PL_OK;
    if (!liar_is_grant(self, run))
        return self->lie == LIE_TAKES_DOUBLE_FREE ? PL_OK : PL_REFUSED;
    if (self->lie == LIE_REFUSES_FREE)
        return PL_REFUSED;
    unsigned char *state = &self->state[run->first.number - self->machine->first.number];
    memset(state, LIAR_FREE, (size_t)run->frame_count);
    if (self->lie == LIE_FORGETS_FRAME)
        *state = LIAR_FORGOTTEN;
    self->drift++;
    return PL_OK;
}

static enum pl_status liar_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct liar *self = instance;
    (void)cpu;
    if (!liar_is_grant(self, run))
        return PL_REFUSED;
    if (self->lie == LIE_SPLIT_FAILS)
        return PL_NO_MEMORY;
    if (self->lie == LIE_SPLIT_FORGETS)
        return PL_OK;
    uint64_t part = UINT64_C(1) << order;
    for (uint64_t i = 0; i < run->frame_count; i += part)
        self->state[run->first.number - self->machine->first.number + i] = LIAR_HEAD;
    return PL_OK;
}

#define LIAR_CAPS                                                                                            \
    (PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE | PL_CAP_SPLIT |          \
     PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE)

static uint64_t liar_caps_of(const struct pl_page_config *config)
{
    enum lie lie = liar_parse(config->params);
    /* Its blocks are single frames, whatever lies beside them: no buddies, though it says so. */
    if (lie == LIE_UNCOALESCED)
        return LIAR_CAPS | PL_CAP_BUDDY;
    if (lie == LIE_FALSE_ZERO)
        return LIAR_CAPS | PL_CAP_KNOWS_ZERO;
    if (lie == LIE_UNLOCKED)
        return LIAR_CAPS | PL_CAP_CONCURRENT;
    if (lie == LIE_UNMASKED)
        return LIAR_CAPS | PL_CAP_IRQ_SAFE;
    if (lie == LIE_MASKED)
        return LIAR_CAPS | PL_CAP_IRQ_SAFE | PL_CAP_NMI_SAFE;
    if (lie == LIE_ANY_NODE || lie == LIE_STAYS_ON_NODE || lie == LIE_TWICE_ON_NODES)
        return LIAR_CAPS | PL_CAP_NODES;
    return lie == LIE_COUNTS_CACHED ? LIAR_CAPS & ~PL_CAP_EXACT_COUNT : LIAR_CAPS;
}

static const struct pl_page_ops liar_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = LIAR_CAPS,
    .max_order = LIAR_MAX_ORDER,
    .meta_bytes = liar_meta_bytes,
    .init = liar_init,
    .fini = liar_fini,
    .alloc = liar_alloc,
    .free = liar_free,
    .caps_of = liar_caps_of,
    .split = liar_split,
    .alloc_run = liar_alloc_run,
    .count = liar_count,
    .audit = liar_audit,
};

extern const struct pl_candidate pl_candidate_liar;
const struct pl_candidate pl_candidate_liar = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "liar",
    .summary = "breaks the promise that its parameter names",
    .kind = PL_KIND_CANARY,
    .page = &liar_ops,
    .params = "the lie",
};
