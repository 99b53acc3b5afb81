/* pagelab-stress-mutants SEED: one candidate (PAGELAB_BACKEND) among three real threads, for as long as it is
 * let live. Each thread allocates, hands its grant on and frees what another handed on; an interrupt does the
 * same between calls and at the candidate's labelled points. Who owns a frame is asked at each grant; the
 * candidate's own view, when all threads have met. Compiled with ThreadSanitizer: a data race ends it, too.
 * Nothing here can be replayed; it is what the schedule targets are compared with. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/shadow.h"
#include "fuzz/family.h"
#include "platform/native/native.h"

#define STRESS_CPUS   3u
#define STRESS_FRAMES 160u
#define STRESS_SLOTS  48u
#define STRESS_STEPS  4000u
#define STRESS_HANG_S 5
#define ORDER_BITS    8u
#define POINT_ONE_IN  4u
#define RAISE_ONE_IN  8u

static struct {
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct shadow shadow;
    struct spec spec;
    struct pl_platform platform;          /* the native one, with a point */
    atomic_uint *owner;                   /* of each frame: CPU + 1, or 0 */
    unsigned char *contents;              /* what an owner wrote; not atomic, so that a race on it is one */
    _Atomic uint64_t slots[STRESS_SLOTS]; /* (frame + 1) << ORDER_BITS | order, or 0 */
    atomic_ullong steps;
    atomic_ullong calls;
    uint32_t random[STRESS_CPUS][32]; /* one a CPU, lines apart */
    bool raises;                      /* the candidate claims that interrupts may call it */
    bool looks;                       /* threads have met: nobody interrupts */
} stress;

static PL_COLD PL_NORETURN void report(const char *ids, const char *expected, const char *actual)
{
    fprintf(stderr, "\npagelab finding: id=%s backend=%s target=threads step=%llu\n", ids, stress.spec.name,
            (unsigned long long)atomic_load(&stress.steps));
    fprintf(stderr, "  operation: stress\n  expected:  %s\n  actual:    %s\n", expected, actual);
    abort();
}

static uint32_t next_number(const struct pl_cpu *cpu)
{
    uint32_t *state = stress.random[cpu->id];
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void own(const struct pl_cpu *cpu, const struct pl_run *run)
{
    uint64_t first = run->first.number - stress.machine->first.number;
    if (run->frame_count > stress.machine->span || first > stress.machine->span - run->frame_count)
        report("X-1", "every granted frame is one of the machine", "a frame outside of it");
    for (uint64_t i = first; i < first + run->frame_count; i++) {
        if (atomic_exchange_explicit(&stress.owner[i], cpu->id + 1, memory_order_relaxed) != 0)
            report("F-1", "a granted frame has no owner", "a frame was granted twice");
        stress.contents[i] = (unsigned char)cpu->id;
    }
}

static void disown(const struct pl_run *run)
{
    uint64_t first = run->first.number - stress.machine->first.number;
    for (uint64_t i = first; i < first + run->frame_count; i++) {
        stress.contents[i] = 0;
        atomic_store_explicit(&stress.owner[i], 0, memory_order_relaxed);
    }
}

static uint64_t pack(const struct pl_run *run)
{
    return (run->first.number + 1) << ORDER_BITS | run->order;
}

static void give_packed(struct pl_cpu *cpu, uint64_t packed)
{
    const struct pl_page *page = &stress.instance.page;
    if (packed == 0)
        return;
    uint8_t order = (uint8_t)(packed & ((1u << ORDER_BITS) - 1));
    struct pl_run run = {.first = pl_frame_at((packed >> ORDER_BITS) - 1),
                         .frame_count = UINT64_C(1) << order,
                         .order = order};
    disown(&run);
    if (page->ops->free(page->self, cpu, &run) != PL_OK)
        report("F-2", "an owner's free is granted", "it was refused");
}

/* One allocation, which goes to a slot; what was there is freed. */
static void trade(struct pl_cpu *cpu, unsigned alloc_class, uint8_t order)
{
    const struct pl_page *page = &stress.instance.page;
    struct pl_request request = {.order = order, .alloc_class = (uint8_t)alloc_class, .node = PL_NODE_ANY};
    struct pl_run run;
    uint64_t mine = 0;
    if (next_number(cpu) % 4 != 0 && page->ops->alloc(page->self, cpu, &request, &run) == PL_OK) {
        own(cpu, &run);
        mine = pack(&run);
    }
    _Atomic uint64_t *slot = &stress.slots[next_number(cpu) % STRESS_SLOTS];
    give_packed(cpu, atomic_exchange_explicit(slot, mine, memory_order_acq_rel));
    atomic_fetch_add_explicit(&stress.calls, 1, memory_order_relaxed);
}

static void interrupt(struct pl_cpu *cpu, void *argument)
{
    (void)argument;
    trade(cpu, PL_CLASS_INTERRUPT, 0);
}

static void at_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)object;
    if (kind == PL_POINT_LABEL && stress.raises && !stress.looks && cpu->context == PL_CONTEXT_TASK &&
        next_number(cpu) % POINT_ONE_IN == 0)
        native_raise(cpu);
}

