/* Names and fields of the operations; see op.h. */
#include "engine/op.h"

#define HAS_ALLOC (OP_HAS_SLOT | OP_HAS_CLASS | OP_HAS_MOBILITY | OP_HAS_FLAGS)

const struct op_kind_info op_kinds[OP_KIND_COUNT] = {
    [OP_NOP] = {"nop", 0},
    [OP_ALLOC] = {"alloc", HAS_ALLOC | OP_HAS_ORDER | OP_HAS_OWNER},
    [OP_FREE] = {"free", OP_HAS_SLOT | OP_HAS_FLAGS},
    [OP_ALLOC_RUN] = {"run", HAS_ALLOC | OP_HAS_RUN},
    [OP_SPLIT] = {"split", OP_HAS_SLOT | OP_HAS_ORDER},
    [OP_DRAIN] = {"drain", 0},
    [OP_AUDIT] = {"audit", 0},
    [OP_STARVE] = {"starve", OP_HAS_CLASS | OP_HAS_COUNT},
    [OP_FEED] = {"feed", 0},
    [OP_BAD_FREE] = {"bad-free", OP_HAS_SLOT | OP_HAS_COUNT},
    [OP_BAD_ALLOC] = {"bad-alloc", OP_HAS_CLASS | OP_HAS_COUNT},
};

const char *const op_mistake_names[OP_MISTAKE_COUNT] = {
    [OP_MISTAKE_TWICE] = "twice",   [OP_MISTAKE_FOREIGN] = "foreign",     [OP_MISTAKE_HALF] = "half",
    [OP_MISTAKE_INSIDE] = "inside", [OP_MISTAKE_TOO_LARGE] = "too-large",
};

const char *const op_illegal_names[OP_ILLEGAL_COUNT] = {
    [OP_ILLEGAL_CLASS] = "class",       [OP_ILLEGAL_ORDER] = "order",
    [OP_ILLEGAL_RUN_ZERO] = "run-zero", [OP_ILLEGAL_ALIGNMENT] = "alignment",
    [OP_ILLEGAL_BOUNDARY] = "boundary",
};
