/* Shapes of machines, and the table itself. */
#include "tests/conformance/conformance.h"

#include <string.h>

/* Three ranges of odd lengths from frame 0x1234567, with holes between them.
 *
 *     0x1234567 +100 | hole 11 | +61 | hole 1 | +37
 *
 * Expect every grant inside a range, none across a hole, and, where every frame can be had, all of them. */
void case_holes_and_base(struct context *context)
{
    need(context, PL_CAP_HOLES | PL_CAP_BASE, "holes, base");
    const struct native_shape shape = {.ranges = {{.first = {0x1234567}, .frame_count = 100},
                                                  {.first = {0x1234567 + 111}, .frame_count = 61},
                                                  {.first = {0x1234567 + 173}, .frame_count = 37}},
                                       .range_count = 3,
                                       .cpu_count = 2};
    open_machine(context, &shape, ADMISSION_EXACT);
    for (unsigned order = context->instance.max_order + 1; order-- > 0;) {
        while (take(context, order, PL_CLASS_INTERRUPT) == PL_OK) {
        }
        check_views(context);
    }
    if (context->instance.caps & PL_CAP_ALL_FRAMES)
        CHECK_EQUAL(0, shadow_free_frames(&context->shadow));
    CHECK(context->grant_count > 0);
    give_all(context);
    check_restored(context);
}

/* A machine of a single frame, number 7.
 * Expect it to be granted once, refused while it is out, and granted again after its free. */
void case_one_frame_machine(struct context *context)
{
    need(context, PL_CAP_ALL_FRAMES | PL_CAP_BASE, "all-frames, base");
    const struct native_shape shape = {
        .ranges = {{.first = {7}, .frame_count = 1}}, .range_count = 1, .cpu_count = 2};
    open_machine(context, &shape, ADMISSION_EXACT);
    struct pl_request request = request_of(0, PL_CLASS_NORMAL);
    for (int round = 0; round < 4; round++) {
        struct pl_cpu *cpu = native_cpu(context->native, (uint32_t)round & 1);
        CHECK_EQUAL(PL_OK, take_request(context, cpu, &request));
        CHECK_EQUAL(7, last_grant(context)->first.number);
        CHECK_EQUAL(PL_NO_MEMORY, take_request(context, cpu, &request));
        check_views(context);
        give(context, native_cpu(context->native, (uint32_t)(round >> 1) & 1), 0);
    }
    if (context->instance.max_order > 0)
        CHECK_EQUAL(PL_NO_MEMORY, take(context, 1, PL_CLASS_NORMAL));
    check_restored(context);
}

static uint64_t node_of_last(const struct context *context)
{
    uint64_t number = last_grant(context)->first.number;
    return number >= context->machine->ranges[1].first.number ? 1 : 0;
}

/* Two nodes of 96 and 32 frames. The small one is asked for by name until it is used up.
 * Expect its frames first; then with NODE_ONLY a refusal, without it a frame of the other node. */
void case_two_nodes(struct context *context)
{
    need(context, PL_CAP_NODES | PL_CAP_ALL_FRAMES, "nodes, all-frames");
    const struct native_shape shape = {
        .ranges = {{.first = {0}, .frame_count = 96}, {.first = {128}, .frame_count = 32, .node = 1}},
        .range_count = 2,
        .cpu_count = 2};
    open_machine(context, &shape, ADMISSION_EXACT);
    for (unsigned order = 0; order < 2; order++) {
        if (order > context->instance.max_order)
            break;
        struct pl_request request = request_of(order, PL_CLASS_NORMAL);
        request.node = 1;
        for (uint64_t taken = 0; taken < 32; taken += UINT64_C(1) << order) {
            CHECK_EQUAL(PL_OK, take_request(context, context->cpu, &request));
            CHECK_EQUAL(1, node_of_last(context));
        }
        request.flags = PL_REQUEST_NODE_ONLY;
        CHECK_EQUAL(PL_NO_MEMORY, take_request(context, context->cpu, &request));
        check_views(context);
        request.flags = 0;
        CHECK_EQUAL(PL_OK, take_request(context, context->cpu, &request));
        CHECK_EQUAL(0, node_of_last(context));
        request.node = 0;
        request.flags = PL_REQUEST_NODE_ONLY;
        CHECK_EQUAL(PL_OK, take_request(context, context->cpu, &request));
        CHECK_EQUAL(0, node_of_last(context));
        give_all(context);
        check_restored(context);
    }
}

