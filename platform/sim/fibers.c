/* See sim.h: virtual CPUs as stacks that take turns on one thread. A context is entered once through
 * makecontext and later by siglongjmp, which, unlike swapcontext, makes no system call. */
#define _GNU_SOURCE /* ucontext, MAP_STACK */
#include "platform/sim/sim_internal.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)256 << 10)

struct fiber {
    struct pl_cpu *cpu;
    sigjmp_buf place;
    ucontext_t entry;
    bool entered;
};

struct simulation {
    struct fiber *fibers;
    uint32_t ready[PL_CPU_LIMIT]; /* fibers that have not returned */
    uint32_t ready_count;
    uint32_t current; /* index into ready */
    uint64_t rng;
    sim_thread *function;
    void *argument;
    sigjmp_buf home;
};

struct sim_counts sim_now;
static struct simulation *running;

/* xorshift64: all that decides the schedule. */
static uint64_t next_random(struct simulation *sim)
{
    uint64_t x = sim->rng;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return sim->rng = x;
}

static void fiber_main(void);

/* Goes to where the fiber left off, or to its start. */
static PL_NORETURN void fiber_enter(struct fiber *fiber)
{
    if (!fiber->entered) {
        fiber->entered = true;
        setcontext(&fiber->entry);
        fiber->cpu->platform->panic(fiber->cpu, "sim: setcontext failed");
    }
    siglongjmp(fiber->place, 1);
}

static void draw(struct simulation *sim)
{
    sim->current = (uint32_t)((next_random(sim) >> 32) * sim->ready_count >> 32);
}

/* Runs on the stack of the fiber that was entered. */
static void fiber_main(void)
{
    struct simulation *sim = running;
    struct fiber *self = &sim->fibers[sim->ready[sim->current]];
    sim->function(self->cpu, sim->argument);
    sim->ready[sim->current] = sim->ready[--sim->ready_count];
    if (sim->ready_count == 0)
        siglongjmp(sim->home, 1);
    draw(sim);
    fiber_enter(&sim->fibers[sim->ready[sim->current]]);
}

void sim_step(void)
{
    struct simulation *sim = running;
    if (sim == NULL)
        return;
    uint32_t before = sim->current;
    draw(sim);
    if (sim->current == before)
        return;
    sim_now.switches++;
    struct fiber *self = &sim->fibers[sim->ready[before]];
    if (sigsetjmp(self->place, 0) == 0)
        fiber_enter(&sim->fibers[sim->ready[sim->current]]);
}

/* Interleaves all until the last one has returned. */
static PL_NOINLINE void run_all(struct simulation *sim)
{
    running = sim;
    if (sigsetjmp(sim->home, 0) == 0) {
        draw(sim);
        fiber_enter(&sim->fibers[sim->ready[sim->current]]);
    }
    running = NULL;
}

static int make_fibers(struct simulation *sim, struct native_machine *native, uint32_t cpu_count,
                       unsigned char *stacks)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct fiber *fiber = &sim->fibers[i];
        if (getcontext(&fiber->entry) != 0)
            return -1;
        fiber->cpu = native_cpu(native, i);
        fiber->entry.uc_stack.ss_sp = stacks + i * STACK_BYTES;
        fiber->entry.uc_stack.ss_size = STACK_BYTES;
        makecontext(&fiber->entry, fiber_main, 0);
        sim->ready[i] = i;
    }
    sim->ready_count = cpu_count;
    return 0;
}

int sim_run(struct native_machine *native, uint32_t cpu_count, sim_thread *function, void *argument,
            uint64_t seed, struct sim_counts *counts)
{
    struct simulation sim = {
        .rng = seed | 1, /* xorshift has no way out of 0 */
        .function = function,
        .argument = argument,
        .fibers = calloc(cpu_count, sizeof(*sim.fibers)),
    };
    size_t bytes = cpu_count * STACK_BYTES;
    unsigned char *stacks = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    int status = -1;
    if (sim.fibers != NULL && stacks != MAP_FAILED && cpu_count <= PL_CPU_LIMIT &&
        make_fibers(&sim, native, cpu_count, stacks) == 0) {
        const struct pl_platform *before = native_cpu(native, 0)->platform;
        for (uint32_t i = 0; i < cpu_count; i++)
            native_cpu(native, i)->platform = &sim_platform;
        memset(&sim_now, 0, sizeof(sim_now));
        run_all(&sim);
        *counts = sim_now;
        for (uint32_t i = 0; i < cpu_count; i++)
            native_cpu(native, i)->platform = before;
        status = 0;
    }
    if (stacks != MAP_FAILED)
        munmap(stacks, bytes);
    free(sim.fibers);
    return status;
}
