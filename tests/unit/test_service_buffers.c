/* The buffer services, pages, run and pool: constraints obeyed, exact undo, wrong releases, contents. */
#include "desk_fixture.h"

/* Every combination of service, candidate, and whether that has runs. */
#define COMBINATIONS 18

static void desk_open_nth(struct desk *desk, int nth)
{
    static const struct pl_candidate *const below[] = {&pl_candidate_reference, &pl_candidate_bitmap,
                                                       &pl_candidate_buddy};
    static const struct pl_candidate *const services[] = {&pl_candidate_pages, &pl_candidate_run,
                                                          &pl_candidate_pool};
    desk_open(desk, services[nth % 3], below[nth / 3 % 3], nth / 9 == 0);
}

static void random_constraints(uint64_t *seed, struct pl_buffer_constraints *want)
{
    uint64_t dice = service_random(seed);
    *want = plain();
    want->flags = (dice & 7) == 0 ? CONTIGUOUS : 0;
    want->flags |= (dice & 24) == 0 ? PL_BUFFER_ZERO : 0;
    if ((dice >> 5) % 3 == 0)
        want->alignment = UINT64_C(1) << (dice >> 8) % 16;
    if ((dice >> 12) % 4 == 0)
        want->boundary = P << (dice >> 16) % 5;
    if ((dice >> 20) % 4 == 0)
        want->segment_bytes_max = P + (dice >> 24) % (9 * P);
    if ((dice >> 32) % 4 == 0)
        want->segment_count_max = 1 + (uint32_t)(dice >> 36) % 9;
    if ((dice >> 40) % 5 == 0)
        want->address_mask = (UINT64_C(1) << 22) - 1; /* frames below 1024 */
}

/* 700 buffers of random sizes and constraints on each service and candidate, up to 6 at once, on machines
 * that are whole or in pieces. Expect what is granted to obey every constraint, and what is not to leave no
 * frame behind. */
static void test_random_constraints_are_obeyed(void **state)
{
    (void)state;
    static struct pl_run live[6][RUN_LIMIT];
    for (int nth = 0; nth < COMBINATIONS; nth++) {
        struct desk desk;
        struct pl_run kept[FRAMES];
        size_t counts[6] = {0};
        uint64_t seed = 5 + (uint64_t)nth;
        unsigned granted = 0;
        desk_open_nth(&desk, nth);
        uint64_t kept_count = 0;
        for (int step = 0; step < 700; step++) {
            size_t slot = service_random(&seed) % 6;
            if (step == 350) {
                for (size_t i = 0; i < 6; i++)
                    if (counts[i] > 0)
                        assert_int_equal(release(&desk, live[i], counts[i]), PL_OK);
                memset(counts, 0, sizeof(counts));
                kept_count = break_up(&desk, kept, 3);
            }
            if (counts[slot] > 0) {
                assert_int_equal(release(&desk, live[slot], counts[slot]), PL_OK);
                assert_int_equal(release(&desk, live[slot], counts[slot]), PL_REFUSED);
                counts[slot] = 0;
                continue;
            }
            struct pl_buffer_constraints want;
            random_constraints(&seed, &want);
            uint64_t bytes = 1 + service_random(&seed) % (12 * P);
            uint64_t used = desk.fixture.held - desk_kept(&desk);
            if (plan(&desk, bytes, &want) != PL_OK) {
                assert_int_equal(desk.fixture.held - desk_kept(&desk), used);
                continue;
            }
            granted++;
            expect_runs(&desk, bytes, &want);
            counts[slot] = desk.run_count;
            memcpy(live[slot], desk.runs, desk.run_count * sizeof(desk.runs[0]));
        }
        assert_true(granted > 100);
        for (size_t i = 0; i < 6; i++)
            if (counts[i] > 0)
                assert_int_equal(release(&desk, live[i], counts[i]), PL_OK);
        give_back(&desk, kept, kept_count);
        expect_sound(&desk, 0);
        desk_close(&desk);
    }
}

