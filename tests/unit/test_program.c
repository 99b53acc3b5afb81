/* The three forms of a program. Binary is total, text is strict, and going there and back changes nothing. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "tests/unit/unit.h"

#include "engine/op_common.h"
#include "engine/program_tables.h"

#include <stdlib.h>
#include <string.h>

static void assert_same(const struct program *a, const struct program *b)
{
    assert_int_equal(a->op_count, b->op_count);
    assert_int_equal(a->shape.range_count, b->shape.range_count);
    assert_int_equal(a->shape.cpu_count, b->shape.cpu_count);
    assert_memory_equal(a->shape.ranges, b->shape.ranges, sizeof(a->shape.ranges));
    assert_memory_equal(&a->shape.floors, &b->shape.floors, sizeof(a->shape.floors));
    if (a->op_count > 0)
        assert_memory_equal(a->ops, b->ops, a->op_count * sizeof(*a->ops));
}

static char *print_text(const struct program *program)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    program_print(program, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void fill_random(uint8_t *bytes, size_t count, uint32_t *seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)next_number(seed);
}

/* Random bytes of every length up to beyond the longest program.
 * Expect each to decode to a legal program: kinds, CPUs, contexts, classes and shapes that exist. */
static void test_any_bytes_are_a_program(void **state)
{
    (void)state;
    static uint8_t bytes[PROGRAM_BYTES_MAX + 64];
    static struct op ops[PROGRAM_OP_LIMIT];
    uint32_t seed = 11;
    for (size_t count = 0; count <= sizeof(bytes); count += count < 64 ? 1 : 37) {
        struct program program;
        fill_random(bytes, count, &seed);
        program_decode(count == 0 ? NULL : bytes, count, ops, &program);
        assert_in_range(program.shape.range_count, 1, NATIVE_RANGE_LIMIT);
        assert_in_range(program.shape.cpu_count, 1, 4);
        assert_true(program.op_count <= PROGRAM_OP_LIMIT);
        for (uint32_t i = 0; i < program.op_count; i++) {
            assert_true(ops[i].kind < OP_KIND_COUNT);
            assert_true(ops[i].cpu < program.shape.cpu_count);
            assert_true(ops[i].context <= PL_CONTEXT_HARDIRQ);
            assert_true(ops[i].slot < PROGRAM_SLOT_LIMIT);
            /* The systems' operations keep other things in these places. */
            if (ops[i].kind < OP_COMMON) {
                assert_true(ops[i].alloc_class < PL_CLASS_COUNT);
                assert_true(ops[i].order <= PL_ORDER_LIMIT);
            }
        }
    }
}

/* Each of the fixed shapes and floors.
 * Expect a machine that the platform makes. */
static void test_every_shape_is_a_machine(void **state)
{
    (void)state;
    for (uint8_t shape = 0; shape < PROGRAM_SHAPE_COUNT; shape++) {
        for (uint8_t floors = 0; floors < PROGRAM_FLOORS_COUNT; floors++) {
            const uint8_t bytes[PROGRAM_HEADER_BYTES] = {0, 0, shape, floors, 3};
            struct op ops[1];
            struct program program;
            char error[128];
            program_decode(bytes, sizeof(bytes), ops, &program);
            struct native_machine *native = native_machine_new(&program.shape, error, sizeof(error));
            if (native == NULL)
                fail_msg("%s", error);
            assert_int_equal(native_machine_view(native)->frame_count, shape_frame_count(&program.shape));
            assert_int_equal(native_machine_view(native)->span, shape_span(&program.shape));
            const struct pl_floors *f = &program.shape.floors;
            assert_true(f->interrupt <= f->system && f->system <= f->normal);
            native_machine_delete(native);
        }
    }
}

/* A thousand random programs, with random kinds switched off: decoded, encoded, decoded.
 * Expect the same program, in at most the bytes it came from. */