static void run_thread(struct pl_cpu *cpu, void *argument)
{
    (void)argument;
    unsigned top = stress.instance.max_order < 3 ? stress.instance.max_order : 3;
    for (uint32_t step = 0; step < STRESS_STEPS; step++) {
        if (stress.raises && next_number(cpu) % RAISE_ONE_IN == 0)
            native_raise(cpu);
        unsigned order = next_number(cpu) % 8 == 0 ? next_number(cpu) % (top + 1) : 0;
        trade(cpu, PL_CLASS_NORMAL, (uint8_t)order);
        if (cpu->lock_depth != 0 || atomic_load_explicit(&cpu->masked, memory_order_relaxed) != 0)
            report("X-4", "no lock is held and nothing is masked when a call returns", "one is");
        if (atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)
            report("X-4", "no interrupt is pending when a call returns unmasked", "one is");
        atomic_fetch_add_explicit(&stress.steps, 1, memory_order_relaxed);
    }
}

/* When nobody completes a call for so long, nobody will. */
static void *watch(void *argument)
{
    (void)argument;
    for (unsigned long long before = 0;;) {
        sleep(STRESS_HANG_S);
        unsigned long long now = atomic_load(&stress.calls);
        if (now == before)
            report("hang", "some CPU completes a call", "none did for 5 seconds");
        before = now;
    }
    return NULL;
}

static void look(void)
{
    struct finding finding = {0};
    struct pl_cpu *first = native_cpu(stress.native, 0);
    for (uint32_t i = 0; i < STRESS_SLOTS; i++)
        give_packed(first, atomic_exchange(&stress.slots[i], 0));
    const struct pl_page *page = &stress.instance.page;
    for (uint32_t i = 0; page->ops->drain != NULL && i < STRESS_CPUS; i++)
        page->ops->drain(page->self, first, native_cpu(stress.native, i));
    shadow_check_counts(&stress.shadow, &stress.instance, &finding);
    shadow_audit(&stress.shadow, &stress.instance, &finding);
    if (finding.found)
        report(finding.ids, finding.expected, finding.actual);
}

static PL_NORETURN void give_up(const char *words)
{
    fprintf(stderr, "pagelab-stress-mutants: %s\n", words);
    exit(2);
}

static void prepare(uint32_t seed)
{
    struct spec_error error = {""};
    struct native_shape shape = {
        .ranges = {{.frame_count = STRESS_FRAMES}}, .range_count = 1, .cpu_count = STRESS_CPUS};
    const char *name = getenv("PAGELAB_BACKEND");
    if (spec_parse(name == NULL ? "reference" : name, &stress.spec, &error) != 0)
        give_up(error.text);
    shape.contents = spec_needs_contents(&stress.spec);
    stress.native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (stress.native == NULL)
        give_up(error.text);
    stress.machine = native_machine_view(stress.native);
    if (instance_init(&stress.instance, &stress.spec, stress.machine, true, &error) != PL_OK)
        give_up(error.text);
    if ((stress.instance.caps & PL_CAP_CONCURRENT) == 0)
        give_up("a candidate that calls on different CPUs may overlap in expected");
    stress.raises = (stress.instance.caps & PL_CAP_IRQ_SAFE) != 0;
    stress.owner = calloc(stress.machine->span, sizeof(*stress.owner));
    stress.contents = calloc(stress.machine->span, 1);
    if (stress.owner == NULL || stress.contents == NULL || shadow_init(&stress.shadow, stress.machine) != 0)
        give_up("out of memory");
    stress.platform = *native_cpu(stress.native, 0)->platform;
    stress.platform.point = at_point;
    for (uint32_t i = 0; i < STRESS_CPUS; i++) {
        native_cpu(stress.native, i)->platform = &stress.platform;
        native_set_handler(native_cpu(stress.native, i), interrupt, NULL);
        stress.random[i][0] = seed * 2654435761u + i * 40503u + 1;
    }
}

int main(int argc, char **argv)
{
    pthread_t watcher;
    if (argc != 2)
        give_up("SEED expected; ./pagelab score calls it");
    prepare((uint32_t)strtoul(argv[1], NULL, 10));
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        give_up("a thread cannot be had");
    for (;;) {
        if (native_run_on_cpus(stress.native, STRESS_CPUS, run_thread, NULL) != 0)
            give_up("threads cannot be had");
        stress.looks = true;
        look();
        stress.looks = false;
    }
}