/* Every illegal combination, and each that no state of the machine could serve.
 * Expect PL_INVALID and PL_NEVER without a call of the allocator. */
static void test_illegal_and_impossible(void **state)
{
    (void)state;
    struct pl_buffer_constraints illegal[8];
    struct pl_buffer_constraints never[7];
    for (size_t i = 0; i < PL_COUNT_OF(illegal); i++)
        illegal[i] = plain();
    for (size_t i = 0; i < PL_COUNT_OF(never); i++)
        never[i] = plain();
    illegal[0].alignment = 0;
    illegal[1].alignment = 3;
    illegal[2].alignment = P - 1;
    illegal[3].boundary = 3;
    illegal[4].boundary = UINT64_MAX;
    illegal[5].flags = 4;
    illegal[6].request.alloc_class = PL_CLASS_COUNT;
    illegal[7].request.flags = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL;
    never[0].boundary = P / 2;
    never[1].segment_bytes_max = P - 1;
    never[2].segment_bytes_max = P;
    never[2].segment_count_max = 3;
    never[3].flags = CONTIGUOUS;
    never[3].boundary = 2 * P;
    never[4].address_mask = 0;
    never[5].address_mask = ~(P - 1);
    never[6].address_mask = FIRST * P / 2;
    for (int nth = 0; nth < COMBINATIONS; nth++) {
        struct desk desk;
        struct pl_buffer_constraints want = plain();
        desk_open_nth(&desk, nth);
        for (size_t i = 0; i < PL_COUNT_OF(illegal); i++)
            assert_int_equal(plan(&desk, 4 * P, &illegal[i]), PL_INVALID);
        for (size_t i = 0; i < PL_COUNT_OF(never); i++)
            assert_int_equal(plan(&desk, 4 * P, &never[i]), PL_NEVER);
        assert_int_equal(plan(&desk, 0, &want), PL_INVALID);
        assert_int_equal(plan_into(&desk, P, &want, 0), PL_INVALID);
        want.segment_bytes_max = P;
        assert_int_equal(plan_into(&desk, 2 * P, &want, 1), PL_INVALID);
        want.segment_bytes_max = 0;
        const uint64_t large[] = {FRAMES * P + 1, UINT64_C(1) << 32, UINT64_MAX - P + 1, UINT64_MAX};
        for (size_t i = 0; i < PL_COUNT_OF(large); i++)
            assert_int_equal(plan(&desk, large[i], &want), PL_NEVER);
        want.address_mask = (UINT64_C(1) << 22) - 1; /* 24 frames lie below */
        assert_int_equal(plan(&desk, 25 * P, &want), PL_NEVER);
        want.address_mask |= UINT64_C(1) << 23; /* more lie above the hole */
        assert_int_equal(plan(&desk, 25 * P, &want), PL_UNSUPPORTED);
        assert_int_equal(desk.fixture.calls, 0);
        assert_int_equal(plan(&desk, FRAMES * P,
                              &(struct pl_buffer_constraints){.alignment = P, .address_mask = UINT64_MAX}),
                         PL_OK);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        desk_close(&desk);
    }
}

/* Buffers of 13 frames under several constraints, with the n-th grant failing, for each n until none fails.
 * Expect each failure to leave nothing behind, and to be no-memory. */
static void test_every_grant_may_fail(void **state)
{
    (void)state;
    for (int nth = 0; nth < COMBINATIONS; nth++) {
        for (int shape = 0; shape < 4; shape++) {
            struct desk desk;
            struct pl_buffer_constraints want = plain();
            want.flags = PL_BUFFER_ZERO | (shape == 1 ? CONTIGUOUS : 0);
            want.alignment = shape == 2 ? 4 * P : 1;
            want.segment_bytes_max = shape == 3 ? 3 * P : 0;
            desk_open_nth(&desk, nth);
            uint64_t n = 0;
            enum pl_status status;
            do {
                desk.fixture.fail_from = ++n;
                desk.fixture.calls = 0;
                status = plan(&desk, 13 * P, &want);
                if (status == PL_OK)
                    continue;
                assert_int_equal(status, PL_NO_MEMORY);
                assert_int_equal(desk.fixture.held, 0);
                expect_sound(&desk, 0);
            } while (status != PL_OK && n < 64);
            assert_int_equal(status, PL_OK);
            expect_runs(&desk, 13 * P, &want);
            assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
            desk_close(&desk);
        }
    }
}

