/* See memory_guard.h. */
#define _GNU_SOURCE /* setitimer, O_CLOEXEC */
#include "bench/memory_guard.h"

#include <pagelab/compiler.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define LOOK_US 20000
#define WORDS   "touches more memory than the cap of"

/* A signal handler has no argument to carry these in. */
static struct {
    bool started;
    uint64_t pages;
    int words_fd;
    char words[80];
    size_t word_bytes;
} guard;

/* The number after `key` at the start of a line of this file, 0 if there is none; "" is the first number. */
static uint64_t number_in(const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    char line[128];
    uint64_t number = 0;
    while (file != NULL && number == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return number;
}

uint64_t memory_guard_cap(uint64_t most)
{
    /* Where the first kind of control group knows no limit it says a number near 2^63, the second "max". */
    const uint64_t spare[] = {number_in("/proc/meminfo", "MemAvailable:") << 10,
                              number_in("/sys/fs/cgroup/memory.max", ""),
                              number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", "")};
    for (size_t i = 0; i < PL_COUNT_OF(spare); i++) {
        if (spare[i] != 0 && spare[i] / 2 < most)
            most = spare[i] / 2;
    }
    return most;
}

void memory_guard_words(uint64_t cap_bytes, char *text, size_t bytes)
{
    if (cap_bytes >= UINT64_C(1) << 30)
        snprintf(text, bytes, WORDS " %.3g GiB", (double)cap_bytes / (double)(1 << 30));
    else
        snprintf(text, bytes, WORDS " %.3g MiB", (double)cap_bytes / (double)(1 << 20));
}

bool memory_guard_ended(int status, const char *words)
{
    return status == MEMORY_GUARD_STATUS && strncmp(words, WORDS, sizeof(WORDS) - 1) == 0;
}

/* Only what a signal handler may do: /proc/self/statm is numbers of pages, the second one resident. */
static void look(int signal_number)
{
    char text[64];
    int before = errno; /* of whoever is interrupted */
    (void)signal_number;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        errno = before;
        return;
    }
    ssize_t bytes = read(file, text, sizeof(text) - 1);
    close(file);
    errno = before;
    ssize_t at = 0;
    uint64_t resident = 0;
    while (at < bytes && text[at] != ' ')
        at++;
    for (at++; at < bytes && text[at] >= '0' && text[at] <= '9'; at++)
        resident = resident * 10 + (uint64_t)(text[at] - '0');
    if (resident <= guard.pages)
        return;
    /* A line of its own, whatever was written before. */
    if (guard.words_fd >= 0 && write(guard.words_fd, guard.words, guard.word_bytes) < 0)
        _exit(MEMORY_GUARD_STATUS);
    _exit(MEMORY_GUARD_STATUS);
}

static void look_every(suseconds_t interval_us)
{
    struct itimerval often = {{0, interval_us}, {0, interval_us}};
    setitimer(ITIMER_PROF, &often, NULL);
}

void memory_guard_start(uint64_t cap_bytes, int words_fd)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
    char words[sizeof(guard.words) - 2];
    memory_guard_words(cap_bytes, words, sizeof(words));
    guard.word_bytes = (size_t)snprintf(guard.words, sizeof(guard.words), "\n%s\n", words);
    guard.words_fd = words_fd;
    guard.pages = cap_bytes / (uint64_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGPROF, &action, NULL);
    guard.started = true;
    look_every(LOOK_US);
}

void memory_guard_stop(void)
{
    guard.started = false;
    look_every(0);
}

void memory_guard_pause(void)
{
    if (guard.started)
        look_every(0);
}

void memory_guard_resume(void)
{
    if (!guard.started)
        return;
    look(0);
    look_every(LOOK_US);
}
