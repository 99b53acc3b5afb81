/* masked-time, irq-latency: how long a candidate holds interrupts off, while both CPUs are at it.
 *
 * A pending bit that is never cleared makes each outermost unmask call the platform's deliver(), which stamps
 * the clock: the end of a masked section. Its begin is not seen; what is known is the last instant at which
 * the CPU was certainly not masked: the entry of the call, or the unmask before. A section is counted from
 * there, so it is at most as long as is said. Nobody else touches the CPU's line, so nothing is disturbed but
 * by the stamps, which calibrate-clock shows.
 *
 *   masked-time  the sections themselves, without those in which the host took the CPU away: a kernel with
 *                interrupts off would have kept it. They are counted apart
 *   irq-latency  from an arrival on the fixed schedule to the entry of its handler, which allocates and
 * frees. An arrival while the CPU is not masked is taken where the next stamp is made, and counts from there:
 * the raise alone */
#include "bench/workloads/load.h"
#include "bench/workloads/tail.h"

#define LATENCY 1u
#define LONG_NS 10000.0 /* between two stamps: long enough to ask the host whether it was there */
#define PENDING 1u      /* any bit of cpu->pending */

struct masked {
    struct tail tail;
    struct load load;
    struct tail_watch watch;
    struct histogram sections;
    uint64_t calls;
    uint64_t stolen;   /* masked-time: sections left out */
    uint64_t switches; /* of the host, when it was asked last */
    uint64_t long_gap; /* LONG_NS in ticks */
    uint64_t open;     /* the CPU was certainly not masked then */
    uint64_t busy;     /* irq-latency: when the last handler was done */
    uint64_t came;     /* irq-latency: arrival of the one that is raised */
    uint64_t begun;    /* masked-time: the current call */
    uint64_t in_calls; /* masked-time: ticks inside calls */
    uint64_t failures;
};

static void keep_pending(struct pl_cpu *cpu, uint32_t bits)
{
    atomic_store_explicit(&cpu->pending, bits, memory_order_relaxed);
}

/* --- masked-time --- */

/* Did the host take the CPU away since the stamp before? Asked where it was long ago. */
static bool was_away(struct masked *masked, uint64_t gap)
{
    if (PL_LIKELY(gap < masked->long_gap))
        return false;
    uint64_t before = masked->switches;
    masked->switches = tail_preemptions();
    return masked->switches != before;
}

static void section_ends(struct pl_cpu *cpu)
{
    struct masked *masked = tail_watch_owner(cpu);
    uint64_t length = ticks_now() - masked->open;
    if (PL_UNLIKELY(was_away(masked, length)))
        masked->stolen++;
    else
        histogram_add(&masked->sections, length);
    masked->open = ticks_now();
}

static void call_begins(void *owner)
{
    struct masked *masked = owner;
    uint64_t now = ticks_now();
    masked->calls++;
    (void)was_away(masked, now - masked->open);
    masked->open = ticks_now();
    masked->begun = masked->open;
}

static void call_ends(void *owner)
{
    struct masked *masked = owner;
    uint64_t now = ticks_now();
    masked->in_calls += now - masked->begun;
    (void)was_away(masked, now - masked->open);
    masked->open = now;
}

/* --- irq-latency --- */

static void latency_handler(struct pl_cpu *cpu, void *argument)
{
    struct masked *masked = argument;
    struct arrivals *arrivals = &masked->tail.arrivals;
    uint64_t entry = ticks_now();
    struct pl_request request = {.node = PL_NODE_ANY, .alloc_class = PL_CLASS_INTERRUPT};
    struct pl_run run;
    if (PL_LIKELY(admission_alloc(&masked->tail.cell->admission, cpu, &request, &run) == PL_OK))
        (void)admission_free(&masked->tail.cell->admission, cpu, &run);
    else
        masked->failures++;
    histogram_add(&arrivals->latency, entry - masked->came);
    masked->busy = ticks_now();
    histogram_add(&arrivals->service, masked->busy - entry);
}

/* The CPU is not masked, and was (`ends`) or was not since the stamp before. Of those that came due meanwhile
 * without anything in their way, one is taken. */
