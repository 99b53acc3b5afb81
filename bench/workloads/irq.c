/* irq-idle, irq-preempt: a handler at interrupt level allocates one frame with class INTERRUPT and frees it,
 * on a fixed schedule.
 *
 *   idle     nothing is interrupted
 *   preempt  raised at a labelled point inside an unfinished allocation of the same CPU, that is, where it
 *            hurts most. With interrupts held off there, the handler runs when that call lifts its mask.
 *
 * Interrupts can be raised at labelled points only. So one that comes due between two of them arrives at the
 * second, whatever else came due there; but one that came due while a handler was not done counts from when
 * it came due, and runs behind that one. */
#include "bench/workloads/load.h"
#include "bench/workloads/tail_steps.h"

#define PREEMPT      1u
#define SEARCH_WAVES 64u /* in which a labelled point must be reached */

struct irq {
    struct tail tail;
    struct load load;
    struct tail_watch watch;
    uint64_t failures;
    /* preempt */
    bool armed;      /* else points are only counted */
    bool stepping;   /* the next point is for step_handler */
    bool raised;     /* the handler has not run yet */
    uint64_t points; /* reached inside an allocation, at task level */
    uint64_t came;   /* arrival of the one that is raised */
    uint64_t at;     /* when it was raised, or the handler before it was done */
    uint64_t late;   /* the handler ran after the allocation had returned */
};

/* At interrupt level: what is measured. */
static void irq_pair(struct irq *irq, struct pl_cpu *cpu)
{
    struct admission *admission = &irq->tail.cell->admission;
    struct pl_request request = {.node = PL_NODE_ANY, .alloc_class = PL_CLASS_INTERRUPT};
    struct pl_run run;
    if (PL_LIKELY(admission_alloc(admission, cpu, &request, &run) == PL_OK))
        (void)admission_free(admission, cpu, &run);
    else
        irq->failures++;
}

static void idle_handler(struct pl_cpu *cpu, void *argument)
{
    irq_pair(argument, cpu);
}

static void idle_raise(struct tail *tail)
{
    native_raise(tail->cpu);
}

/* --- preempt --- */

static void preempt_handler(struct pl_cpu *cpu, void *argument)
{
    struct irq *irq = argument;
    struct arrivals *arrivals = &irq->tail.arrivals;
    irq_pair(irq, cpu);
    uint64_t done = ticks_now();
    histogram_add(&arrivals->latency, done - irq->came);
    histogram_add(&arrivals->service, done - irq->at);
    irq->late += !irq->load.allocating;
    irq->raised = arrivals->intended <= done && tail_open(&irq->tail, done);
    if (!irq->raised)
        return;
    irq->came = arrivals->intended;
    irq->at = done;
    arrivals->intended += arrivals->interval;
    native_raise(cpu); /* held off here, so it is delivered when this one returns */
}

/* Instead of preempt_handler, to count the instructions of the pair. */
static void step_handler(struct pl_cpu *cpu, void *argument)
{
    irq_pair(argument, cpu);
}

static void preempt_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct irq *irq = tail_watch_owner(cpu);
    struct arrivals *arrivals = &irq->tail.arrivals;
    (void)object;
    if (kind != PL_POINT_LABEL || cpu->context != PL_CONTEXT_TASK || !irq->load.allocating)
        return;
    irq->points++;
    if (irq->stepping) {
        irq->stepping = false;
        tail_steps_arm((uintptr_t)step_handler);
        native_raise(cpu);
        return;
    }
    uint64_t now = ticks_now();
    if (!irq->armed || irq->raised || now < arrivals->intended || !tail_open(&irq->tail, now))
        return;
    while (arrivals->intended <= now)
        arrivals->intended += arrivals->interval;
    irq->raised = true;
    irq->came = now;
    irq->at = now;
    native_raise(cpu);
}

