/* Several CPUs at once, interrupts, and failures from below. */
#include "tests/conformance/conformance.h"

#include <string.h>

struct team {
    struct context *context;
    unsigned alloc_class;
    uint64_t tries; /* a CPU */
    atomic_ullong granted;
    struct pl_run *runs; /* tries a CPU */
    uint64_t *counts;    /* a CPU */
};

static void grab_thread(struct pl_cpu *cpu, void *argument)
{
    struct team *team = argument;
    struct pl_request request = request_of(0, team->alloc_class);
    struct pl_run *runs = team->runs + cpu->id * team->tries;
    uint64_t granted = 0;
    for (uint64_t i = 0; i < team->tries; i++) {
        if (admission_alloc(&team->context->admission, cpu, &request, &runs[granted]) == PL_OK)
            granted++;
    }
    team->counts[cpu->id] = granted;
    atomic_fetch_add(&team->granted, granted);
}

/* From `left` free frames, every CPU takes all that it can get. */
static void grab_all(struct context *context, unsigned alloc_class, uint64_t left)
{
    uint32_t cpu_count = context->machine->cpu_count;
    struct team team = {.context = context, .alloc_class = alloc_class};
    uint64_t floor = floor_of(context, alloc_class);
    uint64_t wanted = left > floor ? left - floor : 0;
    team.tries = wanted + 4;
    team.runs = calloc((size_t)(team.tries * cpu_count), sizeof(*team.runs));
    team.counts = calloc(cpu_count, sizeof(*team.counts));
    CHECK(team.runs != NULL && team.counts != NULL);
    starve(context, left);
    context->admission.threaded = true;
    CHECK_EQUAL(0, native_run_on_cpus(context->native, cpu_count, grab_thread, &team));
    context->admission.threaded = false;
    CHECK_EQUAL(wanted, atomic_load(&team.granted));
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        for (uint64_t i = 0; i < team.counts[cpu]; i++)
            note(context, &team.runs[cpu * team.tries + i]);
    }
    check_views(context);
    give_all(context);
    check_restored(context);
    free(team.runs);
    free(team.counts);
}

/* Two to four CPUs, each class, starting from free counts around its floor and well above: every CPU takes
 * all that it can get.
 * Expect exactly max(0, free - floor) grants together, all of them different frames. */
void case_threads_linearizable_counter(struct context *context)
{
    need(context, PL_CAP_CONCURRENT, "concurrent");
    struct pl_floors floors = reachable_floors(context, 256);
    for (uint32_t cpu_count = 2; cpu_count <= 4; cpu_count++) {
        open_floored(context, 256, cpu_count, &floors);
        for (unsigned alloc_class = 0; alloc_class < PL_CLASS_COUNT; alloc_class++) {
            uint64_t floor = floor_of(context, alloc_class);
            const uint64_t starts[] = {floor > floors.interrupt ? floor - 1 : floor, floor, floor + 1,
                                       floor + 7, floor + 50};
            for (size_t i = 0; i < PL_COUNT_OF(starts); i++)
                grab_all(context, alloc_class, starts[i]);
        }
    }
}

/* --- stress --- */

enum { STRESS_STEPS = 3000, STRESS_SLOTS = 64 };

struct stress {
    struct context *context;
    /* A hand-over: a CPU that puts a run in takes out what another put there, and frees that. */
    struct {
        atomic_uint busy;
        struct pl_run run;
    } slots[STRESS_SLOTS];
    atomic_uint refusals;
};

#define TRADES 60000u

struct trade {
    struct context *context;
    atomic_ullong refused;
};

/* Takes a run of 3 to 11 frames and gives it back, beside others who take what was just given. */
static void trade_thread(struct pl_cpu *cpu, void *argument)
{
    struct trade *trade = argument;
    const struct pl_page *page = &trade->context->instance.page;
    struct pl_request request = request_of(0, PL_CLASS_INTERRUPT);
    for (uint64_t i = 0; i < TRADES; i++) {
        struct pl_constraints want = {
            .frame_count = 3 + (i * 7 + cpu->id) % 9, .high = pl_frame_at(UINT64_MAX), .alignment = 1};
        struct pl_run run;
        if (page->ops->alloc_run(page->self, cpu, &request, &want, &run) == PL_OK &&
            page->ops->free(page->self, cpu, &run) != PL_OK)
            atomic_fetch_add(&trade->refused, 1);
    }
}

/* Two CPUs trade runs on a machine that holds a handful of them, so that one's frames are taken while the
 * other still gives. Expect every owner's free to be granted, and the whole machine afterwards. */
