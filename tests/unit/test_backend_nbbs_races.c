/* The non-blocking buddy system: interrupts between any two steps, and threads that meet in every word. */
#include <pthread.h>

#include "nbbs_fixture.h"

/* Calls while a call is unfinished, on the same CPU, at every labelled point, masked or not. The grants in
 * runs[0 .. pool_count) are shared by the task and its interrupts. */
static struct stub *interrupted;
static uint64_t dice_state;
static uint64_t pool_count;
static uint64_t pool_frames;
static uint32_t depth;
static uint32_t calls;

static void call_at_random(struct stub *stub, struct pl_cpu *cpu)
{
    uint64_t dice = stub_random(&dice_state);
    struct pl_run run;
    calls++;
    if (pool_count > 0 && dice % 2 == 0) {
        uint64_t pick = dice / 2 % pool_count;
        run = runs[pick];
        runs[pick] = runs[--pool_count];
        pool_frames -= run.frame_count;
        assert_int_equal(stub->ops->free(stub->self, cpu, &run), PL_OK);
    } else if (pool_count < RUN_LIMIT - 8) {
        struct pl_request request = {.node = PL_NODE_ANY};
        request.order = (uint8_t)((dice >> 32) % (dice >> 40 & 3 ? 3 : NBBS_MAX_ORDER + 1));
        if (stub->ops->alloc(stub->self, cpu, &request, &run) != PL_OK)
            return;
        pool_frames += run.frame_count;
        runs[pool_count++] = run;
    }
}

static void call_from_interrupt(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)object;
    if (kind != PL_POINT_LABEL || interrupted == NULL || depth == 2)
        return;
    depth++;
    for (uint64_t i = stub_random(&dice_state) % 4; i > 0; i--)
        call_at_random(interrupted, cpu);
    depth--;
}

/* Every take, every free, every mark that is cleared and every hint that led nowhere is interrupted between
 * its two steps, and so are the interrupts. Expect each call to end and all marks and hints to be right at
 * rest. On a machine that is nearly full, where all meet in the same words. */
static void test_interrupted_half_way(void **state)
{
    (void)state;
    for (size_t c = 0; c < PL_COUNT_OF(candidates); c++) {
        struct stub stub;
        open_at(&stub, candidates[c], 0, 80);
        stub.platform.point = call_from_interrupt;
        interrupted = &stub;
        pool_count = pool_frames = 0;
        dice_state = calls = 0;
        for (uint32_t step = 0; step < 4000; step++) {
            call_at_random(&stub, stub.cpus[step % STUB_CPU_COUNT]);
            expect_sound(&stub, 80 - pool_frames);
        }
        assert_true(calls > 8000);
        interrupted = NULL;
        stub_close(&stub);
    }
}

/* --- threads --- */

#define STRESS_STEPS 40000
#define STRESS_HELD  48u

struct stress {
    struct stub *stub;
    uint32_t cpu;
    uint64_t held_frames;
    uint32_t count;
    struct pl_run held[STRESS_HELD];
    atomic_uchar *owner; /* a byte a frame: who has it */
};

/* Frames of the run pass from `from` to `to`; a frame that is not with `from` is granted twice. */
static void hand_over(struct stress *stress, const struct pl_run *run, unsigned char from, unsigned char to)
{
    for (uint64_t i = 0; i < run->frame_count; i++)
        if (atomic_exchange_explicit(&stress->owner[run->first.number + i], to, memory_order_relaxed) != from)
            abort();
}

static void *stress_thread(void *argument)
{
    struct stress *stress = argument;
    const struct stub *stub = stress->stub;
    struct pl_cpu *cpu = stub->cpus[stress->cpu];
    unsigned char self = (unsigned char)(stress->cpu + 1);
    uint64_t seed = 7 + stress->cpu;
    for (int step = 0; step < STRESS_STEPS; step++) {
        uint64_t dice = stub_random(&seed);
        if (stress->count > 0 && (dice % 2 == 0 || stress->count == STRESS_HELD)) {
            uint64_t pick = dice / 2 % stress->count;
            struct pl_run run = stress->held[pick];
            stress->held[pick] = stress->held[stress->count - 1];
            stress->count--;
            hand_over(stress, &run, self, 0);
            stress->held_frames -= run.frame_count;
            if (stub->ops->free(stub->self, cpu, &run) != PL_OK)
                abort();
        } else {
            struct pl_run *run = &stress->held[stress->count];
            struct pl_request request = {.node = PL_NODE_ANY};
            request.order =
                (uint8_t)(dice >> 32 & 1 ? (dice >> 33) % (NBBS_MAX_ORDER + 1) : (dice >> 33) % 3);
            if (stub->ops->alloc(stub->self, cpu, &request, run) != PL_OK)
                continue;
            hand_over(stress, run, 0, self);
            stress->held_frames += run->frame_count;
            stress->count++;
        }
    }
    return NULL;
}

