/* slate: lacks and lists of chunks, stacks over the depot over the words, and a machine that is born free. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/slate/slate_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 10000u

extern const struct pl_candidate pl_candidate_slate;

static struct pl_run runs[RUN_LIMIT];

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_slate, &range, 1), PL_OK);
}

static void drain_all(struct stub *stub)
{
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
        stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[i]);
}

static void expect_sound(const struct stub *stub, struct stub_audit *audit)
{
    if (stub_audit(stub, audit) != 0)
        fail_msg("%s", audit->words);
}

static struct pl_page_counts counts_of(const struct stub *stub)
{
    struct pl_page_counts counts;
    stub->ops->count(stub->self, &counts);
    return counts;
}

static enum pl_status alloc_on(struct stub *stub, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[cpu], &request, run);
}

/* Every shape is filled and emptied by each order. Expect as many blocks as an empty machine has, twice, and
 * no frame lost. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        struct stub_audit audit;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_slate, shape->ranges, shape->range_count), PL_OK);
        for (uint32_t order = 0; order <= SLATE_MAX_ORDER; order++) {
            uint64_t count = stub_drain(&stub, order, runs, RUN_LIMIT);
            expect_sound(&stub, &audit);
            assert_int_equal(audit.frames, stub.machine.frame_count - (count << order));
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
            expect_sound(&stub, &audit);
            assert_int_equal(stub_drain(&stub, order, runs, RUN_LIMIT), count);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        }
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), stub.machine.frame_count);
        stub_close(&stub);
    }
}

/* Random blocks and runs on four CPUs, splits and drains between them. Expect bits, lacks, lists, stacks and
 * state bytes to agree all along, and the machine whole at the end. */
static void test_all_agree_after_random_operations(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    uint64_t seed = 42;
    uint64_t count = 0;
    open_at(&stub, 0x1234567, 10000);
    for (int step = 0; step < 40000; step++) {
        uint64_t dice = stub_random(&seed);
        uint32_t cpu = (uint32_t)(dice >> 56) % STUB_CPU_COUNT;
        if (count > 0 && (dice % 100 < 48 || count == RUN_LIMIT)) {
            uint64_t pick = stub_random(&seed) % count;
            assert_int_equal(stub.ops->free(stub.self, stub.cpus[cpu], &runs[pick]), PL_OK);
            runs[pick] = runs[--count];
        } else if (dice % 100 < 92) {
            count += alloc_on(&stub, cpu, (uint32_t)(dice >> 32) % 8, &runs[count]) == PL_OK;
        } else if (dice % 100 < 97) {
            count += stub_alloc_run(&stub, 1 + (dice >> 32) % 300, 0, UINT64_MAX, 1, &runs[count]) == PL_OK;
        } else if (dice % 100 < 98) {
            stub.ops->drain(stub.self, stub.cpus[cpu], stub.cpus[(dice >> 40) % STUB_CPU_COUNT]);
        } else if (count > 0 && count + 64 < RUN_LIMIT && runs[count - 1].frame_count <= 64) {
            struct pl_run whole = runs[count - 1];
            assert_int_equal(stub.ops->split(stub.self, stub.cpus[cpu], &whole, 0), PL_OK);
            for (uint64_t i = 0; i < whole.frame_count; i++)
                runs[count - 1 + i] = (struct pl_run){.first = {whole.first.number + i}, .frame_count = 1};
            count += whole.frame_count - 1;
        }
        if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
            fail_msg("step %d: %s", step, audit.words);
    }
    while (count > 0)
        assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
    drain_all(&stub);
    expect_sound(&stub, &audit);
    assert_int_equal(counts_of(&stub).cached, 0);
    assert_int_equal(stub_free_frames(&stub), 10000);
    stub_close(&stub);
}

