/* See op_orb.h. */
#include <stddef.h>

#include "engine/op_orb.h"

#define OPERANDS (const struct op_operand[])
#define ORB      {"s", OP_AT_SLOT, OP_NUMBER8, NULL}
#define MEMORY   {"o", OP_AT_OTHER, OP_NUMBER8, NULL}
#define END      {0}

static const struct op_name make_names[] = {
    {"gaps", OP_ORB_MAKE_GAPS},
    {"none", OP_ORB_MAKE_NONE},
    {"touching", OP_ORB_MAKE_TOUCHING},
    {"odd1", OP_ORB_MAKE_ODD1},
    {"odd2", OP_ORB_MAKE_ODD2},
    {"odd3", OP_ORB_MAKE_ODD3},
    {"high", OP_ORB_MAKE_HIGH},
    {"edge32", OP_ORB_MAKE_EDGE32},
    {"edge48", OP_ORB_MAKE_EDGE48},
    {"above48", OP_ORB_MAKE_ABOVE48},
    {"null", OP_ORB_MAKE_NULL},
    {"many65535", OP_ORB_MAKE_MANY_65535},
    {"many65536", OP_ORB_MAKE_MANY_65536},
    {"unprepared", OP_ORB_MAKE_UNPREPARED},
    {"buffer", OP_ORB_MAKE_BUFFER},
    {"contiguous", OP_ORB_MAKE_CONTIGUOUS},
    {NULL, 0},
};

static const struct op_name gate_names[] = {{"open", 0}, {"closed", 1}, {NULL, 0}};

static const struct op_name width_names[] = {
    {"32", OP_ORB_WIDTH_32}, {"64", OP_ORB_WIDTH_64}, {"wide", OP_ORB_WIDTH_WIDE}, {NULL, 0}};

static const struct op_name limit_names[] = {
    {"read-dma", OP_ORB_LIMIT_READ_DMA},
    {"login", OP_ORB_LIMIT_LOGIN},
    {"unit-pack", OP_ORB_LIMIT_UNIT_PACK},
    {"opt-out", OP_ORB_LIMIT_OPT_OUT},
    {NULL, 0},
};

static const struct op_name source_names[] = {{"bytes", 0}, {"memory", 1}, {NULL, 0}};

static const struct op_name field_names[] = {
    {"generation", OP_ORB_FIELD_GENERATION}, {"timeout", OP_ORB_FIELD_TIMEOUT},
    {"refcon", OP_ORB_FIELD_REFCON},         {"refcon64", OP_ORB_FIELD_REFCON64},
    {"prepare", OP_ORB_FIELD_PREPARE},       {NULL, 0},
};

static const struct op_name flag_names[] = {
    {"notify", 1u << 0},
    {"from-target", 1u << 1},
    {"immediate", 1u << 2},
    {"normal", 1u << 5},
    {"rsvd", 1u << 6},
    {"vendor", 1u << 7},
    {"dummy", 1u << 8},
    {"check-generation", 1u << 9},
    {"fixed", 1u << 10},
    {"virtual", 1u << 11},
    {NULL, 0},
};

static const struct op_name wire_names[] = {
    {"prepare", OP_ORB_WIRE_PREPARE}, {"complete", OP_ORB_WIRE_COMPLETE}, {NULL, 0}};

static const struct op_name step_names[] = {{"submit", OP_ORB_STEP_SUBMIT},
                                            {"complete", OP_ORB_STEP_COMPLETE},
                                            {"reset", OP_ORB_STEP_RESET},
                                            {NULL, 0}};

static const struct op_name mistake_names[] = {
    {"stale", OP_ORB_MISTAKE_STALE},
    {"foreign", OP_ORB_MISTAKE_FOREIGN},
    {"null", OP_ORB_MISTAKE_NULL},
    {"stale-buffers", OP_ORB_MISTAKE_STALE_BUFFERS},
    {"irq-table", OP_ORB_MISTAKE_IRQ_TABLE},
    {"irq-buffers", OP_ORB_MISTAKE_IRQ_BUFFERS},
    {"stale-set", OP_ORB_MISTAKE_STALE_SET},
    {"stale-ask", OP_ORB_MISTAKE_STALE_ASK},
    {"no-sleep-buffers", OP_ORB_MISTAKE_NO_SLEEP_BUFFERS},
    {"no-sleep-release", OP_ORB_MISTAKE_NO_SLEEP_RELEASE},
    {"foreign-memory", OP_ORB_MISTAKE_FOREIGN_MEMORY},
    {NULL, 0},
};