static void test_encode_is_the_inverse(void **state)
{
    (void)state;
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    static uint8_t again[PROGRAM_BYTES_MAX];
    static struct op ops[PROGRAM_OP_LIMIT];
    static struct op ops_again[PROGRAM_OP_LIMIT];
    uint32_t seed = 5;
    for (int round = 0; round < 200; round++) {
        struct program program;
        struct program second;
        size_t count = PROGRAM_HEADER_BYTES + next_number(&seed) % (sizeof(bytes) - PROGRAM_HEADER_BYTES);
        fill_random(bytes, count, &seed);
        if (round % 2 == 0)
            bytes[0] = bytes[1] = 0;
        program_decode(bytes, count, ops, &program);
        size_t encoded = program_encode(&program, again);
        assert_int_equal(encoded, PROGRAM_HEADER_BYTES + (size_t)program.op_count * PROGRAM_RECORD_BYTES);
        program_decode(again, encoded, ops_again, &second);
        assert_same(&program, &second);
    }
}

/* Programs that binary has no words for: a shape of its own, too many CPUs, odd floors, fields out of range,
 * too many operations.
 * Expect 0 from each. */
static void test_encode_gives_up(void **state)
{
    (void)state;
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    static struct op many[PROGRAM_OP_LIMIT + 1];
    struct op ops[1] = {{.kind = OP_ALLOC}};
    const struct program good = {
        .shape = {.ranges = {{.frame_count = 256}}, .range_count = 1, .cpu_count = 1},
        .op_count = 1,
        .ops = ops};
    assert_int_not_equal(program_encode(&good, bytes), 0);
    struct program bad = good;
    bad.shape.ranges[0].frame_count = 255;
    assert_int_equal(program_encode(&bad, bytes), 0);
    bad = good;
    bad.shape.cpu_count = 5;
    assert_int_equal(program_encode(&bad, bytes), 0);
    bad = good;
    bad.shape.floors.normal = 77;
    assert_int_equal(program_encode(&bad, bytes), 0);
    bad = good;
    bad.op_count = PROGRAM_OP_LIMIT + 1;
    bad.ops = many;
    assert_int_equal(program_encode(&bad, bytes), 0);
    const struct op wrong[] = {{.kind = OP_ALLOC, .slot = 256},
                               {.kind = OP_ALLOC, .order = 16},
                               {.kind = OP_ALLOC, .owner = 256},
                               {.kind = OP_ALLOC, .cpu = 1},
                               {.kind = OP_ALLOC, .flags = OP_FLAG_INVENTED},
                               {.kind = OP_ALLOC_RUN, .count = 300},
                               {.kind = OP_ALLOC_RUN, .count = 1, .low = 3, .high = 0xffff},
                               {.kind = OP_FREE, .order = 1},
                               {.kind = OP_STARVE, .count = 4}};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        ops[0] = wrong[i];
        assert_int_equal(program_encode(&good, bytes), 0);
    }
}

/* A thousand random programs as text and back. Every kind of operation is among them.
 * Expect the same program, and text that says that it is text. */
static void test_text_round_trip(void **state)
{
    (void)state;
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    static struct op ops[PROGRAM_OP_LIMIT];
    unsigned kinds = 0;
    uint32_t seed = 23;
    for (int round = 0; round < 1000; round++) {
        struct program program;
        struct program again;
        struct program_error error = {.text = ""};
        fill_random(bytes, 512, &seed);
        bytes[0] = bytes[1] = bytes[5] = 0;
        program_decode(bytes, 512, ops, &program);
        for (uint32_t i = 0; i < program.op_count; i++)
            kinds |= 1u << ops[i].kind;
        char *text = print_text(&program);
        assert_true(program_is_text((const uint8_t *)text, strlen(text)));
        if (program_parse(text, strlen(text), "t", &again, &error) != 0)
            fail_msg("%s", error.text);
        assert_same(&program, &again);
        program_fini(&again);
        free(text);
    }
    assert_int_equal(kinds, ((1u << (OP_INTERRUPT + 1)) - 1) | 1u << OP_PREEMPT);
}

/* Fields that only text and traces have: every flag, large slots, owners and indices, bounds of a run.
 * Expect them back. */
