/* Each argument towards its simplest value: numbers towards 0, names towards the first of their list, flags
 * away; then slots towards 0. */
#include <pagelab/compiler.h>

#include "engine/shrink/shrink_internal.h"

/* Where an argument lives: enum op_place, and what only frames' operations have. */
enum {
    AT_CPU = OP_AT_CHOICE + 1,
    AT_CONTEXT,
    AT_LOW,  /* owner, too */
    AT_HIGH, /* index, too */
    AT_ALIGNMENT,
    AT_BOUNDARY,
};

struct argument {
    unsigned place;
    bool bits;                   /* each alone */
    const struct op_name *names; /* the values that it may have; NULL: any number */
};

#define ARGUMENT_LIMIT (OP_OPERAND_LIMIT + 12u)

static uint64_t get(const struct op *op, unsigned place)
{
    switch (place) {
    case AT_CPU:
        return op->cpu;
    case AT_CONTEXT:
        return op->context;
    case AT_LOW:
        return op->low;
    case AT_HIGH:
        return op->high;
    case AT_ALIGNMENT:
        return op->alignment_log2;
    case AT_BOUNDARY:
        return op->boundary_log2;
    default:
        return op_operand_get(op, (enum op_place)place);
    }
}

static void set(struct op *op, unsigned place, uint64_t value)
{
    switch (place) {
    case AT_CPU:
        op->cpu = (uint8_t)value;
        break;
    case AT_CONTEXT:
        op->context = (uint8_t)value;
        break;
    case AT_LOW:
        op->low = (uint32_t)value;
        break;
    case AT_HIGH:
        op->high = (uint32_t)value;
        break;
    case AT_ALIGNMENT:
        op->alignment_log2 = (uint8_t)value;
        break;
    case AT_BOUNDARY:
        op->boundary_log2 = (uint8_t)value;
        break;
    default:
        op_operand_set(op, (enum op_place)place, value);
        break;
    }
}

/* The arguments of an operation, slots and handles not among them. Returns their number. */
static unsigned arguments_of(const struct op *op, struct argument *list)
{
    static const struct {
        unsigned fields;
        struct argument argument;
    } frames[] = {
        {OP_HAS_ORDER, {OP_AT_ORDER, false, NULL}},
        {OP_HAS_CLASS, {OP_AT_CLASS, false, NULL}},
        {OP_HAS_MOBILITY, {OP_AT_CHOICE, false, NULL}},
        {OP_HAS_FLAGS | OP_HAS_POINT, {OP_AT_FLAGS, true, NULL}},
        {OP_HAS_RUN | OP_HAS_COUNT | OP_HAS_POINT, {OP_AT_COUNT, false, NULL}},
        {OP_HAS_OWNER | OP_HAS_RUN, {AT_LOW, false, NULL}},
        {OP_HAS_OWNER | OP_HAS_RUN, {AT_HIGH, false, NULL}},
        {OP_HAS_RUN, {AT_ALIGNMENT, false, NULL}},
        {OP_HAS_RUN, {AT_BOUNDARY, false, NULL}},
    };
    const struct op_kind_info *info = op_info(op->kind);
    unsigned count = 0;
    list[count++] = (struct argument){.place = AT_CPU};
    list[count++] = (struct argument){.place = AT_CONTEXT};
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        if (info->fields & frames[i].fields)
            list[count++] = frames[i].argument;
    }
    for (const struct op_operand *operand = info->operands; operand != NULL && operand->place != OP_AT_NONE;
         operand++) {
        bool bits = operand->form == OP_BITS || operand->form == OP_BITS16;
        if (operand->place != OP_AT_SLOT && operand->place != OP_AT_OTHER)
            list[count++] = (struct argument){
                .place = operand->place, .bits = bits, .names = bits ? NULL : operand->names};
    }
    return count;
}

static bool try_value(struct shrink *shrink, uint32_t at, unsigned place, uint64_t value)
{
    set(&shrink_draft(shrink)->ops[at], place, value);
    return shrink_judge(shrink);
}

static void simplify(struct shrink *shrink, uint32_t at, const struct argument *argument)
{
    const struct op *op = &shrink->best->ops[at];
    uint64_t value = get(op, argument->place);
    if (argument->names != NULL) {
        for (const struct op_name *name = argument->names; name->name != NULL && name->value != value;
             name++) {
            if (try_value(shrink, at, argument->place, name->value))
                return;
        }
        return;
    }
    if (value == 0 || try_value(shrink, at, argument->place, 0))
        return;
    for (uint64_t bit = 1; argument->bits && bit != 0 && bit <= value; bit <<= 1) {
        if (get(op, argument->place) & bit)
            (void)try_value(shrink, at, argument->place, get(op, argument->place) & ~bit);
    }
    if (argument->bits || value == 1 || try_value(shrink, at, argument->place, 1))
        return;
    for (uint64_t step = value / 2; step > 0; step /= 2) {
        uint64_t now = get(op, argument->place);
        if (now > step)
            (void)try_value(shrink, at, argument->place, now - step);
    }
}

void shrink_arguments(struct shrink *shrink)
{
    struct argument list[ARGUMENT_LIMIT];
    for (uint32_t at = 0; at < shrink->best->op_count && !shrink_stopped(shrink); at++) {
        unsigned count = arguments_of(&shrink->best->ops[at], list);
        for (unsigned i = 0; i < count && !shrink_stopped(shrink); i++)
            simplify(shrink, at, &list[i]);
    }
}

/* --- slots and handles --- */

/* Which of the two it has: bit 0 a slot, bit 1 a second handle. */
static unsigned handles_of(const struct op *op)
{
    const struct op_kind_info *info = op_info(op->kind);
    unsigned handles = info->fields & OP_HAS_SLOT ? 1u : 0;
    for (const struct op_operand *operand = info->operands; operand != NULL && operand->place != OP_AT_NONE;
         operand++)
        handles |= operand->place == OP_AT_SLOT ? 1u : operand->place == OP_AT_OTHER ? 2u : 0;
    return handles;
}

static bool uses(const struct program *program, uint32_t number)
{
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct op *op = &program->ops[i];
        unsigned handles = handles_of(op);
        if ((handles & 1u && op->slot == number) || (handles & 2u && op->other == number))
            return true;
    }
    return false;
}

static void rename_slot(struct program *program, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < program->op_count; i++) {
        struct op *op = &program->ops[i];
        unsigned handles = handles_of(op);
        if (handles & 1u && op->slot == from)
            op->slot = to;
        if (handles & 2u && op->other == from)
            op->other = (uint16_t)to;
    }
}

/* Each number that is used gets the lowest one that is not, everywhere at once. */
void shrink_slots(struct shrink *shrink)
{
    uint32_t unused = 0;
    for (uint32_t number = 1; number < PROGRAM_SLOT_LIMIT && !shrink_stopped(shrink); number++) {
        while (unused < number && uses(shrink->best, unused))
            unused++;
        if (unused >= number || !uses(shrink->best, number))
            continue;
        rename_slot(shrink_draft(shrink), number, unused);
        (void)shrink_judge(shrink);
    }
}
