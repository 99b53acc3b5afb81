/* Plug-ins that an interrupt finds in the middle: -DSPINS waits for a flag that only the interrupted call
 * clears (-DSLEEPS: asleep), -DSLOW takes 0.2 ms an allocation, -DCLAIMS says that it stands it, and
 * -DUNTRAPPED blocks SIGTRAP. Without either it says nothing, and masks. */
#define _GNU_SOURCE /* sigprocmask, pause, nanosleep */
#include <stdatomic.h>
#ifdef UNTRAPPED
#include <signal.h>
#endif
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pagelab/candidate.h>

#ifdef CLAIMS
#define CLAIM PL_CAP_IRQ_SAFE
#else
#define CLAIM UINT64_C(0)
#endif

struct interrupted {
    pl_frame first;
    atomic_uint busy;
    uint64_t count;
    uint64_t frames[];
};

static size_t interrupted_meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct interrupted) + (size_t)config->machine->span * sizeof(uint64_t);
}

static enum pl_status interrupted_init(void *instance, const struct pl_page_config *config)
{
    struct interrupted *self = instance;
#ifdef UNTRAPPED
    sigset_t trap;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    sigprocmask(SIG_BLOCK, &trap, NULL);
#endif
    self->first = config->machine->first;
    while (self->count < config->machine->frame_count) {
        self->frames[self->count] = self->count;
        self->count++;
    }
    return PL_OK;
}

static void interrupted_fini(void *instance)
{
    (void)instance;
}

static __attribute__((noinline)) uint32_t interrupted_enter(struct interrupted *self, struct pl_cpu *cpu)
{
#ifdef SPINS
    (void)cpu;
    while (atomic_exchange(&self->busy, 1) != 0) {
#ifdef SLEEPS
        pause();
#endif
    }
    return 0;
#else
    (void)self;
    return pl_mask(cpu);
#endif
}

static void interrupted_leave(struct interrupted *self, struct pl_cpu *cpu, uint32_t before)
{
#ifdef SPINS
    (void)cpu;
    (void)before;
    atomic_store(&self->busy, 0);
#else
    (void)self;
    pl_unmask(cpu, before);
#endif
}

static enum pl_status interrupted_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                        struct pl_run *run)
{
    struct interrupted *self = instance;
    if (request->order != 0)
        return PL_UNSUPPORTED;
    uint32_t before = interrupted_enter(self, cpu);
#ifdef SLOW
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
#endif
    bool found = self->count > 0;
    if (found)
        *run = (struct pl_run){.first = {self->first.number + self->frames[--self->count]}, .frame_count = 1};
    interrupted_leave(self, cpu, before);
    return found ? PL_OK : PL_NO_MEMORY;
}

static enum pl_status interrupted_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct interrupted *self = instance;
    uint32_t before = interrupted_enter(self, cpu);
    self->frames[self->count++] = run->first.number - self->first.number;
    interrupted_leave(self, cpu, before);
    return PL_OK;
}

static void interrupted_count(const void *instance, struct pl_page_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    counts->free = ((const struct interrupted *)instance)->count;
}

static const struct pl_page_ops interrupted_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_BASE | CLAIM,
    .meta_bytes = interrupted_meta_bytes,
    .init = interrupted_init,
    .fini = interrupted_fini,
    .alloc = interrupted_alloc,
    .free = interrupted_free,
    .count = interrupted_count,
};

extern const struct pl_candidate pl_candidate_export;
PL_EXPORT const struct pl_candidate pl_candidate_export = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "interrupted",
    .summary = "is found in the middle",
    .kind = PL_KIND_CANDIDATE,
    .page = &interrupted_ops,
};
