/* percpu: what a magazine holds is exact at every step, whatever fails below it. */
#include "../../allocators/reference/reference_internal.h"
#include "percpu_fixture.h"

/* One allocation on an empty magazine. Expect a whole batch taken below, all but one of it cached. */
static void test_refill_takes_one_batch(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    assert_int_equal(run.frame_count, 1);
    assert_int_equal(run.order, 0);
    expect_counts(&fixture, 100 - BATCH, BATCH - 1);
    put(&fixture, 0, &run);
    expect_counts(&fixture, 100 - BATCH, BATCH);
    fixture_close(&fixture);
}

/* HIGH + 1 frees on one CPU. Expect one batch pushed down by the last, the frame freed last on top. */
static void test_overflow_pushes_one_batch_down(void **state)
{
    struct fixture fixture;
    struct pl_run runs[HIGH + 1];
    struct pl_run again;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    drain(&fixture, 0, 0);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs), 0);
    for (uint32_t i = 0; i < HIGH; i++)
        put(&fixture, 0, &runs[i]);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs), HIGH);
    put(&fixture, 0, &runs[HIGH]);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs) + BATCH, HIGH - BATCH + 1);
    assert_int_equal(get(&fixture, 0, 0, &again), PL_OK);
    assert_int_equal(again.first.number, runs[HIGH].first.number);
    fixture_close(&fixture);
}

/* All frames of a machine that no batch divides, one by one. Expect every one granted, then PL_NO_MEMORY with
 * nothing changed; and after a drain the largest block again. */
static void test_exhaustion_reaches_every_frame(void **state)
{
    struct fixture fixture;
    struct pl_run runs[101];
    struct pl_run large;
    (void)state;
    fixture_open(&fixture, 101, PARAMS, NULL);
    for (uint32_t i = 0; i < 101; i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    expect_counts(&fixture, 0, 0);
    assert_int_equal(get(&fixture, 0, 0, &large), PL_NO_MEMORY);
    expect_counts(&fixture, 0, 0);
    for (uint32_t i = 0; i < 101; i++)
        put(&fixture, i % 2, &runs[i]);
    drain(&fixture, 1, 0);
    drain(&fixture, 0, 1);
    expect_counts(&fixture, 101, 0);
    assert_int_equal(get(&fixture, 0, 5, &large), PL_OK);
    put(&fixture, 0, &large);
    fixture_close(&fixture);
}

/* The n-th inner grant fails, for each n that three refills can meet. Expect that a refill keeps what it got,
 * that only a refill that got nothing fails, and that a failure changes nothing and does not last. */
static void test_each_inner_failure(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3 * BATCH; n++) {
        struct fixture fixture;
        struct pl_run runs[3 * BATCH];
        uint32_t granted = 0;
        uint32_t failures = 0;
        char params[32];
        snprintf(params, sizeof(params), "after=%u", n);
        fixture_open(&fixture, 100, PARAMS, params);
        while (granted < 3 * BATCH) {
            struct pl_page_counts before;
            fixture.page.ops->count(fixture.page.self, &before);
            if (get(&fixture, 0, 0, &runs[granted]) == PL_OK) {
                granted++;
                continue;
            }
            failures++;
            expect_counts(&fixture, before.free, before.cached);
        }
        assert_int_equal(failures, n % BATCH == 1 ? 1 : 0);
        for (uint32_t i = 0; i < granted; i++)
            put(&fixture, 0, &runs[i]);
        drain(&fixture, 0, 0);
        expect_counts(&fixture, 100, 0);
        fixture_close(&fixture);
    }
}

/* Frames freed on CPU 1 are cached there, and CPU 0 cannot have them. Expect a drain of CPU 1, asked for by
 * CPU 0, to bring them back. */
static void test_two_cpus(void **state)
{
    struct fixture fixture;
    struct pl_run runs[HIGH];
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, HIGH, PARAMS, NULL);
    for (uint32_t i = 0; i < HIGH; i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    for (uint32_t i = 0; i < HIGH; i++)
        put(&fixture, 1, &runs[i]);
    expect_counts(&fixture, 0, HIGH);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_NO_MEMORY);
    expect_counts(&fixture, 0, HIGH);
    drain(&fixture, 0, 1);
    expect_counts(&fixture, HIGH, 0);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    fixture_close(&fixture);
}

