/* The platform's table of services: relax is a pause, waiting is a futex, an interrupt is a call on this
 * thread. */
#define _GNU_SOURCE /* syscall() */
#include "platform/native/dispatch.h"
#include "platform/native/native_internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static PL_NORETURN void native_panic(struct pl_cpu *cpu, const char *words)
{
    fprintf(stderr, "pagelab: panic on CPU %u: %s\n", cpu->id, words);
    abort();
}

static void native_relax(struct pl_cpu *cpu)
{
    (void)cpu;
    PL_PAUSE();
}

static void native_might_sleep(struct pl_cpu *cpu, const char *where)
{
    const struct native_cpu_data *data = cpu->platform_data;
    char words[200];
    if (PL_LIKELY(cpu->no_sleep_depth == 0 && cpu->context == PL_CONTEXT_TASK))
        return;
    if (data->on_sleep != NULL) {
        data->on_sleep(cpu, where, data->sleep_argument);
        return;
    }
    snprintf(words, sizeof(words), "%s: %.100s",
             cpu->no_sleep_depth != 0 ? "a call that was promised not to sleep could sleep (X-5)"
                                      : "a call that could sleep was made at interrupt level",
             where);
    native_panic(cpu, words);
}

/* The platform's own system call: where somebody watches those of a candidate, it is none of them. */
static void futex(const atomic_uint *word, int what, uint32_t value)
{
    bool inside = dispatch_pause();
    syscall(SYS_futex, word, what, value, NULL, NULL, 0);
    dispatch_resume(inside);
}

static void native_wait(struct pl_cpu *cpu, const atomic_uint *word, uint32_t expected)
{
    native_might_sleep(cpu, "wait");
    cpu->sleeps++;
    futex(word, FUTEX_WAIT_PRIVATE, expected);
}

static void native_wake(struct pl_cpu *cpu, const atomic_uint *word, uint32_t count)
{
    (void)cpu;
    futex(word, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : count);
}

static void run_handler(struct pl_cpu *cpu)
{
    struct native_cpu_data *data = cpu->platform_data;
    if (data->handler == NULL)
        return;
    uint32_t context = cpu->context;
    /* No locked exchange: nobody but this CPU writes it, and an interrupt in between leaves it as it was. */
    uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    atomic_store_explicit(&cpu->masked, 1, memory_order_relaxed);
    cpu->context = PL_CONTEXT_HARDIRQ;
    data->handler(cpu, data->argument);
    cpu->context = context;
    atomic_store_explicit(&cpu->masked, masked, memory_order_relaxed);
}

static void native_deliver(struct pl_cpu *cpu)
{
    /* Looks first: the locked exchange costs more than the rest, and mostly nothing is pending. */
    while (atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0 &&
           atomic_exchange_explicit(&cpu->pending, 0, memory_order_relaxed) != 0)
        run_handler(cpu);
}

void native_set_handler(struct pl_cpu *cpu, native_handler *handler, void *argument)
{
    struct native_cpu_data *data = cpu->platform_data;
    data->handler = handler;
    data->argument = argument;
}

void native_watch_sleep(struct native_machine *native, native_sleep *on_sleep, void *argument)
{
    for (uint32_t i = 0; i < native_machine_view(native)->cpu_count; i++) {
        struct native_cpu_data *data = native_cpu(native, i)->platform_data;
        data->on_sleep = on_sleep;
        data->sleep_argument = argument;
    }
}

void native_raise(struct pl_cpu *cpu)
{
    if (atomic_load_explicit(&cpu->masked, memory_order_relaxed) != 0) {
        atomic_fetch_or_explicit(&cpu->pending, 1, memory_order_relaxed);
        return;
    }
    run_handler(cpu);
    native_deliver(cpu); /* what was raised while the handler held interrupts off */
}

void native_raise_nmi(struct pl_cpu *cpu)
{
    struct native_cpu_data *data = cpu->platform_data;
    uint32_t context = cpu->context;
    if (data->handler == NULL)
        return;
    cpu->context = PL_CONTEXT_NMI;
    data->handler(cpu, data->argument);
    cpu->context = context;
}

const struct pl_platform native_platform = {
    .bytes = sizeof(struct pl_platform),
    .abi = PL_ABI,
    .name = "native",
    .relax = native_relax,
    .deliver = native_deliver,
    .wait = native_wait,
    .wake = native_wake,
    .might_sleep = native_might_sleep,
    .panic = native_panic,
};
