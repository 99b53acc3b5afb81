/* See op_zone.h. */
#include "engine/op_zone.h"

#include "systems/linux/gfp.h"

/* The usual sets first: a mask is printed by them where they fit. At most 16. */
static const struct op_name gfp_names[] = {
    {"kernel", LINUX_GFP_KERNEL},
    {"nofs", LINUX_GFP_NOFS},
    {"noio", LINUX_GFP_NOIO},
    {"atomic", LINUX_GFP_ATOMIC},
    {"nowait", LINUX_GFP_NOWAIT},
    {"high", LINUX_GFP_HIGH},
    {"zero", LINUX_GFP_ZERO},
    {"movable", LINUX_GFP_MOVABLE},
    {"highmem", LINUX_GFP_HIGHMEM},
    {"nofail", LINUX_GFP_NOFAIL},
    {"noretry", LINUX_GFP_NORETRY},
    {"memalloc", LINUX_GFP_MEMALLOC},
    {"nomemalloc", LINUX_GFP_NOMEMALLOC},
    {"comp", LINUX_GFP_COMP},
    {"thisnode", LINUX_GFP_THISNODE},
    {0},
};

static const struct op_name task_names[] = {
    {"realtime", OP_ZONE_TASK_REALTIME},
    {"oom", OP_ZONE_TASK_OOM},
    {0},
};

static const struct op_name mistake_names[] = {
    {"twice", OP_ZONE_TWICE},         {"foreign", OP_ZONE_FOREIGN},
    {"inside", OP_ZONE_INSIDE},       {"half", OP_ZONE_HALF},
    {"too-large", OP_ZONE_TOO_LARGE}, {"nothing", OP_ZONE_NOTHING},
    {"wraps", OP_ZONE_WRAPS},         {0},
};

static const struct op_name level_names[] = {
    {"low", OP_ZONE_LEVEL_LOW},   {"kernel", OP_ZONE_LEVEL_KERNEL},
    {"high", OP_ZONE_LEVEL_HIGH}, {"atomic", OP_ZONE_LEVEL_ATOMIC},
    {"oom", OP_ZONE_LEVEL_OOM},   {"atomic-oom", OP_ZONE_LEVEL_ATOMIC_OOM},
    {"zero", OP_ZONE_LEVEL_ZERO}, {0},
};

/* The value is 2 more than what it adds to the edge. */
static const struct op_name edge_names[] = {
    {"edge-2", 0}, {"edge-1", 1}, {"edge+0", 2}, {"edge+1", 3}, {"edge+2", 4}, {0},
};

#define SLOT  {"s", OP_AT_SLOT, OP_NUMBER8, NULL}
#define GFP   {"gfp", OP_AT_EXTRA, OP_BITS16, gfp_names}
#define NODE  {"node", OP_AT_CHOICE, OP_NUMBER8, NULL}
#define TASK  {"task", OP_AT_FLAGS, OP_BITS, task_names}
#define ORDER {"order", OP_AT_ORDER, OP_NUMBER8, NULL}

const struct op_kind_info op_zone_kinds[OP_ZONE_END - OP_ZONE] = {
    [OP_ZONE_ALLOC - OP_ZONE] = {"zone-alloc", 0,
                                 (const struct op_operand[]){SLOT, GFP, ORDER, NODE, TASK, {0}}},
    [OP_ZONE_FREE - OP_ZONE] = {"zone-free", 0, (const struct op_operand[]){SLOT, {0}}},
    [OP_ZONE_BAD_FREE - OP_ZONE] = {"zone-bad-free", 0,
                                    (const struct op_operand[]){
                                        SLOT, {"mistake", OP_AT_CHOICE, OP_NAME, mistake_names}, {0}}},
    [OP_ZONE_EXACT - OP_ZONE] = {"zone-exact", 0,
                                 (const struct op_operand[]){
                                     SLOT, GFP, {"bytes", OP_AT_VALUE, OP_BYTES, NULL}, NODE, TASK, {0}}},
    [OP_ZONE_PAGE_FREE -
        OP_ZONE] = {"zone-page-free", 0,
                    (const struct op_operand[]){SLOT, {"page", OP_AT_COUNT, OP_NUMBER8, NULL}, {0}}},
    [OP_ZONE_STARVE - OP_ZONE] = {"zone-starve", 0,
                                  (const struct op_operand[]){{"level", OP_AT_FLAGS, OP_NAME, level_names},
                                                              {"leave", OP_AT_ORDER, OP_NAME, edge_names},
                                                              NODE,
                                                              {0}}},
    [OP_ZONE_FEED - OP_ZONE] = {"zone-feed", 0, (const struct op_operand[]){{0}}},
    [OP_ZONE_CACHE -
        OP_ZONE] = {"zone-cache", 0,
                    (const struct op_operand[]){{"pages", OP_AT_COUNT, OP_NUMBER8, NULL}, NODE, {0}}},
    [OP_ZONE_TUNE - OP_ZONE] = {"zone-tune", 0,
                                (const struct op_operand[]){{"boost", OP_AT_COUNT, OP_NUMBER8, NULL},
                                                            {"highatomic", OP_AT_ORDER, OP_NUMBER8, NULL},
                                                            {"cma", OP_AT_EXTRA, OP_NUMBER8, NULL},
                                                            NODE,
                                                            {0}}},
    [OP_ZONE_PROBE - OP_ZONE] = {"zone-probe", 0, (const struct op_operand[]){ORDER, NODE, {0}}},
};
