/* Is slower on purpose. `slower(steps=N)+X` lets X serve, and works N steps more for each pair of allocation
 * and free: a planted slow-down, so that the statistics are known to find one (pagelab noise). */
#include <stdio.h>
#include <string.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_slower;

#define STEPS_MAX 10000000u

struct slower_state {
    struct pl_page inner;
    uint32_t alloc_steps;
    uint32_t free_steps;
};

/* Each step waits for the one before, some two cycles; the last is kept, so that none can be left out. An
 * addition and an exclusive or in turn: of shifts and exclusive ors alone clang makes one step of eight. */
static PL_NOINLINE void slower_work(uint32_t steps)
{
    uint64_t x = 88172645463325252u;
    for (uint32_t i = 0; i < steps; i++)
        x ^= x + i;
    volatile uint64_t kept = x;
    (void)kept;
}

static enum pl_status slower_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    const struct slower_state *state = self;
    slower_work(state->alloc_steps);
    return state->inner.ops->alloc(state->inner.self, cpu, request, run);
}

static enum pl_status slower_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    const struct slower_state *state = self;
    slower_work(state->free_steps);
    return state->inner.ops->free(state->inner.self, cpu, run);
}

static size_t slower_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct slower_state);
}

static enum pl_status slower_init(void *self, const struct pl_page_config *config)
{
    struct slower_state *state = self;
    uint32_t steps = 0;
    PL_ASSERT(config->inner.ops != NULL);
    state->inner = config->inner;
    if (config->params == NULL || strncmp(config->params, "steps=", 6) != 0 || config->params[6] == '\0')
        return PL_INVALID;
    for (const char *digit = config->params + 6; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || steps > STEPS_MAX / 10)
            return PL_INVALID;
        steps = steps * 10 + (uint32_t)(*digit - '0');
    }
    state->alloc_steps = steps - steps / 2;
    state->free_steps = steps / 2;
    return PL_OK;
}

static void slower_fini(void *self)
{
    (void)self;
}

/* Only what is passed on. */
static uint64_t slower_caps_of(const struct pl_page_config *config)
{
    return config->inner_caps & ~(PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_COMPLETE | PL_CAP_EXACT_COUNT |
                                  PL_CAP_ALL_FRAMES | PL_CAP_BUDDY | PL_CAP_RESERVATIONS | PL_CAP_ZONES);
}

static void slower_settings(const void *self, char *text, size_t bytes)
{
    const struct slower_state *state = self;
    snprintf(text, bytes, "steps=%u", state->alloc_steps + state->free_steps);
}

static const struct pl_page_ops slower_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = slower_meta_bytes,
    .init = slower_init,
    .fini = slower_fini,
    .alloc = slower_alloc,
    .free = slower_free,
    .caps_of = slower_caps_of,
    .settings = slower_settings,
};

const struct pl_candidate pl_candidate_slower = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "slower",
    .summary = "wrapper: works so many steps more for each pair of calls",
    .kind = PL_KIND_WRAPPER,
    .page = &slower_ops,
    .params = "steps=N",
};