static bool preempt_prepare(struct cell *cell, struct irq *irq)
{
    tail_watch_init(&irq->watch, irq->tail.cpu, irq);
    irq->watch.platform.point = preempt_point;
    load_init(&irq->load, cell, irq->tail.cpu);
    tail_watch_on(&irq->watch);
    for (unsigned i = 0; i < SEARCH_WAVES && irq->points == 0; i++)
        load_wave(&irq->load);
    tail_watch_off(&irq->watch);
    return irq->points != 0 ||
           workload_cannot(cell, "n/a (capability): no labelled point inside an allocation");
}

static void preempt_measure(struct irq *irq)
{
    struct tail *tail = &irq->tail;
    irq->armed = true;
    irq->load.failures = 0;
    tail_begin(tail);
    for (unsigned i = 0; ticks_now() - tail->start < tail->time ||
                         (tail->arrivals.latency.count < TAIL_LEAST && i < SEARCH_WAVES);
         i++)
        load_wave(&irq->load);
    irq->armed = false;
}

static void preempt_once(struct tail *tail)
{
    struct irq *irq = (struct irq *)tail;
    irq->stepping = true;
    for (unsigned i = 0; i < SEARCH_WAVES && irq->stepping; i++)
        load_wave(&irq->load);
}

static void preempt_body(struct lb_state *state, struct cell *cell)
{
    struct irq *irq = cell->shared;
    struct tail *tail = &irq->tail;
    (void)workload_thread(cell, state);
    if (!tail_start(tail, false)) {
        lb_skip(state, "no memory or no thread for the antagonist");
        return;
    }
    tail_watch_on(&irq->watch);
    load_wave(&irq->load);
    while (lb_keep_running_batch(state, (int64_t)cell->iterations)) {
        preempt_measure(irq);
        tail_set_time(state, cell, histogram_mean(&tail->arrivals.service) / tail->ticks_per_ns);
    }
    tail_stop(tail);
    if (tail->arrivals.latency.count == 0)
        lb_skip(state, "no interrupt came upon a labelled point");
    native_set_handler(tail->cpu, step_handler, irq);
    struct irq measured = *irq; /* what is stepped is no part of the row */
    tail_steps_count(tail, preempt_once, true);
    tail_watch_off(&irq->watch);
    irq->points = measured.points;
    irq->failures = measured.failures;
    irq->load.failures = measured.load.failures;
    tail_count(tail);
    workload_count(cell, "points", (double)irq->points);
    workload_count(cell, "after_the_call", (double)irq->late);
    cell->threads[0].failures = irq->failures + irq->load.failures;
}

/* --- both --- */

static bool irq_prepare(struct cell *cell)
{
    if (!tail_interruptible(cell))
        return false;
    struct irq *irq = tail_new(cell, sizeof(*irq));
    if (irq == NULL)
        return false;
    bool preempt = (cell->workload->choice & ~TAIL_ANTAGONIST) == PREEMPT;
    native_set_handler(irq->tail.cpu, preempt ? preempt_handler : idle_handler, irq);
    return !preempt || preempt_prepare(cell, irq);
}

static void irq_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct irq *irq = cell->shared;
    if ((cell->workload->choice & ~TAIL_ANTAGONIST) == PREEMPT) {
        preempt_body(state, cell);
        return;
    }
    tail_run(state, cell, idle_raise, false);
    cell->threads[0].failures = irq->failures;
}

#define IRQ(suffix, words, kind)                                                                             \
    {                                                                                                        \
        .name = "irq-" suffix,                                                                               \
        .summary = words,                                                                                    \
        .section = SECTION_TAIL,                                                                             \
        .own_time = true,                                                                                    \
        .choice = (kind),                                                                                    \
        .prepare = irq_prepare,                                                                              \
        .body = irq_body,                                                                                    \
    }

const struct workload workloads_irq[WORKLOADS_IRQ] = {
    IRQ("idle", "interrupt level, every 5 us: allocate and free, nothing interrupted", 0),
    IRQ("preempt", "interrupt level, every 5 us: the same inside an unfinished allocation of this CPU",
        PREEMPT),
    IRQ("idle-antagonist", "the same beside an antagonist on CPU 1", TAIL_ANTAGONIST),
    IRQ("preempt-antagonist", "the same beside an antagonist on CPU 1", PREEMPT | TAIL_ANTAGONIST),
};
