/* Operations that belong to no system, for programs that use any. */
#ifndef ENGINE_OP_COMMON_H
#define ENGINE_OP_COMMON_H

#include "engine/op.h"

enum op_common_kind {
    OP_FAIL_NTH = OP_COMMON, /* count: the gate's count-th grant from now fails; 0: none */
    OP_PAGEOUT,              /* the page daemon makes one pass for `count` frames */
    OP_PREEMPT, /* a schedule's (engine/schedule/): during the operation before it, see below; elsewhere
                   nothing */
    OP_COMMON_END,
};

#define OP_COMMON_SYSTEMS 2u /* of these, the systems' programs draw from the first */

/* OP_PREEMPT: when `count` accesses of the operation before it in the list have been made, do `mobility`. 0
 * accesses: when it has ended (OP_DO_SWITCH only). Several may follow one operation, in order. */
enum op_preempt_do {
    OP_DO_NOTHING = 0,
    OP_DO_SWITCH =
        1, /* CPU `cpu` goes on, for `extra` operations (0: 1), then the list's order counts again */
    OP_DO_INTERRUPT = 2, /* of the CPU that runs the operation; comes at unmask if that has masked */
    OP_DO_NMI = 3,       /* the same, masked or not */
    OP_DO_FLUSH = 4,     /* the oldest store in the buffer of `cpu` becomes visible, if stores are buffered */
    OP_DO_COUNT = 5,
};

extern const struct op_kind_info op_common_kinds[OP_COMMON_END - OP_COMMON];

#endif
