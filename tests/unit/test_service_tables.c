/* The services of table memory, direct, stack and prealloc: zero frames, wrong releases, failures, what is
 * kept. */
#include "service_fixture.h"

#define FRAMES 64u

extern const struct pl_candidate pl_candidate_direct;
extern const struct pl_candidate pl_candidate_stack;
extern const struct pl_candidate pl_candidate_prealloc;
extern const struct pl_candidate pl_candidate_reference;

static const struct pl_range range[] = {{.first = {1000}, .frame_count = FRAMES}};

struct rack {
    struct fixture fixture; /* first */
    struct pl_run meanwhile;
    uint64_t put_at; /* this call of the allocator is when somebody else puts `meanwhile`; 0: never */
    const struct pl_page_table_ops *ops;
    void *self;
    enum pl_status status;
};

static void rack_open(struct rack *rack, const struct pl_candidate *candidate, const char *params)
{
    fixture_open(&rack->fixture, &pl_candidate_reference, range, 1, true);
    const struct pl_page_table_config config = {.bytes = sizeof(config),
                                                .machine = &rack->fixture.stub.machine,
                                                .page = rack->fixture.page,
                                                .params = params};
    rack->ops = candidate->page_table;
    rack->self = service_metadata(rack->ops->meta_bytes(&config));
    rack->status = rack->ops->init(rack->self, &config);
}

static void rack_close(struct rack *rack)
{
    if (rack->status == PL_OK && rack->ops->drain != NULL)
        rack->ops->drain(rack->self, fixture_cpu(&rack->fixture));
    if (rack->status == PL_OK)
        rack->ops->fini(rack->self);
    free(rack->self);
    fixture_close(&rack->fixture);
}

static enum pl_status get(struct rack *rack, struct pl_run *run)
{
    struct pl_request request = stub2_request(0);
    return rack->ops->table_get(rack->self, fixture_cpu(&rack->fixture), &request, run);
}

static enum pl_status put(struct rack *rack, const struct pl_run *run)
{
    return rack->ops->table_put(rack->self, fixture_cpu(&rack->fixture), run);
}

static enum pl_status prepare(struct rack *rack, uint64_t tables)
{
    return rack->ops->table_prepare(rack->self, fixture_cpu(&rack->fixture), tables);
}

static unsigned char *bytes_of(struct rack *rack, const struct pl_run *run)
{
    return pl_frame_address(&rack->fixture.stub.machine, run->first);
}

static bool is_zero(struct rack *rack, const struct pl_run *run)
{
    for (uint64_t i = 0; i < PL_FRAME_BYTES; i++)
        if (bytes_of(rack, run)[i] != 0)
            return false;
    return true;
}

static void expect_tables(struct rack *rack, uint64_t live, uint64_t kept)
{
    struct pl_page_table_counts counts;
    struct service_listener listener = service_listener();
    if (rack->ops->audit(rack->self, &listener.visitor) != 0)
        fail_msg("%s", listener.words);
    rack->ops->count(rack->self, &counts);
    assert_int_equal(counts.tables_live, live);
    assert_int_equal(counts.tables_kept, kept);
    assert_int_equal(rack->fixture.held, live + kept);
}

struct service {
    const struct pl_candidate *candidate;
    const char *params;
    uint64_t keep;
};

static const struct service services[] = {
    {&pl_candidate_direct, NULL, 0},         {&pl_candidate_stack, NULL, 8},
    {&pl_candidate_stack, "keep=0", 0},      {&pl_candidate_stack, "keep=3", 3},
    {&pl_candidate_prealloc, NULL, 64},      {&pl_candidate_prealloc, "tables=3", 3},
    {&pl_candidate_prealloc, "tables=0", 0},
};

/* Those that keep tables, three of them. */
static const struct service keepers[] = {{&pl_candidate_stack, "keep=3", 3},
                                         {&pl_candidate_prealloc, "tables=3", 3}};

/* All frames as tables, written to, given back, taken again, three times; the allocator's frames are full of
 * somebody else's bytes.
 * Expect each table all zero whenever it is handed out, whatever was in it, and no more kept than the bound.
 */
