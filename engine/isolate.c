/* See isolate.h. */
#define _GNU_SOURCE /* pipe2, ppoll */
#include "engine/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_AGAIN_NS 20000000 /* where the end of a process cannot be polled for */

int isolate_stdout(void)
{
    fflush(stdout);
    int own_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own_stdout >= 0)
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    return own_stdout;
}

void isolate_stdout_back(int own_stdout)
{
    if (own_stdout < 0)
        return;
    fflush(stdout);
    (void)dup2(own_stdout, STDOUT_FILENO);
    close(own_stdout);
}

static void describe(int status, unsigned limit_s, char *how, size_t how_bytes)
{
    if (how == NULL)
        return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(how, how_bytes, "no end after %u s", limit_s);
    else if (WIFSIGNALED(status))
        snprintf(how, how_bytes, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, how_bytes, "exit code %d", WEXITSTATUS(status));
}

/* Waits for the child's end and returns its status. All signals are blocked on entry and come only within
 * ppoll, with the mask `before`: one that set `stop` is seen at once, whenever it came. */
static int wait_for(pid_t pid, const volatile sig_atomic_t *stop, const sigset_t *before)
{
    const struct timespec soon = {.tv_nsec = LOOK_AGAIN_NS};
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    int status = 0;
    for (;;) {
        if (stop != NULL && *stop)
            kill(pid, SIGKILL);
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            break;
        (void)ppoll(&end, 1, end.fd < 0 ? &soon : NULL, before);
    }
    if (end.fd >= 0)
        close(end.fd);
    return status;
}

enum isolate_outcome isolate_run(void (*work)(void *argument, void *result), void *argument, void *result,
                                 size_t result_bytes, unsigned limit_s, const volatile sig_atomic_t *stop,
                                 char *how, size_t how_bytes)
{
    int ends[2];
    sigset_t all;
    sigset_t before;
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ISOLATE_NO_PROCESS;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) /* it died before that */
            _exit(1);
        alarm(limit_s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        work(argument, result);
        fflush(NULL);
        /* At most PIPE_BUF, so it is written whole without a reader. */
        _exit(write(ends[1], result, result_bytes) == (ssize_t)result_bytes ? 0 : 1);
    }
    int status = pid < 0 ? 0 : wait_for(pid, stop, &before);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = error;
        return ISOLATE_NO_PROCESS;
    }
    int given = read(ends[0], result, result_bytes) == (ssize_t)result_bytes;
    close(ends[0]);
    if (given && WIFEXITED(status))
        return ISOLATE_DONE;
    describe(status, limit_s, how, how_bytes);
    if (stop != NULL && *stop)
        return ISOLATE_INTERRUPTED;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ISOLATE_TIMED_OUT : ISOLATE_DIED;
}
