/* The text form, reading. Strict: an unknown word, or a field that the kind does not have, is an error with
 * its line. */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/program_operands.h"
#include "engine/program_text.h"

#define LINE_BYTES 512u

struct reader {
    const char *name;
    unsigned line;
    struct program *program;
    struct program_error *error;
};

static PL_PRINTF(2, 3) int fail(struct reader *reader, const char *format, ...)
{
    char words[160];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    snprintf(reader->error->text, sizeof(reader->error->text), "%.80s:%u: %s", reader->name, reader->line,
             words);
    return -1;
}

/* A whole word as a number, decimal or 0x; at most `max`. */
static bool read_number(const char *word, uint64_t max, uint64_t *value)
{
    char *end;
    errno = 0;
    if (word[0] < '0' || word[0] > '9')
        return false;
    *value = strtoull(word, &end, 0);
    return errno == 0 && *end == '\0' && *value <= max;
}

static bool find_word(const char *word, const char *const *words, unsigned count, unsigned *at)
{
    for (*at = 0; *at < count; (*at)++) {
        if (words[*at] != NULL && strcmp(words[*at], word) == 0)
            return true;
    }
    return false;
}

/* FRAMES@FIRST or FRAMES@FIRST:NODE */
static int read_range(struct reader *reader, char *word)
{
    struct native_shape *shape = &reader->program->shape;
    char *at = strchr(word, '@');
    char *colon = strchr(word, ':');
    uint64_t frames = 0;
    uint64_t first = 0;
    uint64_t node = 0;
    if (at != NULL)
        *at = '\0';
    if (colon != NULL)
        *colon = '\0';
    if (at == NULL || !read_number(word, UINT64_C(1) << 40, &frames) ||
        !read_number(at + 1, UINT64_C(1) << 51, &first) ||
        (colon != NULL && !read_number(colon + 1, PL_NODE_LIMIT - 1, &node)))
        return fail(reader, "FRAMES@FIRST or FRAMES@FIRST:NODE expected");
    if (shape->range_count == NATIVE_RANGE_LIMIT)
        return fail(reader, "at most %u ranges expected", NATIVE_RANGE_LIMIT);
    shape->ranges[shape->range_count++] =
        (struct pl_range){.first = {first}, .frame_count = frames, .node = (uint32_t)node};
    return 0;
}

/* INTERRUPT/SYSTEM/NORMAL */
static bool read_floors(char *word, struct pl_floors *floors)
{
    uint64_t *values[] = {&floors->interrupt, &floors->system, &floors->normal};
    char *save = NULL;
    char *number = strtok_r(word, "/", &save);
    for (size_t i = 0; i < PL_COUNT_OF(values); i++) {
        if (number == NULL || !read_number(number, UINT64_C(1) << 40, values[i]))
            return false;
        number = strtok_r(NULL, "/", &save);
    }
    return number == NULL;
}

