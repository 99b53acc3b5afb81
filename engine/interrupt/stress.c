/* See stress.h. No gate and no shadow stand between: a byte a frame, exchanged atomically, says who has it,
 * so that a handler may look at any instruction. */
#define _GNU_SOURCE /* SIGEV_THREAD_ID */
#include "engine/interrupt/stress.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/interrupt/asynchronous.h"
#include "engine/runner.h"

#define CPUS         2u
#define FRAMES       1024u
#define SLOTS        64u /* grants that a CPU holds */
#define KEPT         8u  /* grants that its handlers hold */
#define TIMER_NS     50000
#define PAUSE_NS     20000
#define SIGNAL_OTHER SIGUSR1
#define SIGNAL_TIMER SIGUSR2

struct stress_cpu {
    struct stress *stress;
    struct pl_cpu *cpu;
    pthread_t thread;
    atomic_bool ready;
    struct pl_run slots[SLOTS];
    bool live[SLOTS];
    struct pl_run kept[KEPT]; /* only the CPU's own handlers touch these */
    uint32_t kept_count;
    uint64_t signals;
    uint64_t timers;
    uint64_t taken;
    uint64_t denied;
};

struct stress {
    const struct stress_options *options;
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    atomic_uchar *owner; /* a frame; 0: free */
    struct stress_cpu cpus[CPUS];
    uint32_t cpu_count;
    atomic_uint running; /* CPUs that still work */
    atomic_bool quiet;   /* no more signals are sent */
    _Atomic(const char *) broken;
};

static _Thread_local struct stress_cpu *here;

static void complain(struct stress *stress, const char *words)
{
    const char *nothing = NULL;
    atomic_compare_exchange_strong(&stress->broken, &nothing, words);
}

/* --- a grant --- */

static bool take(struct stress_cpu *self, unsigned order, unsigned alloc_class, struct pl_run *run)
{
    struct stress *stress = self->stress;
    const struct pl_page *page = &stress->instance.page;
    struct pl_request request = {
        .order = (uint8_t)order, .alloc_class = (uint8_t)alloc_class, .node = PL_NODE_ANY};
    memset(run, 0, sizeof(*run));
    if (page->ops->alloc(page->self, self->cpu, &request, run) != PL_OK)
        return false;
    uint64_t first = run->first.number - stress->machine->first.number;
    if (first >= stress->machine->span || run->frame_count > stress->machine->span - first) {
        complain(stress, "a grant outside the machine (X-1)");
        return false;
    }
    for (uint64_t i = 0; i < run->frame_count; i++) {
        if (atomic_exchange(&stress->owner[first + i], (unsigned char)(self->cpu->id + 1)) != 0)
            complain(stress, "a frame was granted twice (F-1)");
    }
    return true;
}

static void give(struct stress_cpu *self, struct pl_run *run)
{
    struct stress *stress = self->stress;
    const struct pl_page *page = &stress->instance.page;
    uint64_t first = run->first.number - stress->machine->first.number;
    for (uint64_t i = 0; i < run->frame_count; i++)
        atomic_store(&stress->owner[first + i], 0);
    run->flags &= ~PL_RUN_ZERO;
    if (page->ops->free(page->self, self->cpu, run) != PL_OK)
        complain(stress, "the free of a grant was refused (X-3)");
}

/* --- interrupts --- */

static void handler(struct pl_cpu *cpu, void *argument)
{
    struct stress_cpu *self = argument;
    struct pl_run run;
    (void)cpu;
    self->taken++;
    if (!take(self, 0, PL_CLASS_INTERRUPT, &run)) {
        self->denied++;
        return;
    }
    if (self->kept_count == KEPT)
        give(self, &self->kept[--self->kept_count]);
    self->kept[self->kept_count++] = run;
}

static void on_signal(int signal_number)
{
    struct stress_cpu *self = here;
    if (self == NULL)
        return;
    if (signal_number == SIGNAL_OTHER)
        self->signals++;
    else
        self->timers++;
    if (self->stress->options->level == INTERRUPT_NMI)
        native_raise_nmi(self->cpu);
    else
        native_raise(self->cpu);
}

static void *send_signals(void *argument)
{
    struct stress *stress = argument;
    const struct timespec pause = {0, PAUSE_NS};
    while (atomic_load(&stress->running) > 0) {
        for (uint32_t i = 0; i < stress->cpu_count; i++) {
            if (atomic_load(&stress->cpus[i].ready))
                pthread_kill(stress->cpus[i].thread, SIGNAL_OTHER);
        }
        nanosleep(&pause, NULL);
    }
    atomic_store(&stress->quiet, true);
    return NULL;
}

static bool start_timer(timer_t *timer)
{
    struct sigevent event;
    const struct itimerspec every = {{0, TIMER_NS}, {0, TIMER_NS}};
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGNAL_TIMER;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return timer_create(CLOCK_MONOTONIC, &event, timer) == 0 && timer_settime(*timer, 0, &every, NULL) == 0;
}

/* --- a CPU --- */

