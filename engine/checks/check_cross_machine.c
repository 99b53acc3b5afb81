/* straight at admission: several CPUs at once, and the same steps on the candidate and on the
 * allocator that is right because anybody can see it. */
#include "engine/checks/check_cross.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 256u

struct rig {
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct admission *admission;
    struct pl_run *runs; /* room for one a frame */
    uint64_t run_count;
};

static void rig_close(struct rig *rig)
{
    if (rig->instance.live)
        instance_fini(&rig->instance);
    if (rig->native != NULL)
        native_machine_delete(rig->native);
    free(rig->admission);
    free(rig->runs);
}

/* Does the candidate give what admission admits, to the last frame? */
static bool gives_all(const struct check *check)
{
    return (spec_base(check->spec)->page->caps & PL_CAP_ALL_FRAMES) != 0;
}

/* Floors that can be come near: who cannot give every frame gets floors near the top. */
static struct pl_floors floors_of(const struct check *check, uint64_t frames)
{
    if (gives_all(check))
        return (struct pl_floors){.interrupt = 0, .system = 2, .normal = 8};
    uint64_t top = frames - 64;
    return (struct pl_floors){.interrupt = top - 8, .system = top - 6, .normal = top};
}

/* A machine and an instance of `spec`, with the floors and the size that `check`'s candidate needs. */
static bool rig_open(struct rig *rig, struct check *check, const struct spec *spec, uint32_t cpu_count)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = cpu_count};
    struct spec_error error = {.text = "out of memory"};
    memset(rig, 0, sizeof(*rig));
    runner_fit_shape(check->spec, &shape);
    shape.floors = floors_of(check, shape.ranges[0].frame_count);
    rig->native = native_machine_new(&shape, error.text, sizeof(error.text));
    rig->admission = aligned_alloc(_Alignof(struct admission), sizeof(*rig->admission));
    rig->runs = calloc((size_t)shape.ranges[0].frame_count, sizeof(*rig->runs));
    bool good = rig->native != NULL && rig->admission != NULL && rig->runs != NULL;
    if (good) {
        rig->machine = native_machine_view(rig->native);
        good = instance_init(&rig->instance, spec, rig->machine, false, &error) == PL_OK;
    }
    if (!good) {
        check_broken(check, "no machine: %s", error.text);
        rig_close(rig);
        return false;
    }
    memset(rig->admission, 0, sizeof(*rig->admission));
    admission_init(rig->admission, rig->instance.page, rig->machine, ADMISSION_EXACT);
    return true;
}

static uint64_t floor_of(const struct rig *rig, unsigned alloc_class)
{
    const struct pl_floors *floors = &rig->machine->floors;
    return alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
           : alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                             : floors->normal;
}

static enum pl_status take(struct rig *rig, uint32_t cpu, unsigned alloc_class, struct pl_run *run)
{
    struct pl_request request = {.alloc_class = (uint8_t)alloc_class, .node = PL_NODE_ANY};
    return admission_alloc(rig->admission, native_cpu(rig->native, cpu), &request, run);
}

/* --- X-11 --- */

enum { CPUS = 2 };

struct race {
    struct rig *rig;
    unsigned alloc_class;
    uint64_t tries; /* a CPU; together more than there are, alone not all */
    struct pl_run *runs[CPUS];
    uint64_t granted[CPUS];
};

static void race_thread(struct pl_cpu *cpu, void *argument)
{
    struct race *race = argument;
    struct pl_request request = {.alloc_class = (uint8_t)race->alloc_class, .node = PL_NODE_ANY};
    for (uint64_t i = 0; i < race->tries; i++) {
        struct pl_run *run = &race->runs[cpu->id][race->granted[cpu->id]];
        if (admission_alloc(race->rig->admission, cpu, &request, run) == PL_OK)
            race->granted[cpu->id]++;
    }
}

/* All that the CPUs got are different frames of the machine. */
static bool all_differ(struct check *check, const struct race *race)
{
    struct finding finding = {.found = false};
    struct shadow shadow;
    if (shadow_init(&shadow, race->rig->machine) != 0) {
        check_broken(check, "out of memory");
        return false;
    }
    for (uint64_t i = 0; i < race->rig->run_count; i++)
        shadow_grant(&shadow, &race->rig->runs[i], 1, &finding);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (uint64_t i = 0; i < race->granted[cpu] && !finding.found; i++)
            shadow_grant(&shadow, &race->runs[cpu][i], cpu + 2, &finding);
    }
    if (finding.found)
        check_broken(check, "%.150s; %.150s", finding.expected, finding.actual);
    shadow_fini(&shadow);
    return !finding.found;
}

/* Who cannot give every frame may grant fewer than were admitted, never more. */
static bool right_number(const struct check *check, uint64_t granted, uint64_t wanted)
{
    return gives_all(check) ? granted == wanted : granted <= wanted;
}

