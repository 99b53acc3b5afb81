/* See to_c.h: one call an operation, between begin() and end(). */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include "cli/to_c.h"

#include <inttypes.h>
#include <string.h>

#include "engine/op_common.h"
#include "engine/runner.h"

static const char *const contexts[4] = {"PL_CONTEXT_TASK", "PL_CONTEXT_SOFTIRQ", "PL_CONTEXT_HARDIRQ",
                                        "PL_CONTEXT_NMI"};
static const char *const classes[PL_CLASS_COUNT] = {"PL_CLASS_NORMAL", "PL_CLASS_SYSTEM",
                                                    "PL_CLASS_INTERRUPT"};

void to_c_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '?')
            fputc('\\', out);
        fputc(*text >= ' ' && *text <= '~' ? *text : '.', out);
    }
    fputc('"', out);
}

static void print_request(const struct op *op, FILE *out)
{
    bool single = op->kind == OP_ALLOC;
    fputs("(struct pl_request){", out);
    if (op->order != 0)
        fprintf(out, ".order = %u, ", op->order);
    fprintf(out, ".alloc_class = %s, .node = PL_NODE_ANY", classes[op->alloc_class % PL_CLASS_COUNT]);
    if (op->mobility != 0)
        fprintf(out, ", .mobility = %u", op->mobility);
    if (op->flags & (OP_FLAG_ZERO | OP_FLAG_NEVER_FREE))
        fprintf(out, ", .flags = %s%s%s", op->flags & OP_FLAG_ZERO ? "PL_REQUEST_ZERO" : "",
                (op->flags & OP_FLAG_ZERO) && (op->flags & OP_FLAG_NEVER_FREE) ? " | " : "",
                op->flags & OP_FLAG_NEVER_FREE ? "PL_REQUEST_NEVER_FREE" : "");
    if (single && op->owner != 0)
        fprintf(out, ", .owner = %" PRIu32, op->owner);
    if (single && op->index != 0)
        fprintf(out, ", .index = %" PRIu32, op->index);
    fputc('}', out);
}

static void print_run(const struct op *op, uint64_t base, FILE *out)
{
    fprintf(out, "take_run(%" PRIu32 ", ", op->slot);
    print_request(op, out);
    fprintf(out, ",\n             (struct pl_constraints){.frame_count = %" PRIu32, op->count);
    if (op->low != 0)
        fprintf(out, ", .low = {0x%" PRIx64 "}", base + op->low);
    if (op->high != 0)
        fprintf(out, ", .high = {0x%" PRIx64 "}", base + op->high);
    else
        fputs(", .high = {UINT64_MAX}", out);
    fprintf(out, ", .alignment = %" PRIu64, UINT64_C(1) << op->alignment_log2);
    if (op->boundary_log2 != 0)
        fprintf(out, ", .boundary = %" PRIu64, UINT64_C(1) << op->boundary_log2);
    fputs("});\n", out);
}

static void print_illegal(const struct op *op, FILE *out)
{
    static const struct {
        const char *id;
        const char *request; /* beside class and node */
        const char *constraints;
        const char *wanted;
    } list[OP_ILLEGAL_COUNT] = {
        [OP_ILLEGAL_CLASS] = {"F-27", ".alloc_class = 3", NULL, "PL_INVALID"},
        [OP_ILLEGAL_ORDER] = {"X-6", ".order = PL_ORDER_LIMIT + 1", NULL, "PL_UNSUPPORTED"},
        [OP_ILLEGAL_RUN_ZERO] = {"F-24", NULL, ".alignment = 1", "PL_INVALID"},
        [OP_ILLEGAL_ALIGNMENT] = {"F-24", NULL, ".frame_count = 1, .alignment = 3", "PL_INVALID"},
        [OP_ILLEGAL_BOUNDARY] = {"F-24", NULL, ".frame_count = 1, .alignment = 1, .boundary = 6",
                                 "PL_INVALID"},
    };
    unsigned kind = op->count % OP_ILLEGAL_COUNT;
    fprintf(out, "wrong_alloc(\"%s\", (struct pl_request){.node = PL_NODE_ANY", list[kind].id);
    if (kind != OP_ILLEGAL_CLASS)
        fprintf(out, ", .alloc_class = %s", classes[op->alloc_class % PL_CLASS_COUNT]);
    if (list[kind].request != NULL)
        fprintf(out, ", %s", list[kind].request);
    fputs("}, ", out);
    if (list[kind].constraints == NULL)
        fputs("NULL", out);
    else
        fprintf(out, "&(struct pl_constraints){.high = {UINT64_MAX}, %s}", list[kind].constraints);
    fprintf(out, ", %s);\n", list[kind].wanted);
}

