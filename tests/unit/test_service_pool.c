/* The pool of buffers: what comes from it and what may not, its bounds, and who has its frames when memory is
 * short. That it keeps all constraints is in test_service_buffers.c. */
#include "desk_fixture.h"

#include <pthread.h>

#include "../../allocators/services/buf_pool/pool_internal.h"

/* The share of the machine that may be kept. */
#define SHARE (FRAMES / POOL_SHARE)

static void open_pool(struct desk *desk, bool with_runs, const char *params)
{
    desk_open_with(desk, &pl_candidate_pool, &pl_candidate_buddy, with_runs, params);
}

/* One buffer made and released. */
static void warm(struct desk *desk, uint64_t frames, const struct pl_buffer_constraints *want)
{
    assert_int_equal(plan(desk, frames * P, want), PL_OK);
    assert_int_equal(release(desk, desk->runs, desk->run_count), PL_OK);
}

/* Buffers of each size up to the share of the machine, with and without runs, contiguous or not, made and
 * released three times, written to meanwhile.
 * Expect no call of the allocator after the first time, neither to make nor to release; zeros where they are
 * asked for; nothing left after a drain. */
static void test_the_second_one_calls_nobody(void **state)
{
    (void)state;
    for (int shape = 0; shape < 8; shape++) {
        for (uint64_t frames = 1; frames <= SHARE; frames++) {
            struct desk desk;
            struct pl_buffer_constraints want = plain();
            want.flags = (shape & 1 ? CONTIGUOUS : 0) | (shape & 2 ? PL_BUFFER_ZERO : 0);
            open_pool(&desk, (shape & 4) != 0, NULL);
            warm(&desk, frames, &want);
            if (desk_kept(&desk) == 0) { /* a block above the share */
                assert_true((shape & 4) == 0 && frames > SHARE / 2);
                desk_close(&desk);
                continue;
            }
            uint64_t calls = desk.fixture.calls;
            uint64_t held = desk.fixture.held;
            for (int round = 0; round < 3; round++) {
                assert_int_equal(plan(&desk, frames * P, &want), PL_OK);
                expect_runs(&desk, frames * P, &want);
                assert_int_equal(desk.run_count, 1);
                memset(pl_frame_address(&desk.fixture.stub.machine, desk.runs[0].first), 0xff,
                       (size_t)(frames * P));
                assert_int_equal(release(&desk, desk.runs, 1), PL_OK);
                assert_int_equal(release(&desk, desk.runs, 1), PL_REFUSED);
                expect_sound(&desk, 0);
            }
            assert_int_equal(desk.fixture.calls, calls);
            assert_int_equal(desk.fixture.held, held);
            desk_drain(&desk);
            assert_int_equal(desk.fixture.held, 0);
            desk_close(&desk);
        }
    }
}

/* A run of four frames that begins at 1,000 or above is kept; each buffer wants something that it has not.
 * Expect another one from the allocator, that obeys, and the kept one where it is. */
static void test_what_does_not_suit_stays(void **state)
{
    (void)state;
    struct pl_buffer_constraints wants[4];
    for (size_t i = 0; i < PL_COUNT_OF(wants); i++)
        wants[i] = plain();
    wants[0].alignment = 64 * P;        /* 1,024 and its multiples */
    wants[1].boundary = 2 * P;          /* two runs */
    wants[2].segment_bytes_max = 3 * P; /* the same */
    wants[3].request.flags = PL_REQUEST_NEVER_FREE;
    for (size_t i = 0; i < PL_COUNT_OF(wants); i++) {
        struct desk desk;
        struct pl_buffer_constraints first = plain();
        open_pool(&desk, true, NULL);
        first.flags = CONTIGUOUS;
        warm(&desk, 4, &first);
        uint64_t kept_frame = desk.runs[0].first.number;
        assert_int_equal(desk_kept(&desk), 4);
        uint64_t calls = desk.fixture.calls;
        enum pl_status status = plan(&desk, 4 * P, &wants[i]);
        assert_int_equal(status, PL_OK);
        assert_true(desk.fixture.calls > calls);
        expect_runs(&desk, 4 * P, &wants[i]);
        for (size_t k = 0; k < desk.run_count; k++)
            assert_true(desk.runs[k].first.number != kept_frame);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        assert_true(desk_kept(&desk) >= 4);
        desk_close(&desk);
    }
}

/* Two runs of four frames are kept, one below the mask and one above it.
 * Expect whoever has the mask to be given the lower one, though the other one was kept last. */