/* Larger orders, runs and their frees. Expect them answered by the inner one, the magazine untouched. */
static void test_other_orders_pass_through(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    struct pl_run five;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 3, &run), PL_OK);
    assert_int_equal(run.flags, 0);
    expect_counts(&fixture, 92, 0);
    struct pl_request request = stub2_request(0);
    struct pl_constraints constraints = {.frame_count = 5, .high = pl_frame_at(1000), .alignment = 1};
    assert_int_equal(
        fixture.page.ops->alloc_run(fixture.page.self, &fixture.stub.cpus[0], &request, &constraints, &five),
        PL_OK);
    assert_true(stub2_grant(&fixture.stub, &five));
    expect_counts(&fixture, 87, 0);
    put(&fixture, 0, &five);
    put(&fixture, 0, &run);
    expect_counts(&fixture, 100, 0);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[0], &run), PL_REFUSED);
    request.order = 11;
    assert_int_equal(fixture.page.ops->alloc(fixture.page.self, &fixture.stub.cpus[0], &request, &run),
                     PL_UNSUPPORTED);
    request = stub2_request(0);
    request.alloc_class = PL_CLASS_COUNT;
    assert_int_equal(fixture.page.ops->alloc(fixture.page.self, &fixture.stub.cpus[0], &request, &run),
                     PL_INVALID);
    expect_counts(&fixture, 100, 0);
    fixture_close(&fixture);
}

/* A grant of 8 split into single frames, which are freed through the magazine. Expect the inner one to take
 * them all back one by one. */
static void test_split_parts_go_down_singly(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 3, &run), PL_OK);
    assert_int_equal(fixture.page.ops->split(fixture.page.self, &fixture.stub.cpus[0], &run, 0), PL_OK);
    for (uint64_t i = 0; i < 8; i++) {
        struct pl_run part = {.first = pl_frame_at(run.first.number + i), .frame_count = 1};
        put(&fixture, 0, &part);
    }
    expect_counts(&fixture, 92, 8);
    drain(&fixture, 0, 0);
    expect_counts(&fixture, 100, 0);
    fixture_close(&fixture);
}

/* Two nodes. Expect a request that names one to reach the inner one and get its frame, cached ones or not. */
static void test_a_wanted_node_passes_through(void **state)
{
    struct pl_range ranges[2] = {{.first = pl_frame_at(0), .frame_count = 50, .node = 0},
                                 {.first = pl_frame_at(64), .frame_count = 50, .node = 1}};
    struct stub2 stub;
    struct pl_run run;
    enum pl_status status;
    (void)state;
    stub2_make(&stub, ranges, 2, 1, false);
    uint64_t caps = pl_candidate_reference.page->caps;
    struct pl_page inner = stub2_init(&stub, &pl_candidate_reference, NULL, 0, NULL, &status);
    struct pl_page page = stub2_init(&stub, &pl_candidate_percpu, &inner, caps, PARAMS, &status);
    struct pl_request request = stub2_request(0);
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    request.node = 1;
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.flags, 0);
    assert_true(run.first.number >= 64);
    stub2_fini(&page);
    stub2_fini(&inner);
    stub2_destroy(&stub);
}

/* All frames out, and one more asked for that may be waited for. Expect the inner one asked, and its answer.
 * Then a run, under the guard of one that is not concurrent: waiting is not for who is masked. */
static void test_waits_go_to_the_inner_one(void **state)
{
    struct fixture fixture;
    struct pl_request request = stub2_request(0);
    struct pl_constraints constraints = {.frame_count = 3, .high = pl_frame_at(UINT64_MAX), .alignment = 1};
    struct pl_run runs[10];
    struct pl_run run;
    enum pl_status status;
    (void)state;
    fixture_open(&fixture, 10, PARAMS, NULL);
    struct pl_cpu *cpu = &fixture.stub.cpus[0];
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    request.flags = PL_REQUEST_WAIT_OK;
    assert_int_equal(fixture.page.ops->alloc(fixture.page.self, cpu, &request, &run), PL_NO_MEMORY);
    for (uint32_t i = 0; i < 10; i++)
        put(&fixture, 0, &runs[i]);
    drain(&fixture, 0, 0);
    struct pl_page guarded =
        stub2_init(&fixture.stub, &pl_candidate_percpu, &fixture.inner, 0, PARAMS, &status);
    assert_int_equal(status, PL_OK);
    assert_int_equal(guarded.ops->alloc_run(guarded.self, cpu, &request, &constraints, &run), PL_OK);
    assert_int_equal(guarded.ops->free(guarded.self, cpu, &run), PL_OK);
    stub2_fini(&guarded);
    fixture_close(&fixture);
}

