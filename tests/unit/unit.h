/* What the unit tests share: cmocka's includes in the order that it wants, and an instance on a machine. */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/instance.h"
#include "platform/native/native.h"
#include "systems/admission/admission.h"

struct rig {
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct admission admission;
    struct pl_cpu *cpu; /* CPU 0 */
};

/* Fails the test if the machine or the instance cannot be had. */
PL_INLINE void rig_open_shape(struct rig *rig, const char *name, const struct native_shape *shape,
                              enum admission_mode mode)
{
    struct spec spec;
    struct spec_error error = {.text = ""};
    rig->native = native_machine_new(shape, error.text, sizeof(error.text));
    if (rig->native == NULL)
        fail_msg("%s", error.text);
    rig->machine = native_machine_view(rig->native);
    rig->cpu = native_cpu(rig->native, 0);
    if (spec_parse(name, &spec, &error) != 0)
        fail_msg("%s", error.text);
    if (instance_init(&rig->instance, &spec, rig->machine, true, &error) != PL_OK)
        fail_msg("%s", error.text);
    admission_init(&rig->admission, rig->instance.page, rig->machine, mode);
}

PL_INLINE void rig_open(struct rig *rig, const char *name, uint64_t frame_count, uint32_t cpu_count,
                        enum admission_mode mode)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = frame_count}}, .range_count = 1, .cpu_count = cpu_count};
    rig_open_shape(rig, name, &shape, mode);
}

PL_INLINE void rig_close(struct rig *rig)
{
    instance_fini(&rig->instance);
    native_machine_delete(rig->native);
}

PL_INLINE enum pl_status rig_take(struct rig *rig, uint32_t cpu, unsigned order, unsigned alloc_class,
                                  struct pl_run *run)
{
    struct pl_request request = {
        .order = (uint8_t)order, .alloc_class = (uint8_t)alloc_class, .node = PL_NODE_ANY};
    return admission_alloc(&rig->admission, native_cpu(rig->native, cpu), &request, run);
}

/* The next number of a fixed sequence. */
PL_INLINE uint32_t next_number(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

#endif