static void test_tables_are_zero_each_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct rack rack;
        struct pl_run runs[FRAMES];
        struct pl_run one_more;
        rack_open(&rack, services[i].candidate, services[i].params);
        assert_int_equal(rack.status, PL_OK);
        for (int round = 0; round < 3; round++) {
            for (size_t k = 0; k < FRAMES; k++) {
                assert_int_equal(get(&rack, &runs[k]), PL_OK);
                assert_int_equal(runs[k].frame_count, 1);
                assert_int_equal(runs[k].order, 0);
                assert_true(is_zero(&rack, &runs[k]));
                memset(bytes_of(&rack, &runs[k]), 0xff, PL_FRAME_BYTES);
            }
            assert_int_equal(get(&rack, &one_more), PL_NO_MEMORY);
            expect_tables(&rack, FRAMES, 0);
            for (size_t k = 0; k < FRAMES; k++)
                assert_int_equal(put(&rack, &runs[k]), PL_OK);
            expect_tables(&rack, 0, services[i].keep);
        }
        rack_close(&rack);
    }
}

/* A table given back twice, frames that are no tables, more than a frame, frames of no machine.
 * Expect each refused by the service, the allocator not even asked, and no count changed. */
static void test_wrong_releases_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct rack rack;
        struct pl_run table;
        struct pl_run other;
        struct pl_run foreign;
        struct pl_request request = stub2_request(0);
        rack_open(&rack, services[i].candidate, services[i].params);
        assert_int_equal(get(&rack, &table), PL_OK);
        assert_int_equal(get(&rack, &other), PL_OK);
        assert_int_equal(put(&rack, &other), PL_OK);
        assert_int_equal(put(&rack, &other), PL_REFUSED);
        assert_int_equal(fixture_alloc(&rack.fixture, fixture_cpu(&rack.fixture), &request, &foreign), PL_OK);
        assert_int_equal(put(&rack, &foreign), PL_REFUSED);
        assert_int_equal(fixture_free(&rack.fixture, fixture_cpu(&rack.fixture), &foreign), PL_OK);
        const struct pl_run wrong[] = {{.first = table.first, .frame_count = 2, .order = 1},
                                       {.first = table.first, .frame_count = 0},
                                       {.first = {999}, .frame_count = 1},
                                       {.first = {1000 + FRAMES}, .frame_count = 1},
                                       {.first = {0}, .frame_count = 1},
                                       {.first = {UINT64_MAX}, .frame_count = 1}};
        for (size_t k = 0; k < PL_COUNT_OF(wrong); k++)
            assert_int_equal(put(&rack, &wrong[k]), PL_REFUSED);
        expect_tables(&rack, 1, services[i].keep > 0);
        assert_int_equal(put(&rack, &table), PL_OK);
        rack_close(&rack);
    }
}

/* Illegal requests, and an order that a table does not have.
 * Expect PL_INVALID without a call of the allocator, even where a kept table is at hand; the order ignored.
 */
static void test_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct rack rack;
        struct pl_run run;
        rack_open(&rack, services[i].candidate, services[i].params);
        assert_int_equal(get(&rack, &run), PL_OK);
        assert_int_equal(put(&rack, &run), PL_OK);
        uint64_t calls = rack.fixture.calls;
        struct pl_request illegal = stub2_request(0);
        illegal.alloc_class = PL_CLASS_COUNT;
        struct pl_cpu *cpu = fixture_cpu(&rack.fixture);
        assert_int_equal(rack.ops->table_get(rack.self, cpu, &illegal, &run), PL_INVALID);
        illegal = stub2_request(0);
        illegal.flags = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL;
        assert_int_equal(rack.ops->table_get(rack.self, cpu, &illegal, &run), PL_INVALID);
        assert_int_equal(rack.fixture.calls, calls);
        struct pl_request large = stub2_request(5);
        large.flags = PL_REQUEST_WAIT_OK;
        assert_int_equal(rack.ops->table_get(rack.self, cpu, &large, &run), PL_OK);
        assert_int_equal(run.frame_count, 1);
        assert_int_equal(rack.fixture.wait_calls, services[i].keep > 0 ? 0 : 1);
        assert_int_equal(put(&rack, &run), PL_OK);
        rack_close(&rack);
    }
}

/* Five tables are prepared, more than are ever kept; from then on the allocator gives nothing.
 * Expect five gets to succeed without a call of it, the sixth to fail. */
