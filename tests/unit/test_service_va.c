/* The address-space services: list and rbtree against a window that is an array of bytes, for both give the
 * lowest place that fits, so both must give exactly that; and what all three must answer alike. */
#include "va_fixture.h"

#include "../../allocators/services/va_list/list_internal.h"
#include "../../allocators/services/va_rbtree/rbtree_internal.h"

extern const struct pl_candidate pl_candidate_list;
extern const struct pl_candidate pl_candidate_rbtree;
extern const struct pl_candidate pl_candidate_vmem;

/* Those that give the lowest place. */
static const struct pl_candidate *const both[] = {&pl_candidate_list, &pl_candidate_rbtree};

static const struct pl_candidate *const all[] = {&pl_candidate_list, &pl_candidate_rbtree,
                                                 &pl_candidate_vmem};

/* --- the model --- */

struct model {
    unsigned char taken[WINDOW_PAGES];
    struct pl_area areas[WINDOW_PAGES];
    uint64_t count;
    uint64_t bytes;
};

/* The page that the area must begin at, or WINDOW_PAGES. */
static uint64_t model_place(const struct model *model, const struct pl_area_request *request, bool empty)
{
    uint64_t pages = request->bytes_wanted / P;
    uint64_t end = WINDOW_ADDR + WINDOW_PAGES * P;
    uint64_t high = request->high_addr == 0 || request->high_addr > end ? end : request->high_addr;
    for (uint64_t at = 0; at + pages <= WINDOW_PAGES; at++) {
        uint64_t addr = WINDOW_ADDR + at * P;
        if (addr % request->alignment != 0 || addr < request->low_addr || addr + pages * P > high)
            continue;
        uint64_t i = 0;
        while (i < pages && (empty || !model->taken[at + i]))
            i++;
        if (i == pages)
            return at;
    }
    return WINDOW_PAGES;
}

static void random_request(uint64_t *seed, struct pl_area_request *request)
{
    uint64_t dice = service_random(seed);
    *request = (struct pl_area_request){.bytes_wanted = (1 + dice % 9) * P,
                                        .alignment = UINT64_C(1) << (dice >> 8) % 17,
                                        .node = PL_NODE_ANY};
    if ((dice >> 16) % 4 == 0)
        request->low_addr = WINDOW_ADDR + (dice >> 20) % (WINDOW_PAGES * P + 5000);
    if ((dice >> 18) % 4 == 0)
        request->high_addr = WINDOW_ADDR + (dice >> 40) % (WINDOW_PAGES * P + 5000);
    if ((dice >> 60) == 0)
        request->bytes_wanted = (100 + dice % 200) * P;
}

static void step_reserve(struct va *va, struct model *model, uint64_t *seed)
{
    struct pl_area_request request;
    struct pl_area area;
    random_request(seed, &request);
    uint64_t place = model_place(model, &request, false);
    enum pl_status status = reserve(va, &request, &area);
    if (place == WINDOW_PAGES) {
        bool never = model_place(model, &request, true) == WINDOW_PAGES;
        assert_int_equal(status, never ? PL_NEVER : PL_NO_MEMORY);
        return;
    }
    assert_int_equal(status, PL_OK);
    assert_int_equal(area.addr, WINDOW_ADDR + place * P);
    assert_int_equal(area.area_bytes, request.bytes_wanted);
    memset(model->taken + place, 1, (size_t)(request.bytes_wanted / P));
    model->areas[model->count++] = area;
    model->bytes += area.area_bytes;
}

static void step_release(struct va *va, struct model *model, uint64_t *seed)
{
    if (model->count == 0)
        return;
    uint64_t pick = service_random(seed) % model->count;
    struct pl_area area = model->areas[pick];
    assert_int_equal(release(va, area.addr, area.area_bytes), PL_OK);
    assert_int_equal(release(va, area.addr, area.area_bytes), PL_REFUSED);
    memset(model->taken + (area.addr - WINDOW_ADDR) / P, 0, (size_t)(area.area_bytes / P));
    model->areas[pick] = model->areas[--model->count];
    model->bytes -= area.area_bytes;
}

