/* Blocks on purpose. `sleepy(by=WAY,every=N)+X` lets X serve, and blocks for a moment in each N-th allocation
 * or free, although it claims that it never does: the check for sleepers must find it, by each way.
 *
 *   wait       the platform's wait           nanosleep  for a microsecond
 *   might      only says that it could       futex      waits a microsecond for a word that nobody changes
 *   yield      gives the CPU away            mutex      holds a lock through the call and stays in it for a
 *                                                       while: whoever comes meanwhile blocks */
#define _GNU_SOURCE /* syscall */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_sleepy;

#define EVERY_DEFAULT 16u
#define HOLD_SPINS    2000u /* by=mutex: some 50 microseconds */
#define NAP_NS        1000

enum sleepy_way { BY_WAIT, BY_MIGHT, BY_NANOSLEEP, BY_YIELD, BY_FUTEX, BY_MUTEX, WAY_COUNT };

static const char *const way_names[WAY_COUNT] = {"wait", "might", "nanosleep", "yield", "futex", "mutex"};

struct sleepy_state {
    struct pl_page inner;
    uint32_t way; /* enum sleepy_way */
    uint32_t every;
    atomic_uint calls;
    atomic_uint word; /* 0, always */
    pthread_mutex_t mutex;
};

/* Reads "by=WAY" or "by=WAY,every=N", N > 0. */
static bool sleepy_parse(struct sleepy_state *state, const char *params)
{
    state->every = EVERY_DEFAULT;
    if (params == NULL || strncmp(params, "by=", 3) != 0)
        return false;
    const char *name = params + 3;
    const char *rest = name + strcspn(name, ",");
    size_t length = (size_t)(rest - name);
    state->way = 0;
    while (state->way < WAY_COUNT &&
           (strlen(way_names[state->way]) != length || memcmp(way_names[state->way], name, length) != 0))
        state->way++;
    if (state->way == WAY_COUNT || *rest == '\0')
        return state->way != WAY_COUNT;
    if (strncmp(rest, ",every=", 7) != 0)
        return false;
    state->every = 0;
    for (rest += 7; *rest >= '0' && *rest <= '9' && state->every < 1000000; rest++)
        state->every = state->every * 10 + (uint32_t)(*rest - '0');
    return *rest == '\0' && state->every != 0;
}

static PL_NOINLINE void sleepy_block(struct sleepy_state *state, struct pl_cpu *cpu)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    switch (state->way) {
    case BY_WAIT:
        cpu->platform->wait(cpu, &state->word, 1); /* it is 0, so this comes back */
        break;
    case BY_MIGHT:
        cpu->platform->might_sleep(cpu, "sleepy");
        break;
    case BY_NANOSLEEP:
        nanosleep(&nap, NULL);
        break;
    case BY_YIELD:
        sched_yield();
        break;
    case BY_FUTEX:
        syscall(SYS_futex, &state->word, FUTEX_WAIT_PRIVATE, 0, &nap, NULL, 0);
        break;
    default:
        for (unsigned spin = 0; spin < HOLD_SPINS; spin++)
            PL_PAUSE();
        break;
    }
}

static void sleepy_enter(struct sleepy_state *state, struct pl_cpu *cpu)
{
    if (state->way == BY_MUTEX)
        pthread_mutex_lock(&state->mutex);
    if ((1 + atomic_fetch_add_explicit(&state->calls, 1, memory_order_relaxed)) % state->every == 0)
        sleepy_block(state, cpu);
}

static enum pl_status sleepy_leave(struct sleepy_state *state, enum pl_status status)
{
    if (state->way == BY_MUTEX)
        pthread_mutex_unlock(&state->mutex);
    return status;
}

static enum pl_status sleepy_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    struct sleepy_state *state = self;
    sleepy_enter(state, cpu);
    return sleepy_leave(state, state->inner.ops->alloc(state->inner.self, cpu, request, run));
}

static enum pl_status sleepy_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct sleepy_state *state = self;
    sleepy_enter(state, cpu);
    return sleepy_leave(state, state->inner.ops->free(state->inner.self, cpu, run));
}

static size_t sleepy_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct sleepy_state);
}

static enum pl_status sleepy_init(void *self, const struct pl_page_config *config)
{
    struct sleepy_state *state = self;
    PL_ASSERT(config->inner.ops != NULL);
    state->inner = config->inner;
    if (!sleepy_parse(state, config->params))
        return PL_INVALID;
    return pthread_mutex_init(&state->mutex, NULL) == 0 ? PL_OK : PL_NO_MEMORY;
}

static void sleepy_fini(void *self)
{
    struct sleepy_state *state = self;
    pthread_mutex_destroy(&state->mutex);
}

/* Only what is passed on; and nothing that an interrupt inside the lock would not survive. */
static uint64_t sleepy_caps_of(const struct pl_page_config *config)
{
    return config->inner_caps &
           ~(PL_CAP_IRQ_SAFE | PL_CAP_NMI_SAFE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_COMPLETE |
             PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_BUDDY | PL_CAP_RESERVATIONS | PL_CAP_ZONES);
}

static void sleepy_settings(const void *self, char *text, size_t bytes)
{
    const struct sleepy_state *state = self;
    snprintf(text, bytes, "by=%s every=%u", way_names[state->way], state->every);
}

static const struct pl_page_ops sleepy_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = sleepy_meta_bytes,
    .init = sleepy_init,
    .fini = sleepy_fini,
    .alloc = sleepy_alloc,
    .free = sleepy_free,
    .caps_of = sleepy_caps_of,
    .settings = sleepy_settings,
};

const struct pl_candidate pl_candidate_sleepy = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "sleepy",
    .summary = "wrapper: blocks in each n-th call, and claims that it does not",
    .kind = PL_KIND_WRAPPER,
    .page = &sleepy_ops,
    .params = "by=wait|might|nanosleep|yield|futex|mutex,every=N",
};