void case_threads_trade_runs(struct context *context)
{
    struct trade trade = {.context = context};
    need(context, PL_CAP_CONCURRENT | PL_CAP_RUNS, "concurrent, runs");
    open_frames(context, 64, 2);
    CHECK_EQUAL(0, native_run_on_cpus(context->native, 2, trade_thread, &trade));
    CHECK_EQUAL(0, atomic_load(&trade.refused));
    check_restored(context);
}

static void stress_thread(struct pl_cpu *cpu, void *argument)
{
    struct stress *stress = argument;
    struct admission *admission = &stress->context->admission;
    unsigned top = stress->context->instance.max_order;
    uint32_t seed = 99 + cpu->id;
    for (int step = 0; step < STRESS_STEPS; step++) {
        struct pl_request request = request_of(0, PL_CLASS_NORMAL);
        struct pl_run run = {0};
        if (next_number(&seed) % 4 == 0)
            request.order = (uint8_t)(next_number(&seed) % ((top > 4 ? 4 : top) + 1));
        bool granted = admission_alloc(admission, cpu, &request, &run) == PL_OK;
        unsigned at = next_number(&seed) % STRESS_SLOTS;
        if (atomic_exchange(&stress->slots[at].busy, 1) == 0) {
            struct pl_run other = stress->slots[at].run;
            stress->slots[at].run = granted ? run : (struct pl_run){0};
            atomic_store(&stress->slots[at].busy, 0);
            run = other;
            granted = other.frame_count != 0;
        }
        if (granted && admission_free(admission, cpu, &run) != PL_OK)
            atomic_fetch_add(&stress->refusals, 1);
    }
}

/* Two CPUs allocate mixed orders and free one another's grants, on a machine small enough to run out.
 * Expect no free refused; then, with what is left freed and drained, audit and counts as fresh; in both
 * modes of admission. */
void case_threads_stress_then_conserved(struct context *context)
{
    static struct stress stress;
    need(context, PL_CAP_CONCURRENT, "concurrent");
    for (int batched = 0; batched < 2; batched++) {
        const struct native_shape shape = {
            .ranges = {{.frame_count = 192}}, .range_count = 1, .cpu_count = 2};
        open_machine(context, &shape, batched ? ADMISSION_BATCHED : ADMISSION_EXACT);
        memset(&stress, 0, sizeof(stress));
        stress.context = context;
        context->admission.threaded = true;
        CHECK_EQUAL(0, native_run_on_cpus(context->native, 2, stress_thread, &stress));
        context->admission.threaded = false;
        CHECK_EQUAL(0, atomic_load(&stress.refusals));
        for (size_t i = 0; i < STRESS_SLOTS; i++) {
            if (stress.slots[i].run.frame_count != 0)
                note(context, &stress.slots[i].run);
        }
        check_views(context);
        give_all(context);
        check_restored(context);
    }
}

/* --- interrupts --- */

struct handler {
    struct context *context;
    unsigned calls;
    unsigned granted;
    struct pl_run kept;
};

static void interrupt_handler(struct pl_cpu *cpu, void *argument)
{
    struct handler *handler = argument;
    struct admission *admission = &handler->context->admission;
    struct pl_request request = request_of(0, PL_CLASS_INTERRUPT);
    struct pl_run run = {0};
    handler->calls++;
    CHECK_EQUAL(PL_CONTEXT_HARDIRQ, cpu->context);
    if (admission_alloc(admission, cpu, &request, &run) == PL_OK) {
        handler->granted++;
        CHECK_EQUAL(PL_OK, admission_free(admission, cpu, &run));
    }
    if (admission_alloc(admission, cpu, &request, &run) == PL_OK)
        handler->kept = run;
}

/* An interrupt is raised inside a masked section in which the task allocates and frees, so that every call of
 * the allocator masks and unmasks inside; once more raised unmasked.
 * Expect it delivered once, when the outermost mask is lifted; its handler allocates and frees with class
 * INTERRUPT, and everything is accounted for. */
