/* The tap: it tells of each call, on both sides of it, and changes nothing. */
#include "tests/unit/unit.h"

#include "engine/instance.h"
#include "platform/native/native.h"

#define FRAMES 64u

struct heard {
    unsigned entered[TAP_HOOK_COUNT];
    unsigned left[TAP_HOOK_COUNT];
    enum pl_status last;
};

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct heard *heard = argument;
    (void)cpu;
    heard->entered[hook]++;
    assert_int_equal(heard->entered[hook], heard->left[hook] + 1);
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    struct heard *heard = argument;
    (void)cpu;
    heard->left[hook]++;
    heard->last = status;
}

static void test_tells_of_each_call(void **state)
{
    (void)state;
    char words[200];
    struct spec spec;
    struct spec_error error;
    struct instance instance;
    struct tap tap;
    struct heard heard = {0};
    struct tap_listener listener = {on_enter, on_leave, &heard};
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 1};
    struct native_machine *native = native_machine_new(&shape, words, sizeof(words));
    assert_non_null(native);
    assert_int_equal(spec_parse("percpu+buddy", &spec, &error), 0);
    assert_int_equal(instance_init(&instance, &spec, native_machine_view(native), true, &error), PL_OK);
    const struct pl_page_ops *plain = instance.page.ops;
    instance_set_tap(&instance, &tap, &listener);
    assert_int_equal(instance.page.ops->caps, plain->caps);
    assert_true((instance.page.ops->alloc_run == NULL) == (plain->alloc_run == NULL));

    struct pl_cpu *cpu = native_cpu(native, 0);
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run;
    for (unsigned i = 0; i < FRAMES; i++)
        assert_int_equal(instance.page.ops->alloc(instance.page.self, cpu, &request, &run), PL_OK);
    struct pl_run last = run;
    assert_int_equal(instance.page.ops->alloc(instance.page.self, cpu, &request, &run), PL_NO_MEMORY);
    assert_int_equal(heard.last, PL_NO_MEMORY);
    assert_int_equal(heard.left[TAP_ALLOC], FRAMES + 1);
    assert_int_equal(instance.page.ops->free(instance.page.self, cpu, &last), PL_OK);
    assert_int_equal(heard.last, PL_OK);
    instance.page.ops->drain(instance.page.self, cpu, cpu);
    assert_int_equal(heard.left[TAP_FREE], 1);
    assert_int_equal(heard.left[TAP_DRAIN], 1);
    struct pl_page_counts counts = {0};
    instance.page.ops->count(instance.page.self, &counts);
    assert_int_equal(counts.free, 1);

    assert_int_equal(instance_reset(&instance), PL_OK);
    assert_int_equal(instance.page.ops->alloc(instance.page.self, cpu, &request, &run), PL_OK);
    assert_int_equal(heard.left[TAP_ALLOC], FRAMES + 2); /* still there after a reset */
    instance_fini(&instance);
    native_machine_delete(native);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_tells_of_each_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
