/* Fails grants on purpose. `fault(after=N)+X` lets X serve, and turns its N-th grant into PL_NO_MEMORY, once;
 * `fault(every=N)+X` each N-th. Counted are calls that X would have answered with PL_OK, alloc and alloc_run
 * alike, so a caller's mistake is still answered as X answers it.
 *
 * The grant is made and taken back, never skipped: only then is it known that it would have succeeded. */
#include <stdio.h>
#include <string.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_fault;

struct fault_state {
    struct pl_page inner;
    uint64_t after;           /* 0: not in this mode */
    uint64_t every;           /* 0: not in this mode */
    _Atomic uint64_t granted; /* grants that the inner one made, those taken back included */
};

/* Reads "after=N" or "every=N", N > 0, exactly one of them. */
static bool fault_parse(struct fault_state *state, const char *params)
{
    uint64_t *into = NULL;
    if (params != NULL && strncmp(params, "after=", 6) == 0)
        into = &state->after;
    if (params != NULL && strncmp(params, "every=", 6) == 0)
        into = &state->every;
    if (into == NULL)
        return false;
    const char *digit = params + 6;
    uint64_t number = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (number > UINT64_MAX / 16)
            return false;
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    *into = number;
    return *digit == '\0' && number != 0;
}

/* True if the grant that was just made is one to take back. */
static bool fault_strikes(struct fault_state *state)
{
    uint64_t nth = 1 + atomic_fetch_add_explicit(&state->granted, 1, memory_order_relaxed);
    return nth == state->after || (state->every != 0 && nth % state->every == 0);
}

static enum pl_status fault_take_back(struct fault_state *state, struct pl_cpu *cpu, const struct pl_run *run)
{
    if (state->inner.ops->free(state->inner.self, cpu, run) != PL_OK)
        cpu->platform->panic(cpu, "fault: the inner allocator refuses the grant that it just made");
    return PL_NO_MEMORY;
}

static enum pl_status fault_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    struct fault_state *state = self;
    struct pl_run granted;
    enum pl_status status = state->inner.ops->alloc(state->inner.self, cpu, request, &granted);
    if (status != PL_OK)
        return status;
    if (fault_strikes(state))
        return fault_take_back(state, cpu, &granted);
    *run = granted;
    return PL_OK;
}

static enum pl_status fault_alloc_run(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                      const struct pl_constraints *constraints, struct pl_run *run)
{
    struct fault_state *state = self;
    struct pl_run granted;
    if (state->inner.ops->alloc_run == NULL)
        return PL_UNSUPPORTED;
    enum pl_status status =
        state->inner.ops->alloc_run(state->inner.self, cpu, request, constraints, &granted);
    if (status != PL_OK)
        return status;
    if (fault_strikes(state))
        return fault_take_back(state, cpu, &granted);
    *run = granted;
    return PL_OK;
}

static enum pl_status fault_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct fault_state *state = self;
    return state->inner.ops->free(state->inner.self, cpu, run);
}

static enum pl_status fault_split(void *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct fault_state *state = self;
    if (state->inner.ops->split == NULL)
        return PL_UNSUPPORTED;
    return state->inner.ops->split(state->inner.self, cpu, run, order);
}

static size_t fault_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct fault_state);
}

static enum pl_status fault_init(void *self, const struct pl_page_config *config)
{
    struct fault_state *state = self;
    PL_ASSERT(config->inner.ops != NULL);
    state->inner = config->inner;
    return fault_parse(state, config->params) ? PL_OK : PL_INVALID;
}

static void fault_fini(void *self)
{
    (void)self;
}

static uint64_t fault_caps_of(const struct pl_page_config *config)
{
    return config->inner_caps & ~(PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE);
}

static void fault_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct fault_state *state = self;
    if (state->inner.ops->drain != NULL)
        state->inner.ops->drain(state->inner.self, cpu, of);
}

static void fault_count(const void *self, struct pl_page_counts *counts)
{
    const struct fault_state *state = self;
    *counts = (struct pl_page_counts){0};
    if (state->inner.ops->count != NULL)
        state->inner.ops->count(state->inner.self, counts);
}

static uint64_t fault_audit(const void *self, struct pl_visitor *visitor)
{
    const struct fault_state *state = self;
    return state->inner.ops->audit == NULL ? 0 : state->inner.ops->audit(state->inner.self, visitor);
}

static void fault_settings(const void *self, char *text, size_t bytes)
{
    const struct fault_state *state = self;
    bool once = state->after != 0;
    int written = snprintf(text, bytes, "%s=%llu ", once ? "after" : "every",
                           (unsigned long long)(once ? state->after : state->every));
    if (state->inner.ops->settings != NULL && written > 0 && (size_t)written < bytes)
        state->inner.ops->settings(state->inner.self, text + written, bytes - (size_t)written);
}

static const struct pl_page_ops fault_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = fault_meta_bytes,
    .init = fault_init,
    .fini = fault_fini,
    .alloc = fault_alloc,
    .free = fault_free,
    .caps_of = fault_caps_of,
    .split = fault_split,
    .alloc_run = fault_alloc_run,
    .drain = fault_drain,
    .count = fault_count,
    .audit = fault_audit,
    .settings = fault_settings,
};

const struct pl_candidate pl_candidate_fault = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "fault",
    .summary = "wrapper: makes the n-th grant, or each n-th, fail",
    .kind = PL_KIND_WRAPPER,
    .page = &fault_ops,
    .params = "after=N or every=N",
};
