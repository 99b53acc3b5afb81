/* The gate, the page daemon and the slab: what the four systems stand on. */
#include <string.h>

#include "systems/slab/slab.h"
#include "systems/trap.h"
#include "tests/unit/unit.h"

#define FRAMES 64u

struct stand {
    struct rig rig;
    struct pageout pageout;
    struct gate gate;
    struct pl_page page;
    struct pl_run pile[FRAMES]; /* what the page daemon may give back */
    uint32_t pile_count;
};

static void open_stand(struct stand *stand, uint64_t offset)
{
    struct native_shape shape = {.ranges = {{.first = {16}, .frame_count = FRAMES}},
                                 .range_count = 1,
                                 .cpu_count = 1,
                                 .contents = true};
    memset(stand, 0, sizeof(*stand));
    rig_open_shape(&stand->rig, "buddy", &shape, ADMISSION_EXACT);
    pageout_init(&stand->pageout);
    gate_init(&stand->gate, &stand->rig.admission, stand->rig.machine, &stand->pageout, offset);
    stand->page = gate_page(&stand->gate);
}

static enum pl_status take(struct stand *stand, uint32_t flags, struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY, .flags = flags};
    memset(run, 0, sizeof(*run));
    return stand->page.ops->alloc(stand->page.self, stand->rig.cpu, &request, run);
}

static void give(struct stand *stand, const struct pl_run *run)
{
    assert_int_equal(stand->page.ops->free(stand->page.self, stand->rig.cpu, run), PL_OK);
}

static uint64_t give_pile(void *client, struct pl_cpu *cpu, uint64_t wanted)
{
    struct stand *stand = client;
    uint64_t freed = 0;
    (void)cpu;
    while (freed < wanted && stand->pile_count > 0) {
        give(stand, &stand->pile[--stand->pile_count]);
        freed++;
    }
    return freed;
}

static void fill(struct stand *stand)
{
    struct pl_run run;
    while (take(stand, 0, &run) == PL_OK)
        stand->pile[stand->pile_count++] = run;
    assert_int_equal(stand->pile_count, FRAMES);
}

static void counts_what_passes(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    struct pl_page_counts counts;
    open_stand(&stand, UINT64_C(1) << 32);
    stand.page.ops->count(stand.page.self, &counts);
    assert_int_equal(counts.free, FRAMES);
    assert_int_equal(take(&stand, 0, &run), PL_OK);
    assert_true(gate_owns(&stand.gate, run.first));
    assert_true(run.first.number >= (UINT64_C(1) << 32) + 16);
    assert_ptr_equal(gate_bytes(&stand.gate, run.first),
                     stand.rig.machine->contents +
                         (run.first.number - (UINT64_C(1) << 32) - 16) * PL_FRAME_BYTES);
    assert_int_equal(stand.gate.calls, 1);
    assert_int_equal(stand.gate.held, 1);
    assert_int_equal(gate_free_frames(&stand.gate), FRAMES - 1);
    give(&stand, &run);
    assert_int_equal(stand.gate.held, 0);
    assert_int_equal(stand.gate.frees, 1);
    rig_close(&stand.rig);
}

static void run_bounds_are_in_its_own_numbers(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run = {0};
    struct pl_request request = {.node = PL_NODE_ANY};
    open_stand(&stand, 1000);
    struct pl_constraints constraints = {
        .frame_count = 3, .low = {1000 + 32}, .high = {1000 + 40}, .alignment = 4};
    if (stand.rig.instance.caps & PL_CAP_RUNS) {
        assert_int_equal(
            stand.page.ops->alloc_run(stand.page.self, stand.rig.cpu, &request, &constraints, &run), PL_OK);
        assert_in_range(run.first.number, 1032, 1037);
        give(&stand, &run);
        /* Bounds that are another gate's, below this one's numbers or not at all. */
        constraints =
            (struct pl_constraints){.frame_count = 1, .low = {3}, .high = {UINT64_MAX}, .alignment = 1};
        assert_int_equal(
            stand.page.ops->alloc_run(stand.page.self, stand.rig.cpu, &request, &constraints, &run), PL_OK);
        assert_in_range(run.first.number, 1016, 1016 + FRAMES - 1);
        give(&stand, &run);
        constraints.high = pl_frame_at(900);
        assert_int_not_equal(
            stand.page.ops->alloc_run(stand.page.self, stand.rig.cpu, &request, &constraints, &run), PL_OK);
        assert_int_equal(stand.gate.held, 0);
    }
    rig_close(&stand.rig);
}

static void the_nth_grant_fails_and_changes_nothing(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    struct pl_run kept;
    open_stand(&stand, 0);
    stand.gate.fail_in = 2;
    assert_int_equal(take(&stand, 0, &kept), PL_OK);
    assert_int_equal(take(&stand, 0, &run), PL_NO_MEMORY);
    assert_int_equal(stand.gate.held, 1);
    assert_int_equal(stand.gate.injected, 1);
    assert_int_equal(gate_free_frames(&stand.gate), FRAMES - 1);
    assert_int_equal(take(&stand, 0, &run), PL_OK);
    rig_close(&stand.rig);
}

static void a_waiter_gets_what_the_daemon_frees(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    open_stand(&stand, 0);
    pageout_join(&stand.pageout, give_pile, &stand);
    fill(&stand);
    assert_int_equal(take(&stand, 0, &run), PL_NO_MEMORY);
    assert_int_equal(stand.gate.sleeps, 0);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_OK, &run), PL_OK);
    assert_int_equal(stand.gate.sleeps, 1);
    rig_close(&stand.rig);
}