static void take_arrivals(struct masked *masked, bool ends)
{
    struct arrivals *arrivals = &masked->tail.arrivals;
    struct pl_cpu *cpu = masked->tail.cpu;
    uint64_t busy = masked->busy;
    uint64_t now = ticks_now();
    keep_pending(cpu, 0);
    while (arrivals->intended <= now && tail_open(&masked->tail, ticks_now())) {
        bool delayed = ends || arrivals->intended <= busy;
        masked->came = delayed ? arrivals->intended : ticks_now();
        do
            arrivals->intended += arrivals->interval;
        while (!delayed && arrivals->intended <= now);
        native_raise(cpu);
    }
    keep_pending(cpu, PENDING);
}

static void latency_section_ends(struct pl_cpu *cpu)
{
    if (cpu->context == PL_CONTEXT_TASK)
        take_arrivals(tail_watch_owner(cpu), true);
}

static void latency_stamp(void *owner)
{
    take_arrivals(owner, false);
}

/* --- both --- */

static bool is_latency(const struct cell *cell)
{
    return (cell->workload->choice & LATENCY) != 0;
}

static bool masked_prepare(struct cell *cell)
{
    if (!tail_interruptible(cell))
        return false;
    struct masked *masked = tail_new(cell, sizeof(*masked));
    if (masked == NULL)
        return false;
    bool latency = is_latency(cell);
    struct pl_cpu *cpu = masked->tail.cpu;
    load_init(&masked->load, cell, cpu);
    load_wave(&masked->load);
    masked->load.owner = masked;
    masked->load.before = latency ? latency_stamp : call_begins;
    masked->load.after = latency ? latency_stamp : call_ends;
    tail_watch_init(&masked->watch, cpu, masked);
    masked->watch.platform.deliver = latency ? latency_section_ends : section_ends;
    native_set_handler(cpu, latency_handler, masked);
    histogram_clear(&masked->sections);
    return true;
}

static double measure(struct masked *masked)
{
    struct tail *tail = &masked->tail;
    masked->load.failures = 0;
    tail_begin(tail);
    masked->open = tail->start;
    masked->switches = tail_preemptions();
    masked->long_gap = (uint64_t)(LONG_NS * tail->ticks_per_ns);
    tail_watch_on(&masked->watch);
    keep_pending(tail->cpu, PENDING);
    do
        load_wave(&masked->load);
    while (ticks_now() - tail->start < tail->time ||
           (is_latency(tail->cell) && tail->arrivals.latency.count < TAIL_LEAST));
    keep_pending(tail->cpu, 0);
    tail_watch_off(&masked->watch);
    double ticks = is_latency(tail->cell) ? histogram_mean(&tail->arrivals.service)
                                          : (double)masked->in_calls / (double)masked->calls;
    return ticks / tail->ticks_per_ns;
}

static void masked_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct masked *masked = cell->shared;
    (void)workload_thread(cell, state);
    if (!tail_start(&masked->tail, false)) {
        lb_skip(state, "no memory or no thread for the other CPU");
        return;
    }
    while (lb_keep_running_batch(state, (int64_t)cell->iterations))
        tail_set_time(state, cell, measure(masked));
    tail_stop(&masked->tail);
    cell->threads[0].failures = masked->failures + masked->load.failures;
    if (is_latency(cell)) {
        tail_count(&masked->tail);
        return;
    }
    tail_count_points(&masked->tail, &masked->sections, tail_latency_names);
    workload_count(cell, "sections", (double)masked->sections.count);
    workload_count(cell, "stolen", (double)masked->stolen);
    workload_count(cell, "sections_per_call", (double)masked->sections.count / (double)masked->calls);
}

const struct workload workloads_masked[WORKLOADS_MASKED] = {
    {
        .name = "masked-time",
        .summary = "how long calls hold interrupts off, both CPUs at it; a call is one operation",
        .section = SECTION_TAIL,
        .own_time = true,
        .choice = TAIL_ANTAGONIST,
        .prepare = masked_prepare,
        .body = masked_body,
    },
    {
        .name = "irq-latency",
        .summary = "an interrupt every 5 us, from its arrival to its handler, both CPUs at it",
        .section = SECTION_TAIL,
        .own_time = true,
        .choice = LATENCY | TAIL_ANTAGONIST,
        .prepare = masked_prepare,
        .body = masked_body,
    },
};