static void test_the_one_that_suits_is_found(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints low = plain();
    struct pl_buffer_constraints any = plain();
    struct pl_run first;
    low.address_mask = (UINT64_C(1) << 22) - 1; /* frames below 1,024 */
    low.flags = CONTIGUOUS;
    any.flags = CONTIGUOUS;
    any.alignment = 64 * P; /* 1,024 and above */
    open_pool(&desk, true, NULL);
    assert_int_equal(plan(&desk, 4 * P, &low), PL_OK);
    first = desk.runs[0];
    assert_int_equal(plan(&desk, 4 * P, &any), PL_OK);
    struct pl_run second = desk.runs[0];
    assert_int_equal(release(&desk, &first, 1), PL_OK);
    assert_int_equal(release(&desk, &second, 1), PL_OK);
    uint64_t calls = desk.fixture.calls;
    assert_int_equal(plan(&desk, 4 * P, &low), PL_OK);
    assert_int_equal(desk.runs[0].first.number, first.first.number);
    any.alignment = 1;
    assert_int_equal(plan(&desk, 4 * P, &any), PL_OK);
    assert_int_equal(desk.runs[0].first.number, second.first.number);
    assert_int_equal(desk.fixture.calls, calls);
    assert_int_equal(release(&desk, &first, 1), PL_OK);
    assert_int_equal(release(&desk, &second, 1), PL_OK);
    desk_close(&desk);
}

/* Many buffers of one frame released, of each size, and of one above the largest that is kept.
 * Expect no more on a shelf than it keeps, no more on all than the share of the machine, none that is too
 * large. */
static void test_bounds(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    static struct pl_run runs[8][RUN_LIMIT];
    open_pool(&desk, true, "keep=3,frames=4");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(plan(&desk, P, &want), PL_OK);
        runs[i][0] = desk.runs[0];
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(release(&desk, runs[i], 1), PL_OK);
    assert_int_equal(desk_kept(&desk), 3);
    expect_sound(&desk, 3);
    want.flags = CONTIGUOUS;
    warm(&desk, 5, &want);
    assert_int_equal(desk_kept(&desk), 3);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(plan(&desk, 4 * P, &want), PL_OK);
        runs[i][0] = desk.runs[0];
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(release(&desk, runs[i], 1), PL_OK);
    assert_int_equal(desk_kept(&desk), SHARE - 1);
    expect_sound(&desk, SHARE - 1);
    desk_close(&desk);
    open_pool(&desk, true, "keep=0");
    warm(&desk, 1, &want);
    assert_int_equal(desk.fixture.held, 0);
    desk_close(&desk);
}

/* Everything but what the pool keeps is taken; then a buffer that needs just these frames, in another size;
 * then one that needs more. Expect the pool emptied for the first, without a sleep; a failure for the second
 * with nothing left behind. */
static void test_the_pool_goes_first_when_memory_is_short(void **state)
{
    (void)state;
    for (int waits = 0; waits < 3; waits++) {
        struct desk desk;
        struct pl_run others[FRAMES];
        struct pl_run singles[6];
        struct pl_buffer_constraints want = plain();
        struct pl_request request = stub2_request(0);
        struct pl_cpu *cpu = fixture_cpu(&desk.fixture);
        open_pool(&desk, true, NULL);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(plan(&desk, P, &want), PL_OK);
            singles[i] = desk.runs[0];
        }
        for (int i = 0; i < 6; i++)
            assert_int_equal(release(&desk, &singles[i], 1), PL_OK);
        assert_int_equal(desk_kept(&desk), 6);
        while (fixture_alloc(&desk.fixture, cpu, &request, &others[desk.own]) == PL_OK)
            desk.own++;
        assert_int_equal(desk.own, FRAMES - 6);
        want.request.flags = waits == 1 ? PL_REQUEST_WAIT_OK : waits == 2 ? PL_REQUEST_WAIT_FAIL : 0;
        want.flags = CONTIGUOUS; /* two of the single frames, once they are the allocator's again */
        assert_int_equal(plan(&desk, 2 * P, &want), PL_OK);
        expect_runs(&desk, 2 * P, &want);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        want.flags = 0;
        desk.fixture.wait_calls = 0;
        assert_int_equal(plan(&desk, 6 * P, &want), PL_OK);
        expect_runs(&desk, 6 * P, &want);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        assert_int_equal(plan(&desk, 7 * P, &want), PL_NO_MEMORY);
        assert_int_equal(desk.fixture.wait_calls > 0, waits != 0);
        assert_int_equal(desk.fixture.held, desk.own);
        expect_sound(&desk, 0);
        give_back(&desk, others, desk.own);
        desk_close(&desk);
    }
}

/* With frames of several sizes in the pool the n-th grant fails and all behind it, for each n.
 * Expect either a right buffer, or no-memory and no frame in a buffer; the waiting only when the pool is
 * empty. */
