/* See isolate.h. */
#define _GNU_SOURCE /* pipe2 */
#include "engine/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

enum isolate_outcome isolate_run(void (*work)(void *argument, void *result), void *argument, void *result,
                                 size_t result_bytes, unsigned limit_s, const volatile sig_atomic_t *stop,
                                 char *how, size_t how_bytes)
{
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ISOLATE_NO_PROCESS;
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return ISOLATE_NO_PROCESS;
    }
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(limit_s);
        work(argument, result);
        fflush(NULL);
        /* At most PIPE_BUF, so it is written whole without a reader. */
        _exit(write(ends[1], result, result_bytes) == (ssize_t)result_bytes ? 0 : 1);
    }
    close(ends[1]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        if (stop != NULL && *stop)
            kill(pid, SIGKILL);
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