/* A frame freed twice, and a frame freed that was never granted. Expect the audit to name both. */
static void test_audit_sees_wrong_frees(void **state)
{
    struct fixture fixture;
    struct stub2_listener listener;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    put(&fixture, 0, &run);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[1], &run), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_int_equal(listener.broken, 1);
    assert_string_equal(listener.first_broken, "percpu: frame 10 is cached twice");
    fixture_close(&fixture);

    fixture_open(&fixture, 100, PARAMS, NULL);
    run = (struct pl_run){.first = pl_frame_at(50), .frame_count = 1};
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[0], &run), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_string_equal(listener.first_broken,
                        "percpu: frame 50 is cached and not granted by the inner allocator");
    fixture_close(&fixture);

    fixture_open(&fixture, 100, PARAMS, NULL);
    ((struct reference *)fixture.inner.self)->hint = 101;
    assert_true(stub2_audit(&fixture.stub, &fixture.page, &listener) > 0);
    assert_memory_equal(listener.first_broken, "reference: ", 11);
    fixture_close(&fixture);
}

/* More frames cached than one chunk of the audit holds. Expect each heard once, and a twin in another chunk
 * found. */
static void test_audit_in_several_chunks(void **state)
{
    static struct pl_run runs[1300];
    struct fixture fixture;
    struct stub2_listener listener;
    (void)state;
    fixture_open(&fixture, 2000, "batch=1,high=1400", NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        put(&fixture, 0, &runs[i]);
    expect_counts(&fixture, 700, 1300);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[1], &runs[0]), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_string_equal(listener.first_broken, "percpu: frame 7 is cached twice");
    fixture_close(&fixture);
}

/* Texts in parentheses. Expect the good ones shown by settings, the bad ones PL_INVALID or no metadata. */
static void test_params(void **state)
{
    static const struct {
        const char *text;
        const char *settings; /* NULL: bad */
    } cases[] = {
        {NULL, "batch=32 high=64 guard=none "},
        {"", "batch=32 high=64 guard=none "},
        {"batch=8", "batch=8 high=16 guard=none "},
        {"high=100", "batch=32 high=100 guard=none "},
        {"high=9,batch=9", "batch=9 high=9 guard=none "},
        {"batch=0", NULL},
        {"high=5", NULL},
        {"batch=99999999999999999999", NULL},
        {"batch=8,", NULL},
        {"batch", NULL},
        {"batch=8 high=9", NULL},
        {"colour=blue", NULL},
        {"batch=-1", NULL},
    };
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, 10, NULL, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(cases); i++) {
        enum pl_status status;
        char text[200];
        struct pl_page page = stub2_init(&fixture.stub, &pl_candidate_percpu, &fixture.inner,
                                         pl_candidate_reference.page->caps, cases[i].text, &status);
        assert_int_equal(page.self != NULL, cases[i].settings != NULL);
        if (page.self == NULL)
            continue;
        page.ops->settings(page.self, text, sizeof(text));
        assert_memory_equal(text, cases[i].settings, strlen(cases[i].settings));
        page.ops->settings(page.self, text, 4);
        assert_string_equal(text, "bat");
        stub2_fini(&page);
    }
    fixture_close(&fixture);
}

/* Expect exactly the capabilities that a magazine takes away or gives, whatever the inner one has. */
static void test_capabilities(void **state)
{
    uint64_t kept = PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES;
    uint64_t lost = PL_CAP_EXACT_COUNT | PL_CAP_CHECKS_FREE | PL_CAP_KNOWS_ZERO | PL_CAP_NMI_SAFE;
    struct pl_page_config config = {.inner_caps = kept | lost};
    (void)state;
    assert_int_equal(pl_candidate_percpu.page->caps_of(&config), kept | PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refill_takes_one_batch),
        cmocka_unit_test(test_overflow_pushes_one_batch_down),
        cmocka_unit_test(test_exhaustion_reaches_every_frame),
        cmocka_unit_test(test_each_inner_failure),
        cmocka_unit_test(test_two_cpus),
        cmocka_unit_test(test_other_orders_pass_through),
        cmocka_unit_test(test_split_parts_go_down_singly),
        cmocka_unit_test(test_a_wanted_node_passes_through),
        cmocka_unit_test(test_waits_go_to_the_inner_one),
        cmocka_unit_test(test_audit_sees_wrong_frees),
        cmocka_unit_test(test_audit_in_several_chunks),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
