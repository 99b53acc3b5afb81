/* A small allocator that says an interrupt may come at any time, and is wrong: "irq-liar(LIE)". Without
 * interrupts each of them but the last is right. Frames are numbers on one stack, and each CPU has a few of
 * them at hand.
 *
 *     unmasked-lock  takes its lock with interrupts on
 *     bare-list      neither masks nor locks: a handler pops in the middle of a pop
 *     mask-order     two masks, of which the inner one's state is restored last
 *     lost-pending   ends a masked section without looking for what was held off
 *     double-refill  unmasks to refill, and adds what it fetched although a handler has refilled
 *     spins          waits, without a word, for a flag that only the interrupted call clears
 *     retries        starts again for ever once a handler ran in the middle
 *     twice          is right about interrupts, and once leaves a frame that it grants on the stack */
#include <string.h>

#include <pagelab/candidate.h>

enum irq_lie {
    IRQ_NONE,
    IRQ_UNMASKED_LOCK,
    IRQ_BARE_LIST,
    IRQ_MASK_ORDER,
    IRQ_LOST_PENDING,
    IRQ_DOUBLE_REFILL,
    IRQ_SPINS,
    IRQ_RETRIES,
    IRQ_TWICE,
    IRQ_LIES,
};

#define AT_HAND 4u /* frames of one CPU */
#define REFILL  3u
#define ONCE    200u /* twice: which pop leaves its frame on the stack */

struct irq_liar {
    const struct pl_machine *machine;
    enum irq_lie lie;
    struct pl_lock lock;
    atomic_uint inside;  /* spins */
    atomic_uint version; /* retries: odd while a call is unfinished */
    uint64_t at_hand[PL_CPU_LIMIT][AT_HAND];
    uint32_t at_hand_count[PL_CPU_LIMIT];
    uint64_t grants; /* twice */
    uint64_t count;
    uint64_t frames[]; /* the stack, as offsets; top at count - 1; one more for twice */
};

static enum irq_lie irq_parse(const char *params)
{
    static const char *const names[IRQ_LIES] = {"",           "unmasked-lock", "bare-list",
                                                "mask-order", "lost-pending",  "double-refill",
                                                "spins",      "retries",       "twice"};
    for (int i = 1; params != NULL && i < IRQ_LIES; i++) {
        if (strcmp(params, names[i]) == 0)
            return (enum irq_lie)i;
    }
    return params == NULL ? IRQ_NONE : IRQ_LIES;
}

static size_t irq_meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct irq_liar) + ((size_t)config->machine->frame_count + 1) * sizeof(uint64_t);
}

static enum pl_status irq_init(void *instance, const struct pl_page_config *config)
{
    struct irq_liar *self = instance;
    self->machine = config->machine;
    self->lie = irq_parse(config->params);
    for (uint64_t at = config->machine->span; at-- > 0;) {
        for (uint32_t i = 0; i < config->machine->range_count; i++) {
            uint64_t first = config->machine->ranges[i].first.number - config->machine->first.number;
            if (at >= first && at - first < config->machine->ranges[i].frame_count)
                self->frames[self->count++] = at;
        }
    }
    return self->lie == IRQ_LIES ? PL_INVALID : PL_OK;
}

static void irq_fini(void *instance)
{
    (void)instance;
}

/* --- how a section begins and ends --- */

/* Two states: mask-order swaps them. */
struct irq_section {
    uint32_t outer;
    uint32_t inner;
};

static void irq_wait_for_flag(struct irq_liar *self)
{
    while (atomic_exchange_explicit(&self->inside, 1, memory_order_acquire) != 0)
        PL_COMPILER_BARRIER();
}

static struct irq_section irq_enter(struct irq_liar *self, struct pl_cpu *cpu)
{
    struct irq_section section = {0, 0};
    switch (self->lie) {
    case IRQ_UNMASKED_LOCK:
        pl_lock_take(&self->lock, cpu);
        break;
    case IRQ_SPINS:
        irq_wait_for_flag(self);
        break;
    case IRQ_BARE_LIST:
    case IRQ_RETRIES:
        break;
    default:
        section.outer = pl_mask(cpu);
        section.inner = pl_mask(cpu);
        break;
    }
    return section;
}

static void irq_leave(struct irq_liar *self, struct pl_cpu *cpu, struct irq_section section)
{
    switch (self->lie) {
    case IRQ_UNMASKED_LOCK:
        pl_lock_drop(&self->lock, cpu);
        break;
    case IRQ_SPINS:
        atomic_store_explicit(&self->inside, 0, memory_order_release);
        break;
    case IRQ_BARE_LIST:
    case IRQ_RETRIES:
        break;
    case IRQ_LOST_PENDING:
        atomic_store_explicit(&cpu->masked, section.outer, memory_order_relaxed);
        break;
    default:
        pl_unmask(cpu, section.inner);
        pl_unmask(cpu, section.outer);
        break;
    }
}

/* --- the stack of frames --- */

/* The count is read, and stored after the frame was: what comes between works on the same top. */
static PL_NOINLINE uint64_t irq_pop(struct irq_liar *self, struct pl_cpu *cpu)
{
    volatile uint64_t count = self->count;
    if (count == 0)
        return PL_FRAME_NONE;
    uint64_t frame = self->frames[count - 1];
    pl_point(cpu, self);
    self->count = self->lie == IRQ_TWICE && ++self->grants == ONCE ? count : count - 1;
    return frame;
}

static PL_NOINLINE void irq_push(struct irq_liar *self, struct pl_cpu *cpu, uint64_t frame)
{
    volatile uint64_t count = self->count;
    self->frames[count] = frame;
    pl_point(cpu, self);
    self->count = count + 1;
}