/* What fits into random words and chunks, counted the slow way. Expect the lacks to say the same. */
static void test_lacks_say_what_fits(void **state)
{
    (void)state;
    uint64_t seed = 7;
    assert_int_equal(slate_lacks_of_word(UINT64_MAX), 0);
    assert_int_equal(slate_lacks_of_word(0), SLATE_WORD_FULL);
    for (int round = 0; round < 20000; round++) {
        uint64_t bits = stub_random(&seed);
        for (int more = 0; more < round % 3; more++)
            bits |= stub_random(&seed);
        bits |= round % 5 == 0 ? UINT64_MAX << (round % 61) : 0;
        uint32_t lacks = 0;
        for (uint32_t order = 0; order <= SLATE_WORD_ORDER; order++) {
            uint64_t block = UINT64_MAX >> (64 - (UINT64_C(1) << order));
            bool fits = false;
            for (uint32_t at = 0; at < 64; at += 1u << order)
                fits |= (bits >> at & block) == block;
            lacks |= fits ? 0 : 1u << order;
        }
        assert_int_equal(slate_lacks_of_word(bits), lacks);
    }
    uint8_t lacks[SLATE_CHUNK_WORDS];
    memset(lacks, SLATE_WORD_FULL, sizeof(lacks));
    assert_int_equal(slate_lack_of_chunk(lacks), SLATE_CHUNK_FULL);
    lacks[15] = SLATE_WORD_FULL - 1;
    assert_int_equal(slate_lack_of_chunk(lacks), SLATE_CHUNK_FULL - 1);
    lacks[3] = 0;
    assert_int_equal(slate_lack_of_chunk(lacks), 4);
    assert_int_equal(slate_free_words(lacks), 1u << 3);
    lacks[2] = 0;
    assert_int_equal(slate_lack_of_chunk(lacks), 3);
    memset(lacks, 0, sizeof(lacks));
    assert_int_equal(slate_lack_of_chunk(lacks), 0);
    assert_int_equal(slate_free_words(lacks), 0xffff);
    lacks[9] = 0x40;
    assert_int_equal(slate_lack_of_chunk(lacks), 1);
}

/* Blocks and runs, then every wrong word about the frames around them. Expect refusals only, and not a byte
 * changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct pl_run odd;
    const struct pl_range ranges[] = {{.first = pl_frame_at(60), .frame_count = 4},
                                      {.first = pl_frame_at(70), .frame_count = 10}};
    assert_int_equal(stub_open(&stub, &pl_candidate_slate, ranges, 2), PL_OK);
    assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
    assert_int_equal(run.first.number, 60);
    assert_int_equal(stub_alloc_run(&stub, 3, 71, 74, 1, &odd), PL_OK);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    for (uint64_t frame = 55; frame < 85; frame++)
        for (uint32_t order = 0; order < 12; order++)
            if (frame != 60 || order != 2)
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
    for (uint64_t count = 0; count < 20; count++)
        if (count != 3)
            assert_int_equal(stub_free_at(&stub, 71, count, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 72, 2, 1), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, 4, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, UINT64_MAX, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    assert_int_equal(stub_free(&stub, &odd), PL_OK);
    assert_int_equal(stub_free(&stub, &odd), PL_REFUSED);
    stub_close(&stub);
}

/* Two runs side by side, of a length that is no power of two. Expect that neither end blurs into the other.
 */
static void test_runs_side_by_side(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run one;
    struct pl_run two;
    open_at(&stub, 0, 4096);
    assert_int_equal(stub_alloc_run(&stub, 1500, 1000, 2500, 1, &one), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 700, 2500, 3200, 1, &two), PL_OK);
    expect_sound(&stub, &audit);
    assert_int_equal(audit.frames, 4096 - 2200);
    assert_int_equal(stub_free_at(&stub, 1000, 2200, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 1000, 1499, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free(&stub, &one), PL_OK);
    assert_int_equal(stub_free(&stub, &two), PL_OK);
    expect_sound(&stub, &audit);
    assert_int_equal(audit.blocks[SLATE_MAX_ORDER], 4);
    stub_close(&stub);
}

/* The last free block of order 4 is in this CPU's own caches, frame by frame; then a request that not even
 * they can serve. Expect the first to succeed without a drain, the second to change nothing at all. */
static void test_own_caches_serve_larger_orders(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run block;
    open_at(&stub, 0, 1024);
    uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
    assert_int_equal(count, 1024);
    uint32_t freed = 0;
    for (uint64_t i = 0; i < count; i++)
        if (runs[i].first.number / 16 == 5 && ++freed)
            assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
    assert_int_equal(freed, 16);
    assert_int_equal(counts_of(&stub).free, 0);
    assert_int_equal(counts_of(&stub).cached, 16);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    assert_int_equal(stub_alloc(&stub, 5, &block), PL_NO_MEMORY);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_alloc(&stub, 4, &block), PL_OK);
    assert_int_equal(block.first.number, 80);
    assert_int_equal(counts_of(&stub).cached, 0);
    expect_sound(&stub, &audit);
    stub_close(&stub);
}

/* More frees than the stack and the depot hold. Expect them to fill first, the rest in the words, and the
 * frame freed last on top. */