/* What holds this address is what lookup says. */
static void step_lookup(struct va *va, struct model *model, uint64_t *seed)
{
    uint64_t addr = WINDOW_ADDR + service_random(seed) % (WINDOW_PAGES * P);
    struct pl_area found = {.addr = 0};
    enum pl_status status = va->ops->lookup(va->self, addr, &found);
    assert_int_equal(status, model->taken[(addr - WINDOW_ADDR) / P] ? PL_OK : PL_REFUSED);
    if (status == PL_OK)
        assert_true(addr >= found.addr && addr - found.addr < found.area_bytes);
}

/* 6,000 random calls, from an empty window to one that is full and back, a few times.
 * Expect the model's answer to each, and a sound structure after each. */
static void test_gives_the_lowest_place_that_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(both); i++) {
        struct va va;
        struct model model = {.count = 0};
        uint64_t seed = 3;
        va_open(&va, both[i], WINDOW_ADDR, WINDOW_PAGES * P, NULL);
        assert_int_equal(va.status, PL_OK);
        for (unsigned step = 0; step < 6000; step++) {
            bool filling = step / 500 % 2 == 0;
            unsigned dice = (unsigned)(service_random(&seed) % 8);
            if (dice == 7)
                step_lookup(&va, &model, &seed);
            else if (dice < (filling ? 6u : 2u))
                step_reserve(&va, &model, &seed);
            else
                step_release(&va, &model, &seed);
            expect_sound(&va, model.count, model.bytes);
        }
        while (model.count > 0)
            step_release(&va, &model, &seed);
        expect_sound(&va, 0, 0);
        va_close(&va);
    }
}

/* Every illegal request, and those that no state of this window could serve.
 * Expect PL_INVALID and PL_NEVER, and nothing reserved. */
static void test_illegal_and_impossible(void **state)
{
    (void)state;
    const uint64_t end = WINDOW_ADDR + WINDOW_PAGES * P;
    static const struct pl_area_request illegal[] = {
        {.bytes_wanted = 0, .alignment = 1},
        {.bytes_wanted = 1, .alignment = 1},
        {.bytes_wanted = P - 1, .alignment = 1},
        {.bytes_wanted = P + 1, .alignment = 1},
        {.bytes_wanted = UINT64_MAX, .alignment = 1},
        {.bytes_wanted = P, .alignment = 0},
        {.bytes_wanted = P, .alignment = 3},
        {.bytes_wanted = P, .alignment = UINT64_MAX},
        {.bytes_wanted = P, .alignment = 1, .flags = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL},
        {.bytes_wanted = P, .alignment = 1, .flags = PL_REQUEST_ZERO},
    };
    const struct pl_area_request never[] = {
        {.bytes_wanted = (WINDOW_PAGES + 1) * P, .alignment = 1},
        {.bytes_wanted = 0 - P, .alignment = 1},
        {.bytes_wanted = UINT64_C(1) << 63, .alignment = UINT64_C(1) << 63},
        {.bytes_wanted = P, .alignment = 1, .low_addr = end},
        {.bytes_wanted = P, .alignment = 1, .low_addr = UINT64_MAX},
        {.bytes_wanted = P, .alignment = 1, .high_addr = 1},
        {.bytes_wanted = P, .alignment = 1, .high_addr = WINDOW_ADDR},
        {.bytes_wanted = P, .alignment = 1, .high_addr = WINDOW_ADDR + P - 1},
        {.bytes_wanted = P,
         .alignment = 1,
         .low_addr = WINDOW_ADDR + 1,
         .high_addr = WINDOW_ADDR + 2 * P - 1},
        {.bytes_wanted = P,
         .alignment = 1,
         .low_addr = WINDOW_ADDR + 9 * P,
         .high_addr = WINDOW_ADDR + 8 * P},
        {.bytes_wanted = P, .alignment = UINT64_C(1) << 43},
    };
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct va va;
        struct pl_area area;
        va_open(&va, all[i], WINDOW_ADDR, WINDOW_PAGES * P, NULL);
        for (size_t k = 0; k < PL_COUNT_OF(illegal); k++)
            assert_int_equal(reserve(&va, &illegal[k], &area), PL_INVALID);
        for (size_t k = 0; k < PL_COUNT_OF(never); k++)
            assert_int_equal(reserve(&va, &never[k], &area), PL_NEVER);
        expect_sound(&va, 0, 0);
        struct pl_area_request edge = {
            .bytes_wanted = P, .alignment = 1, .low_addr = WINDOW_ADDR + 1, .high_addr = WINDOW_ADDR + 2 * P};
        assert_int_equal(reserve(&va, &edge, &area), PL_OK);
        assert_int_equal(area.addr, WINDOW_ADDR + P);
        va_close(&va);
    }
}