static uint32_t next_number(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void work(struct pl_cpu *cpu, void *argument)
{
    struct stress *stress = argument;
    struct stress_cpu *self = &stress->cpus[cpu->id];
    uint32_t seed = cpu->id * 2654435761u + 12345u;
    uint32_t orders = stress->instance.max_order < 3 ? stress->instance.max_order + 1 : 3;
    timer_t timer;
    here = self;
    self->thread = pthread_self();
    bool has_timer = start_timer(&timer);
    atomic_store(&self->ready, true);
    for (uint64_t i = 0; i < stress->options->operations && atomic_load(&stress->broken) == NULL; i++) {
        uint32_t drawn = next_number(&seed);
        uint32_t slot = drawn % SLOTS;
        if (self->live[slot])
            give(self, &self->slots[slot]);
        else if (!take(self, (drawn >> 8) % orders, PL_CLASS_NORMAL, &self->slots[slot]))
            continue;
        self->live[slot] = !self->live[slot];
    }
    if (has_timer)
        timer_delete(timer);
    atomic_fetch_sub(&stress->running, 1);
    while (!atomic_load(&stress->quiet)) /* whoever sends signals may still name this thread */
        sched_yield();
    here = NULL;
}

/* --- the whole --- */

/* Nothing is granted any more: the audit and the counts of an empty machine. */
static void check_empty(struct stress *stress)
{
    struct pl_cpu *cpu = native_cpu(stress->native, 0);
    const struct pl_page *page = &stress->instance.page;
    struct shadow shadow;
    struct finding finding = {.found = false};
    for (uint32_t id = 0; id < stress->cpu_count; id++) {
        struct stress_cpu *self = &stress->cpus[id];
        for (uint32_t i = 0; i < SLOTS; i++) {
            if (self->live[i])
                give(self, &self->slots[i]);
        }
        while (self->kept_count > 0)
            give(self, &self->kept[--self->kept_count]);
        if (atomic_load(&self->cpu->masked) != 0 || self->cpu->lock_depth != 0)
            complain(stress, "a call returned masked or with a lock (X-4)");
    }
    for (uint32_t id = 0; page->ops->drain != NULL && id < stress->cpu_count; id++)
        page->ops->drain(page->self, cpu, native_cpu(stress->native, id));
    if (shadow_init(&shadow, stress->machine) != 0)
        return;
    if (instance_has_audit(&stress->instance))
        shadow_audit(&shadow, &stress->instance, &finding);
    if (!finding.found && instance_has_count(&stress->instance) && stress->instance.caps & PL_CAP_ALL_FRAMES)
        shadow_check_counts(&shadow, &stress->instance, &finding);
    if (finding.found)
        complain(stress, "the empty machine's audit or counts are wrong (F-2)");
    shadow_fini(&shadow);
}

static void add_up(const struct stress *stress, struct stress_result *result)
{
    const char *broken = atomic_load(&stress->broken);
    result->broken = broken != NULL;
    if (broken != NULL)
        snprintf(result->words, sizeof(result->words), "%s", broken);
    result->cpu_count = stress->cpu_count;
    result->operations = stress->options->operations * stress->cpu_count;
    for (uint32_t i = 0; i < stress->cpu_count; i++) {
        const struct stress_cpu *cpu = &stress->cpus[i];
        result->signals += cpu->signals;
        result->timers += cpu->timers;
        result->taken += cpu->taken;
        result->denied += cpu->denied;
    }
}

static void run(struct stress *stress, struct stress_result *result)
{
    pthread_t sender;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, SIGNAL_OTHER);
    sigaddset(&action.sa_mask, SIGNAL_TIMER);
    sigaction(SIGNAL_OTHER, &action, NULL);
    sigaction(SIGNAL_TIMER, &action, NULL);
    stress->cpu_count = stress->machine->cpu_count;
    for (uint32_t i = 0; i < stress->cpu_count; i++) {
        struct stress_cpu *self = &stress->cpus[i];
        self->stress = stress;
        self->cpu = native_cpu(stress->native, i);
        native_set_handler(self->cpu, handler, self);
    }
    atomic_store(&stress->running, stress->cpu_count);
    if (pthread_create(&sender, NULL, send_signals, stress) != 0) {
        snprintf(result->words, sizeof(result->words), "no thread to send signals");
        return;
    }
    result->supported = native_run_on_cpus(stress->native, stress->cpu_count, work, stress) == 0;
    if (!result->supported) /* nobody worked, so nobody counted down */
        atomic_store(&stress->running, 0);
    pthread_join(sender, NULL);
    if (!result->supported) {
        snprintf(result->words, sizeof(result->words), "no threads to work on");
        return;
    }
    check_empty(stress);
    add_up(stress, result);
}

static bool make(struct stress *stress, struct stress_result *result)
{
    const struct spec *spec = stress->options->spec;
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = CPUS};
    struct spec_error error = {.text = "out of memory"};
    uint64_t concurrent = spec->layers[0].candidate->page->caps_of == NULL
                              ? spec->layers[0].candidate->page->caps & PL_CAP_CONCURRENT
                              : PL_CAP_CONCURRENT;
    if (concurrent == 0)
        shape.cpu_count = 1;
    runner_fit_shape(spec, &shape);
    stress->native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (stress->native != NULL) {
        stress->machine = native_machine_view(stress->native);
        stress->owner = calloc(stress->machine->span, sizeof(*stress->owner));
        if (stress->owner != NULL &&
            instance_init(&stress->instance, spec, stress->machine, false, &error) == PL_OK) {
            result->caps = stress->instance.caps;
            return true;
        }
    }
    snprintf(result->words, sizeof(result->words), "%s", error.text);
    return false;
}

void stress_run(const struct stress_options *options, struct stress_result *result)
{
    memset(result, 0, sizeof(*result));
    if (!INTERRUPT_SIGNALS_ARRIVE) {
        snprintf(result->words, sizeof(result->words), INTERRUPT_SIGNALS_WORDS);
        return;
    }
    struct stress *stress = calloc(1, sizeof(*stress));
    if (stress == NULL)
        return;
    stress->options = options;
    if (make(stress, result))
        run(stress, result);
}
