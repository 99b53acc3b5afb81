/* System calls by name, and which of them block. Blocking is what a kernel would call "scheduling while
 * atomic": the caller may lose its CPU until something happens, or gives it away. Calls that change mappings
 * are listed, and do not count: they end by themselves. So does what has no name here. */
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "engine/nosleep/watch.h"

#ifndef FUTEX_LOCK_PI2 /* Linux 5.14 */
#define FUTEX_LOCK_PI2 13
#endif

#define NAMED(name, blocks) {SYS_##name, #name, blocks}

static const struct {
    int64_t number;
    const char *name;
    bool blocks;
} calls[] = {
    NAMED(futex, true), /* the waiting ones */
    NAMED(nanosleep, true),     NAMED(clock_nanosleep, true), NAMED(sched_yield, true),
    NAMED(poll, true),          NAMED(ppoll, true),           NAMED(select, true),
    NAMED(pselect6, true),      NAMED(epoll_wait, true),      NAMED(epoll_pwait, true),
    NAMED(pause, true),         NAMED(wait4, true),           NAMED(waitid, true),
    NAMED(rt_sigsuspend, true), NAMED(rt_sigtimedwait, true), NAMED(semop, true),
    NAMED(semtimedop, true),    NAMED(msgrcv, true),          NAMED(flock, true),
    NAMED(read, true),          NAMED(write, true),           NAMED(readv, true),
    NAMED(writev, true),        NAMED(pread64, true),         NAMED(pwrite64, true),
    NAMED(openat, true),        NAMED(fsync, true),           NAMED(msync, true),
    NAMED(mmap, false),         NAMED(munmap, false),         NAMED(mremap, false),
    NAMED(mprotect, false),     NAMED(madvise, false),        NAMED(brk, false),
    NAMED(mincore, false),      NAMED(mlock, false),          NAMED(mbind, false),
    NAMED(membarrier, false),   NAMED(getpid, false),         NAMED(gettid, false),
    NAMED(getcpu, false),       NAMED(getrandom, false),      NAMED(clock_gettime, false),
    NAMED(close, false),        NAMED(prctl, false),          NAMED(sched_getaffinity, false),
    NAMED(rt_sigaction, false), NAMED(rt_sigprocmask, false), NAMED(tgkill, false),
};

static bool futex_waits(uint64_t operation)
{
    switch ((int)operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return true;
    default:
        return false;
    }
}

const char *system_call_name(int64_t number, uint64_t detail, bool *blocks)
{
    *blocks = false;
    for (size_t i = 0; i < PL_COUNT_OF(calls); i++) {
        if (calls[i].number != number)
            continue;
        *blocks = calls[i].blocks && (number != SYS_futex || futex_waits(detail));
        return calls[i].name;
    }
    return NULL;
}
