/* See watch.h. */
#include "engine/nosleep/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct watch *watch = argument;
    (void)hook;
    if (!watch->armed)
        return;
    watch->cpus[cpu->id].calls++;
    watch_enter(&watch->cpus[cpu->id], cpu);
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    struct watch *watch = argument;
    (void)hook;
    (void)status;
    if (watch->armed)
        watch_leave(&watch->cpus[cpu->id], cpu);
}

struct tap_listener watch_listener(struct watch *watch)
{
    return (struct tap_listener){on_enter, on_leave, watch};
}

void watch_sleep(struct pl_cpu *cpu, const char *where, void *argument)
{
    struct watch *watch = argument;
    if (!watch->armed)
        return;
    dispatch_note(&watch->cpus[cpu->id].dispatch,
                  strcmp(where, "wait") == 0 ? WATCH_WAIT : WATCH_MIGHT_SLEEP);
}

static bool matters(int64_t number, uint64_t detail)
{
    bool blocks = true;
    if (number >= 0)
        (void)system_call_name(number, detail, &blocks);
    return blocks;
}

void watch_start(struct watch *watch, const struct pl_cpu *cpu)
{
    watch->cpus[cpu->id].dispatch.matters = matters;
    if (!watch->blind && dispatch_start(&watch->cpus[cpu->id].dispatch) != 0)
        watch->blind = true;
}

void watch_stop(const struct watch *watch)
{
    if (!watch->blind)
        dispatch_stop();
}

bool watch_cannot(struct watch *watch, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(watch->na, sizeof(watch->na), format, args);
    va_end(args);
    return false;
}
