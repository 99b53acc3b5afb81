/* LLFree: calls that are left in the middle, by interrupts that ignore every mask and by other CPUs. */
#include <pthread.h>

#include "llfree_fixture.h"

static struct {
    struct stub *stub;
    uint64_t calls;
    bool is_inside;
} second;

/* What CPU 1 does while CPU 0 is stopped. */
static void second_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct pl_run run;
    (void)cpu;
    (void)object;
    if (kind != PL_POINT_LABEL || second.is_inside)
        return;
    second.is_inside = true;
    second.calls++;
    assert_int_equal(take_on(second.stub, 1, 0, &run), PL_OK);
    assert_int_equal(give_on(second.stub, 1, &run), PL_OK);
    second.is_inside = false;
}

/* Three trees for four CPUs. CPU 0 takes nearly all frames one by one and gives them back, and is stopped at
 * each labelled point. Expect CPU 1 to be served each time, for one frame at most is in no number; and
 * nothing reserved. */
static void test_a_stopped_cpu_hides_no_shared_tree(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 0, 3 * TREE_FRAMES, SMALL);
    memset(&second, 0, sizeof(second));
    second.stub = &stub;
    stub.platform.point = second_point;
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t count = 0;
        while (count < 3 * TREE_FRAMES - 2)
            assert_int_equal(take_on(&stub, 0, 0, &runs[count++]), PL_OK);
        assert_int_equal(entry_of(&stub, 0) | entry_of(&stub, 1), 0);
        while (count > 0)
            assert_int_equal(give_on(&stub, 0, &runs[--count]), PL_OK);
        stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[0]);
    }
    stub.platform.point = NULL;
    assert_true(second.calls > 6 * TREE_FRAMES);
    expect_sound(&stub, 3 * TREE_FRAMES);
    stub_close(&stub);
}

static struct {
    struct stub *stub;
    uint64_t seed;
    uint32_t depth;
    uint64_t calls;
    uint64_t misses;
    struct pl_run kept[64];
} nmi;

/* Runs at every labelled point, mask or no mask: takes a block, gives an old one back. */
static void nmi_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)object;
    if (kind != PL_POINT_LABEL || nmi.depth > 1)
        return;
    nmi.depth++;
    uint64_t dice = stub_random(&nmi.seed);
    struct pl_run *kept = &nmi.kept[dice % PL_COUNT_OF(nmi.kept)];
    struct pl_request request = {.order = (uint8_t)((dice >> 32) % 12 < 8 ? 0 : (dice >> 40) % 11),
                                 .mobility = (uint8_t)((dice >> 52) % PL_MOBILITY_COUNT),
                                 .node = PL_NODE_ANY};
    struct pl_run run;
    nmi.calls++;
    if (kept->frame_count != 0) {
        run = *kept;
        kept->frame_count = 0;
        assert_int_equal(nmi.stub->ops->free(nmi.stub->self, cpu, &run), PL_OK);
    } else if (nmi.stub->ops->alloc(nmi.stub->self, cpu, &request, &run) != PL_OK) {
        nmi.misses += request.order == 0;
    } else if (kept->frame_count == 0) {
        *kept = run;
    } else { /* the deeper one was here */
        assert_int_equal(nmi.stub->ops->free(nmi.stub->self, cpu, &run), PL_OK);
    }
    if (dice >> 60 == 0)
        nmi.stub->ops->drain(nmi.stub->self, cpu, nmi.stub->cpus[dice >> 50 & 3]);
    nmi.depth--;
}

/* Random steps, and at each labelled point another call on the same CPU, with yet another inside it. Expect
 * no call to hang, no frame granted twice, and all numbers right whenever no call is unfinished. */
