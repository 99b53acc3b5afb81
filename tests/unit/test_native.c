/* The native platform: soft masks, locks, waiting, threads, and the machines that it makes or refuses. */
#include "tests/unit/unit.h"

#include <pagelab/lock.h>

#include <string.h>

static struct native_machine *machine_of(uint64_t frame_count, uint32_t cpu_count)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = frame_count}}, .range_count = 1, .cpu_count = cpu_count};
    char error[128] = "";
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL)
        fail_msg("%s", error);
    return native;
}

struct calls {
    unsigned count;
    unsigned depth;
    unsigned deepest;
    unsigned raise_left; /* times that the handler raises again */
    uint32_t context;
    uint32_t masked;
};

static void note_call(struct pl_cpu *cpu, void *argument)
{
    struct calls *calls = argument;
    calls->count++;
    calls->context = cpu->context;
    calls->masked = atomic_load(&cpu->masked);
    if (++calls->depth > calls->deepest)
        calls->deepest = calls->depth;
    if (calls->raise_left > 0) {
        calls->raise_left--;
        native_raise(cpu);
    }
    calls->depth--;
}

/* An interrupt on a CPU that masks nothing.
 * Expect the handler at once, masked and at interrupt level, and both restored behind it. */
static void test_unmasked_raise_runs_at_once(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 2);
    struct pl_cpu *cpu = native_cpu(native, 1);
    struct calls calls = {0};
    native_set_handler(cpu, note_call, &calls);
    cpu->context = PL_CONTEXT_SOFTIRQ;
    native_raise(cpu);
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.context, PL_CONTEXT_HARDIRQ);
    assert_int_equal(calls.masked, 1);
    assert_int_equal(cpu->context, PL_CONTEXT_SOFTIRQ);
    assert_int_equal(atomic_load(&cpu->masked), 0);
    native_raise(native_cpu(native, 0)); /* nobody listens there */
    assert_int_equal(calls.count, 1);
    native_machine_delete(native);
}

/* Masks in three levels, with raises in each.
 *
 *     mask  mask  mask   unmask  unmask  unmask
 *       raise raise raise                  ^ here
 *
 * Expect one delivery, at the last unmask. */
static void test_masks_nest(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 1);
    struct pl_cpu *cpu = native_cpu(native, 0);
    struct calls calls = {0};
    uint32_t before[3];
    native_set_handler(cpu, note_call, &calls);
    for (int i = 0; i < 3; i++) {
        before[i] = pl_mask(cpu);
        native_raise(cpu);
    }
    for (int i = 2; i > 0; i--) {
        pl_unmask(cpu, before[i]);
        assert_int_equal(calls.count, 0);
        assert_int_equal(atomic_load(&cpu->masked), 1);
    }
    pl_unmask(cpu, before[0]);
    assert_int_equal(calls.count, 1);
    assert_int_equal(atomic_load(&cpu->pending), 0);
    pl_unmask(cpu, pl_mask(cpu));
    assert_int_equal(calls.count, 1);
    native_machine_delete(native);
}

/* A handler that raises the interrupt again, three times; entered by an unmask, and by a direct raise.
 * Expect four calls each time, one after another and never one inside another, and nothing pending. */
static void test_raise_inside_a_handler(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 1);
    struct pl_cpu *cpu = native_cpu(native, 0);
    for (int direct = 0; direct < 2; direct++) {
        struct calls calls = {.raise_left = 3};
        native_set_handler(cpu, note_call, &calls);
        uint32_t before = direct ? 0 : pl_mask(cpu);
        native_raise(cpu);
        if (!direct)
            pl_unmask(cpu, before);
        assert_int_equal(calls.deepest, 1);
        assert_int_equal(calls.count, 4);
        assert_int_equal(atomic_load(&cpu->pending), 0);
        native_machine_reset(native);
    }
    native_machine_delete(native);
}

/* A masked CPU with a pending interrupt, a lock depth and sleeps, reset.
 * Expect all of it forgotten, and the handler still there. */
static void test_reset_forgets(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 1);
    struct pl_cpu *cpu = native_cpu(native, 0);
    struct calls calls = {0};
    native_set_handler(cpu, note_call, &calls);
    (void)pl_mask(cpu);
    native_raise(cpu);
    cpu->lock_depth = 3;
    cpu->no_sleep_depth = 1;
    cpu->sleeps = 9;
    cpu->context = PL_CONTEXT_NMI;
    native_machine_reset(native);
    assert_int_equal(atomic_load(&cpu->masked), 0);
    assert_int_equal(atomic_load(&cpu->pending), 0);
    assert_int_equal(cpu->lock_depth, 0);
    assert_int_equal(cpu->no_sleep_depth, 0);
    assert_int_equal(cpu->sleeps, 0);
    assert_int_equal(cpu->context, PL_CONTEXT_TASK);
    assert_int_equal(calls.count, 0);
    native_machine_delete(native);
}