static bool is_zero(const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++) {
        if (byte[i] != 0)
            return false;
    }
    return true;
}

static void check_candidate(const struct pl_candidate *candidate)
{
    const struct pl_page_ops *ops = candidate->page;
    CHECK_EQUAL(sizeof(struct pl_candidate), candidate->bytes);
    CHECK_EQUAL(PL_ABI, candidate->abi);
    CHECK(candidate->name != NULL && candidate->name[0] != '\0');
    CHECK_EQUAL(strlen(candidate->name), strspn(candidate->name, "abcdefghijklmnopqrstuvwxyz0123456789-"));
    CHECK(candidate->summary != NULL && candidate->summary[0] != '\0');
    CHECK(strchr(candidate->summary, '\n') == NULL);
    CHECK(candidate->kind <= PL_KIND_CANARY);
    CHECK_EQUAL(0, candidate->reserved32);
    CHECK(is_zero(candidate->reserved, sizeof(candidate->reserved)));
    CHECK(ops != NULL);
    CHECK_EQUAL(sizeof(struct pl_page_ops), ops->bytes);
    CHECK_EQUAL(PL_ABI, ops->abi);
    CHECK(ops->max_order <= PL_ORDER_LIMIT);
    CHECK_EQUAL(0, ops->reserved32);
    for (size_t i = 0; i < PL_COUNT_OF(ops->reserved); i++)
        CHECK(ops->reserved[i] == NULL);
    CHECK(ops->meta_bytes != NULL && ops->init != NULL && ops->fini != NULL);
    CHECK(ops->alloc != NULL && ops->free != NULL);
    CHECK_EQUAL(candidate->kind == PL_KIND_WRAPPER, ops->caps_of != NULL);
}

/* The tables of every layer as they are built.
 * Expect sizes, ABI, required hooks, zero reserved space, names that the rows can show, a hook for each
 * capability that needs one and none without; settings on one line. */
void case_abi_table_complete(struct context *context)
{
    uint64_t known = 0;
#define KNOWN_CAP(name, text) known |= PL_CAP_##name;
    PL_CAP_NAMES(KNOWN_CAP)
#undef KNOWN_CAP
    open_frames(context, 64, 1);
    for (uint32_t i = 0; i < context->spec.layer_count; i++) {
        const struct pl_candidate *candidate = context->spec.layers[i].candidate;
        const struct pl_page_ops *ops = candidate->page;
        uint64_t caps = context->instance.layers[i].caps;
        check_candidate(candidate);
        CHECK_EQUAL(0, caps & ~known);
        CHECK(!(caps & PL_CAP_SPLIT) || ops->split != NULL);
        CHECK(!(caps & PL_CAP_RUNS) || ops->alloc_run != NULL);
        CHECK(!(caps & PL_CAP_EXACT_COUNT) || ops->count != NULL);
        if (candidate->kind != PL_KIND_WRAPPER) {
            CHECK((caps & PL_CAP_SPLIT) || ops->split == NULL);
            CHECK((caps & PL_CAP_RUNS) || ops->alloc_run == NULL);
        }
        char line[256];
        memset(line, 'x', sizeof(line));
        if (ops->settings != NULL) {
            ops->settings(context->instance.layers[i].page.self, line, sizeof(line));
            CHECK(memchr(line, '\0', sizeof(line)) != NULL);
            CHECK(strchr(line, '\n') == NULL);
            memset(line, 'x', sizeof(line));
            ops->settings(context->instance.layers[i].page.self, line, 8);
            CHECK(memchr(line, '\0', 8) != NULL);
            CHECK_EQUAL('x', line[8]);
        }
    }
}