static void test_text_says_what_binary_cannot(void **state)
{
    (void)state;
    struct op ops[] = {
        {.kind = OP_ALLOC,
         .cpu = 63,
         .context = PL_CONTEXT_NMI,
         .order = 25,
         .slot = UINT32_MAX,
         .mobility = PL_MOBILITY_RECLAIMABLE,
         .owner = UINT32_MAX,
         .index = UINT32_MAX,
         .alloc_class = PL_CLASS_INTERRUPT,
         .flags = 0x1f},
        {.kind = OP_FREE, .slot = UINT32_MAX, .flags = OP_FLAG_SPLIT},
        {.kind = OP_ALLOC_RUN,
         .count = UINT32_MAX,
         .low = UINT32_MAX,
         .high = 1,
         .alignment_log2 = 15,
         .boundary_log2 = 15},
        {.kind = OP_NOP},
    };
    struct program program = {
        .shape = {.ranges = {{.first = {UINT64_C(1) << 51}, .frame_count = UINT64_C(1) << 40, .node = 7}},
                  .range_count = 1,
                  .cpu_count = 64,
                  .floors = {.interrupt = 1, .system = 2, .normal = UINT64_C(1) << 40}},
        .op_count = PL_COUNT_OF(ops),
        .ops = ops,
    };
    struct program again;
    struct program_error error = {.text = ""};
    char *text = print_text(&program);
    if (program_parse(text, strlen(text), "t", &again, &error) != 0)
        fail_msg("%s", error.text);
    assert_same(&program, &again);
    program_fini(&again);
    free(text);
}

#define HEAD "pagelab program 1\n# why\n\nmachine 64@0 cpus=2\n"

static const struct {
    const char *text;
    const char *where;
    const char *words;
} wrong_texts[] = {
    {"", "f:0:", "machine"},
    {"hello\n", "f:1:", "'pagelab program 1' expected"},
    {"pagelab program 2\nmachine 1@0\n", "f:1:", "expected"},
    {"pagelab program 1\n", "f:1:", "machine"},
    {"pagelab program 1\ncpu0 task audit\n", "f:2:", "machine"},
    {"pagelab program 1\nmachine\n", "f:2:", "machine"},
    {"pagelab program 1\nmachine cpus=2\n", "f:2:", "range"},
    {"pagelab program 1\nmachine 64\n", "f:2:", "FRAMES@FIRST"},
    {"pagelab program 1\nmachine x@0\n", "f:2:", "FRAMES@FIRST"},
    {"pagelab program 1\nmachine 64@0:8\n", "f:2:", "FRAMES@FIRST"},
    {"pagelab program 1\nmachine 64@0 cpus=0\n", "f:2:", "cpus="},
    {"pagelab program 1\nmachine 64@0 cpus=65\n", "f:2:", "cpus="},
    {"pagelab program 1\nmachine 64@0 floors=1/2\n", "f:2:", "floors="},
    {"pagelab program 1\nmachine 64@0 floors=1/2/3/4\n", "f:2:", "floors="},
    {"pagelab program 1\nmachine 64@0 floors=1/2/3x\n", "f:2:", "floors="},
    {"pagelab program 1\nmachine 64@0 floors=-1/2/3\n", "f:2:", "floors="},
    {"pagelab program 1\nmachine 64@0 floors=0/0/1099511627777\n", "f:2:", "floors="},
    {"pagelab program 1\nmachine 1@0 1@2 1@4 1@6 1@8 1@10 1@12 1@14 1@16\n", "f:2:", "at most 8"},
    {HEAD "cpu2 task audit\n", "f:5:", "cpu0 to cpu1"},
    {HEAD "cpux task audit\n", "f:5:", "cpu0 to cpu1"},
    {HEAD "cpu0 tusk audit\n", "f:5:", "task"},
    {HEAD "cpu0\n", "f:5:", "task"},
    {HEAD "cpu0 task\n", "f:5:", "operation"},
    {HEAD "cpu0 task audit\ncpu0 task allocate s0\n", "f:6:", "operation"},
    {HEAD "cpu0 task alloc x0\n", "f:5:", "slot"},
    {HEAD "cpu0 task audit s0\n", "f:5:", "slot"},
    {HEAD "cpu0 task alloc s99999999999\n", "f:5:", "slot"},
    {HEAD "cpu0 task alloc s0 order=x\n", "f:5:", "order=x"},
    {HEAD "cpu0 task alloc s0 order=256\n", "f:5:", "order=256"},
    {HEAD "cpu0 task alloc s0 order=-1\n", "f:5:", "order=-1"},
    {HEAD "cpu0 task free s0 order=1\n", "f:5:", "order=1"},
    {HEAD "cpu0 task alloc s0 class=root\n", "f:5:", "class=root"},
    {HEAD "cpu0 task alloc s0 colour=1\n", "f:5:", "colour=1"},
    {HEAD "cpu0 task alloc s0 flags=zero,one\n", "f:5:", "'one'"},
    {HEAD "cpu0 task run s0 frames=4 align=3\n", "f:5:", "align=3"},
    {HEAD "cpu0 task run s0 frames=4 boundary=0\n", "f:5:", "boundary=0"},
    {HEAD "cpu0 task run s0 frames=4294967296\n", "f:5:", "frames="},
    {HEAD "cpu0 task bad-free s0 mistake=none\n", "f:5:", "mistake=none"},
    {HEAD "cpu0 task starve leave=floor\n", "f:5:", "leave=floor"},
};