/* Releases of what is not exactly an area: other lengths, the inside of one, two at once, nothing, the
 * window's end. Expect PL_REFUSED and both areas still there. */
static void test_refuses_every_other_release(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct va va;
        struct pl_area a;
        struct pl_area b;
        va_open(&va, all[i], WINDOW_ADDR, WINDOW_PAGES * P, NULL);
        assert_int_equal(reserve_pages(&va, 4, &a), PL_OK);
        assert_int_equal(reserve_pages(&va, 4, &b), PL_OK);
        assert_int_equal(b.addr, a.addr + 4 * P);
        const struct pl_area wrong[] = {
            {a.addr, 3 * P, {0}},
            {a.addr, 5 * P, {0}},
            {a.addr, 8 * P, {0}},
            {a.addr, 0, {0}},
            {a.addr + P, 3 * P, {0}},
            {a.addr + 1, 4 * P, {0}},
            {a.addr - P, 4 * P, {0}},
            {0, 4 * P, {0}},
            {UINT64_MAX, 4 * P, {0}},
            {b.addr + 4 * P, 4 * P, {0}},
            {WINDOW_ADDR + WINDOW_PAGES * P, 0, {0}},
        };
        for (size_t k = 0; k < PL_COUNT_OF(wrong); k++)
            assert_int_equal(release(&va, wrong[k].addr, wrong[k].area_bytes), PL_REFUSED);
        expect_sound(&va, 2, 8 * P);
        struct pl_area found;
        assert_int_equal(va.ops->lookup(va.self, a.addr - 1, &found), PL_REFUSED);
        assert_int_equal(va.ops->lookup(va.self, b.addr + 4 * P, &found), PL_REFUSED);
        assert_int_equal(va.ops->lookup(va.self, b.addr - 1, &found), PL_OK);
        assert_int_equal(found.addr, a.addr);
        va_close(&va);
    }
}

/* Windows at both ends of the address space, of one page, and those that no address space has.
 * Expect the last page of each to be given, and no metadata for what wraps, is empty, or is not whole pages.
 */
static void test_windows_at_the_edges(void **state)
{
    (void)state;
    const uint64_t addrs[] = {0, 0 - 3 * P, P};
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        for (size_t k = 0; k < PL_COUNT_OF(addrs); k++) {
            struct va va;
            struct pl_area area;
            va_open(&va, all[i], addrs[k], 3 * P, NULL);
            assert_int_equal(va.status, PL_OK);
            for (uint64_t page = 0; page < 3; page++) {
                assert_int_equal(reserve_pages(&va, 1, &area), PL_OK);
                assert_int_equal(area.addr, addrs[k] + page * P);
            }
            assert_int_equal(reserve_pages(&va, 1, &area), PL_NO_MEMORY);
            assert_int_equal(va.ops->lookup(va.self, addrs[k] + 3 * P - 1, &area), PL_OK);
            assert_int_equal(release(&va, area.addr, P), PL_OK);
            expect_sound(&va, 2, 2 * P);
            va_close(&va);
        }
        struct pl_page_table_config config = {.window_addr = 0 - P, .window_bytes = 2 * P};
        assert_int_equal(all[i]->page_table->meta_bytes(&config), 0);
        config.window_bytes = 0;
        assert_int_equal(all[i]->page_table->meta_bytes(&config), 0);
        config = (struct pl_page_table_config){.window_addr = 1, .window_bytes = P};
        assert_int_equal(all[i]->page_table->meta_bytes(&config), 0);
    }
}

/* A pool of three nodes.
 * Expect a fourth area refused although there is room, no state changed, and one more after a release. */
