/* Replay without the shadow: nothing is left behind, and threads change no count. */
#include "tests/unit/unit.h"

#include "engine/replay.h"

enum { SLOTS = 64, OPS = 4000, CPUS = 2 };

/* Random allocations and frees that respect their slots; each on a CPU of its own choice. */
static void make_ops(struct op *ops, uint32_t seed, unsigned order_limit)
{
    bool live[SLOTS] = {false};
    for (int i = 0; i < OPS; i++) {
        uint32_t slot = next_number(&seed) % SLOTS;
        ops[i] = (struct op){.kind = live[slot] ? OP_FREE : OP_ALLOC,
                             .cpu = (uint8_t)(next_number(&seed) % CPUS),
                             .context = (uint8_t)(next_number(&seed) % 3),
                             .slot = slot};
        if (!live[slot])
            ops[i].order = (uint8_t)(next_number(&seed) % order_limit);
        live[slot] = !live[slot];
    }
}

struct outcome {
    uint64_t failures;
    uint64_t released;
    int64_t free_frames;
};

static struct outcome replay_once(const struct op *ops, size_t op_count, uint64_t frames, bool parallel)
{
    struct rig rig;
    struct replay replay;
    struct outcome outcome;
    rig_open(&rig, "percpu+buddy", frames, CPUS, ADMISSION_BATCHED);
    assert_int_equal(replay_init(&replay, ops, op_count, SLOTS, &rig.admission, rig.native, parallel), 0);
    if (parallel)
        assert_int_equal(replay_parallel(&replay), 0);
    else
        replay_serial(&replay);
    outcome.failures = replay.failures;
    outcome.released = replay_release(&replay);
    outcome.free_frames = admission_free_frames(&rig.admission);
    for (uint32_t i = 0; i < CPUS; i++)
        assert_int_equal(native_cpu(rig.native, i)->context, PL_CONTEXT_TASK);
    assert_int_equal(replay_release(&replay), 0);
    admission_drain_all(&rig.admission, rig.cpu);
    struct pl_page_counts counts;
    rig.instance.page.ops->count(rig.instance.page.self, &counts);
    assert_int_equal(counts.free, frames);
    replay_fini(&replay);
    rig_close(&rig);
    return outcome;
}

/* Four thousand operations on a machine with room for all.
 * Expect no failure, what was live at the end released, and every frame free. */
static void test_serial_leaves_nothing(void **state)
{
    (void)state;
    static struct op ops[OPS];
    make_ops(ops, 3, 4);
    uint64_t live = 0;
    for (int i = 0; i < OPS; i++)
        live += ops[i].kind == OP_ALLOC ? 1 : UINT64_MAX;
    struct outcome outcome = replay_once(ops, OPS, 4096, false);
    assert_int_equal(outcome.failures, 0);
    assert_int_equal(outcome.released, live);
    assert_int_equal(outcome.free_frames, 4096);
}

struct counted {
    struct replay_watch watch; /* first */
    const struct op *next;
    uint64_t ticks;
    uint64_t by_context[3];
};

static uint64_t reading; /* of a clock that goes on by one whenever it is read */

static uint64_t next_reading(void)
{
    return reading++;
}

static void count_op(struct replay_watch *watch, const struct op *op, uint64_t ticks)
{
    struct counted *counted = (struct counted *)watch;
    assert_ptr_equal(op, counted->next++);
    counted->ticks += ticks;
    counted->by_context[op->context]++;
}

/* The list, watched.
 * Expect each operation told once, in order, between two readings, and the machine as the serial pass leaves
 * it. */
