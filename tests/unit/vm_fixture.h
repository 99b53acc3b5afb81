/* The FreeBSD system on an honest candidate, for its unit tests: a small machine with contents, the floors of
 * the specification's rows in miniature (0, 2, 8), a page daemon. */
#ifndef UNIT_VM_FIXTURE_H
#define UNIT_VM_FIXTURE_H

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "systems/freebsd/vm.h"

struct vm_rig {
    struct rig rig;
    struct pageout pageout;
    struct gate gate;
    struct trap trap;
    struct freebsd_vm vm;
    void *memory;
    struct pl_cpu *cpu;
};

PL_INLINE void vm_open_frames(struct vm_rig *self, const char *candidate, uint64_t frames,
                              enum contract contract)
{
    bool library = strcmp(candidate, "jemalloc") == 0; /* wants all of an aligned arena */
    struct native_shape shape = {
        .ranges = {{.first = {library ? 0 : 16}, .frame_count = frames}},
        .range_count = 1,
        .cpu_count = 2,
        .contents = true,
        .contents_alignment = library ? UINT64_C(1) << 22 : 0,
        .floors = {.interrupt = 0, .system = 2, .normal = 8},
    };
    memset(&self->trap, 0, sizeof(self->trap));
    rig_open_shape(&self->rig, candidate, &shape, ADMISSION_EXACT);
    self->cpu = self->rig.cpu;
    pageout_init(&self->pageout);
    gate_init(&self->gate, &self->rig.admission, self->rig.machine, &self->pageout, 0);
    self->memory = calloc(1, freebsd_vm_bytes(self->rig.machine));
    assert_non_null(self->memory);
    freebsd_vm_init(&self->vm, self->memory, &self->gate, &self->trap);
    freebsd_vm_reset(&self->vm, contract);
}

PL_INLINE void vm_open(struct vm_rig *self)
{
    vm_open_frames(self, "buddy", 64, CONTRACT_DOC);
}

/* Releases everything; expects every frame back. */
PL_INLINE void vm_close(struct vm_rig *self)
{
    freebsd_vm_release(&self->vm, self->cpu);
    assert_int_equal(self->gate.held, 0);
    assert_int_equal(self->vm.live, 0);
    assert_int_equal(self->vm.wired, 0);
    free(self->memory);
    rig_close(&self->rig);
}

/* A locked object. */
PL_INLINE struct freebsd_object *vm_object(struct vm_rig *self, enum freebsd_object_kind kind)
{
    struct freebsd_object *object = freebsd_object_new(&self->vm, self->cpu, kind);
    assert_non_null(object);
    assert_true(freebsd_object_lock(&self->vm, self->cpu, object));
    return object;
}

/* The last call was trapped, by this rule. */
PL_INLINE void expect_trap(struct vm_rig *self, const char *rule)
{
    assert_int_equal(self->trap.count, 1);
    assert_string_equal(self->trap.rule, rule);
    assert_int_equal(self->vm.status, PL_INVALID);
    self->trap.count = 0;
}

/* Takes INTERRUPT pages until so many frames are free. */
PL_INLINE void leave_free(struct vm_rig *self, uint64_t frames)
{
    while (gate_free_frames(&self->gate) > frames)
        assert_non_null(freebsd_page_alloc_noobj(&self->vm, self->cpu, FREEBSD_ALLOC_INTERRUPT));
}

#endif
