/* Can calls on different CPUs overlap? Threads that allocate, hand over and free as fast as they can, on a
 * machine so small that they are after the same frames. Who has which frame is known without the candidate,
 * so a double grant is seen when it happens. */
#include "engine/checks/claim_rig.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CPUS = 2, STEPS = 20000, SLOTS = 40 };

/* A run in a word, so that it changes hands in one step: offset of its first frame, and how many. */
#define RUN_BITS 16u

struct crowd {
    struct claim_rig *rig;
    uint32_t top;
    uint64_t fresh;             /* frames that count() called free at first */
    atomic_uint *owner;         /* a frame: 0, or 1 while granted */
    atomic_ullong slots[SLOTS]; /* runs that are granted, for whoever comes along */
    atomic_uint wrong;          /* 1 + the enum below, of the first one to see it */
    atomic_ullong where;
};

enum { WRONG_TWICE, WRONG_OUTSIDE, WRONG_REFUSED };

static void accuse(struct crowd *crowd, unsigned what, uint64_t frame)
{
    unsigned none = 0;
    if (atomic_compare_exchange_strong(&crowd->wrong, &none, what + 1))
        atomic_store(&crowd->where, frame);
}

static void get(struct crowd *crowd, struct pl_cpu *cpu, uint32_t dice, uint64_t *word)
{
    const struct pl_page *page = &crowd->rig->instance.page;
    const struct pl_machine *machine = crowd->rig->machine;
    struct pl_request request = claim_request(dice % 4 == 0 ? dice / 4 % (crowd->top + 1) : 0);
    struct pl_constraints want = {.frame_count = 3, .high = {UINT64_MAX}, .alignment = 1};
    struct pl_run run = {0};
    bool by_run = dice % 16 == 1 && crowd->rig->instance.caps & PL_CAP_RUNS;
    *word = 0;
    if ((by_run ? page->ops->alloc_run(page->self, cpu, &request, &want, &run)
                : page->ops->alloc(page->self, cpu, &request, &run)) != PL_OK)
        return;
    if (run.frame_count >> RUN_BITS != 0 ||
        !shadow_in_machine(&crowd->rig->shadow, run.first, run.frame_count)) {
        accuse(crowd, WRONG_OUTSIDE, run.first.number);
        return;
    }
    uint64_t at = run.first.number - machine->first.number;
    for (uint64_t i = 0; i < run.frame_count; i++) {
        if (atomic_exchange(&crowd->owner[at + i], 1) != 0)
            accuse(crowd, WRONG_TWICE, run.first.number + i);
    }
    *word = at << RUN_BITS | run.frame_count;
}

static struct pl_run run_of(const struct crowd *crowd, uint64_t word)
{
    struct pl_run run = {.first = {crowd->rig->machine->first.number + (word >> RUN_BITS)},
                         .frame_count = word & ((UINT64_C(1) << RUN_BITS) - 1),
                         .order = PL_ORDER_NONE};
    if (pl_is_power_of_two(run.frame_count))
        run.order = PL_CTZ64(run.frame_count);
    return run;
}

static void put(struct crowd *crowd, struct pl_cpu *cpu, uint64_t word)
{
    const struct pl_page *page = &crowd->rig->instance.page;
    struct pl_run run = run_of(crowd, word);
    for (uint64_t i = 0; i < run.frame_count; i++)
        atomic_store(&crowd->owner[(word >> RUN_BITS) + i], 0);
    if (page->ops->free(page->self, cpu, &run) != PL_OK)
        accuse(crowd, WRONG_REFUSED, run.first.number);
}

static void jostle(struct pl_cpu *cpu, void *argument)
{
    struct crowd *crowd = argument;
    uint32_t seed = 31 + cpu->id;
    for (unsigned step = 0; step < STEPS && atomic_load(&crowd->wrong) == 0; step++) {
        uint64_t word;
        get(crowd, cpu, check_number(&seed), &word);
        word = atomic_exchange(&crowd->slots[check_number(&seed) % SLOTS], word);
        if (word != 0)
            put(crowd, cpu, word);
    }
}

/* When it is quiet again: what is left is told to the shadow, and all views must agree. */
static void settle(struct claim_rig *rig, const struct crowd *crowd)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t word = atomic_load(&crowd->slots[i]);
        struct pl_run run = run_of(crowd, word);
        if (word != 0 && !claim_enter(rig, &run))
            return;
    }
    if (claim_audit(rig) && claim_give_all(rig)) {
        claim_drain(rig);
        (void)claim_audit(rig);
    }
    uint64_t left = claim_counted_free(rig);
    /* Who cannot give every frame may count what it has lent itself. */
    if (rig->check->verdict == CHECK_HOLDS && rig->instance.caps & PL_CAP_ALL_FRAMES && left != crowd->fresh)
        check_broken(rig->check,
                     "after %d CPUs: all is freed, and %" PRIu64 " of %" PRIu64 " frames are free", CPUS,
                     left, crowd->fresh);
}

static void judge(struct check *check, const struct crowd *crowd)
{
    static const char *const words[] = {"is granted twice", "is granted, outside the machine",
                                        "is granted, and its free is refused"};
    unsigned wrong = atomic_load(&crowd->wrong);
    if (wrong != 0)
        check_broken(check, "calls on %d CPUs: frame 0x%llx %s", CPUS, atomic_load(&crowd->where),
                     words[wrong - 1]);
}

/* The crowd and the peace after it; whatever is broken then, more than one CPU broke it: one alone is asked
 * first. */
static void crowd_on(struct claim_rig *rig, struct crowd *crowd, uint32_t cpus)
{
    struct check *check = rig->check;
    if (native_run_on_cpus(rig->native, cpus, jostle, crowd) != 0) {
        check_na(check, "no threads can be had");
        return;
    }
    judge(check, crowd);
    if (check->verdict == CHECK_HOLDS)
        settle(rig, crowd);
    if (check->verdict == CHECK_BROKEN)
        snprintf(check->ids, sizeof(check->ids), "%s", cpus > 1 ? check->id : "X-1");
    for (unsigned i = 0; i < SLOTS; i++)
        atomic_store(&crowd->slots[i], 0);
    for (uint64_t i = 0; i < rig->machine->span; i++)
        atomic_store(&crowd->owner[i], 0);
}

void claim_concurrent(struct check *check)
{
    static struct crowd crowd;
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    crowd.rig = &rig;
    crowd.fresh = claim_counted_free(&rig);
    crowd.top = rig.instance.max_order < 3 ? rig.instance.max_order : 3;
    crowd.owner = calloc((size_t)rig.machine->span, sizeof(*crowd.owner));
    if (crowd.owner == NULL)
        check_na(check, "out of memory");
    for (uint32_t cpus = 1; cpus <= CPUS && check->verdict == CHECK_HOLDS; cpus++)
        crowd_on(&rig, &crowd, cpus);
    free(crowd.owner);
    claim_close(&rig);
}
