/* See campaign_child.h. */
#define _DEFAULT_SOURCE
#include "fuzz/campaign_child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARK_NAME  "PAGELAB_CAMPAIGN"
#define MARK_BYTES 48u

double campaign_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A signal ends it early: its handler may have asked for the end. */
void campaign_sleep(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds};
    wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
    (void)nanosleep(&wait, NULL);
}

static void write_mark(char mark[MARK_BYTES], pid_t pid)
{
    snprintf(mark, MARK_BYTES, MARK_NAME "=%ld", (long)pid);
}

/* Between fork and exec. Core files are off: a fuzzer's crashes are many, and its inputs are kept. */
static void become(const char *const *arguments, const char *const *environment, const char *log_path,
                   pid_t parent)
{
    char mark[MARK_BYTES];
    struct rlimit none = {0, 0};
    sigset_t signals;
    sigemptyset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setrlimit(RLIMIT_CORE, &none);
    write_mark(mark, parent);
    bool good = putenv(mark) == 0;
    for (; good && *environment != NULL; environment++)
        good = putenv((char *)(uintptr_t)*environment) == 0;
    int in = open("/dev/null", O_RDONLY);
    int out = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    good =
        good && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0;
    if (good && getppid() == parent)
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

int campaign_child_start(struct campaign_child *child, const char *const *arguments,
                         const char *const *environment, const char *log_path)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(arguments, environment, log_path, parent);
    if (pid < 0) {
        child->pid = 0;
        return -1;
    }
    setpgid(pid, pid); /* whichever of the two comes first */
    *child = (struct campaign_child){.pid = pid};
    return 0;
}

bool campaign_child_ended(struct campaign_child *child)
{
    if (child->pid == 0)
        return true;
    struct rusage used = {0};
    pid_t pid = wait4(child->pid, &child->status, WNOHANG, &used);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return false;
    child->pid = 0;
    child->cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    return true;
}

double campaign_child_cpu_s(const struct campaign_child *child)
{
    struct timespec used;
    clockid_t clock;
    if (child->pid == 0)
        return child->cpu_s;
    if (clock_getcpuclockid(child->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

void campaign_child_stop(struct campaign_child *child, double grace_s)
{
    pid_t group = child->pid;
    if (group == 0)
        return;
    double deadline = campaign_now() + grace_s;
    kill(group, SIGTERM);
    while (!campaign_child_ended(child) && campaign_now() < deadline)
        campaign_sleep(0.01);
    if (child->pid != 0)
        kill(-group, SIGKILL);
    while (!campaign_child_ended(child))
        campaign_sleep(0.01);
}

static bool has_mark(const char *pid, const char *mark)
{
    char path[64];
    static char block[1 << 17];
    snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size_t bytes = 0;
    ssize_t got;
    while (bytes < sizeof(block) - 1 && (got = read(file, block + bytes, sizeof(block) - 1 - bytes)) > 0)
        bytes += (size_t)got;
    close(file);
    block[bytes] = '\0';
    for (const char *at = block; at < block + bytes; at += strlen(at) + 1) {
        if (strcmp(at, mark) == 0)
            return true;
    }
    return false;
}

void campaign_child_sweep(void)
{
    char mark[MARK_BYTES];
    const struct dirent *entry;
    write_mark(mark, getpid());
    DIR *processes = opendir("/proc");
    if (processes == NULL)
        return;
    while ((entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && has_mark(entry->d_name, mark)) {
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (pid != getpid())
                kill(pid, SIGKILL);
        }
    }
    closedir(processes);
}