/* Two buffers; releases of parts of grants, of runs twice in one call, of both with a foreign one among them,
 * of frames that are nobody's. Expect each refused and both buffers whole: their own release succeeds
 * afterwards. */
static void test_wrong_releases_are_refused(void **state)
{
    (void)state;
    for (int nth = 0; nth < COMBINATIONS; nth++) {
        struct desk desk;
        struct pl_buffer_constraints want = plain();
        struct pl_request request = stub2_request(0);
        struct pl_run foreign;
        desk_open_nth(&desk, nth);
        want.flags = CONTIGUOUS;
        assert_int_equal(plan(&desk, 5 * P, &want), PL_OK);
        struct pl_run whole = desk.runs[0];
        struct pl_cpu *cpu = fixture_cpu(&desk.fixture);
        assert_int_equal(fixture_alloc(&desk.fixture, cpu, &request, &foreign), PL_OK);
        desk.own = 1;
        struct pl_run inside = {.first = {whole.first.number + 1}, .frame_count = 4};
        struct pl_run longer = {.first = whole.first, .frame_count = 9};
        struct pl_run beyond = {.first = {FIRST + FRAMES + 10}, .frame_count = 1};
        struct pl_run before = {.first = {FIRST - 1}, .frame_count = 1};
        struct pl_run empty = {.first = whole.first, .frame_count = 0};
        struct pl_run far = {.first = {UINT64_MAX}, .frame_count = UINT64_MAX};
        const struct pl_run lists[][2] = {{inside, inside}, {whole, whole},  {whole, foreign},
                                          {whole, inside},  {longer, whole}, {whole, beyond},
                                          {before, whole},  {whole, empty},  {far, whole}};
        for (size_t i = 0; i < PL_COUNT_OF(lists); i++) {
            assert_int_equal(release(&desk, lists[i], 2), PL_REFUSED);
            expect_sound(&desk, 6);
        }
        assert_int_equal(release(&desk, &whole, 0), PL_REFUSED);
        assert_int_equal(release(&desk, &whole, 1), PL_OK);
        assert_int_equal(release(&desk, &whole, 1), PL_REFUSED);
        assert_int_equal(fixture_free(&desk.fixture, cpu, &foreign), PL_OK);
        desk_close(&desk);
    }
}

/* 12 frames on a whole machine, and on one where every third frame is free.
 * Expect `run` to give one run on the first; both to give twelve on the second, and neither one if asked for
 * one. */
