/* See stress.h. No gate and no shadow stand between: a byte a frame, exchanged atomically, says who has it,
 * so that a handler may look at any instruction. */
#define _GNU_SOURCE /* SIGEV_THREAD_ID */
#include "engine/interrupt/stress.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/interrupt/asynchronous.h"
#include "engine/interrupt/watchdog.h"
#include "engine/runner.h"

#define CPUS         2u
#define FRAMES       1024u
#define SLOTS        64u /* grants that a CPU holds */
#define KEPT         8u  /* grants that its handlers hold */
#define TIMER_NS     50000
#define PAUSE_NS     20000
#define BURST        64u /* interrupts in one operation: on a slow machine they would come faster than they end */
#define SIGNAL_OTHER SIGUSR1
#define SIGNAL_TIMER SIGUSR2
#define SIGNAL_LEAVE SIGURG /* to who waits for those who do not come to an end */

struct stress_cpu {
    struct stress *stress;
    struct pl_cpu *cpu;
    struct watchdog_thread watched;
    struct pl_run slots[SLOTS];
    bool live[SLOTS];
    struct pl_run kept[KEPT]; /* only the CPU's own handlers touch these */
    uint32_t kept_count;
    atomic_uint burst; /* signals in this operation */
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
    struct watchdog_thread last; /* who started the others, and then gives everything back */
    sigjmp_buf out;              /* its way out, whoever stands in the middle of a call */
    atomic_bool inside;          /* which may be taken */
    uint32_t cpu_count;
    atomic_uint running; /* CPUs that still work */
    atomic_bool quiet;   /* no more signals are sent */
    atomic_bool checked; /* all was given back */
    atomic_bool over;    /* the limit has passed, or somebody does not come to an end */
    double end_s;
    struct watchdog watchdog;
    _Atomic(enum watchdog_verdict) verdict;
    _Atomic(const char *) broken;
};

static _Thread_local struct stress_cpu *here;
static _Thread_local struct stress *leaving; /* of the thread that may leave */

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
    if (self == NULL || atomic_fetch_add(&self->burst, 1) >= BURST)
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