static uint64_t leaves(const struct native_shape *shape, const struct op *op)
{
    uint64_t floor = op->alloc_class == PL_CLASS_INTERRUPT ? shape->floors.interrupt
                     : op->alloc_class == PL_CLASS_SYSTEM  ? shape->floors.system
                                                           : shape->floors.normal;
    return floor + op->count == 0 ? 0 : floor + op->count - 1;
}

static void print_call(const struct op *op, const struct native_shape *shape, FILE *out)
{
    static const char *const mistakes[OP_MISTAKE_COUNT] = {"TWICE", "FOREIGN", "HALF", "INSIDE", "TOO_LARGE"};
    switch (op->kind) {
    case OP_ALLOC:
        fprintf(out, "take(%" PRIu32 ", ", op->slot);
        print_request(op, out);
        fputs(");\n", out);
        break;
    case OP_FREE:
        fprintf(out, "give(%" PRIu32 ", %s);\n", op->slot, op->flags & OP_FLAG_ZERO ? "true" : "false");
        break;
    case OP_ALLOC_RUN:
        print_run(op, shape->ranges[0].first.number, out);
        break;
    case OP_SPLIT:
        fprintf(out, "split(%" PRIu32 ", %u);\n", op->slot, op->order);
        break;
    case OP_DRAIN:
        fputs("drain();\n", out);
        break;
    case OP_AUDIT:
        fputs("audit_all();\n", out);
        break;
    case OP_STARVE:
        fprintf(out, "starve(%" PRIu64 ");\n", leaves(shape, op));
        break;
    case OP_FEED:
        fputs("feed();\n", out);
        break;
    case OP_BAD_FREE:
        fprintf(out, "wrong_free(%" PRIu32 ", %s);\n", op->slot, mistakes[op->count % OP_MISTAKE_COUNT]);
        break;
    default:
        print_illegal(op, out);
        break;
    }
}

/* What the runner does nothing for. */
static bool is_nothing(const struct op *op, const struct native_shape *shape)
{
    return op->kind == OP_NOP || op->kind == OP_PREEMPT || op->cpu >= shape->cpu_count ||
           op->slot >= PROGRAM_SLOT_LIMIT || op->alloc_class >= PL_CLASS_COUNT ||
           (op->kind == OP_ALLOC && op->order > PL_ORDER_LIMIT) ||
           (op->kind == OP_ALLOC_RUN && op->count == 0);
}

void to_c_program(const struct program *program, const struct native_shape *shape, FILE *out)
{
    fputs("static void program(void)\n{\n", out);
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct op *op = &program->ops[i];
        char text[256] = "";
        FILE *words = fmemopen(text, sizeof(text), "w");
        if (is_nothing(op, shape) || words == NULL) {
            if (words != NULL)
                fclose(words);
            continue;
        }
        program_print_op(op, words);
        fclose(words);
        text[strcspn(text, "\n")] = '\0';
        fprintf(out, "    begin(%" PRIu32 ", ", i);
        to_c_string(text, out);
        fprintf(out, ", %u, %s);\n    ", op->cpu, contexts[op->context & 3u]);
        print_call(op, shape, out);
        fputs("    end();\n", out);
        if (i % RUNNER_AUDIT_EVERY == RUNNER_AUDIT_EVERY - 1)
            fputs("    audit_all();\n", out);
    }
    fputs("}\n", out);
}