/* --- locks and threads --- */

struct shared {
    struct pl_lock lock;
    uint64_t count; /* under the lock */
    atomic_uint word;
    atomic_uint seen[PL_CPU_LIMIT];
};

/* Two locks, one of them masked, taken and dropped.
 * Expect owner and depth to follow, and the mask to be what it was. */
static void test_lock_knows_its_owner(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 4);
    struct pl_cpu *cpu = native_cpu(native, 3);
    struct pl_lock a = {0};
    struct pl_lock b = {0};
    pl_lock_take(&a, cpu);
    uint32_t before = pl_lock_masked(&b, cpu);
    assert_int_equal(atomic_load(&a.owner), 4);
    assert_int_equal(cpu->lock_depth, 2);
    assert_int_equal(atomic_load(&cpu->masked), 1);
    pl_unlock_masked(&b, cpu, before);
    pl_lock_drop(&a, cpu);
    assert_int_equal(atomic_load(&a.owner), 0);
    assert_int_equal(atomic_load(&b.owner), 0);
    assert_int_equal(cpu->lock_depth, 0);
    assert_int_equal(atomic_load(&cpu->masked), 0);
    native_machine_delete(native);
}

enum { LOCK_ROUNDS = 20000 };

static void lock_thread(struct pl_cpu *cpu, void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < LOCK_ROUNDS; i++) {
        uint32_t before = pl_lock_masked(&shared->lock, cpu);
        shared->count++;
        pl_unlock_masked(&shared->lock, cpu, before);
    }
    atomic_fetch_add(&shared->seen[cpu->id], 1);
}

/* Two CPUs count under one lock.
 * Expect no count lost, each CPU's function run once, on its own CPU. */
static void test_lock_excludes(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 3);
    struct shared shared = {.count = 0};
    assert_int_equal(native_run_on_cpus(native, 2, lock_thread, &shared), 0);
    assert_int_equal(shared.count, 2 * LOCK_ROUNDS);
    assert_int_equal(atomic_load(&shared.seen[0]), 1);
    assert_int_equal(atomic_load(&shared.seen[1]), 1);
    assert_int_equal(atomic_load(&shared.seen[2]), 0);
    native_machine_delete(native);
}

enum { TURNS = 200 };

/* CPU 0 plays the even numbers of `word`, CPU 1 the odd ones; each waits for its own. */
static void turns_thread(struct pl_cpu *cpu, void *argument)
{
    struct shared *shared = argument;
    for (;;) {
        unsigned word = atomic_load(&shared->word);
        if (word >= TURNS) {
            cpu->platform->wake(cpu, &shared->word, UINT32_MAX);
            return;
        }
        if (word % 2 != cpu->id) {
            cpu->platform->wait(cpu, &shared->word, word);
            continue;
        }
        atomic_store(&shared->word, word + 1);
        cpu->platform->wake(cpu, &shared->word, 1);
    }
}

/* Two CPUs that wait for one another, two hundred times.
 * Expect them to come to the end, and the sleeps to have been counted. */
static void test_wait_and_wake(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 2);
    struct shared shared = {.count = 0};
    assert_int_equal(native_run_on_cpus(native, 2, turns_thread, &shared), 0);
    assert_true(atomic_load(&shared.word) >= TURNS);
    assert_true(native_cpu(native, 0)->sleeps + native_cpu(native, 1)->sleeps > 0);
    native_machine_delete(native);
}

/* A wait for a word that has another value already.
 * Expect it to return. */
static void test_wait_that_need_not(void **state)
{
    (void)state;
    struct native_machine *native = machine_of(8, 1);
    struct pl_cpu *cpu = native_cpu(native, 0);
    atomic_uint word = 5;
    cpu->platform->wait(cpu, &word, 4);
    cpu->platform->might_sleep(cpu, "here");
    assert_true(native_real_cpu_count() >= 1);
    native_machine_delete(native);
}

/* --- shapes --- */