static void on_leave(int signal_number)
{
    (void)signal_number;
    if (leaving != NULL && atomic_exchange(&leaving->inside, false))
        siglongjmp(leaving->out, 1);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void send_all(struct stress *stress, int signal_number)
{
    for (uint32_t i = 0; i < stress->cpu_count; i++) {
        if (atomic_load(&stress->cpus[i].watched.begun))
            pthread_kill(stress->cpus[i].watched.thread, signal_number);
    }
}

static void watch(struct stress *stress)
{
    if (now_s() >= stress->end_s)
        atomic_store(&stress->over, true);
    if (stress->verdict != WATCHDOG_GOES_ON)
        return;
    stress->verdict = watchdog_look(&stress->watchdog);
    if (stress->verdict == WATCHDOG_GOES_ON)
        return;
    atomic_store(&stress->over, true);
    pthread_kill(stress->last.thread, SIGNAL_LEAVE);
}

static void *send_signals(void *argument)
{
    struct stress *stress = argument;
    const struct timespec pause = {0, PAUSE_NS};
    while (!atomic_load(&stress->checked)) {
        if (atomic_load(&stress->running) > 0)
            send_all(stress, SIGNAL_OTHER);
        else
            atomic_store(&stress->quiet, true);
        watch(stress);
        nanosleep(&pause, NULL);
    }
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

static void operate(struct stress *stress, struct stress_cpu *self)
{
    uint32_t seed = self->cpu->id * 2654435761u + 12345u;
    uint32_t orders = stress->instance.max_order < 3 ? stress->instance.max_order + 1 : 3;
    for (uint64_t i = 0; i < stress->options->operations && !atomic_load(&stress->over) &&
                         atomic_load(&stress->broken) == NULL;
         i++) {
        uint32_t drawn = next_number(&seed);
        uint32_t slot = drawn % SLOTS;
        bool done = true;
        if (self->live[slot])
            give(self, &self->slots[slot]);
        else
            done = take(self, (drawn >> 8) % orders, PL_CLASS_NORMAL, &self->slots[slot]);
        self->live[slot] = self->live[slot] != done;
        atomic_fetch_add(&self->watched.done, 1);
        atomic_store(&self->burst, 0);
    }
}

static void watch_self(struct watchdog_thread *self)
{
    self->thread = pthread_self();
    self->tid = (pid_t)syscall(SYS_gettid);
    atomic_store(&self->begun, true);
}

static void work(struct pl_cpu *cpu, void *argument)
{
    struct stress *stress = argument;
    timer_t timer;
    struct stress_cpu *self = &stress->cpus[cpu->id];
    here = self;
    bool has_timer = start_timer(&timer);
    watch_self(&self->watched);
    operate(stress, self);
    atomic_store(&self->watched.ended, true);
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
    result->asked = stress->options->operations * stress->cpu_count;
    for (uint32_t i = 0; i < stress->cpu_count; i++) {
        const struct stress_cpu *cpu = &stress->cpus[i];
        result->operations += atomic_load(&cpu->watched.done);
        result->signals += cpu->signals;
        result->timers += cpu->timers;
        result->taken += cpu->taken;
        result->denied += cpu->denied;
    }
    result->endless = stress->verdict == WATCHDOG_SPINS;
    result->deadlock = stress->verdict == WATCHDOG_SLEEPS;
    result->partial = result->operations < result->asked && !result->endless && !result->deadlock;
    if (result->endless && stress->watchdog.culprit == stress->cpu_count)
        snprintf(result->words, sizeof(result->words), "giving everything back takes more than %.0f s",
                 WATCHDOG_CPU_S);
    else if (result->endless)
        snprintf(result->words, sizeof(result->words),
                 "CPU %" PRIu32 " was %.0f s of its own processor time in one operation",
                 stress->watchdog.culprit, WATCHDOG_CPU_S);
    else if (result->deadlock)
        snprintf(result->words, sizeof(result->words), "every CPU that still worked was asleep for %.0f s",
                 WATCHDOG_NAP_S);
}

/* False: no threads. Whoever stands in the middle of a call is left there: the process ends soon. */
static bool work_and_check(struct stress *stress)
{
    if (sigsetjmp(stress->out, 1) != 0)
        return true;
    leaving = stress;
    atomic_store(&stress->inside, true);
    bool worked = native_run_on_cpus(stress->native, stress->cpu_count, work, stress) == 0;
    if (worked) {
        watch_self(&stress->last);
        check_empty(stress);
        atomic_store(&stress->last.ended, true);
    } else {
        atomic_store(&stress->running, 0); /* nobody worked, so nobody counted down */
    }
    atomic_store(&stress->inside, false);
    return worked;
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
    action.sa_handler = on_leave;
    sigaction(SIGNAL_LEAVE, &action, NULL);
    stress->cpu_count = stress->machine->cpu_count;
    for (uint32_t i = 0; i < stress->cpu_count; i++) {
        struct stress_cpu *self = &stress->cpus[i];
        self->stress = stress;
        self->cpu = native_cpu(stress->native, i);
        native_set_handler(self->cpu, handler, self);
        stress->watchdog.threads[i] = &self->watched;
    }
    stress->watchdog.threads[stress->cpu_count] = &stress->last;
    stress->last.thread = pthread_self();
    stress->watchdog.thread_count = stress->cpu_count + 1;
    stress->end_s = now_s() + stress->options->limit_s;
    atomic_store(&stress->running, stress->cpu_count);
    if (pthread_create(&sender, NULL, send_signals, stress) != 0) {
        snprintf(result->words, sizeof(result->words), "no thread to send signals");
        return;
    }
    result->supported = work_and_check(stress);
    atomic_store(&stress->checked, true);
    pthread_join(sender, NULL);
    if (!result->supported) {
        snprintf(result->words, sizeof(result->words), "no threads to work on");
        return;
    }
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