static void test_stack_then_depot_then_words(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run again;
    open_at(&stub, 0, 65536);
    const struct slate *self = stub.self;
    uint32_t most = (SLATE_DEPOT_DEFAULT + 2) * SLATE_BATCH_DEFAULT;
    assert_int_equal(self->batch, SLATE_BATCH_DEFAULT);
    for (uint32_t i = 0; i < most + SLATE_BATCH_DEFAULT; i++)
        assert_int_equal(alloc_on(&stub, 0, 0, &runs[i]), PL_OK);
    assert_int_equal(counts_of(&stub).cached, 0);
    for (uint32_t i = 0; i < most; i++)
        assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
    assert_int_equal(counts_of(&stub).cached, most);
    assert_int_equal(stub_free(&stub, &runs[most]), PL_OK);
    assert_int_equal(counts_of(&stub).cached, most - SLATE_BATCH_DEFAULT + 1);
    assert_int_equal(alloc_on(&stub, 0, 0, &again), PL_OK);
    assert_int_equal(again.first.number, runs[most].first.number);
    /* Another CPU is served from the depot, not from the words. */
    uint64_t words = counts_of(&stub).free;
    assert_int_equal(alloc_on(&stub, 1, 0, &again), PL_OK);
    assert_int_equal(counts_of(&stub).free, words);
    drain_all(&stub);
    assert_int_equal(counts_of(&stub).cached, 0);
    stub_close(&stub);
}

/* Two nodes. Expect a named one honoured whatever is cached, and a CPU's own node preferred. */
static void test_nodes(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    const struct pl_range ranges[] = {
        {.first = pl_frame_at(7), .frame_count = 1500},
        {.first = pl_frame_at(1508), .frame_count = 3000, .node = 1},
    };
    struct pl_request request = {.node = 1, .flags = PL_REQUEST_NODE_ONLY};
    assert_int_equal(stub_open(&stub, &pl_candidate_slate, ranges, 2), PL_OK);
    stub.cpu[1].node = 1;
    assert_int_equal(alloc_on(&stub, 0, 0, &run), PL_OK);
    assert_true(run.first.number < 1507);
    assert_int_equal(alloc_on(&stub, 1, 0, &run), PL_OK);
    assert_true(run.first.number >= 1508);
    for (uint32_t i = 0; i < 100; i++) {
        request.order = (uint8_t)(i % 4);
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
        assert_true(run.first.number >= 1508);
    }
    request = (struct pl_request){.node = 0, .order = 10, .flags = PL_REQUEST_NODE_ONLY};
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
    expect_sound(&stub, &audit);
    stub_close(&stub);
}

/* Expect that init writes next to nothing, header and edges only: all other bytes of the metadata stay
 * zero; and that a machine that four levels cannot name is refused. */
static void test_largest_machine(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_range range = {.first = pl_frame_at(0), .frame_count = SLATE_FRAMES_MAX};
    stub_machine(&stub, &range, 1);
    size_t bytes = pl_candidate_slate.page->meta_bytes(&stub.config);
    assert_true(bytes > SLATE_FRAMES_MAX && bytes < SLATE_FRAMES_MAX / 100 * 116);
    range.frame_count++;
    stub_machine(&stub, &range, 1);
    assert_int_equal(pl_candidate_slate.page->meta_bytes(&stub.config), 0);

    open_at(&stub, 0, 1 << 20);
    const unsigned char *meta = stub.self;
    size_t written = 0;
    for (size_t i = 0; i < stub.meta_bytes; i++)
        written += meta[i] != 0;
    assert_true(written < 1000);
    stub_close(&stub);
}

