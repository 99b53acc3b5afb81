/* A CPU of the native platform for a dozen lines of misuse. */
#ifndef MISUSE_MISUSE_H
#define MISUSE_MISUSE_H

#include "platform/native/native.h"

#include <pagelab/lock.h>

#include <stdlib.h>

PL_INLINE struct pl_cpu *misuse_cpu(uint32_t id)
{
    static struct native_machine *native;
    const struct native_shape shape = {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 2};
    char error[128];
    if (native == NULL)
        native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL)
        exit(2);
    return native_cpu(native, id);
}

#endif
