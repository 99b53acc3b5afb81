/* Shared contents: a frame seen through several host addresses is one frame. */
#include <string.h>

#include "platform/native/alias.h"
#include "tests/unit/unit.h"

static struct native_machine *open_machine(bool shared, uint64_t alignment)
{
    char error[200];
    struct native_shape shape = {
        .ranges = {{.first = {5}, .frame_count = 40}, {.first = {64}, .frame_count = 8}},
        .range_count = 2,
        .cpu_count = 1,
        .contents = true,
        .shared_contents = shared,
        .contents_alignment = alignment};
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL)
        fail_msg("%s", error);
    return native;
}

/* One frame at two pages, another between. Expect stores through each to be seen through all, contents to be
 * zero at first, and an unmapped page to be mappable again. */
static void stores_are_seen(void **state)
{
    (void)state;
    for (uint64_t alignment = 0; alignment <= 1u << 21; alignment += 1u << 20) {
        struct native_machine *native = open_machine(true, alignment);
        const struct pl_machine *machine = native_machine_view(native);
        struct native_alias alias;
        assert_int_equal(native_alias_open(&alias, 3), 0);
        if (native_alias_map(&alias, 0, native, pl_frame_at(7)) != 0) {
            native_alias_close(&alias);
            native_machine_delete(native);
            skip(); /* the host has no files in memory */
        }
        assert_int_equal(native_alias_map(&alias, 1, native, pl_frame_at(71)), 0);
        assert_int_equal(native_alias_map(&alias, 2, native, pl_frame_at(7)), 0);
        unsigned char *frame = pl_frame_address(machine, pl_frame_at(7));
        for (uint64_t i = 0; i < 3 * PL_FRAME_BYTES; i++)
            assert_int_equal(alias.base[i], 0);
        alias.base[17] = 3;
        assert_int_equal(frame[17], 3);
        assert_int_equal(alias.base[2 * PL_FRAME_BYTES + 17], 3);
        assert_int_equal(alias.base[PL_FRAME_BYTES + 17], 0);
        frame[18] = 4;
        assert_int_equal(alias.base[18], 4);
        pl_frame_address(machine, pl_frame_at(71))[4095] = 5;
        assert_int_equal(alias.base[2 * PL_FRAME_BYTES - 1], 5);
        assert_int_equal(native_alias_unmap(&alias, 0), 0);
        assert_int_equal(native_alias_map(&alias, 0, native, pl_frame_at(71)), 0);
        assert_int_equal(alias.base[4095], 5);
        native_alias_close(&alias);
        assert_int_equal(frame[17], 3);
        native_machine_delete(native);
    }
}

/* Expect -1 for what cannot be mapped: pages and frames that do not exist, contents that are private. */
static void refusals(void **state)
{
    struct native_alias alias;
    (void)state;
    assert_int_equal(native_alias_open(&alias, 0), -1);
    assert_int_equal(native_alias_open(&alias, UINT64_MAX), -1);
    assert_int_equal(native_alias_open(&alias, 2), 0);
    struct native_machine *native = open_machine(false, 0);
    assert_int_equal(native_alias_map(&alias, 0, native, pl_frame_at(7)), -1);
    native_machine_delete(native);
    native = open_machine(true, 0);
    assert_int_equal(native_alias_map(&alias, 2, native, pl_frame_at(7)), -1);
    assert_int_equal(native_alias_map(&alias, 0, native, pl_frame_at(4)), -1);
    assert_int_equal(native_alias_map(&alias, 0, native, pl_frame_at(72)), -1);
    assert_int_equal(native_alias_unmap(&alias, 2), -1);
    native_machine_delete(native);
    native_alias_close(&alias);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_are_seen),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