/* Texts in parentheses. Expect the good ones shown by settings, the bad ones PL_INVALID. */
static void test_params(void **state)
{
    static const struct {
        const char *text;
        const char *settings; /* NULL: bad */
    } cases[] = {
        {NULL, "batch=64 depot=16 "},
        {"", "batch=64 depot=16 "},
        {"batch=8", "batch=8 depot=16 "},
        {"depot=0", "batch=64 depot=0 "},
        {"depot=3,batch=1", "batch=1 depot=3 "},
        {"batch=0", NULL},
        {"batch=65", NULL},
        {"depot=1025", NULL},
        {"depot=", NULL},
        {"batch=99999999999999999999", NULL},
        {"batch=8,", NULL},
        {"batch", NULL},
        {"batch=8 depot=9", NULL},
        {"colour=blue", NULL},
        {"batch=-1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct stub stub;
        struct pl_run run;
        char text[200];
        struct pl_range range = {.first = pl_frame_at(0), .frame_count = 1 << 20};
        stub_machine(&stub, &range, 1);
        stub.config.params = cases[i].text;
        stub.ops = pl_candidate_slate.page;
        size_t bytes = (stub.ops->meta_bytes(&stub.config) + 4095) & ~(size_t)4095;
        stub.self = aligned_alloc(4096, bytes);
        assert_non_null(stub.self);
        memset(stub.self, 0, bytes);
        enum pl_status status = stub.ops->init(stub.self, &stub.config);
        assert_int_equal(status, cases[i].settings != NULL ? PL_OK : PL_INVALID);
        if (status == PL_OK) {
            stub.ops->settings(stub.self, text, sizeof(text));
            assert_memory_equal(text, cases[i].settings, strlen(cases[i].settings));
            for (uint32_t k = 0; k < 500; k++)
                assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        }
        stub_close(&stub);
    }
}

/* ---- threads ---- */

#define STRESS_STEPS 30000
#define STRESS_HELD  300u

struct stress {
    struct stub *stub;
    atomic_uchar *owned; /* a byte a frame: granted to somebody */
    uint32_t cpu;
    uint32_t bad;
};

static void own(struct stress *stress, const struct pl_run *run, unsigned char from, unsigned char to)
{
    for (uint64_t i = 0; i < run->frame_count; i++) {
        unsigned char seen = from;
        if (!atomic_compare_exchange_strong(&stress->owned[run->first.number + i], &seen, to))
            stress->bad++;
    }
}

static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    struct stub *stub = stress->stub;
    struct pl_run held[STRESS_HELD];
    uint32_t count = 0;
    uint64_t seed = 99 + stress->cpu;
    for (int step = 0; step < STRESS_STEPS; step++) {
        uint64_t dice = stub_random(&seed);
        if (count == STRESS_HELD || (count > 0 && dice % 100 < 49)) {
            uint32_t pick = (uint32_t)(dice >> 32) % count;
            own(stress, &held[pick], 1, 0);
            stress->bad += stub->ops->free(stub->self, stub->cpus[stress->cpu], &held[pick]) != PL_OK;
            held[pick] = held[--count];
        } else if (alloc_on(stub, stress->cpu, dice >> 32 & 1 ? 0 : (uint32_t)(dice >> 33) % 7,
                            &held[count]) == PL_OK) {
            own(stress, &held[count++], 0, 1);
        }
    }
    while (count > 0) {
        own(stress, &held[--count], 1, 0);
        stress->bad += stub->ops->free(stub->self, stub->cpus[stress->cpu], &held[count]) != PL_OK;
    }
    return NULL;
}

/* Four threads on a machine too small for all. Expect no frame held twice, and all back at the end. */
static void test_threads(void **state)
{
    static atomic_uchar owned[2048];
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct stress stress[STUB_CPU_COUNT];
    pthread_t threads[STUB_CPU_COUNT];
    open_at(&stub, 0, PL_COUNT_OF(owned));
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
        stress[i] = (struct stress){.stub = &stub, .owned = owned, .cpu = i};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(stress[i].bad, 0);
    }
    expect_sound(&stub, &audit);
    drain_all(&stub);
    assert_int_equal(stub_free_frames(&stub), PL_COUNT_OF(owned));
    expect_sound(&stub, &audit);
    assert_int_equal(audit.blocks[SLATE_MAX_ORDER], 2);
    stub_close(&stub);
}

/* Each thing that the audit knows, broken by hand. Expect it named. */
static void test_audit_sees_what_is_broken(void **state)
{
    (void)state;
    for (uint32_t what = 0; what < 8; what++) {
        struct stub stub;
        struct stub_audit audit;
        open_at(&stub, 5, 3000);
        assert_int_equal(stub_alloc(&stub, 0, &runs[0]), PL_OK);
        assert_int_equal(stub_alloc(&stub, 3, &runs[1]), PL_OK);
        expect_sound(&stub, &audit);
        struct slate *self = stub.self;
        struct slate_cpu *cpu = slate_cpu_at(self, 0);
        uint64_t granted = runs[0].first.number - self->base;
        if (what == 0)
            cpu->frames[0] = cpu->frames[1]; /* cached twice */
        else if (what == 1)
            cpu->frames[0] = runs[0].first.number;
        else if (what == 2)
            slate_state_set(self->state, granted, SLATE_NO_HEAD); /* a frame is lost */
        else if (what == 3)
            self->word[granted / 64] &= ~(UINT64_C(1) << (granted % 64));
        else if (what == 4)
            self->chunk_lack[1] ^= 1;
        else if (what == 5)
            self->word_lacks[20] ^= 1;
        else if (what == 6)
            self->present ^= 1;
        else
            atomic_store(&self->free_count, 1);
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(audit.broken > 0);
        assert_memory_equal(audit.words, "slate: ", 7);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_all_agree_after_random_operations),
        cmocka_unit_test(test_lacks_say_what_fits),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_runs_side_by_side),
        cmocka_unit_test(test_own_caches_serve_larger_orders),
        cmocka_unit_test(test_stack_then_depot_then_words),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_largest_machine),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_audit_sees_what_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
