/* The vmem arena: any place that is right will do, so the model only says which are; what its caches keep;
 * the policies; and an audit that sees each structure of it made wrong. */
#include "va_fixture.h"

#include "../../allocators/services/va_vmem/vmem_internal.h"

extern const struct pl_candidate pl_candidate_vmem;

static void open_small(struct va *va, const char *params)
{
    va_open(va, &pl_candidate_vmem, WINDOW_ADDR, WINDOW_PAGES * P, params);
    assert_int_equal(va->status, PL_OK);
}

static const struct vmem *vmem_of(const struct va *va)
{
    return va->self;
}

static enum pl_status reserve_on(struct va *va, uint32_t cpu, uint64_t pages, struct pl_area *area)
{
    struct pl_area_request request = {.bytes_wanted = pages * P, .alignment = 1};
    return va->ops->reserve(va->self, &va->stub.cpus[cpu], &request, area);
}

static enum pl_status release_on(struct va *va, uint32_t cpu, const struct pl_area *area)
{
    return va->ops->release(va->self, &va->stub.cpus[cpu], area);
}

/* --- against a model --- */

struct model {
    unsigned char taken[WINDOW_PAGES];
    struct pl_area areas[WINDOW_PAGES];
    uint64_t count;
    uint64_t bytes;
};

static bool model_has_place(const struct model *model, const struct pl_area_request *request, bool empty)
{
    uint64_t pages = request->bytes_wanted / P;
    uint64_t end = WINDOW_ADDR + WINDOW_PAGES * P;
    uint64_t high = request->high_addr == 0 || request->high_addr > end ? end : request->high_addr;
    for (uint64_t at = 0; at + pages <= WINDOW_PAGES; at++) {
        uint64_t addr = WINDOW_ADDR + at * P;
        uint64_t i = 0;
        if (addr % request->alignment != 0 || addr < request->low_addr || addr + pages * P > high)
            continue;
        while (i < pages && (empty || !model->taken[at + i]))
            i++;
        if (i == pages)
            return true;
    }
    return false;
}

/* Half of them are a mere small size. */
static void random_request(uint64_t *seed, struct pl_area_request *request)
{
    uint64_t dice = service_random(seed);
    *request =
        (struct pl_area_request){.bytes_wanted = (1 + dice % 12) * P, .alignment = 1, .node = PL_NODE_ANY};
    if ((dice >> 8) % 2 == 0)
        return;
    request->alignment = UINT64_C(1) << (dice >> 9) % 17;
    if ((dice >> 16) % 4 == 0)
        request->low_addr = WINDOW_ADDR + (dice >> 20) % (WINDOW_PAGES * P + 5000);
    if ((dice >> 18) % 4 == 0)
        request->high_addr = WINDOW_ADDR + (dice >> 40) % (WINDOW_PAGES * P + 5000);
    if ((dice >> 60) == 0)
        request->bytes_wanted = (60 + dice % 200) * P;
}

static void step_reserve(struct va *va, struct model *model, uint64_t *seed)
{
    struct pl_area_request request;
    struct pl_area area;
    random_request(seed, &request);
    enum pl_status status =
        va->ops->reserve(va->self, &va->stub.cpus[service_random(seed) % 2], &request, &area);
    if (!model_has_place(model, &request, false)) {
        assert_int_equal(status, model_has_place(model, &request, true) ? PL_NO_MEMORY : PL_NEVER);
        return;
    }
    assert_int_equal(status, PL_OK);
    assert_int_equal(area.area_bytes, request.bytes_wanted);
    assert_int_equal(area.addr % request.alignment, 0);
    assert_int_equal(area.addr % P, 0);
    assert_true(area.addr >= WINDOW_ADDR && area.addr >= request.low_addr);
    assert_true(area.addr + area.area_bytes <= WINDOW_ADDR + WINDOW_PAGES * P);
    assert_true(request.high_addr == 0 || area.addr + area.area_bytes <= request.high_addr);
    for (uint64_t i = 0; i < area.area_bytes / P; i++) {
        assert_int_equal(model->taken[(area.addr - WINDOW_ADDR) / P + i], 0);
        model->taken[(area.addr - WINDOW_ADDR) / P + i] = 1;
    }
    model->areas[model->count++] = area;
    model->bytes += area.area_bytes;
}

static void step_release(struct va *va, struct model *model, uint64_t *seed)
{
    if (model->count == 0)
        return;
    uint64_t pick = service_random(seed) % model->count;
    struct pl_area area = model->areas[pick];
    uint32_t cpu = service_random(seed) % 2;
    assert_int_equal(release_on(va, cpu, &area), PL_OK);
    assert_int_equal(release_on(va, cpu, &area), PL_REFUSED);
    memset(model->taken + (area.addr - WINDOW_ADDR) / P, 0, (size_t)(area.area_bytes / P));
    model->areas[pick] = model->areas[--model->count];
    model->bytes -= area.area_bytes;
}