/* mask-order: the inner state first, so that the end of it runs with interrupts on. */
static PL_NOINLINE uint64_t irq_pop_early(struct irq_liar *self, struct pl_cpu *cpu)
{
    uint32_t outer = pl_mask(cpu);
    uint32_t inner = pl_mask(cpu);
    pl_unmask(cpu, outer);
    uint64_t frame = irq_pop(self, cpu);
    pl_unmask(cpu, inner);
    atomic_store_explicit(&cpu->masked, outer, memory_order_relaxed);
    return frame;
}

/* Some frames more at hand; looks for none that a handler fetched meanwhile. */
static PL_NOINLINE void irq_refill(struct irq_liar *self, struct pl_cpu *cpu, uint32_t outer)
{
    uint64_t fetched[REFILL];
    uint32_t count = 0;
    while (count < REFILL && (fetched[count] = irq_pop(self, cpu)) != PL_FRAME_NONE)
        count++;
    pl_unmask(cpu, outer);
    pl_point(cpu, self);
    (void)pl_mask(cpu);
    for (uint32_t i = 0; i < count; i++)
        self->at_hand[cpu->id][i] = fetched[i];
    self->at_hand_count[cpu->id] = count;
}

static uint64_t irq_pop_at_hand(struct irq_liar *self, struct pl_cpu *cpu, uint32_t outer)
{
    if (self->at_hand_count[cpu->id] == 0)
        irq_refill(self, cpu, outer);
    if (self->at_hand_count[cpu->id] == 0)
        return PL_FRAME_NONE;
    return self->at_hand[cpu->id][--self->at_hand_count[cpu->id]];
}

/* A version that is odd inside: whoever finds it odd begins again, also if it is its own CPU that must go on.
 */
static PL_NOINLINE uint64_t irq_pop_versioned(struct irq_liar *self, struct pl_cpu *cpu)
{
    unsigned seen;
    do {
        seen = atomic_load_explicit(&self->version, memory_order_acquire);
    } while ((seen & 1u) != 0 ||
             !atomic_compare_exchange_weak_explicit(&self->version, &seen, seen + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    uint64_t frame = irq_pop(self, cpu);
    atomic_store_explicit(&self->version, seen + 2, memory_order_release);
    return frame;
}

/* --- the hooks --- */

static enum pl_status irq_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run)
{
    struct irq_liar *self = instance;
    uint64_t frame;
    if (request->order != 0)
        return PL_UNSUPPORTED;
    struct irq_section section = {0, 0};
    if (self->lie == IRQ_MASK_ORDER) {
        frame = irq_pop_early(self, cpu);
    } else if (self->lie == IRQ_RETRIES) {
        frame = irq_pop_versioned(self, cpu);
    } else {
        section = irq_enter(self, cpu);
        frame =
            self->lie == IRQ_DOUBLE_REFILL ? irq_pop_at_hand(self, cpu, section.outer) : irq_pop(self, cpu);
        irq_leave(self, cpu, section);
    }
    if (frame == PL_FRAME_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(self->machine->first.number + frame), .frame_count = 1};
    return PL_OK;
}

static enum pl_status irq_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct irq_liar *self = instance;
    uint32_t before = 0;
    struct irq_section section = irq_enter(self, cpu);
    if (self->lie == IRQ_RETRIES) /* only its pop is wrong */
        before = pl_mask(cpu);
    irq_push(self, cpu, run->first.number - self->machine->first.number);
    if (self->lie == IRQ_RETRIES)
        pl_unmask(cpu, before);
    irq_leave(self, cpu, section);
    return PL_OK;
}

static void irq_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct irq_liar *self = instance;
    uint32_t before = pl_mask(cpu);
    while (self->at_hand_count[of->id] > 0)
        irq_push(self, cpu, self->at_hand[of->id][--self->at_hand_count[of->id]]);
    pl_unmask(cpu, before);
}

static void irq_count(const void *instance, struct pl_page_counts *counts)
{
    const struct irq_liar *self = instance;
    memset(counts, 0, sizeof(*counts));
    counts->free = self->count;
    for (uint32_t i = 0; i < self->machine->cpu_count; i++)
        counts->cached += self->at_hand_count[i];
}

static void irq_report(const struct irq_liar *self, struct pl_visitor *visitor, const uint64_t *frames,
                       uint64_t count, enum pl_block_state state)
{
    for (uint64_t i = 0; i < count; i++) {
        struct pl_block block = {.first = {self->machine->first.number + frames[i]}, .state = state};
        visitor->block(visitor, &block);
    }
}

static uint64_t irq_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct irq_liar *self = instance;
    irq_report(self, visitor, self->frames, self->count, PL_BLOCK_FREE);
    for (uint32_t i = 0; i < self->machine->cpu_count; i++)
        irq_report(self, visitor, self->at_hand[i], self->at_hand_count[i], PL_BLOCK_CACHED);
    return 0;
}

static const struct pl_page_ops irq_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_HOLES | PL_CAP_BASE,
    .meta_bytes = irq_meta_bytes,
    .init = irq_init,
    .fini = irq_fini,
    .alloc = irq_alloc,
    .free = irq_free,
    .drain = irq_drain,
    .count = irq_count,
    .audit = irq_audit,
};

extern const struct pl_candidate pl_candidate_irq_liar;
const struct pl_candidate pl_candidate_irq_liar = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "irq-liar",
    .summary = "cannot be interrupted where its parameter says",
    .kind = PL_KIND_CANARY,
    .page = &irq_ops,
    .params = "the lie",
};
