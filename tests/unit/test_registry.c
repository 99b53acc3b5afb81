/* The list of candidates that CMake writes: complete, without doubles, found by name. */
#include "tests/unit/unit.h"

#include "engine/registry.h"

#include <string.h>

/* Every entry.
 * Expect it under its own name and no other entry under that; each of this ABI, and lent what there is. */
static void test_names_are_unique(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++, count++) {
        assert_ptr_equal(registry_find((*entry)->name, strlen((*entry)->name)), *entry);
        assert_int_equal((*entry)->abi, PL_ABI);
        struct spec_error error = {.text = ""};
        if (spec_check_services(*entry, &error) != 0)
            fail_msg("%s", error.text);
    }
    assert_true(count > 0);
}

/* The head of a longer text, the head of a name, names that do not exist.
 * Expect a hit for exactly the bytes given, else NULL. */
static void test_find_looks_at_the_bytes_given(void **state)
{
    (void)state;
    assert_non_null(registry_find("buddy+x", 5));
    assert_null(registry_find("buddy+x", 6));
    assert_null(registry_find("buddy", 4));
    assert_null(registry_find("", 0));
    assert_null(registry_find("BUDDY", 5));
}

/* The tests' list.
 * Expect the canary, which no product list has, and every kind with its word. */
static void test_the_canary_is_here(void **state)
{
    (void)state;
    const struct pl_candidate *canary = registry_find("canary", 6);
    assert_non_null(canary);
    assert_int_equal(canary->kind, PL_KIND_CANARY);
    assert_string_equal(registry_kind_name(PL_KIND_CANDIDATE), "candidate");
    assert_string_equal(registry_kind_name(PL_KIND_WRAPPER), "wrapper");
    assert_string_equal(registry_kind_name(PL_KIND_FLOOR), "floor");
    assert_string_equal(registry_kind_name(PL_KIND_CANARY), "canary");
    assert_string_equal(registry_kind_name(99), "unknown");
}

/* The models of kernels bring the services that those kernels have. */
static void test_models_bring_their_own(void **state)
{
    static const struct {
        const char *name;
        const char *va;
        const char *tables;
    } models[] = {{"linux", "rbtree", "stack"}, {"freebsd", "vmem", "direct"}, {"xnu", "list", "direct"}};
    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        struct spec spec;
        struct spec_error error = {.text = ""};
        if (spec_parse(models[i].name, &spec, &error) != 0)
            fail_msg("%s", error.text);
        assert_string_equal(spec.va.candidate->name, models[i].va);
        assert_string_equal(spec.tables.candidate->name, models[i].tables);
        assert_string_equal(spec.buf.candidate->name, "pages");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_find_looks_at_the_bytes_given),
        cmocka_unit_test(test_the_canary_is_here),
        cmocka_unit_test(test_models_bring_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