/* Every page of the window: what holds it is what lookup says, and nothing that is only kept. */
static void look_everywhere(struct va *va, const struct model *model)
{
    for (uint64_t page = 0; page < WINDOW_PAGES; page++) {
        uint64_t addr = WINDOW_ADDR + page * P + page % P;
        struct pl_area found = {.addr = 0};
        enum pl_status status = va->ops->lookup(va->self, addr, &found);
        assert_int_equal(status, model->taken[page] ? PL_OK : PL_REFUSED);
        if (status == PL_OK)
            assert_true(addr >= found.addr && addr - found.addr < found.area_bytes);
    }
}

/* 6,000 random calls on two CPUs, from an empty window to one that is full and back, a few times, for each
 * policy, with and without caches. Expect a right place whenever there is one, although caches hold areas; a
 * sound structure after each; and one free segment in the end. */
static void test_gives_a_place_if_there_is_one(void **state)
{
    static const char *const params[] = {NULL, "fit=best", "qcache=0", "qcache=64,fit=best,areas=256"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(params); i++) {
        struct va va;
        struct model model = {.count = 0};
        uint64_t seed = 7 + i;
        open_small(&va, params[i]);
        for (unsigned step = 0; step < 6000; step++) {
            bool filling = step / 500 % 2 == 0;
            if (service_random(&seed) % 8 < (filling ? 6u : 2u))
                step_reserve(&va, &model, &seed);
            else
                step_release(&va, &model, &seed);
            expect_sound(&va, model.count, model.bytes);
            if (step % 97 == 0)
                look_everywhere(&va, &model);
        }
        while (model.count > 0)
            step_release(&va, &model, &seed);
        va.ops->drain(va.self, &va.stub.cpus[0]);
        expect_sound(&va, 0, 0);
        assert_int_equal(vmem_of(&va)->tags[vmem_of(&va)->first].bytes, WINDOW_PAGES * P);
        va_close(&va);
    }
}

/* --- the caches --- */

/* Areas of each size up to one page more than is kept, released and reserved again on the same CPU and on the
 * other. Expect the same address from the CPU that released it if the size is kept, another one from the
 * other CPU; a kept one to be no area to lookup or release. */
static void test_small_areas_go_round_on_their_cpu(void **state)
{
    (void)state;
    for (uint64_t pages = 1; pages <= 5; pages++) {
        struct va va;
        struct pl_area area;
        struct pl_area again;
        struct pl_area found;
        open_small(&va, "qcache=4");
        assert_int_equal(reserve_on(&va, 0, pages, &area), PL_OK);
        assert_int_equal(release_on(&va, 0, &area), PL_OK);
        assert_int_equal(vmem_of(&va)->kept, pages <= 4);
        assert_int_equal(release_on(&va, 0, &area), PL_REFUSED);
        assert_int_equal(release_on(&va, 1, &area), PL_REFUSED);
        assert_int_equal(va.ops->lookup(va.self, area.addr, &found), PL_REFUSED);
        assert_int_equal(reserve_on(&va, 1, pages, &again), PL_OK);
        assert_int_equal(again.addr == area.addr, pages > 4);
        assert_int_equal(release_on(&va, 1, &again), PL_OK);
        assert_int_equal(reserve_on(&va, 0, pages, &again), PL_OK);
        assert_int_equal(again.addr, area.addr);
        expect_sound(&va, 1, pages * P);
        va_close(&va);
    }
}

/* More areas than a cache holds; then what has wishes about its place.
 * Expect the cache full and no fuller; wishes to go past it, both ways. */