static void test_pool_of_nodes_is_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct va va;
        struct pl_area area;
        va_open(&va, all[i], WINDOW_ADDR, WINDOW_PAGES * P, "areas=3");
        for (int round = 0; round < 3; round++) {
            while (reserve_pages(&va, 2, &area) == PL_OK) {
            }
            assert_int_equal(reserve_pages(&va, 2, &area), PL_NO_MEMORY);
            expect_sound(&va, 3, 6 * P);
            assert_int_equal(release(&va, WINDOW_ADDR + 2 * P * (uint64_t)round, 2 * P), PL_OK);
        }
        expect_sound(&va, 2, 4 * P);
        va_close(&va);
        static const char *const wrong[] = {"areas=0",  "areas=", "areas=x",
                                            "areas=3x", "area=3", "areas=99999999"};
        for (size_t k = 0; k < PL_COUNT_OF(wrong); k++) {
            va_open(&va, all[i], WINDOW_ADDR, WINDOW_PAGES * P, wrong[k]);
            assert_int_equal(va.status, PL_INVALID);
            va_close(&va);
        }
    }
}

static unsigned sleeps;

static void count_sleep(struct pl_cpu *cpu, const char *where)
{
    (void)cpu, (void)where;
    sleeps++;
}

/* Requests with wait flags, on a window with room and on a full one.
 * Expect the platform told of each that could sleep, and of no other; PL_WOULD_SLEEP for who would wait for
 * ever. */
static void test_tells_who_could_sleep(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        struct va va;
        struct pl_area area;
        va_open(&va, all[i], WINDOW_ADDR, 2 * P, NULL);
        va.stub.platform.might_sleep = count_sleep;
        sleeps = 0;
        struct pl_area_request request = {.bytes_wanted = P, .alignment = P};
        assert_int_equal(reserve(&va, &request, &area), PL_OK);
        assert_int_equal(sleeps, 0);
        request.flags = PL_REQUEST_WAIT_OK;
        assert_int_equal(reserve(&va, &request, &area), PL_OK);
        assert_int_equal(sleeps, 1);
        assert_int_equal(reserve(&va, &request, &area), PL_WOULD_SLEEP);
        request.flags = PL_REQUEST_WAIT_FAIL;
        assert_int_equal(reserve(&va, &request, &area), PL_NO_MEMORY);
        assert_int_equal(sleeps, 3);
        request.flags = 0;
        assert_int_equal(reserve(&va, &request, &area), PL_NO_MEMORY);
        assert_int_equal(sleeps, 3);
        va_close(&va);
    }
}

/* 1,000 areas in the tree, every other one released.
 * Expect no way down longer than twice the logarithm. */
static void test_tree_is_balanced(void **state)
{
    (void)state;
    struct va va;
    struct pl_area area;
    va_open(&va, &pl_candidate_rbtree, WINDOW_ADDR, 4096 * P, NULL);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(reserve_pages(&va, 1, &area), PL_OK);
    for (uint64_t i = 0; i < 1000; i += 2)
        assert_int_equal(release(&va, WINDOW_ADDR + i * P, P), PL_OK);
    expect_sound(&va, 500, 500 * P);
    const struct rbtree *tree = va.self;
    for (uint32_t at = RBTREE_FIRST; at < tree->fresh; at++) {
        uint32_t depth = 0;
        for (uint32_t up = at; tree->nodes[at].bytes != 0 && up != RBTREE_NIL; up = tree->nodes[up].parent)
            depth++;
        assert_true(depth <= 18); /* 2 log2(501 + 1) */
    }
    va_close(&va);
}

static void expect_broken(struct va *va, uint32_t *word, uint32_t wrong)
{
    uint32_t before = *word;
    *word = wrong;
    assert_true(audit(va) > 0);
    *word = before;
}

static void expect_broken_long(struct va *va, uint64_t *word, uint64_t wrong)
{
    uint64_t before = *word;
    *word = wrong;
    assert_true(audit(va) > 0);
    *word = before;
}

