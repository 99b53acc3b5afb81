/* See op_buffer.h. */
#include "engine/op_buffer.h"

#include <stddef.h>

#include "systems/iokit/iokit.h"

#define OPERANDS (const struct op_operand[])
/* clang-format off */
#define SLOT      {"s", OP_AT_SLOT, OP_NUMBER8, NULL}
#define OTHER     {"o", OP_AT_OTHER, OP_NUMBER8, NULL}
#define OPTIONS   {"options", OP_AT_EXTRA, OP_BITS, option_names}
#define CAPACITY  {"capacity", OP_AT_VALUE, OP_BYTES, NULL}
#define OFFSET    {"offset", OP_AT_VALUE, OP_BYTES, NULL}
#define BYTES     {"bytes", OP_AT_EXTRA, OP_EDGE32, NULL}
#define PATTERN   {"pattern", OP_AT_CHOICE, OP_NUMBER8, NULL}
#define DIRECTION {"direction", OP_AT_FLAGS, OP_NUMBER8, NULL}
#define END       {0}
/* clang-format on */

/* Half of the buffers have each of these ... */
static const struct op_name option_names[] = {
    {"in", IOKIT_DIRECTION_IN},
    {"out", IOKIT_DIRECTION_OUT},
    {"contiguous", IOKIT_PHYSICALLY_CONTIGUOUS},
    {"pageable", IOKIT_PAGEABLE},
    {"purgeable", IOKIT_PURGEABLE},
    {"host-contiguous", IOKIT_HOST_PHYSICALLY_CONTIGUOUS},
    {"thread-safe", IOKIT_THREAD_SAFE},
    {"reserve", IOKIT_USE_RESERVE},
    {NULL, 0},
};

/* ... and at most one of those, which mostly mean whole pages: often none, for small buffers' sake. */
static const struct op_name with_names[] = {
    {"plain", OP_BUFFER_WITH_PLAIN},       {"plain", OP_BUFFER_WITH_PLAIN},
    {"plain", OP_BUFFER_WITH_PLAIN},       {"plain", OP_BUFFER_WITH_PLAIN},
    {"plain", OP_BUFFER_WITH_PLAIN},       {"plain", OP_BUFFER_WITH_PLAIN},
    {"shared", OP_BUFFER_WITH_SHARED},     {"sharing2", OP_BUFFER_WITH_SHARING2},
    {"inhibit", OP_BUFFER_WITH_INHIBIT},   {"write-combine", OP_BUFFER_WITH_COMBINE},
    {"cache7", OP_BUFFER_WITH_CACHE7},     {"cache8", OP_BUFFER_WITH_CACHE8},
    {"cache9", OP_BUFFER_WITH_CACHE9},     {"clear-encrypt", OP_BUFFER_WITH_ENCRYPT},
    {"prefault", OP_BUFFER_WITH_PREFAULT}, {NULL, 0},
};

static const struct op_name how_names[] = {
    {"kernel", OP_BUFFER_HOW_KERNEL},
    {"user", OP_BUFFER_HOW_USER},
    {"other", OP_BUFFER_HOW_OTHER},
    {"none", OP_BUFFER_HOW_NONE},
    {"wide", OP_BUFFER_HOW_WIDE},
    {"guarded", OP_BUFFER_HOW_GUARDED},
    {"capacity", OP_BUFFER_HOW_CAPACITY},
    {"capacity-contiguous", OP_BUFFER_HOW_CAPACITY_CONTIGUOUS},
    {"bytes", OP_BUFFER_HOW_BYTES},
    {"bytes-contiguous", OP_BUFFER_HOW_BYTES_CONTIGUOUS},
    {NULL, 0},
};

/* Legal ones first; then bits outside the masks. */
static const struct op_name modifier_names[] = {
    {"group1", 1u << 8}, {"group2", 2u << 8}, {"group4", 4u << 8}, {"lifo", 1u << 6}, {"fault", 2u << 12},
    {"bit4", 1u << 4},   {"bit7", 1u << 7},   {"bit16", 1u << 16}, {NULL, 0},
};

