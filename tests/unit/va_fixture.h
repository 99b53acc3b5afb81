/* What the tests of address-space services share: a service on a window of a few hundred pages, its calls in
 * short, and a sound structure after each. */
#ifndef VA_FIXTURE_H
#define VA_FIXTURE_H

#include "service_fixture.h"

#define P            PL_FRAME_BYTES
#define WINDOW_PAGES 256u
#define WINDOW_ADDR  UINT64_C(0xffffc90000000000)

struct va {
    struct stub2 stub;
    struct pl_page_table_config config;
    const struct pl_page_table_ops *ops;
    void *self;
    enum pl_status status;
};

static const struct pl_range va_range[] = {{.frame_count = 16}};

PL_INLINE void va_open(struct va *va, const struct pl_candidate *candidate, uint64_t addr, uint64_t bytes,
                       const char *params)
{
    memset(va, 0, sizeof(*va));
    stub2_make(&va->stub, va_range, 1, 2, false);
    va->config = (struct pl_page_table_config){.bytes = sizeof(va->config),
                                               .machine = &va->stub.machine,
                                               .window_addr = addr,
                                               .window_bytes = bytes,
                                               .params = params};
    va->ops = candidate->page_table;
    va->self = service_metadata(va->ops->meta_bytes(&va->config));
    va->status = va->ops->init(va->self, &va->config);
}

PL_INLINE void va_close(struct va *va)
{
    if (va->status == PL_OK)
        va->ops->fini(va->self);
    free(va->self);
    stub2_destroy(&va->stub);
}

PL_INLINE enum pl_status reserve(struct va *va, const struct pl_area_request *request, struct pl_area *area)
{
    return va->ops->reserve(va->self, &va->stub.cpus[0], request, area);
}

PL_INLINE enum pl_status reserve_pages(struct va *va, uint64_t pages, struct pl_area *area)
{
    struct pl_area_request request = {.bytes_wanted = pages * P, .alignment = 1};
    return reserve(va, &request, area);
}

PL_INLINE enum pl_status release(struct va *va, uint64_t addr, uint64_t bytes)
{
    struct pl_area area = {.addr = addr, .area_bytes = bytes};
    return va->ops->release(va->self, &va->stub.cpus[0], &area);
}

PL_INLINE uint64_t audit(struct va *va)
{
    struct service_listener listener = service_listener();
    uint64_t broken = va->ops->audit(va->self, &listener.visitor);
    assert_int_equal(broken == 0, listener.words[0] == '\0');
    return broken;
}

PL_INLINE void expect_sound(struct va *va, uint64_t areas, uint64_t bytes)
{
    struct pl_page_table_counts counts;
    struct service_listener listener = service_listener();
    if (va->ops->audit(va->self, &listener.visitor) != 0)
        fail_msg("%s", listener.words);
    va->ops->count(va->self, &counts);
    assert_int_equal(counts.areas, areas);
    assert_int_equal(counts.bytes_reserved, bytes);
}

#endif
