/* A second process without fork handlers: by the C library where it can, by the kernel where it cannot. */
#define _GNU_SOURCE /* platform/native/fork.h */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sys/wait.h>

#include "platform/native/fork.h"

static unsigned handlers_run;

static void count_handler(void)
{
    handlers_run++;
}

/* The child's exit code: 7 says that it is a process of its own with what the parent had, and ran no handler.
 */
static int child_says(pid_t make(void), unsigned handlers_before)
{
    pid_t parent = getpid();
    pid_t child = make();
    if (child == 0)
        _exit(getpid() != parent && getppid() == parent && handlers_run == handlers_before ? 7 : 8);
    assert_true(child > 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_no_handler_runs(void **state)
{
    (void)state;
    assert_int_equal(pthread_atfork(count_handler, count_handler, count_handler), 0);
    assert_int_equal(child_says(fork, 2), 7); /* before, and in the child: the handlers stand */
    assert_int_equal(handlers_run, 2);
    assert_int_equal(child_says(fork_bare, 2), 7);
    assert_int_equal(child_says(fork_by_clone, 2), 7);
    assert_int_equal(handlers_run, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_handler_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