/* Every kind of mistake in the text.
 * Expect -1, one line "file:line: what was expected", and nothing left to free. */
static void test_errors_carry_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(wrong_texts); i++) {
        struct program program;
        struct program_error error = {.text = ""};
        const char *text = wrong_texts[i].text;
        assert_int_equal(program_parse(text, strlen(text), "f", &program, &error), -1);
        if (strncmp(error.text, wrong_texts[i].where, strlen(wrong_texts[i].where)) != 0 ||
            strstr(error.text, wrong_texts[i].words) == NULL || strchr(error.text, '\n') != NULL)
            fail_msg("text %zu: '%s ... %s' expected, got '%s'", i, wrong_texts[i].where,
                     wrong_texts[i].words, error.text);
        assert_null(program.ops);
    }
}

/* A line of 511 and one of 512 bytes, a zero byte, no newline at the end, windows of spaces and comments.
 * Expect the limit to hold exactly, and the last line to count. */
static void test_lines(void **state)
{
    (void)state;
    char text[1200] = HEAD;
    struct program program;
    struct program_error error = {.text = ""};
    size_t head = strlen(text);
    memset(text + head, ' ', 512);
    memcpy(text + head + 511 - 15, "cpu0 task audit\n", 17);
    assert_int_equal(program_parse(text, strlen(text), "f", &program, &error), 0);
    assert_int_equal(program.op_count, 1);
    program_fini(&program);
    memset(text + head, ' ', 513);
    memcpy(text + head + 512 - 15, "cpu0 task audit\n", 17);
    assert_int_equal(program_parse(text, strlen(text), "f", &program, &error), -1);
    assert_non_null(strstr(error.text, "f:5: a line of text of at most 511 bytes"));
    static const char zero[] = HEAD "cpu0 task\0audit\n";
    assert_int_equal(program_parse(zero, sizeof(zero) - 1, "f", &program, &error), -1);
    assert_non_null(strstr(error.text, "f:5:"));
    static const char open_end[] = HEAD "  # note\n\n \tcpu1   softirq  audit";
    assert_int_equal(program_parse(open_end, strlen(open_end), "f", &program, &error), 0);
    assert_int_equal(program.op_count, 1);
    assert_int_equal(program.ops[0].cpu, 1);
    assert_int_equal(program.ops[0].context, PL_CONTEXT_SOFTIRQ);
    program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes_are_a_program),
        cmocka_unit_test(test_every_shape_is_a_machine),
        cmocka_unit_test(test_encode_is_the_inverse),
        cmocka_unit_test(test_encode_gives_up),
        cmocka_unit_test(test_text_round_trip),
        cmocka_unit_test(test_text_says_what_binary_cannot),
        cmocka_unit_test(test_errors_carry_file_and_line),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
