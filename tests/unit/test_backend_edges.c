/* What programs seldom or never ask, of every backend: machines whose words contradict each other, runs whose
 * bounds wrap or that only the wrong node could hold, orders that nobody serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "machine_stub.h"

extern const struct pl_candidate pl_candidate_reference, pl_candidate_bitmap, pl_candidate_buddy,
    pl_candidate_freelist, pl_candidate_xnu, pl_candidate_llfree, pl_candidate_nbbs, pl_candidate_tlsf,
    pl_candidate_tlsf_runs, pl_candidate_slate, pl_candidate_linux, pl_candidate_freebsd;

static const struct pl_candidate *const all[] = {
    &pl_candidate_reference, &pl_candidate_bitmap, &pl_candidate_buddy, &pl_candidate_freelist,
    &pl_candidate_xnu,       &pl_candidate_llfree, &pl_candidate_nbbs,  &pl_candidate_tlsf,
    &pl_candidate_tlsf_runs, &pl_candidate_slate,  &pl_candidate_linux, &pl_candidate_freebsd,
};

/* Those that look whether the machine's words agree with each other. */
static const struct pl_candidate *const careful[] = {
    &pl_candidate_reference, &pl_candidate_bitmap,  &pl_candidate_buddy, &pl_candidate_xnu,
    &pl_candidate_llfree,    &pl_candidate_nbbs,    &pl_candidate_tlsf,  &pl_candidate_slate,
    &pl_candidate_linux,     &pl_candidate_freebsd,
};

/* Node 0 has 200 frames, node 1 has 1000; one node of 200 for who knows no nodes. */
static bool open_two_nodes(struct stub *stub, const struct pl_candidate *candidate)
{
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 200},
                                      {.first = pl_frame_at(256), .frame_count = 1000, .node = 1}};
    bool two = (candidate->page->caps & PL_CAP_NODES) != 0 && (candidate->page->caps & PL_CAP_HOLES) != 0;
    return stub_open(stub, candidate, ranges, two ? 2 : 1) == PL_OK;
}

static bool breaks_machine(struct stub *stub, int how)
{
    switch (how) {
    case 0:
        stub->ranges[1].first = pl_frame_at(64); /* touches */
        return true;
    case 1:
        stub->ranges[1].frame_count = 0;
        return true;
    case 2:
        stub->ranges[1].frame_count = 29; /* beyond the span */
        return true;
    case 3:
        stub->ranges[1].node = 1; /* there is one node */
        return true;
    case 4:
        stub->ranges[0].first = pl_frame_at(1001); /* not where the machine begins */
        stub->ranges[0].frame_count = 63;
        return true;
    case 5:
        stub->machine.frame_count--;
        return true;
    case 6:
        stub->ranges[1].first = pl_frame_at(1128); /* behind the end */
        return true;
    case 7:
        stub->ranges[1].first = pl_frame_at(10); /* before the machine */
        return true;
    case 8:
        stub->machine.first = pl_frame_at(UINT64_MAX - 64); /* the span wraps */
        return true;
    case 9:
        stub->machine.range_count = 0;
        return true;
    case 12:
        stub->machine.first = stub->ranges[0].first = pl_frame_at(UINT64_MAX - 64);
        return true;
    case 10:
        stub->machine.span = UINT64_MAX / 2;
        return true;
    case 11:
        stub->machine.span = 0;
        return true;
    default:
        return false;
    }
}

/* Two ranges; one thing said of them is wrong. Expect no metadata asked for, or no instance. */
static void test_machines_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct stub stub;
    const struct pl_range two[] = {{.first = pl_frame_at(1000), .frame_count = 64},
                                   {.first = pl_frame_at(1100), .frame_count = 28}};
    for (size_t i = 0; i < PL_COUNT_OF(careful); i++) {
        const struct pl_page_ops *ops = careful[i]->page;
        stub_machine(&stub, two, 2);
        size_t enough = ops->meta_bytes(&stub.config);
        assert_true(enough > 0);
        for (int how = 0; breaks_machine(&stub, how); how++) {
            if (how == 3 && (ops->caps & PL_CAP_NODES) == 0)
                continue;
            size_t bytes = ops->meta_bytes(&stub.config);
            if (bytes != 0 && bytes <= enough) {
                void *self = aligned_alloc(4096, (enough + 4095) & ~(size_t)4095);
                assert_non_null(self);
                memset(self, 0, enough);
                if (ops->init(self, &stub.config) != PL_UNSUPPORTED)
                    fail_msg("%s takes a machine that is wrong in way %d", careful[i]->name, how);
                free(self);
            }
            stub_machine(&stub, two, 2);
        }
    }
}

/* Expect that none grants a run whose bounds wrap, and that nothing changes. */
static void test_runs_that_wrap_are_never(void **state)
{
    (void)state;
    static const struct pl_constraints wanted[] = {
        {.frame_count = 1,
         .low = {(UINT64_C(1) << 63) + 1},
         .high = {UINT64_MAX},
         .alignment = UINT64_C(1) << 63},
        {.frame_count = 5, .low = {UINT64_MAX - 2}, .high = {UINT64_MAX}, .alignment = 1, .boundary = 8},
        {.frame_count = 1, .low = {0}, .high = {0}, .alignment = 1},
        {.frame_count = UINT64_MAX, .low = {0}, .high = {UINT64_MAX}, .alignment = 1},
    };
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct stub stub;
        struct stub_audit audit;
        struct pl_run run;
        struct pl_request request = {.node = PL_NODE_ANY};
        if (all[i]->page->alloc_run == NULL)
            continue;
        assert_true(open_two_nodes(&stub, all[i]));
        uint64_t before = stub_free_frames(&stub);
        for (size_t j = 0; j < PL_COUNT_OF(wanted); j++) {
            enum pl_status status = stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &wanted[j], &run);
            if (status != PL_NEVER && status != PL_INVALID)
                fail_msg("%s: run %zu: %d", all[i]->name, j, (int)status);
        }
        assert_int_equal(stub_free_frames(&stub), before);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        stub_close(&stub);
    }
}

