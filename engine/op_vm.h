/* Operations of the FreeBSD system; operands in op_vm.c, meaning in oracle/vm*.c. Pages live in the 16 slots,
 * one or a run in each; objects are o0 to o3 (other handles wrap). */
#ifndef ENGINE_OP_VM_H
#define ENGINE_OP_VM_H

#include "engine/op.h"

enum op_vm_kind {
    OP_VM_ALLOC = OP_VM, /* slot = a page of object o at pindex */
    OP_VM_NOOBJ,         /* slot = a page of no object */
    OP_VM_RUN,           /* slot = frames of object o from pindex on, inside the bounds */
    OP_VM_NOOBJ_RUN,     /* slot = frames of no object */
    OP_VM_FREE,          /* page `at` of the slot, in the way that `how` says */
    OP_VM_STATE,         /* what happens to page `at` of the slot */
    OP_VM_OBJECT,        /* object o begins */
    OP_VM_OBJECT_FREE,   /* object o ends, in the way that `how` says */
    OP_VM_LOOKUP,        /* who is at (o, pindex)? */
    OP_VM_QUOTA,         /* object o's pager vetoes more than so many resident pages; 0: no limit */
    OP_VM_BOUNDS, /* low and high of the runs that follow, in bytes above the machine's first; 0: none */
    OP_VM_END,
};

/* Flags as the operation has them; the rest of `req` is the mode. */
#define OP_VM_SYSTEM    0x01u
#define OP_VM_INTERRUPT 0x02u
#define OP_VM_WIRED     0x04u
#define OP_VM_ZERO      0x08u
#define OP_VM_NODUMP    0x10u
#define OP_VM_DAEMON    0x20u /* the caller is the page daemon */

/* How a page is busied, whether the caller waits, where the frame comes from: FREEBSD_ALLOC_* bits by name.
 * Some are illegal, always or for some forms. */
enum op_vm_mode {
    OP_VM_MODE_PLAIN = 0,
    OP_VM_MODE_NOBUSY,
    OP_VM_MODE_SBUSY,
    OP_VM_MODE_NOWAIT,
    OP_VM_MODE_WAITFAIL,
    OP_VM_MODE_WAITOK,
    OP_VM_MODE_NOFREE,
    OP_VM_MODE_NORECLAIM,
    OP_VM_MODE_NOBUSY_WAITFAIL,
    OP_VM_MODE_NOBUSY_NOFREE,
    OP_VM_MODE_NOBUSY_SBUSY,
    OP_VM_MODE_WAITOK_NORECLAIM,
    OP_VM_MODE_WAITOK_WAITFAIL,
    OP_VM_MODE_NOCREAT,
    OP_VM_MODE_IGN_SBUSY,
    OP_VM_MODE_UNKNOWN,
    OP_VM_MODE_WAITOK_NOWAIT,
    OP_VM_MODE_WAITFAIL_NOWAIT,
    OP_VM_MODE_COUNT,
};

/* The FREEBSD_ALLOC_* bits of a mode. */
uint32_t op_vm_mode_bits(unsigned mode);

enum op_vm_how {
    OP_VM_HOW_PROPER = 0, /* first undoes what is in the way: wirings, mappings, busy states */
    OP_VM_HOW_RAW,        /* as it stands; what is in the way must be trapped */
    OP_VM_HOW_UNLOCKED,   /* the same without the object's lock */
    OP_VM_HOW_ZERO,       /* properly, and known to be zero */
    OP_VM_HOW_TWICE,      /* a page that is free already, an object that has ended */
    OP_VM_HOW_FOREIGN,    /* a page that is nobody's, an object that only looks like one */
    OP_VM_HOW_OTHERS,     /* with the object's lock held by another CPU */
    OP_VM_HOW_COUNT,
};

enum op_vm_what {
    OP_VM_XUNBUSY = 0,
    OP_VM_XBUSY,
    OP_VM_SBUSY,
    OP_VM_SUNBUSY,
    OP_VM_WIRE,
    OP_VM_UNWIRE,
    OP_VM_MAP,
    OP_VM_UNMAP,
    OP_VM_DIRTY, /* valid, dirty, on a queue: as a user of the page leaves it */
    OP_VM_WHAT_COUNT,
};

/* By kind - OP_VM. */
extern const struct op_kind_info op_vm_kinds[OP_VM_END - OP_VM];

#endif
