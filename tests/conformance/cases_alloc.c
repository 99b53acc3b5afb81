/* Allocation and release by order: exhaustion, alignment, failure, counts, audit. */
#include "tests/conformance/conformance.h"

#include <string.h>

/* A machine that is granted to its last frame that can be had; then one request of every order that exists.
 * Expect each to fail, and counts, audit and grants unchanged. */
void case_failed_alloc_changes_nothing(struct context *context)
{
    open_frames(context, 128, 2);
    while (take(context, 0, PL_CLASS_INTERRUPT) == PL_OK) {
    }
    admission_drain_all(&context->admission, context->cpu);
    struct pl_page_counts before = counts_of(context);
    const struct pl_page *page = &context->instance.page;
    for (unsigned order = 0; order <= context->instance.max_order; order++) {
        for (unsigned alloc_class = 0; alloc_class < PL_CLASS_COUNT; alloc_class++) {
            struct pl_request request = request_of(order, alloc_class);
            struct pl_run run = {0};
            enum pl_status status = page->ops->alloc(page->self, context->cpu, &request, &run);
            CHECK_EQUAL(PL_NO_MEMORY, status);
        }
    }
    struct pl_page_counts after = counts_of(context);
    check_same_counts(&before, &after);
    check_views(context);
    give_all(context);
    check_restored(context);
}

/* Order 0 until nothing comes, twice, with everything freed in between, in another order.
 * Expect each frame at most once, and, where every frame can be had, the whole machine both times. */
void case_fill_to_exhaustion_grants_every_frame_once(struct context *context)
{
    open_frames(context, 200, 1);
    for (int round = 0; round < 2; round++) {
        while (take(context, 0, PL_CLASS_INTERRUPT) == PL_OK) {
        }
        if (context->instance.caps & PL_CAP_ALL_FRAMES)
            CHECK_EQUAL(context->fresh.metadata + context->fresh.lost, shadow_free_frames(&context->shadow));
        CHECK(context->grant_count > 0);
        check_views(context);
        for (uint64_t at = 0; context->grant_count > 0; at += 7)
            give(context, context->cpu, at % context->grant_count);
        check_restored(context);
    }
}

/* Two hundred grants of mixed orders on two CPUs, freed in turn by the other one.
 * Expect that counts and audit, after a drain, are those of the fresh machine. */
void case_alloc_free_restores_counts(struct context *context)
{
    open_frames(context, 1024, 2);
    uint32_t seed = 1;
    unsigned orders = (context->instance.max_order > 3 ? 3 : context->instance.max_order) + 1;
    for (int i = 0; i < 200; i++) {
        struct pl_request request = request_of(next_number(&seed) % orders, PL_CLASS_NORMAL);
        enum pl_status status = take_request(context, native_cpu(context->native, (uint32_t)i & 1), &request);
        CHECK(status == PL_OK || !(context->instance.caps & PL_CAP_COMPLETE));
    }
    check_views(context);
    for (uint32_t i = 0; context->grant_count > 0; i++)
        give(context, native_cpu(context->native, (i + 1) & 1), next_number(&seed) % context->grant_count);
    check_restored(context);
}

/* Every order that is served, three grants of each as far as there is room, on a machine whose first frame
 * is odd; then an order more than is served.
 * Expect first frames at multiples of 2^order, and PL_UNSUPPORTED for the order beyond. */
void case_every_order_is_aligned(struct context *context)
{
    open_frames(context, 64, 1);
    unsigned top = context->instance.max_order > 13 ? 13 : context->instance.max_order;
    bool odd = (context->instance.caps & PL_CAP_BASE) && context->scale == 1;
    uint64_t frame_count = UINT64_C(4) << top;
    struct native_shape shape = {.ranges = {{.first = {odd ? 0x1234567u : 0}, .frame_count = frame_count}},
                                 .range_count = 1,
                                 .cpu_count = 1};
    open_machine(context, &shape, ADMISSION_EXACT);
    for (unsigned order = 0; order <= top; order++) {
        for (int i = 0; i < 3; i++) {
            enum pl_status status = take(context, order, PL_CLASS_NORMAL);
            bool must = (context->instance.caps & PL_CAP_COMPLETE) && i < 2;
            CHECK(status == PL_OK || (status == PL_NO_MEMORY && !must));
        }
        give_all(context);
    }
    check_restored(context);
    if (context->instance.max_order < PL_ORDER_LIMIT)
        CHECK_EQUAL(PL_UNSUPPORTED, take(context, context->instance.max_order + 1, PL_CLASS_NORMAL));
    check_restored(context);
}