/* Words of either structure are made wrong one at a time.
 * Expect the audit to say so each time, and to end. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct va va;
    struct pl_area area;
    va_open(&va, &pl_candidate_rbtree, WINDOW_ADDR, WINDOW_PAGES * P, NULL);
    for (int i = 0; i < 9; i++)
        assert_int_equal(reserve_pages(&va, 2, &area), PL_OK);
    assert_int_equal(release(&va, WINDOW_ADDR + 6 * P, 2 * P), PL_OK);
    struct rbtree *tree = va.self;
    struct rbtree_node *root = &tree->nodes[tree->root];
    uint32_t *const words[] = {
        &tree->root,           &root->child[0], &root->child[1],         &root->red,
        &root->parent,         &tree->unused,   &tree->space.area_count, &tree->nodes[0].red,
        &tree->nodes[1].parent};
    uint64_t *const longs[] = {&root->start, &root->bytes, &root->gap, &root->most,
                               &tree->space.bytes_reserved};
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 1;
        assert_true(audit(&va) > 0);
        *words[i] ^= 1;
        assert_int_equal(audit(&va), 0);
    }
    for (size_t i = 0; i < PL_COUNT_OF(longs); i++) {
        *longs[i] ^= P;
        assert_true(audit(&va) > 0);
        *longs[i] ^= P;
    }
    expect_broken(&va, &tree->root, 77);
    expect_broken(&va, &root->child[0], 77);
    expect_broken(&va, &root->child[1], tree->root); /* a ring */
    expect_broken_long(&va, &root->bytes, UINT64_MAX);
    expect_broken_long(&va, &root->bytes, 2 * P - 1);
    expect_broken_long(&va, &tree->nodes[1].start, (WINDOW_PAGES - 1) * P);
    assert_int_equal(audit(&va), 0);
    va_close(&va);
    va_open(&va, &pl_candidate_list, WINDOW_ADDR, WINDOW_PAGES * P, NULL);
    for (int i = 0; i < 9; i++)
        assert_int_equal(reserve_pages(&va, 2, &area), PL_OK);
    assert_int_equal(release(&va, WINDOW_ADDR + 6 * P, 2 * P), PL_OK);
    struct list *list = va.self;
    uint32_t *const links[] = {&list->head,          &list->packed,
                               &list->unused,        &list->space.area_count,
                               &list->nodes[1].next, &list->nodes[1].before};
    for (size_t i = 0; i < PL_COUNT_OF(links); i++) {
        *links[i] ^= 1;
        assert_true(audit(&va) > 0);
        *links[i] ^= 1;
        assert_int_equal(audit(&va), 0);
    }
    expect_broken(&va, &list->head, 77);
    expect_broken(&va, &list->nodes[list->head].next, list->head); /* a ring */
    expect_broken_long(&va, &list->nodes[2].bytes, UINT64_MAX);
    list->nodes[2].start += P;
    assert_true(audit(&va) > 0);
    list->nodes[2].start -= P;
    assert_int_equal(audit(&va), 0);
    va_close(&va);
}

/* Expect one line of words from each, cut where there is no room. */
static void test_settings(void **state)
{
    (void)state;
    static const char *const params[] = {NULL, "fit=best", "areas=1"};
    for (size_t i = 0; i < PL_COUNT_OF(all); i++) {
        for (size_t k = 0; k < PL_COUNT_OF(params); k++) {
            struct va va;
            char text[256] = "";
            if (k > 0 && all[i] != &pl_candidate_vmem)
                continue;
            va_open(&va, all[i], WINDOW_ADDR, WINDOW_PAGES * P, params[k]);
            assert_int_equal(va.status, PL_OK);
            va.ops->settings(va.self, text, sizeof(text));
            assert_non_null(strchr(text, '='));
            assert_null(strchr(text, '\n'));
            va.ops->settings(va.self, text, 4);
            assert_int_equal(strlen(text), 3);
            va_close(&va);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_the_lowest_place_that_fits),
        cmocka_unit_test(test_illegal_and_impossible),
        cmocka_unit_test(test_refuses_every_other_release),
        cmocka_unit_test(test_windows_at_the_edges),
        cmocka_unit_test(test_pool_of_nodes_is_the_limit),
        cmocka_unit_test(test_tells_who_could_sleep),
        cmocka_unit_test(test_tree_is_balanced),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
