/* A second process without the fork handlers of libraries: an interrupted library holds the very locks that
 * they would wait for. The including file defines _GNU_SOURCE. */
#ifndef PLATFORM_NATIVE_FORK_H
#define PLATFORM_NATIVE_FORK_H

#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What fork_bare() is where the C library has no _Fork(). The C library keeps the parent's thread id in the
 * child: there, no error-checking or recursive mutex that the parent held may be unlocked. */
static inline pid_t fork_by_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* 0 in the child; -1 and errno: none. Only the calling thread goes on in the child. */
static inline pid_t fork_bare(void)
{
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 34)
    return fork_by_clone();
#else
    return _Fork();
#endif
}

#endif
