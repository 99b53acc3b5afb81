/* The class of progress of each candidate whose sources are ours: with another CPU stopped anywhere in a
 * call, and with another CPU that never lets it alone. */
#include "tests/unit/unit.h"

#include <string.h>

#include "engine/registry.h"
#include "engine/schedule/progress.h"

static struct progress measure(struct sim *sim, const char *name)
{
    struct progress progress;
    struct spec_error error = {""};
    struct spec spec;
    if (spec_parse(name, &spec, &error) != 0 || progress_measure(&spec, sim, &progress, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    print_message("%s: %s (%llu points, %llu of them block, %llu retries)\n", name,
                  progress_names[progress.class], (unsigned long long)progress.points,
                  (unsigned long long)progress.blocking, (unsigned long long)progress.retried);
    return progress;
}

/* One lock stops everybody, and a magazine above it does not help when it must be filled. */
static void a_lock_blocks(void **state)
{
    static const char *const names[] = {"bitmap", "buddy", "linux", "percpu+buddy", "stack-right"};
    (void)state;
    struct sim *sim = sim_new(2);
    assert_non_null(sim);
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct progress progress = measure(sim, names[i]);
        assert_int_equal(progress.class, PROGRESS_BLOCKING);
        assert_true(progress.blocking < progress.points); /* not outside of the lock */
        assert_true(progress.stopped != 0 && progress.held_up != 0);
    }
    sim_delete(sim);
}

/* Compare-and-swap loops: nobody is stopped by somebody else who stands still, but by one who always wins. */
static void without_locks_nobody_blocks(void **state)
{
    static const char *const names[] = {"nbbs", "llfree"};
    (void)state;
    struct sim *sim = sim_new(2);
    assert_non_null(sim);
    for (size_t i = 0; i < PL_COUNT_OF(names); i++)
        assert_int_equal(measure(sim, names[i]).class, PROGRESS_LOCK_FREE);
    sim_delete(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_blocks),
        cmocka_unit_test(without_locks_nobody_blocks),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