static void test_caches_are_bounded_and_passed_by(void **state)
{
    (void)state;
    struct va va;
    struct pl_area areas[VMEM_CACHE_DEPTH + 3];
    struct pl_area area;
    open_small(&va, NULL);
    for (size_t i = 0; i < PL_COUNT_OF(areas); i++)
        assert_int_equal(reserve_on(&va, 0, 2, &areas[i]), PL_OK);
    for (size_t i = 0; i < PL_COUNT_OF(areas); i++)
        assert_int_equal(release_on(&va, 0, &areas[i]), PL_OK);
    assert_int_equal(vmem_of(&va)->kept, VMEM_CACHE_DEPTH);
    const uint64_t end = WINDOW_ADDR + WINDOW_PAGES * P;
    const struct pl_area_request wishes[] = {
        {.bytes_wanted = 2 * P, .alignment = 2 * P},
        {.bytes_wanted = 2 * P, .alignment = 1, .low_addr = WINDOW_ADDR + P},
        {.bytes_wanted = 2 * P, .alignment = 1, .high_addr = end - P},
    };
    for (size_t i = 0; i < PL_COUNT_OF(wishes); i++) {
        assert_int_equal(reserve(&va, &wishes[i], &area), PL_OK);
        assert_int_equal(vmem_of(&va)->kept, VMEM_CACHE_DEPTH);
        assert_int_equal(release_on(&va, 0, &area), PL_OK);
        assert_int_equal(vmem_of(&va)->kept, VMEM_CACHE_DEPTH);
    }
    /* Bounds that the window has anyway are no wish. */
    struct pl_area_request window = {
        .bytes_wanted = 2 * P, .alignment = P, .low_addr = WINDOW_ADDR, .high_addr = end};
    assert_int_equal(reserve(&va, &window, &area), PL_OK);
    assert_int_equal(vmem_of(&va)->kept, VMEM_CACHE_DEPTH - 1);
    expect_sound(&va, 1, 2 * P);
    va.ops->drain(va.self, &va.stub.cpus[1]);
    assert_int_equal(vmem_of(&va)->kept, 0);
    expect_sound(&va, 1, 2 * P);
    va_close(&va);
}

/* The whole window in areas of two pages, all kept by both CPUs after; then one area of everything. And a
 * pool of tags that is used up by what is kept. Expect the caches emptied before anybody is told that there
 * is no room, and a call that fails to leave no area behind. */