static void test_character_of_each(void **state)
{
    (void)state;
    for (int with_runs = 0; with_runs < 2; with_runs++) {
        struct desk desk;
        struct pl_run kept[FRAMES];
        struct pl_buffer_constraints want = plain();
        desk_open(&desk, &pl_candidate_run, &pl_candidate_bitmap, with_runs != 0);
        assert_int_equal(plan(&desk, 12 * P, &want), PL_OK);
        assert_int_equal(desk.run_count, 1);
        assert_int_equal(desk.fixture.calls, 1);
        assert_int_equal(desk.fixture.held, with_runs != 0 ? 12 : 16);
        assert_int_equal(release(&desk, desk.runs, 1), PL_OK);
        uint64_t count = break_up(&desk, kept, 3);
        assert_int_equal(plan(&desk, 12 * P, &want), PL_OK);
        assert_int_equal(desk.run_count, 12);
        expect_runs(&desk, 12 * P, &want);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        want.flags = CONTIGUOUS;
        assert_int_equal(plan(&desk, 2 * P, &want), PL_NO_MEMORY);
        want.flags = 0;
        want.segment_count_max = 11;
        assert_int_equal(plan(&desk, 12 * P, &want), PL_NO_MEMORY);
        give_back(&desk, kept, count);
        desk_close(&desk);
    }
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    desk_open(&desk, &pl_candidate_pages, &pl_candidate_bitmap, true);
    assert_int_equal(plan(&desk, 12 * P, &want), PL_OK);
    assert_int_equal(desk.fixture.calls, 12);
    assert_int_equal(desk.fixture.run_calls, 0);
    assert_int_equal(desk.run_count, 1); /* first fit: all neighbours */
    char text[64] = "";
    pl_candidate_run.buffer->settings(desk.self, text, sizeof(text));
    assert_non_null(strchr(text, '='));
    struct pl_buffer_config config = {.bytes = sizeof(config),
                                      .machine = &desk.fixture.stub.machine,
                                      .page = desk.fixture.page,
                                      .params = "keep=1"};
    void *other = service_metadata(desk.ops->meta_bytes(&config));
    assert_int_equal(desk.ops->init(other, &config), PL_INVALID);
    free(other);
    assert_int_equal(release(&desk, desk.runs, 1), PL_OK);
    desk_close(&desk);
}

/* Wait flags, where the allocator gives nothing.
 * Expect them passed on, but by `run` only with the smallest pieces: what it tries first may fail without a
 * wait. */
static void test_wait_flags_are_passed_on(void **state)
{
    (void)state;
    for (int nth = 0; nth < 2; nth++) {
        struct desk desk;
        struct pl_buffer_constraints want = plain();
        desk_open_nth(&desk, nth);
        assert_int_equal(plan(&desk, 3 * P, &want), PL_OK);
        assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
        assert_int_equal(desk.fixture.wait_flags, 0);
        want.request.flags = PL_REQUEST_WAIT_FAIL;
        desk.fixture.fail_from = 1;
        desk.fixture.calls = 0;
        assert_int_equal(plan(&desk, 3 * P, &want), PL_NO_MEMORY);
        assert_int_equal(desk.fixture.wait_flags, PL_REQUEST_WAIT_FAIL);
        assert_int_equal(desk.fixture.wait_calls, 1);
        want.flags = CONTIGUOUS;
        assert_int_equal(plan(&desk, 3 * P, &want), PL_NO_MEMORY);
        assert_int_equal(desk.fixture.wait_calls, 2);
        desk_close(&desk);
    }
}

/* Marks are made wrong one at a time.
 * Expect the audit to say so. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct desk desk;
    struct pl_buffer_constraints want = plain();
    desk_open(&desk, &pl_candidate_run, &pl_candidate_reference, true);
    assert_int_equal(plan(&desk, 3 * P, &want), PL_OK);
    struct plan_service *service = desk.self;
    uint64_t at = desk.runs[0].first.number - FIRST;
    const uint8_t wrong[] = {PLAN_NONE, PLAN_PART, PLAN_BLOCK | 3, PLAN_RUN | PLAN_CLAIMED};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        struct service_listener listener = service_listener();
        atomic_store(&service->state[at], wrong[i]);
        assert_true(desk.ops->audit(desk.self, &listener.visitor) > 0);
        assert_true(strncmp(listener.words, "buffer: ", 8) == 0);
        atomic_store(&service->state[at], PLAN_RUN);
        expect_sound(&desk, 3);
    }
    assert_int_equal(release(&desk, desk.runs, desk.run_count), PL_OK);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_constraints_are_obeyed),
        cmocka_unit_test(test_illegal_and_impossible),
        cmocka_unit_test(test_every_grant_may_fail),
        cmocka_unit_test(test_wrong_releases_are_refused),
        cmocka_unit_test(test_character_of_each),
        cmocka_unit_test(test_wait_flags_are_passed_on),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
