/* Candidates that do not come back: one crashes, one crashes in an interrupt handler only, one hangs, two
 * call exit(), one of them with the code of a caller's mistake. They show that a run survives them.
 * And one that is too slow for its interrupts. */
#include <signal.h>
#include <stdlib.h>

#include <pagelab/candidate.h>

extern const struct pl_candidate pl_candidate_sick_crash;
extern const struct pl_candidate pl_candidate_sick_hang;
extern const struct pl_candidate pl_candidate_sick_exit;
extern const struct pl_candidate pl_candidate_sick_slow;
extern const struct pl_candidate pl_candidate_sick_handler;
extern const struct pl_candidate pl_candidate_sick_misexit;

static size_t sick_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return 1;
}

static enum pl_status sick_init(void *self, const struct pl_page_config *config)
{
    (void)self;
    (void)config;
    return PL_OK;
}

static void sick_fini(void *self)
{
    (void)self;
}

static enum pl_status sick_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)run;
    return PL_OK;
}

static enum pl_status crash_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)request;
    (void)run;
    raise(SIGSEGV);
    return PL_NO_MEMORY;
}

static enum pl_status hang_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    (void)self;
    (void)request;
    (void)run;
    for (volatile bool ever = true; ever;)
        pl_relax(cpu);
    return PL_NO_MEMORY;
}

/* Frame 0 to everybody, and a labelled point on the way. */
static enum pl_status handler_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                    struct pl_run *run)
{
    (void)request;
    if (cpu->context != PL_CONTEXT_TASK)
        raise(SIGSEGV);
    pl_point(cpu, self);
    *run = (struct pl_run){.frame_count = 1};
    return PL_OK;
}

/* The same, and in a handler longer than any interrupt is from the next: some ten microseconds. */
static enum pl_status slow_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    (void)request;
    for (volatile unsigned i = 0; cpu->context != PL_CONTEXT_TASK && i < 50000; i++)
        PL_COMPILER_BARRIER();
    pl_point(cpu, self);
    *run = (struct pl_run){.frame_count = 1};
    return PL_OK;
}

static enum pl_status exit_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)request;
    (void)run;
    exit(0);
}

static enum pl_status misexit_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                    struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)request;
    (void)run;
    exit(2);
}

#define SICK(how)                                                                                            \
    static const struct pl_page_ops how##_ops = {                                                            \
        .bytes = sizeof(struct pl_page_ops),                                                                 \
        .abi = PL_ABI,                                                                                       \
        .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE,                                                         \
        .max_order = 10,                                                                                     \
        .meta_bytes = sick_meta_bytes,                                                                       \
        .init = sick_init,                                                                                   \
        .fini = sick_fini,                                                                                   \
        .alloc = how##_alloc,                                                                                \
        .free = sick_free,                                                                                   \
    };                                                                                                       \
    const struct pl_candidate pl_candidate_sick_##how = {                                                    \
        .bytes = sizeof(struct pl_candidate),                                                                \
        .abi = PL_ABI,                                                                                       \
        .name = "sick-" #how,                                                                                \
        .summary = "does not come back from an allocation",                                                  \
        .kind = PL_KIND_CANDIDATE,                                                                           \
        .page = &how##_ops,                                                                                  \
    }

SICK(crash);
SICK(hang);
SICK(exit);
SICK(handler);
SICK(slow);
SICK(misexit);