static void race_from(struct check *check, struct rig *rig, unsigned alloc_class, uint64_t start)
{
    uint64_t floor = floor_of(rig, alloc_class);
    uint64_t wanted = start > floor ? start - floor : 0;
    struct race race = {.rig = rig, .alloc_class = alloc_class, .tries = wanted / 4 * 3 + 3};
    while ((uint64_t)admission_free_frames(rig->admission) > start &&
           take(rig, 0, PL_CLASS_INTERRUPT, &rig->runs[rig->run_count]) == PL_OK)
        rig->run_count++;
    if ((uint64_t)admission_free_frames(rig->admission) != start && !gives_all(check)) {
        check_na(check, "capability: all-frames");
        return;
    }
    if ((uint64_t)admission_free_frames(rig->admission) != start) {
        check_broken(check, "%" PRIu64 " free frames cannot be reached", start);
        return;
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        race.runs[cpu] = calloc((size_t)race.tries, sizeof(*race.runs[cpu]));
    rig->admission->threaded = true;
    if (race.runs[0] == NULL || race.runs[1] == NULL ||
        native_run_on_cpus(rig->native, CPUS, race_thread, &race) != 0)
        check_broken(check, "no threads");
    rig->admission->threaded = false;
    uint64_t granted = race.granted[0] + race.granted[1];
    if (check->verdict == CHECK_HOLDS && !right_number(check, granted, wanted))
        check_broken(check,
                     "class %u from %" PRIu64 " free, floor %" PRIu64 ": %" PRIu64
                     " grants on %d CPUs; %" PRIu64 " is the number",
                     alloc_class, start, floor, granted, CPUS, wanted);
    if (check->verdict == CHECK_HOLDS)
        (void)all_differ(check, &race);
    free(race.runs[0]);
    free(race.runs[1]);
}

/* A race is lost now and then, not each time: so each case is run anew RACES times. */
void check_X_11(struct check *check)
{
    enum { RACES = 8 };
    static const uint64_t above[] = {0, 1, 7, 50};
    const unsigned cases = PL_CLASS_COUNT * (unsigned)PL_COUNT_OF(above);
    for (unsigned i = 0; i < cases * RACES && check->verdict == CHECK_HOLDS; i++) {
        struct rig rig;
        unsigned alloc_class = i % PL_CLASS_COUNT;
        if (!rig_open(&rig, check, check->spec, CPUS))
            return;
        race_from(check, &rig, alloc_class,
                  floor_of(&rig, alloc_class) + above[i / PL_CLASS_COUNT % PL_COUNT_OF(above)]);
        rig_close(&rig);
    }
}

/* --- X-12 --- */

enum { STEPS = 6000, PHASE = 400 };

/* One step on both. False: they disagree, or a free failed. */
static bool step_both(struct check *check, struct rig *rigs, uint32_t cpu, unsigned alloc_class, bool give,
                      uint32_t which)
{
    enum pl_status status[2];
    for (unsigned i = 0; i < 2; i++) {
        struct rig *rig = &rigs[i];
        uint32_t on = cpu % rig->machine->cpu_count;
        if (give) {
            uint64_t at = which % rig->run_count;
            status[i] = admission_free(rig->admission, native_cpu(rig->native, on), &rig->runs[at]);
            rig->runs[at] = rig->runs[--rig->run_count];
        } else {
            status[i] = take(rig, on, alloc_class, &rig->runs[rig->run_count]);
            rig->run_count += status[i] == PL_OK;
        }
    }
    if (status[0] == status[1])
        return true;
    check_broken(check, "%" PRId64 " free: %s of class %u is %s here, %s on reference",
                 admission_free_frames(rigs[1].admission), give ? "a free" : "an allocation", alloc_class,
                 pl_status_name(status[0]), pl_status_name(status[1]));
    return false;
}

/* Down to the floors and around them, and up again: single frames of every class. */
static void compare(struct check *check, struct rig *rigs)
{
    uint32_t seed = 12;
    uint64_t interrupt_floor = floor_of(&rigs[0], PL_CLASS_INTERRUPT);
    for (uint32_t step = 0; step < STEPS; step++) {
        int64_t left = admission_free_frames(rigs[1].admission) - (int64_t)interrupt_floor;
        bool down = step / PHASE % 3 != 2;
        uint32_t dice = check_number(&seed) % 8;
        bool give = rigs[0].run_count > 0 && (down ? left < 16 && dice < 4 : dice < 6);
        unsigned alloc_class = left > 24 && down ? PL_CLASS_INTERRUPT : check_number(&seed) % PL_CLASS_COUNT;
        if (!step_both(check, rigs, dice, alloc_class, give, check_number(&seed)))
            return;
    }
}

void check_X_12(struct check *check)
{
    struct rig rigs[2];
    struct spec reference;
    struct spec_error error;
    if (spec_parse("reference", &reference, &error) != 0) {
        check_na(check, "no reference to compare with");
        return;
    }
    if (!rig_open(&rigs[0], check, check->spec, CPUS))
        return;
    if (rig_open(&rigs[1], check, &reference, 1)) {
        compare(check, rigs);
        rig_close(&rigs[1]);
    }
    rig_close(&rigs[0]);
}
