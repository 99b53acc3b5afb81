/* Work in a process of its own: what comes back, and a stop that is seen whenever it comes. */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/isolate.h"
#include "tests/unit/unit.h"

#define LIMIT_S 20u

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits `argument` ms, signals the parent, never ends. */
static void signal_and_hang(void *argument, void *result)
{
    (void)result;
    unsigned wait_ms = *(unsigned *)argument;
    struct timespec wait = {.tv_nsec = (long)wait_ms * 1000000};
    nanosleep(&wait, NULL);
    kill(getppid(), SIGUSR1);
    for (;;)
        pause();
}

static void hang(void *argument, void *result)
{
    (void)argument;
    (void)result;
    for (;;)
        pause();
}

/* Which signals are blocked in the child. */
static void tell_mask(void *argument, void *result)
{
    (void)argument;
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    *(int *)result = sigismember(&mask, SIGUSR1) + 2 * sigismember(&mask, SIGTERM);
}

static void leave(void *argument, void *result)
{
    (void)argument;
    (void)result;
    _exit(7);
}

static void test_what_the_work_wrote_comes_back(void **state)
{
    (void)state;
    int blocked = -1;
    char how[80];
    assert_int_equal(isolate_run(tell_mask, NULL, &blocked, sizeof(blocked), LIMIT_S, NULL, NULL, 0),
                     ISOLATE_DONE);
    assert_int_equal(blocked, 0);
    assert_int_equal(isolate_run(leave, NULL, &blocked, sizeof(blocked), LIMIT_S, NULL, how, sizeof(how)),
                     ISOLATE_DIED);
    assert_string_equal(how, "exit code 7");
}

/* As if the signal had come between the last look and the wait. */
static void test_a_stop_that_came_before_the_wait_ends_the_child(void **state)
{
    (void)state;
    int nothing = 0;
    double begin_s = now_s();
    stop = 1;
    assert_int_equal(isolate_run(hang, NULL, &nothing, sizeof(nothing), LIMIT_S, &stop, NULL, 0),
                     ISOLATE_INTERRUPTED);
    assert_true(now_s() - begin_s < LIMIT_S / 2.0);
}

/* The child's first act is the signal, so it comes at any place between fork and wait; and well within the
 * wait. The mask of the caller stands again afterwards. */
static void test_a_signal_ends_the_child_whenever_it_comes(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigset_t mask;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    double begin_s = now_s();
    for (unsigned i = 0; i < 100; i++) {
        int nothing = 0;
        unsigned wait_ms = i % 10 == 0 ? 20 : 0;
        stop = 0;
        assert_int_equal(
            isolate_run(signal_and_hang, &wait_ms, &nothing, sizeof(nothing), LIMIT_S, &stop, NULL, 0),
            ISOLATE_INTERRUPTED);
    }
    assert_true(now_s() - begin_s < LIMIT_S / 2.0);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGUSR1), 0);
    sigaction(SIGUSR1, &before, NULL);
}

static void test_the_limit_ends_the_child(void **state)
{
    (void)state;
    int nothing = 0;
    char how[80];
    assert_int_equal(isolate_run(hang, NULL, &nothing, sizeof(nothing), 1, NULL, how, sizeof(how)),
                     ISOLATE_TIMED_OUT);
    assert_string_equal(how, "no end after 1 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_work_wrote_comes_back),
        cmocka_unit_test(test_a_stop_that_came_before_the_wait_ends_the_child),
        cmocka_unit_test(test_a_signal_ends_the_child_whenever_it_comes),
        cmocka_unit_test(test_the_limit_ends_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
