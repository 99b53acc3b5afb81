/* The text form, writing. It reads like a log: who (CPU, context), what, which grant, how. Fields that are
 * zero are left out, and reading it back gives the same operations. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include <inttypes.h>
#include <string.h>

#include "engine/program_operands.h"
#include "engine/program_text.h"

const char *const program_contexts[4] = {"task", "softirq", "hardirq", "nmi"};
const char *const program_classes[PL_CLASS_COUNT] = {"normal", "system", "interrupt"};
const char *const program_mobilities[PL_MOBILITY_COUNT] = {"unmovable", "movable", "reclaimable"};
const struct program_flag program_flags[PROGRAM_FLAG_COUNT] = {
    {"zero", OP_FLAG_ZERO},         {"may-sleep", OP_FLAG_MAY_SLEEP}, {"never-free", OP_FLAG_NEVER_FREE},
    {"invented", OP_FLAG_INVENTED}, {"split", OP_FLAG_SPLIT},
};

static void print_flags(unsigned flags, FILE *out)
{
    const char *separator = " flags=";
    for (unsigned i = 0; i < PROGRAM_FLAG_COUNT; i++) {
        if (flags & program_flags[i].bit) {
            fprintf(out, "%s%s", separator, program_flags[i].name);
            separator = ",";
        }
    }
}

static void print_count(const struct op *op, FILE *out)
{
    if (op->kind == OP_BAD_FREE && op->count < OP_MISTAKE_COUNT)
        fprintf(out, " mistake=%s", op_mistake_names[op->count]);
    else if (op->kind == OP_BAD_ALLOC && op->count < OP_ILLEGAL_COUNT)
        fprintf(out, " illegal=%s", op_illegal_names[op->count]);
    else if (op->kind == OP_STARVE)
        fprintf(out, " leave=floor%+d", (int)op->count - 1);
}

static void print_point(const struct op *op, FILE *out)
{
    fprintf(out, " at=%" PRIu32 " do=%s", op->count, op_interrupt_names[op->flags % OP_INTERRUPT_COUNT]);
}

void program_print_op(const struct op *op, FILE *out)
{
    const struct op_kind_info *info = op_info(op->kind);
    if (op->kind == OP_NOP || info->name == NULL) {
        fputs("nop\n", out);
        return;
    }
    fprintf(out, "cpu%u %-7s %s", op->cpu, program_contexts[op->context & 3u], info->name);
    if (info->operands != NULL)
        operands_print(op, out);
    if (info->fields & OP_HAS_SLOT)
        fprintf(out, " s%" PRIu32, op->slot);
    if (info->fields & OP_HAS_ORDER)
        fprintf(out, " order=%u", op->order);
    if (info->fields & OP_HAS_RUN) {
        fprintf(out, " frames=%" PRIu32, op->count);
        if (op->low != 0)
            fprintf(out, " low=+%" PRIu32, op->low);
        if (op->high != 0)
            fprintf(out, " high=+%" PRIu32, op->high);
        if (op->alignment_log2 != 0)
            fprintf(out, " align=%u", 1u << op->alignment_log2);
        if (op->boundary_log2 != 0)
            fprintf(out, " boundary=%u", 1u << op->boundary_log2);
    }
    if (info->fields & OP_HAS_CLASS && (op->alloc_class != PL_CLASS_NORMAL || op->kind == OP_STARVE))
        fprintf(out, " class=%s", program_classes[op->alloc_class % PL_CLASS_COUNT]);
    if (info->fields & OP_HAS_MOBILITY && op->mobility != PL_MOBILITY_UNMOVABLE)
        fprintf(out, " mobility=%s", program_mobilities[op->mobility % PL_MOBILITY_COUNT]);
    if (info->fields & OP_HAS_COUNT)
        print_count(op, out);
    if (info->fields & OP_HAS_POINT)
        print_point(op, out);
    if (info->fields & OP_HAS_OWNER) {
        if (op->owner != 0)
            fprintf(out, " owner=%" PRIu32, op->owner);
        if (op->index != 0)
            fprintf(out, " index=%" PRIu32, op->index);
    }
    if (info->fields & OP_HAS_FLAGS)
        print_flags(op->flags, out);
    fputc('\n', out);
}

void program_print(const struct program *program, FILE *out)
{
    const struct native_shape *shape = &program->shape;
    fprintf(out, "%s\nmachine", PROGRAM_FIRST_LINE);
    for (uint32_t i = 0; i < shape->range_count; i++) {
        const struct pl_range *range = &shape->ranges[i];
        fprintf(out, " %" PRIu64 "@0x%" PRIx64, range->frame_count, range->first.number);
        if (range->node != 0)
            fprintf(out, ":%" PRIu32, range->node);
    }
    fprintf(out, " cpus=%" PRIu32 " floors=%" PRIu64 "/%" PRIu64 "/%" PRIu64 "%s\n", shape->cpu_count,
            shape->floors.interrupt, shape->floors.system, shape->floors.normal,
            program->contract == CONTRACT_REAL ? " contract=real" : "");
    for (uint32_t i = 0; i < program->op_count; i++)
        program_print_op(&program->ops[i], out);
}

void program_op_text(const struct program *program, uint32_t index, char *text, size_t bytes)
{
    FILE *out = fmemopen(text, bytes, "w");
    text[0] = '\0';
    if (out == NULL)
        return;
    if (index < program->op_count)
        program_print_op(&program->ops[index], out);
    else
        fputs("the end: all is freed", out);
    fclose(out);
    text[bytes - 1] = '\0';
    text[strcspn(text, "\n")] = '\0';
}
