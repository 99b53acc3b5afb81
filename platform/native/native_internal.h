/* Shared by the native platform's files only. */
#ifndef PLATFORM_NATIVE_INTERNAL_H
#define PLATFORM_NATIVE_INTERNAL_H

#include "platform/native/native.h"

/* What pl_cpu.platform_data points to. */
struct native_cpu_data {
    native_handler *handler;
    void *argument;
};

extern const struct pl_platform native_platform;

#endif