static void test_watched_tells_each_once(void **state)
{
    (void)state;
    static struct op ops[OPS];
    struct rig rig;
    struct replay replay;
    make_ops(ops, 3, 4);
    struct outcome serial = replay_once(ops, OPS, 4096, false);
    struct counted counted = {.watch = {.clock = next_reading, .done = count_op}, .next = ops};
    rig_open(&rig, "percpu+buddy", 4096, CPUS, ADMISSION_BATCHED);
    assert_int_equal(replay_init(&replay, ops, OPS, SLOTS, &rig.admission, rig.native, false), 0);
    replay_watched(&replay, &counted.watch);
    assert_ptr_equal(counted.next, ops + OPS);
    assert_int_equal(counted.ticks, OPS);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(counted.by_context[i], OPS / 4, OPS / 2);
    assert_int_equal(replay.failures, serial.failures);
    for (uint32_t i = 0; i < CPUS; i++)
        assert_int_equal(native_cpu(rig.native, i)->context, PL_CONTEXT_TASK);
    assert_int_equal(replay_release(&replay), serial.released);
    replay_fini(&replay);
    rig_close(&rig);
}

/* The same list with a thread a CPU.
 * Expect the counts of the serial pass. */
static void test_parallel_equals_serial(void **state)
{
    (void)state;
    static struct op ops[OPS];
    for (uint32_t seed = 0; seed < 5; seed++) {
        make_ops(ops, seed, 4);
        struct outcome serial = replay_once(ops, OPS, 4096, false);
        struct outcome parallel = replay_once(ops, OPS, 4096, true);
        assert_int_equal(parallel.failures, serial.failures);
        assert_int_equal(parallel.released, serial.released);
        assert_int_equal(parallel.free_frames, serial.free_frames);
    }
}

/* A machine far too small.
 * Expect failures counted, frees of what was never granted skipped, and every frame free at the end. */
static void test_failures_are_counted(void **state)
{
    (void)state;
    static struct op ops[OPS];
    make_ops(ops, 9, 4);
    struct outcome serial = replay_once(ops, OPS, 48, false);
    struct outcome parallel = replay_once(ops, OPS, 48, true);
    assert_true(serial.failures > 0);
    assert_true(parallel.failures > 0);
    assert_int_equal(serial.free_frames, 48);
    assert_int_equal(parallel.free_frames, 48);
}

/* One slot that goes from CPU to CPU: allocated here, freed there, the next allocation on either.
 *
 *     cpu0  alloc .     .    free   alloc ...
 *     cpu1  .     free  alloc .     .
 *
 * Expect every turn to be taken, and no thread to wait for ever. */
static void test_slots_reused_across_cpus(void **state)
{
    (void)state;
    enum { TURNS = 2000 };
    static struct op ops[TURNS];
    for (int i = 0; i < TURNS; i++)
        ops[i] = (struct op){.kind = i % 2 ? OP_FREE : OP_ALLOC, .cpu = (uint8_t)((i + 1) / 2 % 2)};
    struct outcome outcome = replay_once(ops, TURNS, 64, true);
    assert_int_equal(outcome.failures, 0);
    assert_int_equal(outcome.released, 0);
    assert_int_equal(outcome.free_frames, 64);
}

/* A list of nothing, serial and parallel.
 * Expect nothing. */
static void test_empty_list(void **state)
{
    (void)state;
    static const struct op none[1];
    for (int parallel = 0; parallel < 2; parallel++) {
        struct outcome outcome = replay_once(none, 0, 64, parallel != 0);
        assert_int_equal(outcome.failures + outcome.released, 0);
    }
}

/* Where each call of a pass ran. */
struct witness {
    const struct op *ops;
    size_t calls;
};

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct witness *witness = argument;
    const struct op *op = &witness->ops[witness->calls++];
    assert_int_equal(hook, op->kind == OP_ALLOC ? TAP_ALLOC : TAP_FREE);
    assert_int_equal(cpu->id, op->cpu);
    assert_int_equal(cpu->context, op->context);
    assert_int_equal(atomic_load(&cpu->masked), op->context != PL_CONTEXT_TASK);
    assert_int_equal(cpu->no_sleep_depth, op->flags & OP_FLAG_MAY_SLEEP ? 0 : 1);
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    (void)argument;
    (void)cpu;
    (void)hook;
    assert_int_equal(status, PL_OK);
}

/* Allocations from all three contexts, with and without the may-sleep bit, and their frees.
 * Expect each call in its context, masked above the task, and no sleep allowed but where the bit says so. */