const struct op_kind_info op_orb_kinds[] = {
    [OP_ORB_NEW - OP_ORB] = {"orb-new", 0, OPERANDS{ORB, END}},
    [OP_ORB_MEMORY - OP_ORB] = {"orb-memory", 0,
                                OPERANDS{MEMORY,
                                         {"make", OP_AT_CHOICE, OP_NAME, make_names},
                                         {"pieces", OP_AT_COUNT, OP_NUMBER8, NULL},
                                         {"bytes", OP_AT_EXTRA, OP_EDGE32, NULL},
                                         END}},
    [OP_ORB_TABLE - OP_ORB] = {"orb-table", 0, OPERANDS{ORB, {"entries", OP_AT_COUNT, OP_EDGE32, NULL}, END}},
    [OP_ORB_BUFFERS - OP_ORB] = {"orb-buffers", 0,
                                 OPERANDS{ORB,
                                          MEMORY,
                                          {"offset", OP_AT_VALUE, OP_BYTES, NULL},
                                          {"length", OP_AT_EXTRA, OP_EDGE32, NULL},
                                          {"gate", OP_AT_CHOICE, OP_NAME, gate_names},
                                          END}},
    [OP_ORB_FLAGS -
        OP_ORB] = {"orb-flags", 0, OPERANDS{ORB, {"flags", OP_AT_FLAGS, OP_BITS16, flag_names}, END}},
    [OP_ORB_BUFFERS_NONE - OP_ORB] = {"orb-buffers-none", 0, OPERANDS{ORB, END}},
    [OP_ORB_RANGES - OP_ORB] = {"orb-ranges", 0,
                                OPERANDS{ORB,
                                         MEMORY,
                                         {"width", OP_AT_CHOICE, OP_NAME, width_names},
                                         {"count", OP_AT_COUNT, OP_NUMBER8, NULL},
                                         {"offset", OP_AT_VALUE, OP_BYTES, NULL},
                                         {"length", OP_AT_EXTRA, OP_EDGE32, NULL},
                                         END}},
    [OP_ORB_CONSTRAINTS - OP_ORB] = {"orb-constraints", 0,
                                     OPERANDS{ORB,
                                              {"max", OP_AT_COUNT, OP_EDGE32, NULL},
                                              {"align", OP_AT_VALUE, OP_ALIGN, NULL},
                                              {"options", OP_AT_EXTRA, OP_NUMBER8, NULL},
                                              END}},
    [OP_ORB_LIMIT - OP_ORB] = {"orb-limit", 0,
                               OPERANDS{{"limit", OP_AT_CHOICE, OP_NAME, limit_names},
                                        {"bytes", OP_AT_COUNT, OP_EDGE32, NULL},
                                        END}},
    [OP_ORB_PAYLOAD -
        OP_ORB] = {"orb-payload", 0, OPERANDS{ORB, {"bytes", OP_AT_COUNT, OP_EDGE32, NULL}, END}},
    [OP_ORB_COMMAND - OP_ORB] = {"orb-command", 0,
                                 OPERANDS{ORB,
                                          MEMORY,
                                          {"from", OP_AT_CHOICE, OP_NAME, source_names},
                                          {"bytes", OP_AT_COUNT, OP_NUMBER8, NULL},
                                          {"seed", OP_AT_EXTRA, OP_NUMBER8, NULL},
                                          END}},
    [OP_ORB_FIELD - OP_ORB] = {"orb-field", 0,
                               OPERANDS{ORB,
                                        {"field", OP_AT_CHOICE, OP_NAME, field_names},
                                        {"value", OP_AT_VALUE, OP_BYTES, NULL},
                                        END}},
    [OP_ORB_TABLE_DROP - OP_ORB] = {"orb-table-drop", 0, OPERANDS{ORB, END}},
    [OP_ORB_RETAIN - OP_ORB] = {"orb-retain", 0, OPERANDS{ORB, END}},
    [OP_ORB_RELEASE - OP_ORB] = {"orb-release", 0, OPERANDS{ORB, END}},
    [OP_ORB_BAD - OP_ORB] = {"orb-bad", 0,
                             OPERANDS{ORB, MEMORY, {"mistake", OP_AT_CHOICE, OP_NAME, mistake_names}, END}},
    [OP_ORB_PAGEABLE - OP_ORB] = {"orb-pageable", 0,
                                  OPERANDS{MEMORY,
                                           {"pieces", OP_AT_COUNT, OP_NUMBER8, NULL},
                                           {"bytes", OP_AT_EXTRA, OP_EDGE32, NULL},
                                           END}},
    [OP_ORB_WIRE -
        OP_ORB] = {"orb-wire", 0, OPERANDS{MEMORY, {"how", OP_AT_CHOICE, OP_NAME, wire_names}, END}},
    [OP_ORB_SUBMIT - OP_ORB] = {"orb-submit", 0,
                                OPERANDS{ORB,
                                         {"step", OP_AT_CHOICE, OP_NAME, step_names},
                                         {"generation", OP_AT_VALUE, OP_BYTES, NULL},
                                         END}},
};