/* Three hundred random steps on three CPUs: grants, frees, drains, of mixed orders.
 * Expect that after every 16th the audit reports exactly what the shadow thinks is not granted. */
void case_audit_agrees_with_shadow(struct context *context)
{
    open_frames(context, 512, 3);
    if (context->instance.page.ops->audit == NULL)
        not_applicable("audit");
    uint32_t seed = 7;
    unsigned orders = (context->instance.max_order > 4 ? 4 : context->instance.max_order) + 1;
    for (unsigned step = 0; step < 300; step++) {
        struct pl_cpu *cpu = native_cpu(context->native, next_number(&seed) % 3);
        unsigned dice = next_number(&seed) % 16;
        if (dice == 0 && context->instance.page.ops->drain != NULL) {
            context->instance.page.ops->drain(context->instance.page.self, cpu, cpu);
        } else if (dice < 10 || context->grant_count == 0) {
            struct pl_request request = request_of(next_number(&seed) % orders, PL_CLASS_NORMAL);
            (void)take_request(context, cpu, &request);
        } else {
            give(context, cpu, next_number(&seed) % context->grant_count);
        }
        if (step % 16 == 15)
            check_views(context);
    }
    give_all(context);
    check_restored(context);
}

/* Frames go into the caches of four CPUs, by frees on CPUs that did not allocate them; then a drain of all.
 * Expect nothing cached, and every frame free where every frame can be had. */
void case_drain_returns_cached(struct context *context)
{
    open_frames(context, 256, 4);
    if (context->instance.page.ops->drain == NULL)
        not_applicable("drain");
    for (int i = 0; i < 100; i++)
        (void)take(context, 0, PL_CLASS_NORMAL);
    for (uint32_t i = 0; context->grant_count > 0; i++)
        give(context, native_cpu(context->native, i % 4), context->grant_count / 2);
    admission_drain_all(&context->admission, context->cpu);
    CHECK_EQUAL(0, counts_of(context).cached);
    check_restored(context);
}

/* A history of grants and frees, then a reset with grants still out.
 * Expect metadata equal to the fresh copy byte by byte, where all state is in it; the same first grants as
 * on the fresh instance; and every frame free again. */
void case_reset_equals_fresh(struct context *context)
{
    enum { PROBES = 20 };
    uint64_t first[PROBES];
    open_frames(context, 256, 2);
    bool inside = !(context->instance.caps & (PL_CAP_OUTSIDE_STATE | PL_CAP_META_IN_FRAMES));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PROBES; i++) {
            CHECK_EQUAL(PL_OK, take(context, 0, PL_CLASS_NORMAL));
            uint64_t number = last_grant(context)->first.number;
            if (round == 1 && inside)
                CHECK_EQUAL(first[i], number);
            first[i] = number;
        }
        for (int i = 0; i < PROBES / 2; i++)
            give(context, native_cpu(context->native, (uint32_t)i & 1), (uint64_t)i);
        CHECK_EQUAL(PL_OK, instance_reset(&context->instance));
        admission_init(&context->admission, context->instance.page, context->machine, ADMISSION_EXACT);
        shadow_reset(&context->shadow);
        context->grant_count = 0;
        CHECK_EQUAL(inside, context->instance.fresh != NULL);
        if (context->instance.fresh != NULL)
            CHECK_EQUAL(
                0, memcmp(context->instance.fresh, context->instance.meta, context->instance.meta_bytes));
        check_restored(context);
    }
}
