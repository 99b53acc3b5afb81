/* See op_vm.h. */
#include "engine/op_vm.h"

#include "systems/freebsd/alloc_flags.h"

static const struct op_name flags[] = {
    {"system", OP_VM_SYSTEM},
    {"interrupt", OP_VM_INTERRUPT},
    {"wired", OP_VM_WIRED},
    {"zero", OP_VM_ZERO},
    {"nodump", OP_VM_NODUMP},
    {"daemon", OP_VM_DAEMON},
    {NULL, 0},
};

static const struct op_name modes[] = {
    {"plain", OP_VM_MODE_PLAIN},
    {"nobusy", OP_VM_MODE_NOBUSY},
    {"sbusy", OP_VM_MODE_SBUSY},
    {"nowait", OP_VM_MODE_NOWAIT},
    {"waitfail", OP_VM_MODE_WAITFAIL},
    {"waitok", OP_VM_MODE_WAITOK},
    {"nofree", OP_VM_MODE_NOFREE},
    {"noreclaim", OP_VM_MODE_NORECLAIM},
    {"nobusy+waitfail", OP_VM_MODE_NOBUSY_WAITFAIL},
    {"nobusy+nofree", OP_VM_MODE_NOBUSY_NOFREE},
    {"nobusy+sbusy", OP_VM_MODE_NOBUSY_SBUSY},
    {"waitok+noreclaim", OP_VM_MODE_WAITOK_NORECLAIM},
    {"waitok+waitfail", OP_VM_MODE_WAITOK_WAITFAIL},
    {"nocreat", OP_VM_MODE_NOCREAT},
    {"ign-sbusy", OP_VM_MODE_IGN_SBUSY},
    {"unknown", OP_VM_MODE_UNKNOWN},
    {"waitok+nowait", OP_VM_MODE_WAITOK_NOWAIT},
    {"waitfail+nowait", OP_VM_MODE_WAITFAIL_NOWAIT},
    {NULL, 0},
};

static const struct op_name hows[] = {
    {"proper", OP_VM_HOW_PROPER},      {"raw", OP_VM_HOW_RAW},
    {"unlocked", OP_VM_HOW_UNLOCKED},  {"zero", OP_VM_HOW_ZERO},
    {"twice", OP_VM_HOW_TWICE},        {"foreign", OP_VM_HOW_FOREIGN},
    {"others-lock", OP_VM_HOW_OTHERS}, {NULL, 0},
};

static const struct op_name whats[] = {
    {"xunbusy", OP_VM_XUNBUSY}, {"xbusy", OP_VM_XBUSY},
    {"sbusy", OP_VM_SBUSY},     {"sunbusy", OP_VM_SUNBUSY},
    {"wire", OP_VM_WIRE},       {"unwire", OP_VM_UNWIRE},
    {"map", OP_VM_MAP},         {"unmap", OP_VM_UNMAP},
    {"dirty", OP_VM_DIRTY},     {NULL, 0},
};

static const struct op_name object_kinds[] = {{"managed", 0}, {"unmanaged", 1}, {"fictitious", 2}, {NULL, 0}};

#define SLOT   {"s", OP_AT_SLOT, OP_NUMBER8, NULL}
#define OBJECT {"o", OP_AT_OTHER, OP_NUMBER8, NULL}
#define FLAGS  {"flags", OP_AT_FLAGS, OP_BITS, flags}
#define MODE   {"mode", OP_AT_CHOICE, OP_NAME, modes}
#define HINT   {"count", OP_AT_COUNT, OP_NUMBER8, NULL}
#define AT     {"at", OP_AT_COUNT, OP_NUMBER8, NULL}
#define HOW    {"how", OP_AT_CHOICE, OP_NAME, hows}
#define PINDEX {"pindex", OP_AT_VALUE, OP_BYTES, NULL}
#define FRAMES {"frames", OP_AT_COUNT, OP_NUMBER8, NULL}
#define ALIGN  {"align", OP_AT_VALUE, OP_ALIGN, NULL}
#define WINDOW {"boundary", OP_AT_EXTRA, OP_ALIGN, NULL}
#define END    {NULL, OP_AT_NONE, OP_NUMBER8, NULL}

