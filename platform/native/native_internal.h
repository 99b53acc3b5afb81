/* Shared by the native platform's files only. */
#ifndef PLATFORM_NATIVE_INTERNAL_H
#define PLATFORM_NATIVE_INTERNAL_H

#include "platform/native/native.h"

/* What pl_cpu.platform_data points to. */
struct native_cpu_data {
    native_handler *handler;
    void *argument;
    native_sleep *on_sleep; /* NULL: a sleep where none is allowed ends the run */
    void *sleep_argument;
};

extern const struct pl_platform native_platform;

/* The file that the contents are a mapping of, and the place of the first frame in it; -1: they are private.
 */
int native_contents_file(const struct native_machine *native, uint64_t *offset);

#endif
