/* System calls inside a region are seen, named and still made; nothing else is seen, and signals do no harm.
 */
#define _GNU_SOURCE /* syscall, timers */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "platform/native/dispatch.h"
#include "platform/native/symbol.h"

static struct dispatch dispatch;

/* Skips the test where the kernel has it not. */
static void begin(void)
{
    const char *missing = dispatch_missing();
    if (missing != NULL) {
        print_message("not checked: %s\n", missing);
        skip();
    }
    dispatch = (struct dispatch){0};
    assert_int_equal(dispatch_start(&dispatch), 0);
}

static PL_NOINLINE long blocks_by_futex(void)
{
    static atomic_uint word;
    const struct timespec soon = {.tv_nsec = 1000};
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0);
}

static PL_NOINLINE void sleeps_a_while(void)
{
    const struct timespec nap = {.tv_nsec = 1000};
    nanosleep(&nap, NULL);
    PL_COMPILER_BARRIER(); /* no tail call: this frame is looked for */
}

static bool has_frame(const struct dispatch_trap *trap, const char *function)
{
    char name[80];
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        symbol_name((const char *)trap->frames[i] - 1, name, sizeof(name), NULL);
        if (strcmp(name, function) == 0)
            return true;
    }
    return false;
}

/* Four ways to leave the CPU, and one that maps memory.
 * Expect each with its number, its caller and its own result. */
static void test_calls_are_seen_and_made(void **state)
{
    (void)state;
    begin();
    dispatch_enter(&dispatch);
    long futex = blocks_by_futex();
    int error = errno;
    dispatch_leave(&dispatch);
    dispatch_enter(&dispatch);
    sleeps_a_while();
    int yielded = sched_yield();
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    dispatch_leave(&dispatch);
    dispatch_stop();
    assert_int_equal(futex, -1);
    assert_int_equal(error, ETIMEDOUT);
    assert_int_equal(yielded, 0);
    assert_true(page != MAP_FAILED);
    page[4095] = 1;
    assert_int_equal(munmap(page, 4096), 0);
    assert_int_equal(dispatch.total, 4);
    assert_int_equal(dispatch.trap_count, 4);
    assert_int_equal(dispatch.traps[0].number, SYS_futex);
    assert_int_equal(dispatch.traps[0].detail, FUTEX_WAIT_PRIVATE);
    assert_true(has_frame(&dispatch.traps[0], "blocks_by_futex"));
    assert_int_equal(dispatch.traps[1].number, SYS_clock_nanosleep);
    assert_true(has_frame(&dispatch.traps[1], "sleeps_a_while"));
    assert_int_equal(dispatch.traps[2].number, SYS_sched_yield);
    assert_int_equal(dispatch.traps[3].number, SYS_mmap);
    assert_true(symbol_is_library_of_c(dispatch.traps[3].trapped_at));
}

/* Calls before, between and behind regions, and the platform's own inside one.
 * Expect silence; and one entry, counted, for what one place does again and again. */
static void test_only_regions_are_watched(void **state)
{
    (void)state;
    begin();
    (void)syscall(SYS_getpid);
    dispatch_enter(&dispatch);
    bool inside = dispatch_pause();
    (void)syscall(SYS_getpid);
    dispatch_resume(inside);
    dispatch_leave(&dispatch);
    (void)syscall(SYS_getpid);
    assert_true(inside);
    assert_false(dispatch_pause());
    assert_int_equal(dispatch.total, 0);
    for (int i = 0; i < 100; i++) {
        dispatch_enter(&dispatch);
        long seen = syscall(SYS_getpid);
        dispatch_leave(&dispatch);
        assert_int_equal(seen, getpid());
    }
    dispatch_stop();
    assert_int_equal(dispatch.trap_count, 1);
    assert_int_equal(dispatch.traps[0].count, 100);
    assert_int_equal(dispatch.total, 100);
    dispatch_enter(&dispatch); /* stopped: a store, no more */
    (void)syscall(SYS_getpid);
    assert_int_equal(dispatch.total, 100);
}

static bool is_futex(int64_t number, uint64_t detail)
{
    (void)detail;
    return number == SYS_futex;
}

/* More different calls than there is room for, then one that matters.
 * Expect it kept in the place of one that does not, and all of them counted. */