static void test_prepared_gets_cannot_fail(void **state)
{
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(keepers); k++) {
        struct rack rack;
        struct pl_run runs[6];
        rack_open(&rack, keepers[k].candidate, keepers[k].params);
        assert_int_equal(prepare(&rack, 5), PL_OK);
        assert_int_equal(prepare(&rack, 2), PL_OK);
        expect_tables(&rack, 0, 5);
        uint64_t calls = rack.fixture.calls;
        rack.fixture.fail_from = 1;
        for (int i = 0; i < 5; i++) {
            assert_int_equal(get(&rack, &runs[i]), PL_OK);
            assert_true(is_zero(&rack, &runs[i]));
        }
        assert_int_equal(rack.fixture.calls, calls);
        assert_int_equal(get(&rack, &runs[5]), PL_NO_MEMORY);
        for (int i = 0; i < 5; i++)
            assert_int_equal(put(&rack, &runs[i]), PL_OK);
        expect_tables(&rack, 0, 3);
        assert_int_equal(rack.fixture.wait_flags, 0);
        rack_close(&rack);
    }
}

/* Six are prepared, with the n-th grant failing, for each n; and more than the machine has.
 * Expect nothing kept that was not kept before, and PL_NEVER for what cannot be. */
static void test_preparing_fails_without_a_trace(void **state)
{
    (void)state;
    for (uint64_t at = 2; at <= 11; at++) {
        uint64_t n = at / 2;
        struct rack rack;
        struct pl_run run;
        rack_open(&rack, keepers[at % 2].candidate, keepers[at % 2].params);
        assert_int_equal(get(&rack, &run), PL_OK);
        assert_int_equal(put(&rack, &run), PL_OK);
        rack.fixture.fail_in = n;
        assert_int_equal(prepare(&rack, 6), PL_NO_MEMORY);
        expect_tables(&rack, 0, 1);
        assert_int_equal(prepare(&rack, FRAMES + 1), PL_NEVER);
        assert_int_equal(prepare(&rack, UINT64_MAX), PL_NEVER);
        assert_int_equal(prepare(&rack, FRAMES), PL_OK);
        expect_tables(&rack, 0, FRAMES);
        rack.ops->drain(rack.self, fixture_cpu(&rack.fixture));
        expect_tables(&rack, 0, 0);
        rack_close(&rack);
    }
}

static enum pl_status alloc_while_others_put(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                             struct pl_run *run)
{
    struct rack *rack = self;
    if (rack->fixture.calls + 1 == rack->put_at)
        assert_int_equal(put(rack, &rack->meanwhile), PL_OK);
    return fixture_alloc(self, cpu, request, run);
}

/* Three are prepared, the third grant fails, and just before that somebody else puts a table.
 * Expect his to be kept: only what was prepared is given back. */
static void test_a_failed_prepare_leaves_what_others_put(void **state)
{
    (void)state;
    struct rack rack = {0};
    rack_open(&rack, &pl_candidate_stack, NULL);
    assert_int_equal(get(&rack, &rack.meanwhile), PL_OK);
    rack.fixture.ops.alloc = alloc_while_others_put;
    rack.put_at = rack.fixture.calls + 3;
    rack.fixture.fail_in = 3;
    assert_int_equal(prepare(&rack, 3), PL_NO_MEMORY);
    expect_tables(&rack, 0, 1);
    /* And what others put counts. */
    assert_int_equal(get(&rack, &rack.meanwhile), PL_OK);
    rack.put_at = rack.fixture.calls + 2;
    assert_int_equal(prepare(&rack, 3), PL_OK);
    expect_tables(&rack, 0, 3);
    rack_close(&rack);
}

/* Each of two CPUs puts tables of its own; the allocator gives nothing more.
 * Expect a get to find its own CPU's only, the bound to hold for each, and a drain on one CPU to empty both.
 */
static void test_each_cpu_has_its_own(void **state)
{
    (void)state;
    struct rack rack;
    struct pl_run runs[8];
    struct pl_run run;
    struct pl_request request = stub2_request(0);
    rack_open(&rack, &pl_candidate_stack, "keep=3");
    struct pl_cpu *other = &rack.fixture.stub.cpus[1];
    for (int i = 0; i < 8; i++)
        assert_int_equal(get(&rack, &runs[i]), PL_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rack.ops->table_put(rack.self, other, &runs[i]), PL_OK);
    expect_tables(&rack, 4, 3);
    rack.fixture.fail_from = 1;
    assert_int_equal(get(&rack, &run), PL_NO_MEMORY);
    assert_int_equal(put(&rack, &runs[4]), PL_OK);
    assert_int_equal(get(&rack, &run), PL_OK);
    assert_int_equal(run.first.number, runs[4].first.number);
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(rack.ops->table_get(rack.self, other, &request, &run), PL_OK);
        assert_int_equal(run.first.number, runs[i].first.number);
    }
    assert_int_equal(rack.ops->table_get(rack.self, other, &request, &run), PL_NO_MEMORY);
    for (int i = 0; i < 8; i++) {
        if (i != 3)
            assert_int_equal(
                rack.ops->table_put(rack.self, i < 3 ? other : fixture_cpu(&rack.fixture), &runs[i]), PL_OK);
    }
    expect_tables(&rack, 0, 6);
    rack.ops->drain(rack.self, fixture_cpu(&rack.fixture));
    expect_tables(&rack, 0, 0);
    rack_close(&rack);
}