static int read_machine(struct reader *reader, char *rest)
{
    struct native_shape *shape = &reader->program->shape;
    shape->cpu_count = 1;
    char *save = NULL;
    for (char *word = strtok_r(rest, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        uint64_t value;
        if (strncmp(word, "cpus=", 5) == 0) {
            if (!read_number(word + 5, PL_CPU_LIMIT, &value) || value == 0)
                return fail(reader, "cpus=1 to cpus=%u expected", PL_CPU_LIMIT);
            shape->cpu_count = (uint32_t)value;
        } else if (strncmp(word, "floors=", 7) == 0) {
            if (!read_floors(word + 7, &shape->floors))
                return fail(reader, "floors=INTERRUPT/SYSTEM/NORMAL expected");
        } else if (strncmp(word, "contract=", 9) == 0) {
            if (strcmp(word + 9, "doc") != 0 && strcmp(word + 9, "real") != 0)
                return fail(reader, "contract=doc or contract=real expected");
            reader->program->contract = word[9] == 'r' ? CONTRACT_REAL : CONTRACT_DOC;
        } else if (read_range(reader, word) != 0) {
            return -1;
        }
    }
    return shape->range_count == 0 ? fail(reader, "at least one range FRAMES@FIRST expected") : 0;
}

static int read_flags(struct reader *reader, char *list, struct op *op)
{
    char *save = NULL;
    for (char *word = strtok_r(list, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
        unsigned i = 0;
        while (i < PROGRAM_FLAG_COUNT && strcmp(program_flags[i].name, word) != 0)
            i++;
        if (i == PROGRAM_FLAG_COUNT)
            return fail(reader, "unknown flag '%.40s'", word);
        op->flags = (uint16_t)(op->flags | program_flags[i].bit);
    }
    return 0;
}

static bool read_log2(const char *word, uint8_t *log2)
{
    uint64_t value;
    if (!read_number(word, 1u << 15, &value) || value == 0 || (value & (value - 1)) != 0)
        return false;
    *log2 = (uint8_t)PL_CTZ64(value);
    return true;
}

/* The fields that are numbers. */
static bool read_number_field(const char *key, const char *value, struct op *op, unsigned *needs)
{
    const char *digits = value[0] == '+' ? value + 1 : value;
    uint64_t number = 0;
    bool is_number = read_number(digits, UINT32_MAX, &number);
    *needs = OP_HAS_RUN;
    if (strcmp(key, "frames") == 0)
        op->count = (uint32_t)number;
    else if (strcmp(key, "low") == 0)
        op->low = (uint32_t)number;
    else if (strcmp(key, "high") == 0)
        op->high = (uint32_t)number;
    else if (strcmp(key, "align") == 0)
        return read_log2(value, &op->alignment_log2);
    else if (strcmp(key, "boundary") == 0)
        return read_log2(value, &op->boundary_log2);
    else if (strcmp(key, "at") == 0) {
        *needs = OP_HAS_POINT;
        op->count = (uint32_t)number;
        return is_number && number != 0;
    } else {
        *needs = OP_HAS_OWNER;
        if (strcmp(key, "owner") == 0)
            op->owner = (uint32_t)number;
        else if (strcmp(key, "index") == 0)
            op->index = (uint32_t)number;
        else {
            *needs = OP_HAS_ORDER;
            op->order = (uint8_t)number;
            return is_number && number <= 255 && strcmp(key, "order") == 0;
        }
    }
    return is_number;
}

/* The fields that are words. False: no such key. */
static bool read_word_field(const char *key, const char *value, struct op *op, unsigned *needs, bool *good)
{
    unsigned at = 0;
    if (strcmp(key, "class") == 0) {
        *needs = OP_HAS_CLASS;
        *good = find_word(value, program_classes, PL_CLASS_COUNT, &at);
        op->alloc_class = (uint8_t)at;
    } else if (strcmp(key, "mobility") == 0) {
        *needs = OP_HAS_MOBILITY;
        *good = find_word(value, program_mobilities, PL_MOBILITY_COUNT, &at);
        op->mobility = (uint8_t)at;
    } else if (strcmp(key, "mistake") == 0 && op->kind == OP_BAD_FREE) {
        *needs = OP_HAS_COUNT;
        *good = find_word(value, op_mistake_names, OP_MISTAKE_COUNT, &at);
        op->count = at;
    } else if (strcmp(key, "illegal") == 0 && op->kind == OP_BAD_ALLOC) {
        *needs = OP_HAS_COUNT;
        *good = find_word(value, op_illegal_names, OP_ILLEGAL_COUNT, &at);
        op->count = at;
    } else if (strcmp(key, "leave") == 0 && op->kind == OP_STARVE) {
        static const char *const edges[] = {"floor-1", "floor+0", "floor+1", "floor+2"};
        *needs = OP_HAS_COUNT;
        *good = find_word(value, edges, PL_COUNT_OF(edges), &at);
        op->count = at;
    } else if (strcmp(key, "do") == 0) {
        *needs = OP_HAS_POINT;
        *good = find_word(value, op_interrupt_names, OP_INTERRUPT_COUNT, &at);
        op->flags = (uint16_t)at;
    } else {
        return false;
    }
    return true;
}

static int read_field(struct reader *reader, char *word, struct op *op)
{
    unsigned fields = op_info(op->kind)->fields;
    unsigned needs = 0;
    bool good = false;
    if (op_info(op->kind)->operands != NULL) {
        char whole[64];
        snprintf(whole, sizeof(whole), "%.60s", word);
        if (operands_parse(word, op))
            return 0;
        return fail(reader, "'%s' is no operand of '%s', or its value is out of range", whole,
                    op_info(op->kind)->name);
    }
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        uint64_t slot = 0;
        if (word[0] != 's' || !read_number(word + 1, UINT32_MAX, &slot) || !(fields & OP_HAS_SLOT))
            return fail(reader, "'%.40s': a slot (s0) or a field (key=value) of '%s' expected", word,
                        op_info(op->kind)->name);
        op->slot = (uint32_t)slot;
        return 0;
    }
    *equals = '\0';
    if (strcmp(word, "flags") == 0 && (fields & OP_HAS_FLAGS))
        return read_flags(reader, equals + 1, op);
    if (!read_word_field(word, equals + 1, op, &needs, &good))
        good = read_number_field(word, equals + 1, op, &needs);
    if (!good || !(fields & needs))
        return fail(reader, "'%.40s=%.40s' is no field of '%s', or its value is out of range", word,
                    equals + 1, op_info(op->kind)->name);
    return 0;
}

static int read_op(struct reader *reader, char *line, struct op *op)
{
    char *save = NULL;
    char *who = strtok_r(line, " ", &save);
    memset(op, 0, sizeof(*op));
    if (who == NULL || strcmp(who, "nop") == 0)
        return 0;
    char *context = strtok_r(NULL, " ", &save);
    char *what = strtok_r(NULL, " ", &save);
    uint64_t cpu = 0;
    unsigned at = 0;
    if (strncmp(who, "cpu", 3) != 0 || !read_number(who + 3, reader->program->shape.cpu_count - 1u, &cpu))
        return fail(reader, "'%.40s': cpu0 to cpu%u expected", who, reader->program->shape.cpu_count - 1u);
    if (context == NULL || !find_word(context, program_contexts, 4, &at))
        return fail(reader, "task, softirq, hardirq or nmi expected after the CPU");
    op->cpu = (uint8_t)cpu;
    op->context = (uint8_t)at;
    for (at = 1; what != NULL && at < OP_KIND_COUNT; at++) {
        if (op_info(at)->name != NULL && strcmp(op_info(at)->name, what) == 0)
            break;
    }
    if (what == NULL || at == OP_KIND_COUNT)
        return fail(reader, "'%.40s': an operation expected (alloc, free, run, split ...)", what ? what : "");
    op->kind = (uint8_t)at;
    op->count = at == OP_INTERRUPT ? 1 : 0;
    for (char *word = strtok_r(NULL, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        if (read_field(reader, word, op) != 0)
            return -1;
    }
    return 0;
}

static int append_op(struct reader *reader, const struct op *op)
{
    struct program *program = reader->program;
    if (program->op_count == program->op_capacity) {
        uint32_t capacity = program->op_capacity == 0 ? 64 : program->op_capacity * 2;
        struct op *ops = realloc(program->ops, capacity * sizeof(*ops));
        if (ops == NULL)
            return fail(reader, "out of memory");
        program->ops = ops;
        program->op_capacity = capacity;
    }
    program->ops[program->op_count++] = *op;
    return 0;
}

static int read_line(struct reader *reader, char *line)
{
    if (reader->line == 1)
        return strcmp(line, PROGRAM_FIRST_LINE) == 0 ? 0 : fail(reader, "'%s' expected", PROGRAM_FIRST_LINE);
    char *text = line + strspn(line, " \t");
    if (*text == '\0' || *text == '#')
        return 0;
    if (reader->program->shape.range_count == 0) {
        if (strncmp(text, "machine ", 8) != 0)
            return fail(reader, "'machine FRAMES@FIRST ... cpus=N floors=A/B/C' expected");
        return read_machine(reader, text + 8);
    }
    struct op op;
    if (read_op(reader, text, &op) != 0)
        return -1;
    return append_op(reader, &op);
}

bool program_is_text(const uint8_t *bytes, size_t byte_count)
{
    size_t length = strlen(PROGRAM_FIRST_LINE);
    return byte_count >= length && memcmp(bytes, PROGRAM_FIRST_LINE, length) == 0;
}

int program_parse(const char *text, size_t byte_count, const char *name, struct program *program,
                  struct program_error *error)
{
    struct reader reader = {.name = name, .program = program, .error = error};
    memset(program, 0, sizeof(*program));
    for (size_t at = 0; at < byte_count;) {
        const char *end = memchr(text + at, '\n', byte_count - at);
        size_t bytes = end == NULL ? byte_count - at : (size_t)(end - (text + at));
        char line[LINE_BYTES];
        reader.line++;
        if (bytes >= sizeof(line) || memchr(text + at, '\0', bytes) != NULL) {
            (void)fail(&reader, "a line of text of at most %u bytes expected", LINE_BYTES - 1);
            program_fini(program);
            return -1;
        }
        memcpy(line, text + at, bytes);
        line[bytes] = '\0';
        at += bytes + 1;
        if (read_line(&reader, line) != 0) {
            program_fini(program);
            return -1;
        }
    }
    if (program->shape.range_count == 0) {
        (void)fail(&reader, "a line 'machine ...' expected");
        program_fini(program);
        return -1;
    }
    program->family = op_family_of(program->ops, program->op_count);
    return 0;
}

void program_fini(struct program *program)
{
    if (program->op_capacity != 0)
        free(program->ops);
    memset(program, 0, sizeof(*program));
}