/* 300 frames on node 0 alone. Expect that this can never be, though node 1 has them; 200 once, and then not
 * now. */
static void test_runs_of_one_node_stay_on_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct stub stub;
        struct pl_run run;
        struct pl_run again;
        struct pl_request request = {.node = 0, .flags = PL_REQUEST_NODE_ONLY};
        struct pl_constraints want = {.frame_count = 300, .high = pl_frame_at(UINT64_MAX), .alignment = 1};
        if (all[i]->page->alloc_run == NULL)
            continue;
        assert_true(open_two_nodes(&stub, all[i]));
        bool two = stub.machine.node_count == 2;
        if (stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run) != PL_NEVER)
            fail_msg("%s: 300 of 200 frames", all[i]->name);
        want.frame_count = 128;
        want.alignment = 128;
        if (stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run) != PL_OK)
            fail_msg("%s: 128 of 200 frames", all[i]->name);
        assert_int_equal(run.first.number, 0);
        if (stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &again) != PL_NO_MEMORY)
            fail_msg("%s: 128 of 72 frames", all[i]->name);
        request.flags = 0;
        assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &again),
                         two ? PL_OK : PL_NO_MEMORY);
        stub_close(&stub);
    }
}

/* Single frames of a node that is named, out and back, thrice: from stocks too. Expect them of that node. A
 * node that there is not has none. */
static void test_frames_of_a_named_node(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct stub stub;
        struct pl_run run;
        struct pl_range range = {.first = pl_frame_at(0), .frame_count = 200};
        struct pl_request first = {.node = 0};
        if (all[i] == &pl_candidate_freelist) /* its links lie in the frames, which a stub has not */
            continue;
        if (stub_open(&stub, all[i], &range, 1) != PL_OK)
            fail_msg("%s: one node of 200 frames", all[i]->name);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &first, &run), PL_OK);
            assert_int_equal(stub_free(&stub, &run), PL_OK);
        }
        stub_close(&stub);
        if ((all[i]->page->caps & PL_CAP_NODES) == 0)
            continue;
        assert_true(open_two_nodes(&stub, all[i]));
        if (stub.machine.node_count == 2) {
            for (uint16_t k = 0; k < 6; k++) {
                struct pl_request request = {.node = k % 2, .flags = k < 2 ? 0 : PL_REQUEST_NODE_ONLY};
                stub.cpu[0].node = k / 2 % 2;
                assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
                assert_int_equal(run.first.number >= 256, k % 2);
                assert_int_equal(stub_free(&stub, &run), PL_OK);
                if (stub.ops->drain != NULL)
                    stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[0]);
            }
            struct pl_request nowhere = {.node = 5, .flags = PL_REQUEST_NODE_ONLY};
            stub.cpu[0].node = 5;
            if (stub.ops->alloc(stub.self, stub.cpus[0], &nowhere, &run) == PL_OK)
                fail_msg("%s: a frame of node 5", all[i]->name);
            nowhere.flags = 0;
            assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &nowhere, &run), PL_OK);
        }
        stub_close(&stub);
    }
}

/* 256 frames from one node alone. Expect node 1's, thrice, and never one from node 0, which has 200. */
static void test_blocks_of_one_node_stay_on_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct stub stub;
        struct pl_run run;
        struct pl_request request = {.order = 8, .node = 1, .flags = PL_REQUEST_NODE_ONLY};
        if (all[i]->page->max_order < 8)
            continue;
        assert_true(open_two_nodes(&stub, all[i]));
        if (stub.machine.node_count == 2) {
            for (int k = 0; k < 3; k++) {
                assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
                assert_true(run.first.number >= 256);
            }
            assert_int_not_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
            request.node = 0;
            assert_int_not_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
        }
        stub_close(&stub);
    }
}

/* Expect a grant left as it is, and still taken back. */
static void test_splits_to_no_order_are_unsupported(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct stub stub;
        struct pl_run run;
        if (all[i]->page->split == NULL)
            continue;
        assert_true(open_two_nodes(&stub, all[i]));
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        if (stub.ops->split(stub.self, stub.cpus[0], &run, 63) != PL_UNSUPPORTED)
            fail_msg("%s: order 63", all[i]->name);
        static const uint64_t places[] = {100, UINT64_C(1) << 40};
        for (size_t k = 0; k < PL_COUNT_OF(places); k++) {
            struct pl_run wrong = {.first = pl_frame_at(places[k]), .frame_count = 4, .order = 2};
            if (stub.ops->split(stub.self, stub.cpus[0], &wrong, 0) != PL_REFUSED)
                fail_msg("%s: split of frame %llu, not granted", all[i]->name, (unsigned long long)places[k]);
        }
        assert_int_equal(stub_free(&stub, &run), PL_OK);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_that_cannot_be_are_refused),
        cmocka_unit_test(test_runs_that_wrap_are_never),
        cmocka_unit_test(test_runs_of_one_node_stay_on_it),
        cmocka_unit_test(test_frames_of_a_named_node),
        cmocka_unit_test(test_blocks_of_one_node_stay_on_it),
        cmocka_unit_test(test_splits_to_no_order_are_unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