static void test_every_grant_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 24; n++) {
        for (int with_runs = 0; with_runs < 2; with_runs++) {
            struct desk desk;
            struct pl_buffer_constraints want = plain();
            open_pool(&desk, with_runs != 0, NULL);
            warm(&desk, 1, &want);
            warm(&desk, 2, &want);
            warm(&desk, 4, &want);
            desk.fixture.calls = 0;
            desk.fixture.fail_from = n;
            want.flags = PL_BUFFER_ZERO;
            enum pl_status status = plan(&desk, 11 * P, &want);
            if (status == PL_OK) {
                expect_runs(&desk, 11 * P, &want);
                assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
            } else {
                assert_int_equal(status, PL_NO_MEMORY);
                assert_int_equal(desk.fixture.held, 0);
            }
            expect_sound(&desk, 0);
            desk_close(&desk);
        }
    }
}

/* A kept run is released by somebody, alone, in parts, and among a buffer's own.
 * Expect it refused, the buffer still whole. */
static void test_kept_is_nobodys(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    open_pool(&desk, true, NULL);
    warm(&desk, 3, &want);
    struct pl_run kept = desk.runs[0];
    assert_int_equal(plan(&desk, 2 * P, &want), PL_OK);
    struct pl_run own = desk.runs[0];
    const struct pl_run inside = {.first = {kept.first.number + 1}, .frame_count = 2};
    const struct pl_run lists[][2] = {{own, kept}, {kept, own}, {own, inside}, {kept, kept}};
    for (size_t i = 0; i < PL_COUNT_OF(lists); i++) {
        assert_int_equal(release(&desk, lists[i], 2), PL_REFUSED);
        expect_sound(&desk, 5);
    }
    assert_int_equal(release(&desk, &own, 1), PL_OK);
    assert_int_equal(desk_kept(&desk), 5);
    desk_close(&desk);
}

/* --- interrupts and threads --- */

struct pool_interrupt {
    struct stub2_handler handler;
    struct desk *desk;
    struct pl_run run;
    bool holds;
    bool inside;
    unsigned runs;
};

/* What an interrupt does: makes a buffer of a frame, or releases its own. */
static void make_or_release(struct stub2_handler *handler, struct pl_cpu *cpu, unsigned bits)
{
    struct pool_interrupt *interrupt = (struct pool_interrupt *)handler;
    struct pl_buffer_constraints want = plain();
    size_t run_count;
    (void)bits;
    interrupt->inside = true;
    interrupt->runs++;
    const struct pl_buffer_ops *ops = interrupt->desk->ops;
    if (interrupt->holds)
        assert_int_equal(ops->release(interrupt->desk->self, cpu, &interrupt->run, 1), PL_OK);
    else
        assert_int_equal(ops->plan(interrupt->desk->self, cpu, P, &want, &interrupt->run, 1, &run_count),
                         PL_OK);
    interrupt->holds = !interrupt->holds;
    interrupt->inside = false;
}

static void raise_at_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct pool_interrupt *interrupt = cpu->platform_data;
    (void)object;
    if (kind != PL_POINT_LABEL || interrupt->inside)
        return;
    if (atomic_load(&cpu->masked) != 0)
        atomic_fetch_or(&cpu->pending, 1u);
    else
        make_or_release(&interrupt->handler, cpu, 1);
}

/* At every labelled point an interrupt makes a buffer or releases one.
 * Expect no frame in two buffers, and a sound pool after each call. */
static void test_interrupts_at_the_worst_moment(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    open_pool(&desk, true, NULL);
    struct pool_interrupt interrupt = {.handler = {.run = make_or_release}, .desk = &desk};
    desk.fixture.stub.platform.point = raise_at_point;
    fixture_cpu(&desk.fixture)->platform_data = &interrupt.handler;
    for (int round = 0; round < 100; round++) {
        assert_int_equal(plan(&desk, (1 + (uint64_t)round % 3) * P, &want), PL_OK);
        for (size_t i = 0; i < desk.run_count && interrupt.holds; i++)
            assert_true(interrupt.run.first.number - desk.runs[i].first.number >= desk.runs[i].frame_count);
        expect_sound(&desk, 1);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        expect_sound(&desk, 0);
    }
    assert_true(interrupt.runs > 50);
    desk.fixture.stub.platform.point = NULL;
    if (interrupt.holds)
        assert_int_equal(release(&desk, &interrupt.run, 1), PL_OK);
    desk_close(&desk);
}

struct worker {
    struct stub2 *stub;
    const struct pl_buffer_ops *ops;
    void *self;
    uint32_t cpu;
    unsigned made;
};