static const struct native_shape refused[] = {
    {.ranges = {{.frame_count = 8}}, .range_count = 0, .cpu_count = 1},
    {.ranges = {{.frame_count = 8}}, .range_count = NATIVE_RANGE_LIMIT + 1, .cpu_count = 1},
    {.ranges = {{.frame_count = 8}}, .range_count = 1, .cpu_count = 0},
    {.ranges = {{.frame_count = 8}}, .range_count = 1, .cpu_count = PL_CPU_LIMIT + 1},
    {.ranges = {{.frame_count = 0}}, .range_count = 1, .cpu_count = 1},
    {.ranges = {{.frame_count = UINT64_MAX}}, .range_count = 1, .cpu_count = 1},
    {.ranges = {{.first = {UINT64_MAX}, .frame_count = 8}}, .range_count = 1, .cpu_count = 1},
    {.ranges = {{.first = {0}, .frame_count = 8}, {.first = {4}, .frame_count = 8}},
     .range_count = 2,
     .cpu_count = 1},
    {.ranges = {{.first = {0}, .frame_count = 8}, {.first = {8}, .frame_count = 8}},
     .range_count = 2,
     .cpu_count = 1},
    {.ranges = {{.first = {64}, .frame_count = 8}, {.first = {0}, .frame_count = 8}},
     .range_count = 2,
     .cpu_count = 1},
    {.ranges = {{.frame_count = 8, .node = PL_NODE_LIMIT}}, .range_count = 1, .cpu_count = 1},
    {.ranges = {{.frame_count = UINT64_C(1) << 40}}, .range_count = 1, .cpu_count = 1, .contents = true},
};

/* Shapes that are no machine: no ranges, empty, overlapping, touching or descending ones, CPUs and nodes out
 * of range, contents beyond what can be mapped.
 * Expect NULL and one line from each. */
static void test_illegal_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(refused); i++) {
        char error[128] = "";
        struct native_machine *native = native_machine_new(&refused[i], error, sizeof(error));
        if (native != NULL)
            fail_msg("shape %zu was accepted", i);
        assert_int_not_equal(error[0], '\0');
        assert_null(strchr(error, '\n'));
    }
}

/* Three ranges, two nodes, four CPUs, the largest numbers there are.
 * Expect first, span, frame and node counts to say so, and the CPUs spread over the nodes. */
static void test_the_view(void **state)
{
    (void)state;
    const struct native_shape shape = {
        .ranges = {{.first = {100}, .frame_count = 10},
                   {.first = {200}, .frame_count = 1, .node = 1},
                   {.first = {UINT64_C(1) << 51}, .frame_count = UINT64_C(1) << 40}},
        .range_count = 3,
        .cpu_count = 4,
        .floors = {.interrupt = 1, .system = 2, .normal = 3}};
    char error[128];
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    assert_non_null(native);
    const struct pl_machine *view = native_machine_view(native);
    assert_int_equal(view->bytes, sizeof(struct pl_machine));
    assert_int_equal(view->abi, PL_ABI);
    assert_int_equal(view->first.number, 100);
    assert_int_equal(view->span, (UINT64_C(1) << 51) + (UINT64_C(1) << 40) - 100);
    assert_int_equal(view->frame_count, (UINT64_C(1) << 40) + 11);
    assert_int_equal(view->node_count, 2);
    assert_int_equal(view->floors.normal, 3);
    assert_null(view->contents);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(view->cpus[i]->bytes, sizeof(struct pl_cpu));
        assert_int_equal(view->cpus[i]->id, i);
        assert_int_equal(view->cpus[i]->node, i % 2);
    }
    native_machine_delete(native);
}

/* Contents of 64 GiB with a hole, aligned to 4 MiB.
 * Expect addresses that are aligned as frame numbers are, frames that are zero where nobody wrote, and apart
 * from one another; memory for what is touched only. */
static void test_contents_are_lazy_and_zero(void **state)
{
    (void)state;
    const struct native_shape shape = {.ranges = {{.first = {512}, .frame_count = 1024},
                                                  {.first = {4096}, .frame_count = UINT64_C(1) << 24}},
                                       .range_count = 2,
                                       .cpu_count = 1,
                                       .contents = true,
                                       .contents_alignment = UINT64_C(4) << 20};
    static const unsigned char zero[4096];
    char error[128] = "";
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL)
        fail_msg("%s", error);
    const struct pl_machine *view = native_machine_view(native);
    assert_int_equal((uintptr_t)pl_frame_address(view, pl_frame_at(4096)) % (UINT64_C(4) << 20), 0);
    const uint64_t frames[] = {512, 1535, 4096, 4096 + (UINT64_C(1) << 24) - 1};
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        unsigned char *bytes = pl_frame_address(view, pl_frame_at(frames[i]));
        assert_int_equal(bytes - view->contents, (frames[i] - 512) * PL_FRAME_BYTES);
        assert_memory_equal(bytes, zero, sizeof(zero));
        memset(bytes, (int)i + 1, PL_FRAME_BYTES);
    }
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++)
        assert_int_equal(pl_frame_address(view, pl_frame_at(frames[i]))[4095], i + 1);
    native_machine_delete(native);
    native_machine_delete(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmasked_raise_runs_at_once),
        cmocka_unit_test(test_masks_nest),
        cmocka_unit_test(test_raise_inside_a_handler),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_lock_knows_its_owner),
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_wait_and_wake),
        cmocka_unit_test(test_wait_that_need_not),
        cmocka_unit_test(test_illegal_shapes),
        cmocka_unit_test(test_the_view),
        cmocka_unit_test(test_contents_are_lazy_and_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
