/* Virtual CPUs as pinned threads that start together. */
#define _GNU_SOURCE /* CPU_SET, pthread_setaffinity_np */
#include "platform/native/native_internal.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

struct start {
    struct pl_cpu *cpu;
    native_thread *function;
    void *argument;
    pthread_barrier_t *barrier;
    pthread_t thread;
};

/* CPUs that the process could use before it pinned anything; a process may be confined to any subset. */
static cpu_set_t allowed_cpus;
static pthread_once_t allowed_once = PTHREAD_ONCE_INIT;

static void remember_allowed(void)
{
    if (sched_getaffinity(0, sizeof(allowed_cpus), &allowed_cpus) != 0 || CPU_COUNT(&allowed_cpus) == 0)
        CPU_SET(0, &allowed_cpus);
}

uint32_t native_real_cpu_count(void)
{
    pthread_once(&allowed_once, remember_allowed);
    return (uint32_t)CPU_COUNT(&allowed_cpus);
}

int native_pin_self(uint32_t id)
{
    uint32_t wanted = id % native_real_cpu_count();
    for (size_t real = 0; real < CPU_SETSIZE; real++) {
        if (!CPU_ISSET(real, &allowed_cpus) || wanted-- != 0)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(real, &one);
        return pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0 ? 0 : -1;
    }
    return -1;
}

static void *thread_main(void *argument)
{
    struct start *start = argument;
    (void)native_pin_self(start->cpu->id);
    pthread_barrier_wait(start->barrier);
    start->function(start->cpu, start->argument);
    return NULL;
}

int native_run_on_cpus(struct native_machine *native, uint32_t cpu_count, native_thread *function,
                       void *argument)
{
    pthread_barrier_t barrier;
    struct start *starts = calloc(cpu_count, sizeof(*starts));
    if (starts == NULL || pthread_barrier_init(&barrier, NULL, cpu_count + 1) != 0) {
        free(starts);
        return -1;
    }
    native_real_cpu_count();
    for (uint32_t i = 0; i < cpu_count; i++) {
        starts[i] = (struct start){native_cpu(native, i), function, argument, &barrier, 0};
        /* Those already started wait at the barrier for ever; there is no way on. */
        if (pthread_create(&starts[i].thread, NULL, thread_main, &starts[i]) != 0)
            starts[i].cpu->platform->panic(starts[i].cpu, "threads: cannot create a thread");
    }
    pthread_barrier_wait(&barrier);
    for (uint32_t i = 0; i < cpu_count; i++)
        pthread_join(starts[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
    free(starts);
    return 0;
}