/* The start of a stock of three on two CPUs, with the n-th grant failing, for each n; then gets on both CPUs.
 * Expect as many tables as could be had, no call of the allocator while they last on either CPU, one a get
 * after that; the stock whole again after the puts, and after a drain and a new start; no more than a share
 * of the machine taken. */
static void test_a_stock_is_there_from_the_start(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        struct rack rack;
        struct pl_run runs[5];
        struct pl_request request = stub2_request(0);
        rack_open(&rack, &pl_candidate_prealloc, "tables=3");
        expect_tables(&rack, 0, 0);
        rack.fixture.fail_in = n;
        rack.ops->start(rack.self, fixture_cpu(&rack.fixture));
        rack.fixture.fail_in = 0;
        expect_tables(&rack, 0, n - 1);
        assert_int_equal(rack.fixture.wait_flags, 0);
        uint64_t calls = rack.fixture.calls;
        for (uint64_t i = 0; i < 5; i++) {
            struct pl_cpu *cpu = &rack.fixture.stub.cpus[i % 2];
            assert_int_equal(rack.ops->table_get(rack.self, cpu, &request, &runs[i]), PL_OK);
            assert_true(is_zero(&rack, &runs[i]));
            assert_int_equal(rack.fixture.calls - calls, i < n - 1 ? 0 : i + 1 - (n - 1));
        }
        for (int i = 0; i < 5; i++)
            assert_int_equal(put(&rack, &runs[i]), PL_OK);
        expect_tables(&rack, 0, 3);
        rack.ops->drain(rack.self, fixture_cpu(&rack.fixture));
        expect_tables(&rack, 0, 0);
        rack.ops->start(rack.self, fixture_cpu(&rack.fixture));
        rack.ops->start(rack.self, fixture_cpu(&rack.fixture));
        expect_tables(&rack, 0, 3);
        rack_close(&rack);
    }
    struct rack rack;
    rack_open(&rack, &pl_candidate_prealloc, "tables=1000");
    rack.ops->start(rack.self, fixture_cpu(&rack.fixture));
    expect_tables(&rack, 0, FRAMES / 16);
    rack_close(&rack);
}

struct stack_interrupt {
    struct stub2_handler handler;
    struct rack *rack;
    struct pl_run table; /* that the interrupt holds */
    bool holds;
    bool inside; /* interrupts do not nest */
    unsigned runs;
};

/* What an interrupt does: takes a table, or gives its own back. */
static void take_or_give(struct stub2_handler *handler, struct pl_cpu *cpu, unsigned bits)
{
    struct stack_interrupt *interrupt = (struct stack_interrupt *)handler;
    struct pl_request request = stub2_request(0);
    (void)bits;
    interrupt->inside = true;
    interrupt->runs++;
    if (interrupt->holds)
        assert_int_equal(interrupt->rack->ops->table_put(interrupt->rack->self, cpu, &interrupt->table),
                         PL_OK);
    else
        assert_int_equal(
            interrupt->rack->ops->table_get(interrupt->rack->self, cpu, &request, &interrupt->table), PL_OK);
    interrupt->holds = !interrupt->holds;
    interrupt->inside = false;
}

/* Raised where it hurts most: runs at once if the CPU is not masked there. */
static void raise_at_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct stack_interrupt *interrupt = cpu->platform_data;
    (void)object;
    if (kind != PL_POINT_LABEL || interrupt->inside)
        return;
    if (atomic_load(&cpu->masked) != 0) {
        atomic_fetch_or(&cpu->pending, 1u);
        return;
    }
    take_or_give(&interrupt->handler, cpu, 1);
}