static const struct op_operand alloc[] = {SLOT, OBJECT, PINDEX, FLAGS, MODE, HINT, END};
static const struct op_operand noobj[] = {SLOT, FLAGS, MODE, HINT, END};
static const struct op_operand run[] = {
    SLOT, OBJECT, {"pindex", OP_AT_ORDER, OP_NUMBER8, NULL}, FLAGS, MODE, FRAMES, ALIGN, WINDOW, END};
static const struct op_operand noobj_run[] = {SLOT, FLAGS, MODE, FRAMES, ALIGN, WINDOW, END};
static const struct op_operand release[] = {SLOT, AT, HOW, END};
static const struct op_operand state[] = {SLOT, AT, {"what", OP_AT_CHOICE, OP_NAME, whats}, END};
static const struct op_operand object[] = {OBJECT, {"kind", OP_AT_CHOICE, OP_NAME, object_kinds}, END};
static const struct op_operand object_free[] = {OBJECT, HOW, END};
static const struct op_operand lookup[] = {OBJECT, PINDEX, END};
static const struct op_operand quota[] = {OBJECT, {"pages", OP_AT_COUNT, OP_NUMBER8, NULL}, END};
static const struct op_operand bounds[] = {
    {"low", OP_AT_VALUE, OP_BYTES, NULL}, {"high", OP_AT_EXTRA, OP_EDGE32, NULL}, END};

const struct op_kind_info op_vm_kinds[] = {
    [OP_VM_ALLOC - OP_VM] = {"vm-alloc", 0, alloc},
    [OP_VM_NOOBJ - OP_VM] = {"vm-noobj", 0, noobj},
    [OP_VM_RUN - OP_VM] = {"vm-run", 0, run},
    [OP_VM_NOOBJ_RUN - OP_VM] = {"vm-noobj-run", 0, noobj_run},
    [OP_VM_FREE - OP_VM] = {"vm-free", 0, release},
    [OP_VM_STATE - OP_VM] = {"vm-state", 0, state},
    [OP_VM_OBJECT - OP_VM] = {"vm-object", 0, object},
    [OP_VM_OBJECT_FREE - OP_VM] = {"vm-object-free", 0, object_free},
    [OP_VM_LOOKUP - OP_VM] = {"vm-lookup", 0, lookup},
    [OP_VM_QUOTA - OP_VM] = {"vm-quota", 0, quota},
    [OP_VM_BOUNDS - OP_VM] = {"vm-bounds", 0, bounds},
};

uint32_t op_vm_mode_bits(unsigned mode)
{
    static const uint32_t bits[OP_VM_MODE_COUNT] = {
        [OP_VM_MODE_NOBUSY] = FREEBSD_ALLOC_NOBUSY,
        [OP_VM_MODE_SBUSY] = FREEBSD_ALLOC_SBUSY,
        [OP_VM_MODE_NOWAIT] = FREEBSD_ALLOC_NOWAIT,
        [OP_VM_MODE_WAITFAIL] = FREEBSD_ALLOC_WAITFAIL,
        [OP_VM_MODE_WAITOK] = FREEBSD_ALLOC_WAITOK,
        [OP_VM_MODE_NOFREE] = FREEBSD_ALLOC_NOFREE,
        [OP_VM_MODE_NORECLAIM] = FREEBSD_ALLOC_NORECLAIM,
        [OP_VM_MODE_NOBUSY_WAITFAIL] = FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_WAITFAIL,
        [OP_VM_MODE_NOBUSY_NOFREE] = FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_NOFREE,
        [OP_VM_MODE_NOBUSY_SBUSY] = FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_SBUSY,
        [OP_VM_MODE_WAITOK_NORECLAIM] = FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_NORECLAIM,
        [OP_VM_MODE_WAITOK_WAITFAIL] = FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_WAITFAIL,
        [OP_VM_MODE_NOCREAT] = FREEBSD_ALLOC_NOCREAT,
        [OP_VM_MODE_IGN_SBUSY] = FREEBSD_ALLOC_IGN_SBUSY,
        [OP_VM_MODE_UNKNOWN] = UINT32_C(0x0800),
        [OP_VM_MODE_WAITOK_NOWAIT] = FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_NOWAIT,
        [OP_VM_MODE_WAITFAIL_NOWAIT] = FREEBSD_ALLOC_WAITFAIL | FREEBSD_ALLOC_NOWAIT,
    };
    return mode < OP_VM_MODE_COUNT ? bits[mode] : 0;
}
