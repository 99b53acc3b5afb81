/* See child.h. */
#define _GNU_SOURCE /* pipe2, strsignal */
#include "bench/child.h"

#include <pagelab/compiler.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX ((size_t)16 << 20)
#define POLL_MS          50

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static PL_NORETURN void child_exec(char *const argv[], pid_t parent, int out, int err)
{
    struct rlimit no_core = {0, 0};
    setpgid(0, 0);
    /* A run that is killed takes its children along, so that none spins on. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it was killed before the line above */
        _exit(127);
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execv(argv[0], argv);
    _exit(127);
}

/* Appends what is readable; false at the end of the stream. */
static bool drain(int fd, char **text, size_t *bytes)
{
    char chunk[4096];
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    if (*bytes + (size_t)n > OUTPUT_BYTES_MAX)
        return true;
    char *grown = realloc(*text, *bytes + (size_t)n + 1);
    if (grown == NULL)
        return true;
    memcpy(grown + *bytes, chunk, (size_t)n);
    *text = grown;
    *bytes += (size_t)n;
    grown[*bytes] = '\0';
    return true;
}

/* Reads both streams until they end, the limit passes or *stop is set. */
static enum child_end follow(struct child_result *result, int out, int err, char **words, size_t *word_bytes,
                             double limit_s, const volatile sig_atomic_t *stop)
{
    double end_s = now_s() + limit_s;
    struct pollfd fds[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (*stop)
            return CHILD_INTERRUPTED;
        if (now_s() > end_s)
            return CHILD_TIMED_OUT;
        if (poll(fds, 2, POLL_MS) <= 0)
            continue;
        if (fds[0].revents != 0 && !drain(out, &result->output, &result->output_bytes))
            fds[0].fd = -1;
        if (fds[1].revents != 0 && !drain(err, words, word_bytes))
            fds[1].fd = -1;
    }
    return CHILD_EXITED;
}

static void keep_last_line(struct child_result *result, char *words)
{
    if (words == NULL)
        return;
    size_t bytes = strlen(words);
    while (bytes > 0 && (words[bytes - 1] == '\n' || words[bytes - 1] == '\r'))
        words[--bytes] = '\0';
    const char *line = strrchr(words, '\n');
    snprintf(result->last_words, sizeof(result->last_words), "%s", line == NULL ? words : line + 1);
    free(words);
}

/* The streams have ended, but the process may go on without them. */
static enum child_end reap(pid_t pid, enum child_end end, double limit_s, const volatile sig_atomic_t *stop,
                           int *status)
{
    double end_s = now_s() + limit_s;
    for (;;) {
        if (end != CHILD_EXITED)
            kill(-pid, SIGKILL);
        pid_t got = waitpid(pid, status, end == CHILD_EXITED ? WNOHANG : 0);
        if (got == pid || (got < 0 && errno != EINTR))
            break;
        if (*stop)
            end = CHILD_INTERRUPTED;
        else if (now_s() > end_s)
            end = CHILD_TIMED_OUT;
        else
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(-pid, SIGKILL);
    return end;
}

void child_run(char *const argv[], double limit_s, const volatile sig_atomic_t *stop,
               struct child_result *result)
{
    int out[2] = {-1, -1};
    int err[2] = {-1, -1};
    *result = (struct child_result){.end = CHILD_NOT_STARTED};
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
        result->code = errno;
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_exec(argv, parent, out[1], err[1]);
    int fork_errno = errno;
    close(out[1]);
    close(err[1]);
    if (pid > 0) {
        char *words = NULL;
        size_t word_bytes = 0;
        int status = 0;
        setpgid(pid, pid);
        result->end = follow(result, out[0], err[0], &words, &word_bytes, limit_s, stop);
        result->end = reap(pid, result->end, limit_s, stop, &status);
        keep_last_line(result, words);
        if (result->end == CHILD_TIMED_OUT)
            result->code = (int)limit_s;
        else if (result->end == CHILD_EXITED && WIFSIGNALED(status)) {
            result->end = CHILD_KILLED;
            result->code = WTERMSIG(status);
        } else if (result->end == CHILD_EXITED)
            result->code = WEXITSTATUS(status);
    } else {
        result->code = fork_errno;
    }
    close(out[0]);
    close(err[0]);
}

void child_describe(const struct child_result *result, char *text, size_t bytes)
{
    const char *words = result->last_words;
    const char *colon = words[0] == '\0' ? "" : ": ";
    switch (result->end) {
    case CHILD_EXITED:
        snprintf(text, bytes, "exited with status %d without a result%s%s", result->code, colon, words);
        break;
    case CHILD_KILLED:
        snprintf(text, bytes, "killed by signal %d (%s)%s%s", result->code, strsignal(result->code), colon,
                 words);
        break;
    case CHILD_TIMED_OUT:
        snprintf(text, bytes, "no result within %d s%s%s", result->code, colon, words);
        break;
    case CHILD_INTERRUPTED:
        snprintf(text, bytes, "interrupted");
        break;
    case CHILD_NOT_STARTED:
        snprintf(text, bytes, "could not be started: %s", strerror(result->code));
        break;
    }
}

void child_beside(const char *name, char *path, size_t bytes)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(self, '/');
    snprintf(path, bytes, "%.*s/%s", slash == NULL ? 0 : (int)(slash - self), self, name);
}
