/* mutex+X: every call of X under one lock that sleeps, as a first port of an allocator to a kernel may have
 * it. The only candidate that waits for another CPU by sleeping, so the one in which a wake-up can be lost.
 *
 *     word   0 free   1 held   2 held, and somebody sleeps */
#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

extern const struct pl_candidate pl_candidate_mutex;

struct mutex_state {
    atomic_uint word;
    struct pl_lock lock; /* of `sleeps` only */
    uint64_t sleeps;
    struct pl_page inner;
};

static void mutex_sleep(struct mutex_state *state, struct pl_cpu *cpu)
{
    uint32_t before = pl_lock_masked(&state->lock, cpu);
    state->sleeps++;
    if (PL_MUTANT("mutex-sleep-locked")) {
        PL_MUTANT_TRIGGERED("mutex-sleep-locked", atomic_load(&state->word) == 2);
        cpu->platform->wait(cpu, &state->word, 2);
    }
    pl_unlock_masked(&state->lock, cpu, before);
    cpu->platform->wait(cpu, &state->word, 2);
}

static void mutex_take(struct mutex_state *state, struct pl_cpu *cpu)
{
    unsigned seen = 0;
    if (atomic_compare_exchange_strong(&state->word, &seen, 1))
        return;
    while (atomic_exchange(&state->word, 2) != 0) {
        if (cpu->context == PL_CONTEXT_TASK)
            mutex_sleep(state, cpu);
        else
            pl_relax(cpu);
    }
}

static void mutex_drop(struct mutex_state *state, struct pl_cpu *cpu)
{
    if (PL_MUTANT("mutex-wakeup-lost")) {
        unsigned seen = atomic_load(&state->word);
        unsigned was = atomic_exchange(&state->word, 0);
        PL_MUTANT_TRIGGERED("mutex-wakeup-lost", was != seen);
        if (seen == 2)
            cpu->platform->wake(cpu, &state->word, 1);
        return;
    }
    if (atomic_exchange(&state->word, 0) == 2)
        cpu->platform->wake(cpu, &state->word, 1);
}

static enum pl_status mutex_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    struct mutex_state *state = self;
    mutex_take(state, cpu);
    enum pl_status status = state->inner.ops->alloc(state->inner.self, cpu, request, run);
    mutex_drop(state, cpu);
    return status;
}

static enum pl_status mutex_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct mutex_state *state = self;
    mutex_take(state, cpu);
    enum pl_status status = state->inner.ops->free(state->inner.self, cpu, run);
    mutex_drop(state, cpu);
    return status;
}

static size_t mutex_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct mutex_state);
}

static enum pl_status mutex_init(void *self, const struct pl_page_config *config)
{
    struct mutex_state *state = self;
    PL_ASSERT(config->inner.ops != NULL);
    state->inner = config->inner;
    return PL_OK;
}

static void mutex_fini(void *self)
{
    (void)self;
}

/* Split and runs are left out: what the mutants need is alloc and free. */
static uint64_t mutex_caps_of(const struct pl_page_config *config)
{
    uint64_t lost = PL_CAP_IRQ_SAFE | PL_CAP_NMI_SAFE | PL_CAP_SPLIT | PL_CAP_RUNS;
    return (config->inner_caps & ~lost) | PL_CAP_CONCURRENT | PL_CAP_MAY_SLEEP;
}

static void mutex_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct mutex_state *state = self;
    if (state->inner.ops->drain != NULL)
        state->inner.ops->drain(state->inner.self, cpu, of);
}

static void mutex_count(const void *self, struct pl_page_counts *counts)
{
    const struct mutex_state *state = self;
    *counts = (struct pl_page_counts){0};
    if (state->inner.ops->count != NULL)
        state->inner.ops->count(state->inner.self, counts);
}

static uint64_t mutex_audit(const void *self, struct pl_visitor *visitor)
{
    const struct mutex_state *state = self;
    return state->inner.ops->audit == NULL ? 0 : state->inner.ops->audit(state->inner.self, visitor);
}

static const struct pl_page_ops mutex_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = mutex_meta_bytes,
    .init = mutex_init,
    .fini = mutex_fini,
    .alloc = mutex_alloc,
    .free = mutex_free,
    .caps_of = mutex_caps_of,
    .drain = mutex_drain,
    .count = mutex_count,
    .audit = mutex_audit,
};

const struct pl_candidate pl_candidate_mutex = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "mutex",
    .summary = "wrapper, of the mutants only: every call under one lock that sleeps",
    .kind = PL_KIND_WRAPPER,
    .page = &mutex_ops,
};
