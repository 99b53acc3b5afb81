/* The model of FreeBSD's allocator: reservations and what breaks them, caches, queues by pool. */
#include "freebsd_fixture.h"

/* --- reservations --- */

/* An owner's 512 frames in an odd order, on a machine whose first frame is odd. Expect one aligned superpage,
 * every frame at its index; the set-aside frames counted; after the frees the machine as it was. */
static void test_owner_fills_one_superpage(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    open_with(&stub, 77, 5000, NULL);
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t at = (i * 37 + 5) % 512;
        assert_int_equal(take_owned(&stub, 9, 1024 + at, 0, &runs[at]), PL_OK);
        assert_int_equal(counts_of(&stub).reserved_frames, 511 - i);
        assert_int_equal(counts_of(&stub).free, 5000 - 1 - i);
        if (i % 16 == 0)
            expect_sound(&stub);
    }
    assert_int_equal(runs[0].first.number % 512, 0);
    for (uint64_t at = 0; at < 512; at++)
        assert_int_equal(runs[at].first.number, runs[0].first.number + at);
    /* A second frame for an index that has one comes from elsewhere. */
    assert_int_equal(take_owned(&stub, 9, 1024, 0, &runs[512]), PL_OK);
    assert_true(runs[512].first.number - runs[0].first.number >= 512);
    assert_int_equal(stub_free(&stub, &runs[512]), PL_OK);
    for (uint64_t i = 0; i < 512; i++) {
        assert_int_equal(stub_free(&stub, &runs[(i * 37 + 5) % 512]), PL_OK);
        assert_int_equal(counts_of(&stub).reserved_frames, (i + 1) % 512);
    }
    drain_all(&stub);
    expect_sound(&stub);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(stub_free_frames(&stub), 5000);
    stub_close(&stub);
}

/*   superpage       0        1        2        3 and the rest: granted
 *   owner           1        2        3
 *   then owner 1 takes a further frame: 2 is the one changed longest ago
 * Expect single frames from owner 2's superpage only, then from 3's, then from 1's; what was populated stays
 * granted; and the owner's next frame of a broken reservation not in its place. */
static void test_broken_by_age_when_nothing_is_left(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    uint64_t home[4];
    open_with(&stub, 0, 2048, NULL);
    for (uint64_t owner = 1; owner <= 3; owner++) {
        assert_int_equal(take_owned(&stub, owner, 0, 0, &runs[owner]), PL_OK);
        home[owner] = runs[owner].first.number / 512;
    }
    assert_int_equal(take_owned(&stub, 1, 100, 0, &run), PL_OK);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_true(run.first.number / 512 != home[1] && run.first.number / 512 != home[2] &&
                    run.first.number / 512 != home[3]);
    }
    assert_int_equal(counts_of(&stub).reserved_frames, 511 + 511 + 510);
    static const uint64_t order[] = {2, 3, 1};
    for (size_t k = 0; k < PL_COUNT_OF(order); k++) {
        for (uint64_t i = 0; i < (order[k] == 1 ? 510 : 511); i++) {
            assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
            assert_int_equal(run.first.number / 512, home[order[k]]);
        }
        expect_sound(&stub);
    }
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_NO_MEMORY);
    assert_int_equal(stub_free(&stub, &runs[2]), PL_OK);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Everything but one reservation is granted. Expect NO_RECLAIM to fail at any order, for runs, too, and to
 * change nothing; then blocks of order 8 and less that lie in it, and nothing larger. */
static void test_blocks_come_out_of_a_reservation(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct pl_constraints want = {.frame_count = 3, .high = {UINT64_MAX}, .alignment = 1};
    for (uint32_t order = 0; order <= FREEBSD_MAX_ORDER; order++) {
        open_with(&stub, 0, 1024, NULL);
        assert_int_equal(take_owned(&stub, 1, 300, 0, &run), PL_OK);
        assert_int_equal(stub_alloc(&stub, 9, &runs[0]), PL_OK);
        struct pl_request request = {
            .order = (uint8_t)order, .node = PL_NODE_ANY, .flags = PL_REQUEST_NO_RECLAIM};
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &runs[1]), PL_NO_MEMORY);
        assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &runs[1]),
                         PL_NO_MEMORY);
        assert_int_equal(counts_of(&stub).reserved_frames, 511);
        enum pl_status status = stub_alloc(&stub, order, &runs[1]);
        assert_int_equal(status, order <= 8 ? PL_OK : PL_NO_MEMORY);
        assert_int_equal(counts_of(&stub).reserved_frames, order <= 8 ? 0 : 511);
        expect_sound(&stub);
        stub_close(&stub);
    }
}

/*   a b        two reservations, side by side; the last frame of a and the first of b are free
 * Expect a run across the border, both broken; and a run that needs neither to break none. */