void case_interrupt_inside_masked_section(struct context *context)
{
    need(context, PL_CAP_IRQ_SAFE, "irq-safe");
    struct pl_floors floors = reachable_floors(context, 256);
    open_floored(context, 256, 1, &floors);
    struct handler handler = {.context = context};
    struct pl_request request = request_of(0, PL_CLASS_NORMAL);
    native_set_handler(context->cpu, interrupt_handler, &handler);
    for (int round = 0; round < 40; round++) {
        uint32_t before = pl_mask(context->cpu);
        struct pl_run run = {0};
        native_raise(context->cpu);
        CHECK_EQUAL(0, handler.calls);
        enum pl_status status = admission_alloc(&context->admission, context->cpu, &request, &run);
        CHECK_EQUAL(0, handler.calls);
        CHECK_EQUAL(1, atomic_load(&context->cpu->masked));
        if (status == PL_OK)
            CHECK_EQUAL(PL_OK, admission_free(&context->admission, context->cpu, &run));
        CHECK_EQUAL(0, handler.calls);
        pl_unmask(context->cpu, before);
        CHECK_EQUAL(1, handler.calls);
        CHECK_EQUAL(1, handler.granted);
        CHECK_EQUAL(0, atomic_load(&context->cpu->masked));
        if (handler.kept.frame_count != 0)
            note(context, &handler.kept);
        check_views(context);
        handler = (struct handler){.context = context};
        CHECK(round != 0 || take(context, 0, PL_CLASS_NORMAL) == PL_OK);
    }
    native_raise(context->cpu);
    CHECK_EQUAL(1, handler.calls);
    note(context, &handler.kept);
    native_set_handler(context->cpu, NULL, NULL);
    give_all(context);
    check_restored(context);
}

/* --- failures from below --- */

/* The candidate's own layers, with one that fails the nth grant above its base, and a magazine over that if
 * it has no wrapper of its own. */
static void spec_with_fault(const struct context *context, unsigned nth, struct spec *spec)
{
    char name[SPEC_NAME_BYTES];
    struct spec_error error;
    const char *plus = strrchr(context->name, '+');
    if (plus == NULL)
        snprintf(name, sizeof(name), "percpu+fault(after=%u)+%s", nth, context->name);
    else
        snprintf(name, sizeof(name), "%.*s+fault(after=%u)%s", (int)(plus - context->name), context->name,
                 nth, plus);
    if (spec_parse(name, spec, &error) != 0)
        not_applicable(error.text);
}

/* Steps of mixed orders on two CPUs, at the contract: no gate that would try again. */
static void steps_with_fault(struct context *context)
{
    uint32_t seed = 3;
    const struct pl_page *page = &context->instance.page;
    unsigned orders = (context->instance.max_order > 2 ? 2 : context->instance.max_order) + 1;
    for (int step = 0; step < 150; step++) {
        struct pl_cpu *cpu = native_cpu(context->native, next_number(&seed) % 2);
        if (next_number(&seed) % 3 == 0 && context->grant_count > 0) {
            struct pl_run run = context->grants[--context->grant_count];
            CHECK_EQUAL(PL_OK, page->ops->free(page->self, cpu, &run));
            shadow_release(&context->shadow, &run, 1);
            continue;
        }
        struct pl_request request = request_of(next_number(&seed) % (2 * orders), PL_CLASS_NORMAL);
        struct pl_run run = {0};
        request.order = request.order >= orders ? 0 : request.order;
        if (page->ops->alloc(page->self, cpu, &request, &run) == PL_OK) {
            note(context, &run);
            continue;
        }
        struct finding finding = {.found = false};
        shadow_audit(&context->shadow, &context->instance, &finding);
        if (finding.found)
            fprintf(stderr, "%s: %s / %s\n", finding.ids, finding.expected, finding.actual);
        CHECK(!finding.found);
    }
}

/* The grant number n below the magazine fails, for n = 1 to 100, under one fixed list of steps.
 * Expect nothing lost, whichever it was: all that was granted is freed, and after a drain the counts are
 * those of the fresh machine. */
void case_oom_at_every_nth_grant(struct context *context)
{
    struct spec own = context->spec;
    for (unsigned nth = 1; nth <= 100; nth++) {
        spec_with_fault(context, nth, &context->spec);
        open_frames(context, 256, 2);
        uint64_t frames = counts_of(context).free;
        steps_with_fault(context);
        const struct pl_page *page = &context->instance.page;
        while (context->grant_count > 0) {
            struct pl_run run = context->grants[--context->grant_count];
            CHECK_EQUAL(PL_OK, page->ops->free(page->self, context->cpu, &run));
            shadow_release(&context->shadow, &run, 1);
        }
        check_restored(context);
        struct pl_page_counts counts = counts_of(context);
        if (spec_base(&own)->page->caps & PL_CAP_ALL_FRAMES)
            CHECK_EQUAL(frames, counts.free + counts.cached);
    }
    context->spec = own;
}