static const struct op_name mistake_names[] = {
    {"twice", OP_BUFFER_MISTAKE_TWICE},
    {"forged", OP_BUFFER_MISTAKE_FORGED},
    {"null", OP_BUFFER_MISTAKE_NULL},
    {"prepare", OP_BUFFER_MISTAKE_PREPARE},
    {"read", OP_BUFFER_MISTAKE_READ},
    {"purge", OP_BUFFER_MISTAKE_PURGE},
    {NULL, 0},
};

const struct op_kind_info op_buffer_kinds[] = {
    [OP_BUFFER_CREATE - OP_BUFFER] = {"buf-create", 0,
                                      OPERANDS{SLOT,
                                               OPTIONS,
                                               CAPACITY,
                                               {"alignment", OP_AT_COUNT, OP_ALIGN, NULL},
                                               {"with", OP_AT_ORDER, OP_NAME, with_names},
                                               {"how", OP_AT_CHOICE, OP_NAME, how_names},
                                               END}},
    [OP_BUFFER_MASK - OP_BUFFER] = {"buf-mask", 0,
                                    OPERANDS{SLOT,
                                             OPTIONS,
                                             CAPACITY,
                                             {"bits", OP_AT_COUNT, OP_NUMBER8, NULL},
                                             {"hole", OP_AT_CHOICE, OP_NUMBER8, NULL},
                                             {"with", OP_AT_ORDER, OP_NAME, with_names},
                                             END}},
    [OP_BUFFER_RELEASE - OP_BUFFER] = {"buf-release", 0, OPERANDS{SLOT, END}},
    [OP_BUFFER_PREPARE - OP_BUFFER] = {"buf-prepare", 0, OPERANDS{SLOT, DIRECTION, END}},
    [OP_BUFFER_COMPLETE - OP_BUFFER] = {"buf-complete", 0, OPERANDS{SLOT, END}},
    [OP_BUFFER_WRITE - OP_BUFFER] = {"buf-write", 0, OPERANDS{SLOT, OFFSET, BYTES, PATTERN, END}},
    [OP_BUFFER_READ - OP_BUFFER] = {"buf-read", 0, OPERANDS{SLOT, OFFSET, BYTES, END}},
    [OP_BUFFER_APPEND - OP_BUFFER] = {"buf-append", 0, OPERANDS{SLOT, BYTES, PATTERN, END}},
    [OP_BUFFER_LENGTH -
        OP_BUFFER] = {"buf-length", 0, OPERANDS{SLOT, {"length", OP_AT_VALUE, OP_BYTES, NULL}, END}},
    [OP_BUFFER_PURGE - OP_BUFFER] = {"buf-purge", 0,
                                     OPERANDS{SLOT,
                                              {"state", OP_AT_COUNT, OP_NUMBER8, NULL},
                                              {"modifiers", OP_AT_EXTRA, OP_BITS, modifier_names},
                                              END}},
    [OP_BUFFER_SEGMENTS - OP_BUFFER] = {"buf-segments", 0, OPERANDS{SLOT, OFFSET, END}},
    [OP_BUFFER_DIRECTION - OP_BUFFER] = {"buf-direction", 0, OPERANDS{SLOT, DIRECTION, END}},
    [OP_BUFFER_NOCOPY - OP_BUFFER] = {"buf-nocopy", 0, OPERANDS{SLOT, OFFSET, BYTES, PATTERN, END}},
    [OP_BUFFER_IOMMU - OP_BUFFER] = {"buf-iommu", 0, OPERANDS{END}},
    [OP_BUFFER_RANGES - OP_BUFFER] = {"buf-ranges", 0, OPERANDS{SLOT, OTHER, OFFSET, BYTES, END}},
    [OP_BUFFER_BAD -
        OP_BUFFER] = {"buf-bad", 0, OPERANDS{SLOT, {"mistake", OP_AT_CHOICE, OP_NAME, mistake_names}, END}},
};