static void test_what_matters_finds_room(void **state)
{
    (void)state;
    begin();
    dispatch.matters = is_futex;
    dispatch_enter(&dispatch);
    for (unsigned i = 0; i < DISPATCH_TRAP_LIMIT + 6; i++)
        (void)syscall(SYS_getpid, 0, i);
    (void)blocks_by_futex();
    (void)syscall(SYS_getpid, 0, 1000);
    dispatch_leave(&dispatch);
    dispatch_stop();
    assert_int_equal(dispatch.total, DISPATCH_TRAP_LIMIT + 8);
    assert_int_equal(dispatch.trap_count, DISPATCH_TRAP_LIMIT);
    unsigned futexes = 0;
    for (unsigned i = 0; i < DISPATCH_TRAP_LIMIT; i++)
        futexes += dispatch.traps[i].number == SYS_futex ? 1 : 0;
    assert_int_equal(futexes, 1);
    assert_true(has_frame(&dispatch.traps[DISPATCH_TRAP_LIMIT - 1], "blocks_by_futex"));
}

static volatile sig_atomic_t heard;
static volatile sig_atomic_t handler_calls;

static void on_signal(int number)
{
    (void)number;
    if (handler_calls)
        (void)syscall(SYS_gettid);
    heard++;
}

/* Spins in a region until a timer's signal came. */
static void signal_inside(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 2000}};
    int before = heard;
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    dispatch_enter(&dispatch);
    while (heard == before)
        PL_PAUSE();
    dispatch_leave(&dispatch);
}

/* A signal in the middle of a region, with a handler that calls nothing, and with one that does.
 * Expect its return to go unnoticed, the handler's call noted, and both survived. */
static void test_signals_do_no_harm(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    begin();
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    handler_calls = 0;
    signal_inside();
    assert_int_equal(dispatch.total, 0);
    handler_calls = 1;
    signal_inside();
    assert_int_equal(dispatch.total, 1);
    assert_int_equal(dispatch.traps[0].number, SYS_gettid);
    dispatch_stop();
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

/* A change of the signal mask, which a handler's return would undo.
 * Expect it to last, and the next region to be watched again. */
static void test_calls_that_mean_their_frame(void **state)
{
    (void)state;
    sigset_t wanted, seen, old;
    begin();
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR2);
    dispatch_enter(&dispatch);
    int result = pthread_sigmask(SIG_BLOCK, &wanted, &old);
    dispatch_leave(&dispatch);
    assert_int_equal(result, 0);
    assert_int_equal(dispatch.traps[0].number, SYS_rt_sigprocmask);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, &seen), 0);
    assert_true(sigismember(&seen, SIGUSR2));
    dispatch_enter(&dispatch);
    (void)syscall(SYS_gettid);
    dispatch_leave(&dispatch);
    dispatch_stop();
    assert_int_equal(dispatch.total, 2);
}

enum { ROUNDS = 2000 };

static void *yields(void *argument)
{
    struct dispatch *own = argument;
    if (dispatch_start(own) != 0)
        return NULL;
    for (int i = 0; i < ROUNDS; i++) {
        dispatch_enter(own);
        sched_yield();
        dispatch_leave(own);
        sched_yield();
    }
    dispatch_stop();
    return own;
}

/* Two threads at once, each with its own regions.
 * Expect each to have noted its own calls, all of them. */
static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    static struct dispatch others[2];
    pthread_t threads[2];
    begin();
    dispatch_stop();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, yields, &others[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *done = NULL;
        pthread_join(threads[i], &done);
        assert_ptr_equal(done, &others[i]);
        assert_int_equal(others[i].total, ROUNDS);
        assert_int_equal(others[i].trap_count, 1);
        assert_int_equal(others[i].traps[0].number, SYS_sched_yield);
    }
}

/* Something that is no system call, and addresses without a function.
 * Expect the note with the stack of whoever made it, and names that say where. */
static void test_notes_and_names(void **state)
{
    (void)state;
    static struct dispatch own;
    static const char data;
    char name[80];
    size_t offset = 7;
    own = (struct dispatch){0};
    dispatch_note(&own, -5);
    assert_int_equal(own.total, 1);
    assert_int_equal(own.traps[0].number, -5);
    assert_true(has_frame(&own.traps[0], "test_notes_and_names"));
    symbol_name((const void *)(uintptr_t)8, name, sizeof(name), &offset);
    assert_string_equal(name, "0x8");
    assert_int_equal(offset, 0);
    symbol_name(&data, name, sizeof(name), NULL);
    assert_non_null(strstr(name, "test_dispatch+0x"));
    assert_false(symbol_is_library_of_c(&data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_seen_and_made), cmocka_unit_test(test_only_regions_are_watched),
        cmocka_unit_test(test_signals_do_no_harm),      cmocka_unit_test(test_calls_that_mean_their_frame),
        cmocka_unit_test(test_each_thread_has_its_own), cmocka_unit_test(test_notes_and_names),
        cmocka_unit_test(test_what_matters_finds_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