/* Four threads take and give blocks of all orders on a machine of one tree and a bit, where they meet in
 * every word. Expect no frame with two owners; at rest no mark, hint or count that is wrong; and one free
 * block again after the last free. */
static void test_threads_leave_nothing_behind(void **state)
{
    (void)state;
    for (size_t c = 0; c < PL_COUNT_OF(candidates); c++) {
        static struct stress stress[STUB_CPU_COUNT];
        struct stub stub;
        pthread_t threads[STUB_CPU_COUNT];
        uint64_t held = 0;
        open_at(&stub, candidates[c], 0, 2100);
        atomic_uchar *owner = calloc(2100, 1);
        assert_non_null(owner);
        for (int round = 0; round < 3; round++) {
            for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
                stress[i] = (struct stress){.stub = &stub, .cpu = i, .owner = owner};
                assert_int_equal(pthread_create(&threads[i], NULL, stress_thread, &stress[i]), 0);
            }
            held = 0;
            for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
                assert_int_equal(pthread_join(threads[i], NULL), 0);
                held += stress[i].held_frames;
            }
            expect_sound(&stub, 2100 - held);
            for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
                for (uint32_t j = 0; j < stress[i].count; j++) {
                    hand_over(&stress[i], &stress[i].held[j], (unsigned char)(i + 1), 0);
                    assert_int_equal(stub_free(&stub, &stress[i].held[j]), PL_OK);
                }
            }
            expect_sound(&stub, 2100);
            struct pl_run whole;
            assert_int_equal(stub_alloc(&stub, 11, &whole), PL_OK);
            assert_int_equal(stub_free(&stub, &whole), PL_OK);
        }
        free(owner);
        stub_close(&stub);
    }
}

/* The two sides of one race: all frames but one are granted for good, and each of four threads takes it and
 * gives it back. */
static void *one_frame_thread(void *argument)
{
    struct stress *stress = argument;
    const struct stub *stub = stress->stub;
    struct pl_cpu *cpu = stub->cpus[stress->cpu];
    struct pl_request request = {.node = PL_NODE_ANY};
    for (int step = 0; step < 2000; step++) {
        struct pl_run run;
        if (stub->ops->alloc(stub->self, cpu, &request, &run) != PL_OK)
            continue;
        hand_over(stress, &run, 0, 1);
        stress->held_frames++;
        hand_over(stress, &run, 1, 0);
        struct pl_run again = run;
        if (stub->ops->free(stub->self, cpu, &run) != PL_OK)
            abort();
        again.order = 1;
        again.frame_count = 2;
        if (stub->ops->free(stub->self, cpu, &again) != PL_REFUSED)
            abort();
    }
    return NULL;
}

/* Expect the last frame never with two owners and never lost, whoever clears its hint. */
static void test_threads_share_the_last_frame(void **state)
{
    (void)state;
    for (size_t c = 0; c < PL_COUNT_OF(candidates); c++) {
        static struct stress stress[STUB_CPU_COUNT];
        struct stub stub;
        pthread_t threads[STUB_CPU_COUNT];
        uint64_t granted = 0;
        open_at(&stub, candidates[c], 0, 600);
        atomic_uchar *owner = calloc(600, 1);
        assert_non_null(owner);
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 600);
        assert_int_equal(stub_free_at(&stub, 333, 1, 0), PL_OK);
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
            stress[i] = (struct stress){.stub = &stub, .cpu = i, .owner = owner};
            assert_int_equal(pthread_create(&threads[i], NULL, one_frame_thread, &stress[i]), 0);
        }
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            granted += stress[i].held_frames;
        }
        assert_true(granted > 0);
        expect_sound(&stub, 1);
        free(owner);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupted_half_way),
        cmocka_unit_test(test_threads_leave_nothing_behind),
        cmocka_unit_test(test_threads_share_the_last_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