static void test_what_is_kept_is_in_nobodys_way(void **state)
{
    (void)state;
    struct va va;
    struct pl_area areas[WINDOW_PAGES / 8];
    struct pl_area area;
    va_open(&va, &pl_candidate_vmem, WINDOW_ADDR, WINDOW_PAGES / 4 * P, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(areas); i++)
        assert_int_equal(reserve_on(&va, i % 2, 2, &areas[i]), PL_OK);
    assert_int_equal(reserve_on(&va, 0, 2, &area), PL_NO_MEMORY);
    for (uint32_t i = 0; i < PL_COUNT_OF(areas); i++)
        assert_int_equal(release_on(&va, i % 2, &areas[i]), PL_OK);
    assert_int_equal(vmem_of(&va)->kept, PL_COUNT_OF(areas));
    expect_sound(&va, 0, 0);
    assert_int_equal(reserve_on(&va, 0, WINDOW_PAGES / 4, &area), PL_OK);
    expect_sound(&va, 1, WINDOW_PAGES / 4 * P);
    va_close(&va);
    open_small(&va, "areas=3");
    for (int i = 0; i < 3; i++)
        assert_int_equal(reserve_on(&va, 0, 1, &areas[i]), PL_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(release_on(&va, 0, &areas[i]), PL_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(reserve_on(&va, 1, 2, &areas[i]), PL_OK);
    assert_int_equal(reserve_on(&va, 0, 1, &area), PL_NO_MEMORY);
    expect_sound(&va, 3, 6 * P);
    va_close(&va);
}

/* --- the policies --- */

/* Holes of 5, 4 and 7 pages, in this order, freed so that the list of their power of two begins with the
 * largest. Expect instant fit to find one of at least a power of two above for what is no power of two, and
 * best fit the smallest that fits. */
static void test_policies_differ(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {5, 1, 4, 1, 7, 1};
    for (int best = 0; best < 2; best++) {
        struct va va;
        struct pl_area areas[6];
        struct pl_area area;
        open_small(&va, best ? "qcache=0,fit=best" : "qcache=0,fit=instant");
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(reserve_on(&va, 0, sizes[i], &areas[i]), PL_OK);
        for (size_t i = 0; i < 6; i += 2)
            assert_int_equal(release_on(&va, 0, &areas[i]), PL_OK);
        assert_int_equal(reserve_on(&va, 0, 4, &area), PL_OK);
        assert_int_equal(area.addr, areas[best ? 2 : 4].addr);
        assert_int_equal(reserve_on(&va, 0, 5, &area), PL_OK);
        assert_int_equal(area.addr, best ? areas[0].addr : areas[5].addr + P);
        expect_sound(&va, 5, 12 * P);
        va_close(&va);
    }
}

/* Parameters in any order, and wrong ones. */
static void test_parameters(void **state)
{
    (void)state;
    struct va va;
    char text[96];
    va_open(&va, &pl_candidate_vmem, WINDOW_ADDR, WINDOW_PAGES * P, "fit=best,qcache=3,areas=9");
    va.ops->settings(va.self, text, sizeof(text));
    assert_string_equal(text, "policy=best-fit qcache=3 depth=16 areas=9");
    va_close(&va);
    static const char *const wrong[] = {"qcache=65", "qcache=", "fit=first",       "fit=",     "fit=best|",
                                        "fit=bes",   "areas=0", "areas=5,areas=5", "areas=5,", ",areas=5",
                                        "qcache=-1", "depth=3", "areas=5;fit=x",   "qcache"};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        va_open(&va, &pl_candidate_vmem, WINDOW_ADDR, WINDOW_PAGES * P, wrong[i]);
        if (va.status != PL_INVALID)
            fail_msg("'%s' is accepted", wrong[i]);
        va_close(&va);
    }
}

/* --- the audit --- */

/* Words of each structure are made wrong one at a time.
 * Expect the audit to say so each time, and to end. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct va va;
    struct pl_area areas[9];
    open_small(&va, NULL);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(reserve_on(&va, 0, 2 + i % 2 * 10, &areas[i]), PL_OK);
    assert_int_equal(release_on(&va, 0, &areas[2]), PL_OK); /* kept */
    assert_int_equal(release_on(&va, 0, &areas[3]), PL_OK); /* free: too large */
    assert_int_equal(release_on(&va, 0, &areas[7]), PL_OK);
    struct vmem *self = va.self;
    struct vmem_tag *kept = &self->tags[vmem_find(self, areas[2].addr - WINDOW_ADDR)];
    struct vmem_tag *area = &self->tags[vmem_find(self, areas[5].addr - WINDOW_ADDR)];
    struct vmem_tag *hole = &self->tags[kept->above];
    struct vmem_cache *cache = &self->caches[1];
    assert_int_equal(hole->kind, VMEM_FREE);
    assert_int_equal(cache->count, 1);
    uint32_t *const words[] = {
        &self->first,     &area->below,    &area->above,  &area->next,
        &hole->next,      &hole->before,   &cache->count, &cache->tags[0],
        &self->kept,      &self->busy,     &self->unused, &self->lists[vmem_list_of(12 * P)],
        &kept->next,      &self->lists[0], &hole->above,  &self->space.area_count,
        &self->buckets[0]};
    uint64_t *const longs[] = {&area->start,
                               &area->bytes,
                               &hole->start,
                               &hole->bytes,
                               &kept->bytes,
                               &self->filled,
                               &self->space.bytes_reserved};
    assert_int_equal(audit(&va), 0);
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 1;
        if (audit(&va) == 0)
            fail_msg("word %zu is wrong and nobody says so", i);
        *words[i] ^= 1;
        assert_int_equal(audit(&va), 0);
    }
    for (size_t i = 0; i < PL_COUNT_OF(longs); i++) {
        *longs[i] ^= P;
        if (audit(&va) == 0)
            fail_msg("long %zu is wrong and nobody says so", i);
        *longs[i] ^= P;
        assert_int_equal(audit(&va), 0);
    }
    for (uint8_t kind = 0; kind < 5; kind++) {
        struct vmem_tag *const tags[] = {kept, area, hole};
        for (size_t i = 0; i < PL_COUNT_OF(tags); i++) {
            uint8_t before = tags[i]->kind;
            tags[i]->kind = kind;
            assert_int_equal(audit(&va) == 0, kind == before);
            tags[i]->kind = before;
        }
    }
    va_close(&va);
}

/* Metadata copied when it was fresh, and copied back in the middle of use.
 * Expect the same answers as at first. */
static void test_reset_by_copy(void **state)
{
    (void)state;
    struct va va;
    struct pl_area area;
    struct pl_area first;
    open_small(&va, NULL);
    size_t bytes = va.ops->meta_bytes(&va.config);
    void *fresh = malloc(bytes);
    assert_non_null(fresh);
    memcpy(fresh, va.self, bytes);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(reserve_on(&va, 0, 3, &first), PL_OK);
        assert_int_equal(first.addr, WINDOW_ADDR);
        for (int i = 0; i < 20; i++)
            assert_int_equal(reserve_on(&va, 1, 1, &area), PL_OK);
        assert_int_equal(release_on(&va, 1, &area), PL_OK);
        memcpy(va.self, fresh, bytes);
        expect_sound(&va, 0, 0);
    }
    free(fresh);
    va_close(&va);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_a_place_if_there_is_one),
        cmocka_unit_test(test_small_areas_go_round_on_their_cpu),
        cmocka_unit_test(test_caches_are_bounded_and_passed_by),
        cmocka_unit_test(test_what_is_kept_is_in_nobodys_way),
        cmocka_unit_test(test_policies_differ),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_reset_by_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