static void test_run_across_reservations(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_with(&stub, 0, 2048, NULL);
    assert_int_equal(take_owned(&stub, 1, 3, 0, &runs[0]), PL_OK);
    assert_int_equal(take_owned(&stub, 2, 500, 0, &runs[1]), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 500, 0, UINT64_MAX, 1, &run), PL_OK);
    assert_int_equal(counts_of(&stub).reserved_frames, 1022);
    uint64_t low = runs[0].first.number < runs[1].first.number ? runs[0].first.number : runs[1].first.number;
    uint64_t border = (low / 512 + 1) * 512;
    assert_int_equal(stub_alloc_run(&stub, 20, border - 10, border + 10, 1, &run), PL_OK);
    assert_int_equal(run.first.number, border - 10);
    assert_int_equal(counts_of(&stub).reserved_frames, 0);
    expect_sound(&stub);
    assert_int_equal(stub_free_at(&stub, border - 10, 10, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Expect 512 never-free frames one after the other in one superpage, the next in another; what is left of
 * that broken last. */
static void test_never_free_arena(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_with(&stub, 4096, 2048, NULL);
    for (uint64_t i = 0; i < 513; i++) {
        assert_int_equal(take_owned(&stub, 0, 0, PL_REQUEST_NEVER_FREE, &runs[i]), PL_OK);
        assert_int_equal(runs[i].flags, PL_RUN_NEVER_FREE);
        if (i < 512)
            assert_int_equal(runs[i].first.number, runs[0].first.number + i);
    }
    assert_int_equal(runs[0].first.number % 512, 0);
    assert_true(runs[512].first.number / 512 != runs[0].first.number / 512);
    assert_int_equal(counts_of(&stub).reserved_frames, 511);
    /* A promise that is not kept: the frame is free for the arena only, until the reservation breaks. */
    assert_int_equal(stub_free(&stub, &runs[3]), PL_OK);
    expect_sound(&stub);
    assert_int_equal(take_owned(&stub, 5, 0, 0, &run), PL_OK);
    for (uint64_t i = 0; i < 512 + 511 + 1; i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_true(run.first.number / 512 != runs[512].first.number / 512);
    }
    assert_int_equal(counts_of(&stub).reserved_frames, 511);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(counts_of(&stub).reserved_frames, 0);
    expect_sound(&stub);
    stub_close(&stub);
}

/* --- caches and queues --- */

/* bucket=4 on 16 frames. Expect an import to leave three cached frames and the last of them first; a fifth
 * frame to import again; no import where the domain has less than a bucket, but a single frame. */
static void test_imports_a_bucket_or_one(void **state)
{
    (void)state;
    struct stub stub;
    open_with(&stub, 0, 16, "bucket=4");
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(stub_alloc(&stub, 0, &runs[i]), PL_OK);
        assert_int_equal(runs[i].flags, PL_RUN_FROM_CACHE);
        assert_int_equal(counts_of(&stub).cached, 3 - i % 4);
        if (i % 4 != 0)
            assert_int_equal(runs[i].first.number, runs[i - 1].first.number - 1);
    }
    for (uint32_t i = 0; i < 8; i++) /* fill both buckets */
        assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
    assert_int_equal(counts_of(&stub).cached, 8);
    assert_int_equal(stub_free(&stub, &runs[8]), PL_OK); /* the newer one goes down */
    assert_int_equal(counts_of(&stub).cached, 5);
    assert_int_equal(counts_of(&stub).free, 4);
    expect_sound(&stub);
    drain_all(&stub);
    assert_int_equal(counts_of(&stub).cached, 0);
    struct pl_run block;
    assert_int_equal(stub_alloc(&stub, 0, &runs[0]), PL_OK);
    drain_all(&stub);
    while (counts_of(&stub).free > 3)
        assert_int_equal(stub_alloc_run(&stub, 1, 0, UINT64_MAX, 1, &block), PL_OK);
    assert_int_equal(stub_alloc(&stub, 0, &runs[1]), PL_OK);
    assert_int_equal(runs[1].flags, 0);
    assert_int_equal(counts_of(&stub).cached, 0);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Blocks of the pool direct and one of an owner. Expect them apart: the owner's comes from the largest block
 * of the other pool, not from the small ones that are left. */
static void test_pools_stay_apart(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_with(&stub, 8192, 2048, "reservations=0");
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK); /* all of it is direct's now */
    struct pl_request owned = {.order = 3, .owner = 1, .node = PL_NODE_ANY};
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &owned, &runs[0]), PL_OK);
    assert_true(runs[0].first.number - run.first.number >= 1024);
    /* Freed, the block merges with direct's and goes to the side it came from. */
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &runs[0]), PL_OK);
    expect_sound(&stub);
    assert_int_equal(stub_alloc(&stub, 11, &run), PL_OK);
    stub_close(&stub);
}

/* Four frames that cannot merge come back. Expect them in that order again: first freed, first granted. */
static void test_queues_are_fifo(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_with(&stub, 8192, 64, NULL);
    for (uint64_t i = 0; i < 16; i++)
        assert_int_equal(stub_alloc(&stub, 2, &runs[i]), PL_OK);
    static const uint64_t freed[] = {6, 2, 12, 8};
    for (size_t i = 0; i < PL_COUNT_OF(freed); i++)
        assert_int_equal(stub_free(&stub, &runs[freed[i]]), PL_OK);
    for (size_t i = 0; i < PL_COUNT_OF(freed); i++) {
        assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
        assert_int_equal(run.first.number, runs[freed[i]].first.number);
    }
    stub_close(&stub);
}

/* Frames below 16 MiB are 4096; the machine has as many above. Expect those first. */
static void test_low_frames_last(void **state)
{
    (void)state;
    struct stub stub;
    open_with(&stub, 0, 8192, NULL);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(stub_alloc(&stub, 9, &runs[i]), PL_OK);
        assert_int_equal(runs[i].first.number < 4096, i >= 8);
    }
    expect_sound(&stub);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_fills_one_superpage),
        cmocka_unit_test(test_broken_by_age_when_nothing_is_left),
        cmocka_unit_test(test_blocks_come_out_of_a_reservation),
        cmocka_unit_test(test_run_across_reservations),
        cmocka_unit_test(test_never_free_arena),
        cmocka_unit_test(test_imports_a_bucket_or_one),
        cmocka_unit_test(test_pools_stay_apart),
        cmocka_unit_test(test_queues_are_fifo),
        cmocka_unit_test(test_low_frames_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