static void test_may_be_entered_at_every_point(void **state)
{
    (void)state;
    for (size_t m = 0; m < PL_COUNT_OF(machine_frames); m++) {
        struct stub stub;
        struct stub_audit audit;
        uint64_t seed = 7;
        uint64_t count = 0;
        open_at(&stub, 0x1234567, machine_frames[m], SMALL);
        memset(&nmi, 0, sizeof(nmi));
        nmi.stub = &stub;
        for (int step = 0; step < 20000; step++) {
            stub.platform.point = nmi_point;
            random_step(&stub, &seed, &count);
            stub.platform.point = NULL;
            if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
                fail_msg("step %d: %s", step, audit.words);
        }
        assert_true(nmi.calls > 20000);
        while (count > 0)
            assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        for (size_t i = 0; i < PL_COUNT_OF(nmi.kept); i++)
            if (nmi.kept[i].frame_count != 0)
                assert_int_equal(stub_free(&stub, &nmi.kept[i]), PL_OK);
        expect_sound(&stub, machine_frames[m]);
        stub_close(&stub);
    }
}

/* ---- several CPUs ---- */

enum { CREW_FRAMES = 14000, CREW_STEPS = 20000, CREW_SLOTS = 200 };

static struct {
    struct stub *stub;
    uint64_t frames;
    atomic_uint owner[CREW_FRAMES]; /* CPU + 1 */
    atomic_uint mistakes;
    struct pl_run slots[STUB_CPU_COUNT][CREW_SLOTS];
} crew;

static void crew_mark(const struct pl_run *run, uint32_t from, uint32_t to)
{
    for (uint64_t i = 0; i < run->frame_count; i++)
        if (atomic_exchange_explicit(&crew.owner[run->first.number + i], to, memory_order_relaxed) != from)
            atomic_fetch_add(&crew.mistakes, 1);
}

static void *crew_member(void *argument)
{
    struct pl_cpu *cpu = argument;
    const struct stub *stub = crew.stub;
    uint64_t seed = cpu->id;
    for (int step = 0; step < CREW_STEPS; step++) {
        uint64_t dice = stub_random(&seed);
        struct pl_run *slot = &crew.slots[cpu->id][dice % CREW_SLOTS];
        if (slot->frame_count != 0) {
            crew_mark(slot, cpu->id + 1, 0);
            if (stub->ops->free(stub->self, cpu, slot) != PL_OK)
                atomic_fetch_add(&crew.mistakes, 1);
            slot->frame_count = 0;
            continue;
        }
        struct pl_request request = {.order = (uint8_t)((dice >> 32) % 4 != 0 ? 0 : (dice >> 40) % 11),
                                     .mobility = (uint8_t)((dice >> 52) % PL_MOBILITY_COUNT),
                                     .node = PL_NODE_ANY};
        struct pl_constraints want = {
            .frame_count = 1 + (dice >> 40) % 700, .high = {crew.frames}, .alignment = 1};
        enum pl_status status = (dice >> 32) % 64 == 0
                                    ? stub->ops->alloc_run(stub->self, cpu, &request, &want, slot)
                                    : stub->ops->alloc(stub->self, cpu, &request, slot);
        if (status == PL_OK)
            crew_mark(slot, 0, cpu->id + 1);
        else
            slot->frame_count = 0;
    }
    return NULL;
}

/* Four threads on three, five and fourteen trees, blocks of all orders and runs, with frames running out.
 * Expect no frame with two owners, no free refused, and all numbers right in the end. */
static void test_threads(void **state)
{
    static const uint64_t frames[] = {2100, 5000, CREW_FRAMES};
    (void)state;
    for (size_t f = 0; f < PL_COUNT_OF(frames); f++) {
        struct stub stub;
        pthread_t threads[STUB_CPU_COUNT];
        memset(&crew, 0, sizeof(crew));
        crew.stub = &stub;
        crew.frames = frames[f];
        open_at(&stub, 0, frames[f], SMALL);
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, crew_member, stub.cpus[i]), 0);
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crew.mistakes, 0);
        uint64_t granted = 0;
        for (uint32_t i = 0; i < STUB_CPU_COUNT * CREW_SLOTS; i++)
            granted += crew.slots[i / CREW_SLOTS][i % CREW_SLOTS].frame_count;
        expect_sound(&stub, frames[f] - granted);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stopped_cpu_hides_no_shared_tree),
        cmocka_unit_test(test_may_be_entered_at_every_point),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
