/* The plain target that ours are compared with: each two bytes allocate or free, the second says how much,
 * one CPU, and only a crash counts. No operation but these two, no mutator that knows what bytes mean, and
 * what an oracle has to say is dropped. PAGELAB_TARGET and PAGELAB_BACKEND as for fuzz/target.c. */
#include <stdio.h>
#include <stdlib.h>

#include <pagelab/compiler.h>

#include "engine/op_area.h"
#include "engine/op_buffer.h"
#include "engine/op_orb.h"
#include "engine/op_vm.h"
#include "engine/runner_bare.h"
#include "fuzz/family.h"

#define PLAIN_FRAMES 256u
#define PLAIN_SLOTS  16u
#define PLAIN_OPS    1024u
#define PLAIN_ALLOCS 0x10u /* of the first byte; the low bits are the slot */
#define BYTES_AN_OP  2u
#define PLAIN_ORDERS 4u

static struct {
    enum op_family family;
    struct spec spec;
    struct runner runner;
    struct op ops[PLAIN_OPS];
} plain;

/* The fuzzer's: it looks these up by name. */
PL_EXPORT int LLVMFuzzerInitialize(int *argc, char ***argv);
PL_EXPORT int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static PL_NORETURN void give_up(const char *words)
{
    fprintf(stderr, "pagelab-fuzz: %s\n", words);
    exit(2);
}

/* The two operations of a family. */
static const struct {
    uint8_t alloc;
    uint8_t free;
} kinds[OP_FAMILY_COUNT] = {
    [OP_FAMILY_PAGE] = {OP_ALLOC, OP_FREE},
    [OP_FAMILY_VM] = {OP_VM_NOOBJ, OP_VM_FREE},
    [OP_FAMILY_AREA] = {OP_AREA_ALLOC, OP_AREA_FREE},
    [OP_FAMILY_ORB] = {OP_ORB_TABLE, OP_ORB_TABLE_DROP},
    [OP_FAMILY_BUFFER] = {OP_BUFFER_CREATE, OP_BUFFER_RELEASE},
};

static void make_op(const uint8_t *bytes, struct op *op)
{
    bool allocs = (bytes[0] & PLAIN_ALLOCS) != 0;
    uint32_t size = 1u + bytes[1];
    *op = (struct op){.kind = allocs ? kinds[plain.family].alloc : kinds[plain.family].free,
                      .alloc_class = PL_CLASS_NORMAL,
                      .slot = bytes[0] % PLAIN_SLOTS};
    if (!allocs)
        return;
    if (plain.family == OP_FAMILY_PAGE)
        op->order = (uint8_t)(bytes[1] % PLAIN_ORDERS);
    else if (plain.family == OP_FAMILY_AREA || plain.family == OP_FAMILY_BUFFER)
        op->value = size * PL_FRAME_BYTES / 16;
    if (plain.family == OP_FAMILY_AREA)
        op->value -= op->value % PL_FRAME_BYTES;
    else if (plain.family == OP_FAMILY_ORB)
        op->count = size;
    else if (plain.family == OP_FAMILY_BUFFER)
        op_operand_set(op, OP_AT_CHOICE, OP_BUFFER_HOW_CAPACITY);
}

/* What there is to begin with: ORBs, for only an ORB has a table. */
static uint32_t make_first(void)
{
    uint32_t count = plain.family == OP_FAMILY_ORB ? PLAIN_SLOTS : 0;
    for (uint32_t i = 0; i < count; i++)
        plain.ops[i] = (struct op){.kind = OP_ORB_NEW, .slot = i};
    return count;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct native_shape shape = {.ranges = {{.frame_count = PLAIN_FRAMES}}, .range_count = 1, .cpu_count = 1};
    struct spec_error error;
    enum fuzz_target target;
    if (!fuzz_target_of_environment(&target) || target == FUZZ_ALL)
        give_up(FAMILY_VARIABLE ": page, vm, area, orb or buffer expected");
    plain.family = fuzz_target_family(target);
    if (spec_parse(subject_backend(), &plain.spec, &error) != 0)
        give_up(error.text);
    runner_fit_shape(&plain.spec, &shape);
    if (runner_init_family(&plain.runner, &plain.spec, &shape, PROGRAM_SLOT_LIMIT, plain.family, &error) !=
        PL_OK)
        give_up(error.text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct finding dropped = {0};
    uint32_t count = make_first();
    for (size_t at = 0; at + BYTES_AN_OP <= size && count < PLAIN_OPS; at += BYTES_AN_OP)
        make_op(data + at, &plain.ops[count++]);
    if (plain.family == OP_FAMILY_PAGE)
        (void)runner_bare_run(&plain.runner, plain.ops, count);
    else
        (void)runner_run(&plain.runner, plain.ops, count, &dropped);
    return 0;
}