static void interrupt_everywhere(const struct service *keeper)
{
    struct rack rack;
    struct pl_run runs[6];
    rack_open(&rack, keeper->candidate, keeper->params);
    struct stack_interrupt interrupt = {.handler = {.run = take_or_give}, .rack = &rack};
    rack.fixture.stub.platform.point = raise_at_point;
    fixture_cpu(&rack.fixture)->platform_data = &interrupt.handler;
    for (int round = 0; round < 50; round++) {
        size_t count = 1 + (size_t)round % PL_COUNT_OF(runs);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(get(&rack, &runs[i]), PL_OK);
            assert_true(is_zero(&rack, &runs[i]));
            memset(bytes_of(&rack, &runs[i]), 0xff, PL_FRAME_BYTES);
        }
        for (size_t i = 0; i < count; i++) {
            struct service_listener listener = service_listener();
            assert_int_equal(put(&rack, &runs[i]), PL_OK);
            assert_int_equal(rack.ops->audit(rack.self, &listener.visitor), 0);
        }
    }
    assert_true(interrupt.runs > 100);
    rack.fixture.stub.platform.point = NULL;
    if (interrupt.holds)
        assert_int_equal(put(&rack, &interrupt.table), PL_OK);
    rack_close(&rack);
}

/* At every labelled point an interrupt takes a table or gives one back.
 * Expect no table in two hands, and a sound stack after each call. */
static void test_interrupts_at_the_worst_moment(void **state)
{
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(keepers); k++)
        interrupt_everywhere(&keepers[k]);
}

/* Somebody writes into a kept table; a count is wrong; the link leads out of the machine.
 * Expect the audit to say so. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct rack rack;
    rack_open(&rack, &pl_candidate_stack, NULL);
    assert_int_equal(prepare(&rack, 2), PL_OK);
    struct service_listener listener = service_listener();
    unsigned char *contents = rack.fixture.stub.machine.contents;
    uint64_t top = 0;
    while (top < FRAMES && rack.fixture.stub.owned[top] != 2)
        top++;
    contents[top * PL_FRAME_BYTES + 100] = 1;
    assert_true(rack.ops->audit(rack.self, &listener.visitor) > 0);
    assert_non_null(strstr(listener.words, "X-8"));
    contents[top * PL_FRAME_BYTES + 100] = 0;
    contents[top * PL_FRAME_BYTES + 6] ^= 1;
    assert_true(rack.ops->audit(rack.self, &listener.visitor) > 0);
    contents[top * PL_FRAME_BYTES + 6] ^= 1;
    expect_tables(&rack, 0, 2);
    rack_close(&rack);
}

/* Expect words from each. */
static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct rack rack;
        char text[256] = "";
        rack_open(&rack, services[i].candidate, services[i].params);
        rack.ops->settings(rack.self, text, sizeof(text));
        assert_non_null(strstr(text, "="));
        rack_close(&rack);
    }
}

/* Wrong parameters, and a machine whose frames have no contents.
 * Expect PL_INVALID and PL_UNSUPPORTED. */
static void test_init_is_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "keep",     "keep=",          "keep=x", "keep=1x", "keep=9999999", "hold=1",
        "tables=x", "tables=1000001", "=",      ",",       "keep=1,",      "tables=1,tables=1"};
    struct rack rack;
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        rack_open(&rack, &pl_candidate_stack, wrong[i]);
        assert_int_equal(rack.status, PL_INVALID);
        rack_close(&rack);
        rack_open(&rack, &pl_candidate_prealloc, wrong[i]);
        assert_int_equal(rack.status, PL_INVALID);
        rack_close(&rack);
    }
    rack_open(&rack, &pl_candidate_direct, "keep=1");
    assert_int_equal(rack.status, PL_INVALID);
    rack_close(&rack);
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct fixture fixture;
        fixture_open(&fixture, &pl_candidate_reference, range, 1, true);
        struct pl_machine bare = fixture.stub.machine;
        bare.contents = NULL;
        const struct pl_page_table_config config = {.machine = &bare, .page = fixture.page};
        void *self = service_metadata(services[i].candidate->page_table->meta_bytes(&config));
        assert_int_equal(services[i].candidate->page_table->init(self, &config), PL_UNSUPPORTED);
        free(self);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_zero_each_time),
        cmocka_unit_test(test_wrong_releases_are_refused),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_prepared_gets_cannot_fail),
        cmocka_unit_test(test_preparing_fails_without_a_trace),
        cmocka_unit_test(test_a_failed_prepare_leaves_what_others_put),
        cmocka_unit_test(test_each_cpu_has_its_own),
        cmocka_unit_test(test_a_stock_is_there_from_the_start),
        cmocka_unit_test(test_interrupts_at_the_worst_moment),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_init_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