static void test_operations_run_where_they_were_recorded(void **state)
{
    (void)state;
    enum { PAIRS = 12 };
    struct op ops[2 * PAIRS];
    struct witness witness = {.ops = ops};
    struct tap_listener listener = {on_enter, on_leave, &witness};
    struct tap tap;
    struct rig rig;
    struct replay replay;
    for (size_t i = 0; i < PAIRS; i++) {
        ops[2 * i] = (struct op){.kind = OP_ALLOC,
                                 .cpu = (uint8_t)(i / 6 % CPUS),
                                 .context = (uint8_t)(i % 3),
                                 .flags = i % 2 ? OP_FLAG_MAY_SLEEP : 0};
        ops[2 * i + 1] =
            (struct op){.kind = OP_FREE, .cpu = (uint8_t)(i % CPUS), .context = (uint8_t)(i / 2 % 3)};
    }
    rig_open(&rig, "percpu+buddy", 64, CPUS, ADMISSION_BATCHED);
    instance_set_tap(&rig.instance, &tap, &listener);
    admission_init(&rig.admission, rig.instance.page, rig.machine, ADMISSION_BATCHED);
    assert_int_equal(replay_init(&replay, ops, (size_t)2 * PAIRS, 1, &rig.admission, rig.native, false), 0);
    replay_serial(&replay);
    assert_int_equal(witness.calls, 2 * PAIRS);
    assert_int_equal(replay.failures, 0);
    assert_int_equal(atomic_load(&replay.sleeps), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        assert_int_equal(native_cpu(rig.native, i)->context, PL_CONTEXT_TASK);
        assert_int_equal(native_cpu(rig.native, i)->no_sleep_depth, 0);
        assert_int_equal(atomic_load(&native_cpu(rig.native, i)->masked), 0);
    }
    replay_fini(&replay);
    rig_close(&rig);
}

/* A candidate that waits in every call: three allocations, of which one could sleep, two could not (one of
 * them at interrupt level), and the frees, which never can. Expect five sleeps, serial and parallel; and none
 * from one that does not wait. */
static void test_sleepers_are_caught(void **state)
{
    (void)state;
    static const struct op ops[] = {
        {.kind = OP_ALLOC, .slot = 0, .flags = OP_FLAG_MAY_SLEEP},
        {.kind = OP_ALLOC, .slot = 1},
        {.kind = OP_ALLOC, .slot = 2, .context = PL_CONTEXT_SOFTIRQ, .flags = OP_FLAG_MAY_SLEEP, .cpu = 1},
        {.kind = OP_FREE, .slot = 0},
        {.kind = OP_FREE, .slot = 1, .cpu = 1},
        {.kind = OP_FREE, .slot = 2, .context = PL_CONTEXT_HARDIRQ},
    };
    static const struct {
        const char *name;
        unsigned sleeps;
    } cases[] = {{"sleepy(by=wait,every=1)+buddy", 5}, {"sleepy(by=might,every=1)+buddy", 5}, {"buddy", 0}};
    for (size_t i = 0; i < 2 * PL_COUNT_OF(cases); i++) {
        struct rig rig;
        struct replay replay;
        bool parallel = i % 2 != 0;
        rig_open(&rig, cases[i / 2].name, 64, CPUS, ADMISSION_BATCHED);
        assert_int_equal(replay_init(&replay, ops, PL_COUNT_OF(ops), 3, &rig.admission, rig.native, parallel),
                         0);
        if (parallel)
            assert_int_equal(replay_parallel(&replay), 0);
        else
            replay_serial(&replay);
        assert_int_equal(atomic_load(&replay.sleeps), cases[i / 2].sleeps);
        assert_int_equal(admission_free_frames(&rig.admission), 64);
        replay_fini(&replay);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serial_leaves_nothing),
        cmocka_unit_test(test_watched_tells_each_once),
        cmocka_unit_test(test_parallel_equals_serial),
        cmocka_unit_test(test_failures_are_counted),
        cmocka_unit_test(test_slots_reused_across_cpus),
        cmocka_unit_test(test_empty_list),
        cmocka_unit_test(test_operations_run_where_they_were_recorded),
        cmocka_unit_test(test_sleepers_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