static void a_waiter_without_hope_is_told_so(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    open_stand(&stand, 0);
    fill(&stand);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_OK, &run), PL_WOULD_SLEEP);
    assert_int_equal(stand.gate.would_sleep, 1);
    rig_close(&stand.rig);
}

static void wait_fail_sleeps_once_and_fails(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    open_stand(&stand, 0);
    pageout_join(&stand.pageout, give_pile, &stand);
    fill(&stand);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_FAIL, &run), PL_NO_MEMORY);
    assert_int_equal(stand.gate.sleeps, 1);
    assert_int_equal(gate_free_frames(&stand.gate), 1);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_FAIL | PL_REQUEST_WAIT_OK, &run), PL_INVALID);
    rig_close(&stand.rig);
}

static uint64_t step_again(void *client, struct pl_cpu *cpu, uint64_t wanted)
{
    struct stand *stand = client;
    assert_true(stand->pageout.running);
    return pageout_step(&stand->pageout, cpu, wanted);
}

static void the_daemon_does_not_enter_itself(void **state)
{
    (void)state;
    struct stand stand;
    open_stand(&stand, 0);
    pageout_join(&stand.pageout, step_again, &stand);
    assert_int_equal(pageout_step(&stand.pageout, stand.rig.cpu, 4), 0);
    assert_int_equal(stand.pageout.steps, 1);
    rig_close(&stand.rig);
}

static void slab_objects_are_zero_and_pages_go_back(void **state)
{
    (void)state;
    struct stand stand;
    struct slab slab;
    struct pl_request request = {.node = PL_NODE_ANY};
    unsigned char *objects[200];
    static const unsigned char zero[100];
    open_stand(&stand, 7);
    slab_init(&slab, &stand.gate, 100);
    for (unsigned i = 0; i < PL_COUNT_OF(objects); i++) {
        objects[i] = slab_get(&slab, stand.rig.cpu, &request, NULL);
        assert_non_null(objects[i]);
        assert_memory_equal(objects[i], zero, sizeof(zero));
        memset(objects[i], 0xff, 100);
    }
    assert_int_equal(slab.objects, 200);
    assert_int_equal(slab.pages, stand.gate.held);
    for (unsigned i = 0; i < PL_COUNT_OF(objects); i += 2)
        slab_put(&slab, stand.rig.cpu, objects[i]);
    objects[0] = slab_get(&slab, stand.rig.cpu, &request, NULL);
    assert_memory_equal(objects[0], zero, sizeof(zero));
    slab_put(&slab, stand.rig.cpu, objects[0]);
    for (unsigned i = 1; i < PL_COUNT_OF(objects); i += 2)
        slab_put(&slab, stand.rig.cpu, objects[i]);
    assert_int_equal(slab.objects, 0);
    assert_int_equal(stand.gate.held, 0);
    rig_close(&stand.rig);
}

static void a_slab_without_memory_says_why(void **state)
{
    (void)state;
    struct stand stand;
    struct slab slab;
    struct pl_request request = {.node = PL_NODE_ANY};
    enum pl_status status = PL_OK;
    open_stand(&stand, 0);
    slab_init(&slab, &stand.gate, 2000);
    stand.gate.fail_in = 1;
    assert_null(slab_get(&slab, stand.rig.cpu, &request, &status));
    assert_int_equal(status, PL_NO_MEMORY);
    assert_int_equal(slab.pages, 0);
    assert_non_null(slab_get(&slab, stand.rig.cpu, &request, &status));
    rig_close(&stand.rig);
}

static void count_trap(void *argument, const struct trap *trap)
{
    unsigned *count = argument;
    assert_string_equal(trap->words, "vm_page_free: page is wired 3 times (F-20)");
    (*count)++;
}

static void a_trap_names_call_and_rule(void **state)
{
    (void)state;
    unsigned told = 0;
    struct trap trap = {.handler = count_trap, .argument = &told};
    trap_take(&trap, "vm_page_free", "F-20", "page is wired %u times", 3u);
    assert_int_equal(trap.count, 1);
    assert_int_equal(told, 1);
    assert_string_equal(trap.call, "vm_page_free");
    assert_string_equal(trap.rule, "F-20");
}

/* A caller that may wait, where no page daemon is. Expect that it would sleep for ever. */
static void without_a_daemon_there_is_no_hope(void **state)
{
    (void)state;
    struct stand stand;
    struct pl_run run;
    open_stand(&stand, 0);
    stand.gate.pageout = NULL;
    fill(&stand);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_OK, &run), PL_WOULD_SLEEP);
    assert_int_equal(stand.gate.sleeps, 1);
    assert_int_equal(take(&stand, PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL, &run), PL_INVALID);
    assert_int_equal(stand.gate.sleeps, 1);
    rig_close(&stand.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_passes),
        cmocka_unit_test(run_bounds_are_in_its_own_numbers),
        cmocka_unit_test(the_nth_grant_fails_and_changes_nothing),
        cmocka_unit_test(a_waiter_gets_what_the_daemon_frees),
        cmocka_unit_test(a_waiter_without_hope_is_told_so),
        cmocka_unit_test(without_a_daemon_there_is_no_hope),
        cmocka_unit_test(wait_fail_sleeps_once_and_fails),
        cmocka_unit_test(the_daemon_does_not_enter_itself),
        cmocka_unit_test(slab_objects_are_zero_and_pages_go_back),
        cmocka_unit_test(a_slab_without_memory_says_why),
        cmocka_unit_test(a_trap_names_call_and_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