/* Makes and releases buffers, each stamped with its maker; drains now and then. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct pl_cpu *cpu = &worker->stub->cpus[worker->cpu];
    struct pl_buffer_constraints want = plain();
    uint64_t seed = 100 + worker->cpu;
    for (int round = 0; round < 4000; round++) {
        struct pl_run runs[16];
        size_t run_count;
        uint64_t frames = 1 + service_random(&seed) % 6;
        if (round % 200 == 0)
            worker->ops->drain(worker->self, cpu);
        if (worker->ops->plan(worker->self, cpu, frames * P, &want, runs, 16, &run_count) != PL_OK)
            continue;
        worker->made++;
        for (size_t i = 0; i < run_count; i++)
            *pl_frame_address(&worker->stub->machine, runs[i].first) = (unsigned char)worker->cpu;
        for (size_t i = 0; i < run_count; i++)
            assert_int_equal(*pl_frame_address(&worker->stub->machine, runs[i].first), worker->cpu);
        assert_int_equal(worker->ops->release(worker->self, cpu, runs, run_count), PL_OK);
    }
    return NULL;
}

/* Two threads on a small machine.
 * Expect each buffer its maker's alone, and every frame free in the end. */
static void test_threads(void **state)
{
    (void)state;
    struct stub2 stub;
    enum pl_status status;
    stub2_make(&stub, ranges, 2, 2, true);
    struct pl_page page = stub2_init(&stub, &pl_candidate_buddy, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    const struct pl_buffer_config config = {.bytes = sizeof(config), .machine = &stub.machine, .page = page};
    const struct pl_buffer_ops *ops = pl_candidate_pool.buffer;
    void *self = service_metadata(ops->meta_bytes(&config));
    assert_int_equal(ops->init(self, &config), PL_OK);
    struct worker workers[2];
    pthread_t threads[2];
    for (uint32_t i = 0; i < 2; i++) {
        workers[i] = (struct worker){.stub = &stub, .ops = ops, .self = self, .cpu = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(workers[i].made > 1000);
    }
    struct service_listener listener = service_listener();
    assert_int_equal(ops->audit(self, &listener.visitor), 0);
    ops->drain(self, &stub.cpus[0]);
    struct pl_page_counts counts;
    page.ops->count(page.self, &counts);
    assert_int_equal(counts.free + counts.cached, FRAMES);
    ops->fini(self);
    free(self);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* --- parameters and the audit --- */

static void test_parameters(void **state)
{
    (void)state;
    struct desk desk;
    char text[96];
    open_pool(&desk, true, "frames=1024,keep=64");
    desk.ops->settings(desk.self, text, sizeof(text));
    assert_string_equal(text, "policy=kept-or-one-run keep=64 frames=1024");
    const struct pl_buffer_config config = {.machine = &desk.fixture.stub.machine, .page = desk.fixture.page};
    static const char *const wrong[] = {
        "keep=65", "frames=0", "frames=1025", "keep=", "keep=1,", "size=1", "keep=1,keep=1"};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        struct pl_buffer_config bad = config;
        bad.params = wrong[i];
        void *self = service_metadata(desk.ops->meta_bytes(&bad));
        assert_int_equal(desk.ops->init(self, &bad), PL_INVALID);
        free(self);
    }
    desk_close(&desk);
}

/* Words of the pool are made wrong one at a time.
 * Expect the audit to say so each time. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    open_pool(&desk, true, NULL);
    want.flags = CONTIGUOUS;
    warm(&desk, 3, &want);
    warm(&desk, 1, &want);
    struct pool *self = desk.self;
    struct pool_grant *grant = &pool_shelf(self, 1)[0];
    assert_int_equal(grant->frames, 3);
    uint64_t at = grant->first.number - FIRST;
    uint32_t *const words[] = {&grant->frames, &grant->kind, &self->counts[0], &self->counts[1],
                               &self->counts[4]};
    struct service_listener listener = service_listener();
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 1;
        assert_true(desk.ops->audit(desk.self, &listener.visitor) > 0);
        *words[i] ^= 1;
        expect_sound(&desk, 4);
    }
    grant->first.number ^= 1;
    assert_true(desk.ops->audit(desk.self, &listener.visitor) > 0);
    grant->first.number ^= 1;
    atomic_fetch_xor(&self->frames_kept, 1);
    assert_true(desk.ops->audit(desk.self, &listener.visitor) > 0);
    atomic_fetch_xor(&self->frames_kept, 1);
    atomic_fetch_xor(&self->service.state[at], PLAN_CLAIMED);
    assert_true(desk.ops->audit(desk.self, &listener.visitor) > 0);
    atomic_fetch_xor(&self->service.state[at], PLAN_CLAIMED);
    expect_sound(&desk, 4);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_second_one_calls_nobody),
        cmocka_unit_test(test_what_does_not_suit_stays),
        cmocka_unit_test(test_the_one_that_suits_is_found),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_the_pool_goes_first_when_memory_is_short),
        cmocka_unit_test(test_every_grant_may_fail),
        cmocka_unit_test(test_kept_is_nobodys),
        cmocka_unit_test(test_interrupts_at_the_worst_moment),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
