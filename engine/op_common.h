/* Operations that belong to no system, for programs that use any. */
#ifndef ENGINE_OP_COMMON_H
#define ENGINE_OP_COMMON_H

#include "engine/op.h"

enum op_common_kind {
    OP_FAIL_NTH = OP_COMMON, /* count: the gate's count-th grant from now fails; 0: none */
    OP_PAGEOUT,              /* the page daemon makes one pass for `count` frames */
    OP_COMMON_END,
};

extern const struct op_kind_info op_common_kinds[OP_COMMON_END - OP_COMMON];

#endif
