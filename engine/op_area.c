/* See op_area.h. */
#include "engine/op_area.h"

#include <stddef.h>

#define OPERANDS (const struct op_operand[])
#define SLOT     {"s", OP_AT_SLOT, OP_NUMBER8, NULL}
#define OTHER    {"o", OP_AT_OTHER, OP_NUMBER8, NULL}

static const struct op_name ptes_names[] = {{"yes", 0}, {"no", 1}, {NULL, 0}};
static const struct op_name entry_names[] = {{"page", 0}, {"absent", 1}, {NULL, 0}};
static const struct op_name node_names[] = {{"0", 0}, {"1", 1}, {NULL, 0}};

/* Views by slot, and before them the kernel's own. */
static const struct op_name view_names[] = {
    {"kernel", 0}, {"s0", 1},   {"s1", 2},   {"s2", 3},   {"s3", 4},  {"s4", 5},
    {"s5", 6},     {"s6", 7},   {"s7", 8},   {"s8", 9},   {"s9", 10}, {"s10", 11},
    {"s11", 12},   {"s12", 13}, {"s13", 14}, {"s14", 15}, {NULL, 0},
};

static const struct op_name mistake_names[] = {
    {"twice", OP_AREA_BAD_TWICE},     {"forged", OP_AREA_BAD_FORGED},
    {"foreign", OP_AREA_BAD_FOREIGN}, {"null", OP_AREA_BAD_NULL},
    {"kind", OP_AREA_BAD_KIND},       {"interrupt", OP_AREA_BAD_INTERRUPT},
    {"size", OP_AREA_BAD_SIZE},       {"view", OP_AREA_BAD_VIEW},
    {"vma", OP_AREA_BAD_VMA},         {NULL, 0},
};

static const struct op_name remap_names[] = {
    {"none", OP_AREA_REMAP_RIGHT},    {"user-addr", OP_AREA_REMAP_USER_ADDR}, {"addr", OP_AREA_REMAP_ADDR},
    {"inside", OP_AREA_REMAP_INSIDE}, {"unknown", OP_AREA_REMAP_UNKNOWN},     {NULL, 0},
};

const struct op_kind_info op_area_kinds[] = {
    [OP_AREA_ALLOC - OP_AREA] = {"area-alloc", 0,
                                 OPERANDS{SLOT,
                                          {"bytes", OP_AT_VALUE, OP_BYTES, NULL},
                                          {"ptes", OP_AT_CHOICE, OP_NAME, ptes_names},
                                          {0}}},
    [OP_AREA_USER - OP_AREA] = {"area-user", 0,
                                OPERANDS{SLOT,
                                         {"bytes", OP_AT_VALUE, OP_BYTES, NULL},
                                         {"node", OP_AT_CHOICE, OP_NAME, node_names},
                                         {0}}},
    [OP_AREA_FREE - OP_AREA] = {"area-free", 0, OPERANDS{SLOT, {0}}},
    [OP_AREA_PAGE -
        OP_AREA] = {"area-page", 0, OPERANDS{OTHER, {"node", OP_AT_CHOICE, OP_NAME, node_names}, {0}}},
    [OP_AREA_PAGE_FREE - OP_AREA] = {"area-page-free", 0, OPERANDS{OTHER, {0}}},
    [OP_AREA_MAP - OP_AREA] = {"area-map", 0,
                               OPERANDS{SLOT,
                                        OTHER,
                                        {"page", OP_AT_COUNT, OP_NUMBER16, NULL},
                                        {"entry", OP_AT_CHOICE, OP_NAME, entry_names},
                                        {0}}},
    [OP_AREA_UNMAP -
        OP_AREA] = {"area-unmap", 0, OPERANDS{SLOT, {"page", OP_AT_COUNT, OP_NUMBER16, NULL}, {0}}},
    [OP_AREA_TOUCH - OP_AREA] = {"area-touch", 0,
                                 OPERANDS{SLOT,
                                          {"page", OP_AT_COUNT, OP_NUMBER16, NULL},
                                          {"store", OP_AT_EXTRA, OP_NAME, view_names},
                                          {"load", OP_AT_CHOICE, OP_NAME, view_names},
                                          {0}}},
    [OP_AREA_VIEW - OP_AREA] = {"area-view", 0, OPERANDS{SLOT, {0}}},
    [OP_AREA_VIEW_DROP - OP_AREA] = {"area-view-drop", 0, OPERANDS{SLOT, {0}}},
    [OP_AREA_REMAP - OP_AREA] = {"area-remap", 0,
                                 OPERANDS{SLOT,
                                          OTHER,
                                          {"view", OP_AT_EXTRA, OP_NAME, view_names},
                                          {"bytes", OP_AT_COUNT, OP_EDGE32, NULL},
                                          {"pgoff", OP_AT_VALUE, OP_BYTES, NULL},
                                          {"mistake", OP_AT_CHOICE, OP_NAME, remap_names},
                                          {0}}},
    [OP_AREA_UNREMAP - OP_AREA] = {"area-unremap", 0, OPERANDS{OTHER, {0}}},
    [OP_AREA_BAD -
        OP_AREA] = {"area-bad", 0, OPERANDS{SLOT, {"mistake", OP_AT_CHOICE, OP_NAME, mistake_names}, {0}}},
};
