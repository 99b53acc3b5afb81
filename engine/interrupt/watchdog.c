/* See watchdog.h. */
#define _POSIX_C_SOURCE 200809L
#include "engine/interrupt/watchdog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_S 0.1

static double seconds_of(clockid_t clock)
{
    struct timespec time = {0, 0};
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(const struct watchdog_thread *thread)
{
    clockid_t clock;
    return pthread_getcpuclockid(thread->thread, &clock) == 0 ? seconds_of(clock) : 0;
}

/* Whoever waits for a processor is awake: state R. Where there is no such file nobody is asleep. */
static bool asleep(const struct watchdog_thread *thread)
{
    char path[64];
    char text[256];
    snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", (long)thread->tid);
    FILE *file = fopen(path, "re");
    size_t bytes = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL)
        fclose(file);
    text[bytes] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") S", 3) == 0;
}

static bool runs(struct watchdog_thread *thread)
{
    return atomic_load(&thread->begun) && !atomic_load(&thread->ended);
}

/* Somebody has come to an end: all begin anew, for who waits for another may do so as long as that one goes
 * on. */
static void begin_anew(struct watchdog *watchdog, double now_s)
{
    for (uint32_t i = 0; i < watchdog->thread_count; i++) {
        struct watchdog_thread *thread = watchdog->threads[i];
        thread->seen = atomic_load(&thread->done);
        thread->cpu_s = runs(thread) ? cpu_seconds(thread) : 0;
    }
    watchdog->awake_s = now_s;
    watchdog->naps = 0;
}

enum watchdog_verdict watchdog_look(struct watchdog *watchdog)
{
    double now_s = seconds_of(CLOCK_MONOTONIC);
    bool changed = false;
    bool all_asleep = true;
    uint32_t running = 0;
    if (now_s < watchdog->next_s)
        return WATCHDOG_GOES_ON;
    watchdog->next_s = now_s + LOOK_S;
    for (uint32_t i = 0; i < watchdog->thread_count; i++) {
        struct watchdog_thread *thread = watchdog->threads[i];
        changed = changed || atomic_load(&thread->done) != thread->seen;
        running += runs(thread);
    }
    changed = changed || running != watchdog->running || running == 0;
    watchdog->running = running;
    if (changed) {
        begin_anew(watchdog, now_s);
        return WATCHDOG_GOES_ON;
    }
    for (uint32_t i = 0; i < watchdog->thread_count; i++) {
        struct watchdog_thread *thread = watchdog->threads[i];
        if (!runs(thread))
            continue;
        watchdog->culprit = i;
        if (cpu_seconds(thread) - thread->cpu_s >= WATCHDOG_CPU_S)
            return WATCHDOG_SPINS;
        all_asleep = all_asleep && asleep(thread);
    }
    if (!all_asleep) {
        watchdog->awake_s = now_s;
        watchdog->naps = 0;
        return WATCHDOG_GOES_ON;
    }
    return ++watchdog->naps >= WATCHDOG_LOOKS && now_s - watchdog->awake_s >= WATCHDOG_NAP_S
               ? WATCHDOG_SLEEPS
               : WATCHDOG_GOES_ON;
}
