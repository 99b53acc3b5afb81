/* The mutator, for frames and for the systems: the same seed makes the same edits, sizes stay whole and
 * within the limit, every kind of edit happens, and what comes out is still a program of its family that has
 * one binary form. And what it draws edges from: the boundary inputs as records, programs and a dictionary.
 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/op_common.h"
#include "engine/program.h"
#include "fuzz/boundary.h"
#include "fuzz/life.h"
#include "fuzz/mutator.h"

#define ROUNDS 20000u

/* An input of any size, any bytes. */
static size_t random_input(struct mutator_random *random, uint8_t *bytes, size_t limit)
{
    size_t count = mutator_below(random, (uint32_t)limit + 1);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)mutator_next(random);
    return count;
}

static void the_same_seed_makes_the_same_program(void **state)
{
    (void)state;
    struct mutator_random random = {1};
    uint8_t input[PROGRAM_BYTES_MAX];
    uint8_t one[PROGRAM_BYTES_MAX];
    uint8_t two[PROGRAM_BYTES_MAX];
    unsigned different = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        enum op_family family = (enum op_family)(seed % OP_FAMILY_COUNT);
        size_t count = random_input(&random, input, sizeof(input));
        memset(one, 0xaa, sizeof(one));
        memset(two, 0x55, sizeof(two));
        memcpy(one, input, count);
        memcpy(two, input, count);
        size_t a = mutator_cross(family, one, count, sizeof(one), input, count, seed, NULL);
        size_t b = mutator_cross(family, two, count, sizeof(two), input, count, seed, NULL);
        assert_int_equal(a, b);
        assert_memory_equal(one, two, a);
        different += a != count || memcmp(one, input, a) != 0;
    }
    assert_true(different > 450);
}

/* Buffers of exactly the limit, so that the address sanitizer sees a byte too far. */
static void sizes_stay_whole_and_within_the_limit(void **state)
{
    (void)state;
    struct mutator_random random = {2};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t limit = mutator_below(&random, PROGRAM_BYTES_MAX + 64);
        size_t room = limit == 0 ? 1 : limit;
        size_t other_room = 1 + mutator_below(&random, 100);
        uint8_t *bytes = malloc(room);
        uint8_t *other = malloc(other_room);
        assert_non_null(bytes);
        assert_non_null(other);
        size_t count = random_input(&random, bytes, limit);
        size_t other_count = random_input(&random, other, other_room);
        enum op_family family = (enum op_family)(i % OP_FAMILY_COUNT);
        size_t after =
            mutator_cross(family, bytes, count, limit, other, other_count, mutator_next(&random), NULL);
        assert_true(after <= limit);
        assert_true(after <= PROGRAM_BYTES_MAX);
        assert_int_equal(after % PROGRAM_RECORD_BYTES, 0);
        assert_true(after >= PROGRAM_HEADER_BYTES || limit < PROGRAM_HEADER_BYTES);
        assert_true(after == 0 || bytes[5] == family);
        free(other);
        free(bytes);
    }
}

/* The edits that a family's programs are seen to get. */
static uint32_t edits_seen(enum op_family family)
{
    uint32_t seen = 0;
    uint8_t bytes[PROGRAM_BYTES_MAX] = {0};
    uint8_t other[5 * PROGRAM_RECORD_BYTES] = {1, 2, 3};
    size_t count = 0;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint32_t edits = 0;
        mutator_mark_schedule(bytes);
        if (seed % 8 == 0)
            count = mutator_cross(family, bytes, count, sizeof(bytes), other, sizeof(other), seed, &edits);
        else
            count = mutator_run(family, bytes, count, sizeof(bytes), seed, &edits);
        assert_int_not_equal(edits, 0);
        assert_true(seed % 8 == 0 || (edits >> MUTATOR_SPLICE & 1u) == 0);
        seen |= edits;
    }
    return seen;
}

static void every_kind_of_edit_happens(void **state)
{
    (void)state;
    uint32_t all = (UINT32_C(1) << MUTATOR_EDIT_COUNT) - 1;
    uint32_t systems = UINT32_C(1) << MUTATOR_EDGE | UINT32_C(1) << MUTATOR_TROUBLE;
    uint32_t schedule = UINT32_C(1) << MUTATOR_SCHEDULE;
    assert_int_equal(edits_seen(OP_FAMILY_PAGE), all & ~systems);
    for (unsigned family = OP_FAMILY_PAGE + 1; family < OP_FAMILY_COUNT; family++)
        assert_int_equal(edits_seen((enum op_family)family), all & ~schedule);
    for (unsigned i = 0; i < MUTATOR_EDIT_COUNT; i++)
        assert_non_null(mutator_edit_names[i]);
}

/* Expect: a program decodes, encodes to the one form it has, and decodes from that to itself. The machine's
 * swarm bits are spent in decoding, so bytes may differ; operations may not. */
static void a_mutated_program_survives_encoding(void **state)
{
    (void)state;
    static struct op ops[PROGRAM_OP_LIMIT];
    static struct op again[PROGRAM_OP_LIMIT];
    uint8_t bytes[PROGRAM_BYTES_MAX] = {0};
    uint8_t encoded[PROGRAM_BYTES_MAX];
    size_t count = 0;
    uint64_t operations = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct program program;
        struct program same;
        count = mutator_run(OP_FAMILY_PAGE, bytes, count, sizeof(bytes), seed, NULL);
        program_decode(bytes, count, ops, &program);
        size_t encoded_count = program_encode(&program, encoded);
        assert_int_equal(encoded_count, PROGRAM_HEADER_BYTES + program.op_count * PROGRAM_RECORD_BYTES);
        program_decode(encoded, encoded_count, again, &same);
        assert_int_equal(same.op_count, program.op_count);
        assert_memory_equal(again, ops, program.op_count * sizeof(ops[0]));
        assert_memory_equal(&same.shape, &program.shape, sizeof(program.shape));
        operations += program.op_count;
    }
    /* Programs neither die out nor grow without end. */
    assert_in_range(operations / ROUNDS, 8, 64);
}

/* Expect: a system's program has one form too, its family and contract survive, each kind of the family comes
 * up, and failing grants and hunger are frequent. Encoding looks for codes, so rounds are few. */
static void a_systems_program_survives_encoding(void **state)
{
    (void)state;
    static struct op ops[PROGRAM_OP_LIMIT];
    static struct op again[PROGRAM_OP_LIMIT];
    uint8_t encoded[PROGRAM_BYTES_MAX];
    for (unsigned family = OP_FAMILY_PAGE + 1; family < OP_FAMILY_COUNT; family++) {
        uint8_t bytes[PROGRAM_BYTES_MAX] = {0};
        uint32_t seen[OP_KIND_COUNT] = {0};
        size_t count = 0;
        uint32_t operations = 0;
        uint32_t real = 0;
        for (uint64_t seed = 0; seed < ROUNDS; seed++) {
            struct program program;
            struct program same;
            count = mutator_run((enum op_family)family, bytes, count, sizeof(bytes), seed, NULL);
            program_decode(bytes, count, ops, &program);
            assert_int_equal(program.family, family);
            for (uint32_t i = 0; i < program.op_count; i++)
                seen[ops[i].kind]++;
            operations += program.op_count;
            real += program.contract == CONTRACT_REAL;
            if (seed % (ROUNDS / 100) != 0)
                continue;
            size_t encoded_count = program_encode(&program, encoded);
            assert_int_equal(encoded_count, PROGRAM_HEADER_BYTES + program.op_count * PROGRAM_RECORD_BYTES);
            program_decode(encoded, encoded_count, again, &same);
            assert_memory_equal(again, ops, program.op_count * sizeof(ops[0]));
            assert_int_equal(same.contract, program.contract);
        }
        for (unsigned index = 0; index < OP_FAMILY_INDEXES; index++)
            assert_int_not_equal(seen[op_family_kind((enum op_family)family, index)], 0);
        assert_in_range(operations / ROUNDS, 8, 80);
        assert_in_range(real, ROUNDS / 5, ROUNDS - ROUNDS / 5);
        assert_true(seen[OP_FAIL_NTH] > operations / 50);
        assert_true(seen[OP_STARVE] > operations / 100);
        assert_true(seen[OP_FEED] > operations / 100);
    }
}

static void a_life_is_of_one_system(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < life_count; i++) {
        enum op_place place = lives[i].other ? OP_AT_OTHER : OP_AT_SLOT;
        assert_int_equal(system_of(lives[i].make), system_of(lives[i].release));
        assert_int_equal(kind_has_place(lives[i].make, place), kind_has_place(lives[i].release, place));
        assert_true(life_in_family(&lives[i], OP_FAMILY_ALL));
    }
}

struct edge_count {
    enum op_family family;
    uint32_t records;
    uint32_t programs;
    uint32_t operations;
};

/* Each record says an operation of its kind, none a no-op. */
static void count_record(void *self, unsigned kind, const uint8_t record[PROGRAM_RECORD_BYTES])
{
    struct edge_count *count = self;
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    uint8_t bytes[PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES] = {[5] = (uint8_t)count->family};
    memcpy(bytes + PROGRAM_HEADER_BYTES, record, PROGRAM_RECORD_BYTES);
    program_decode(bytes, sizeof(bytes), ops, &program);
    assert_int_equal(ops[0].kind, kind);
    count->records++;
}

static void count_program(void *self, uint32_t number, const uint8_t *bytes, size_t byte_count)
{
    struct edge_count *count = self;
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    assert_int_equal(number, count->programs);
    assert_true(byte_count <= PROGRAM_BYTES_MAX);
    program_decode(bytes, byte_count, ops, &program);
    assert_int_equal(program.family, count->family);
    count->operations += program.op_count;
    count->programs++;
}

static void edges_are_records_programs_and_words(void **state)
{
    (void)state;
    for (unsigned family = 0; family < OP_FAMILY_COUNT; family++) {
        struct edge_count count = {.family = (enum op_family)family};
        boundary_each(count.family, count_record, &count);
        boundary_programs(count.family, count_program, &count);
        assert_true(count.records > 10);
        assert_true(count.operations >= count.records);
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        assert_non_null(out);
        assert_int_equal(boundary_write_dictionary(count.family, out), count.records);
        assert_int_equal(fclose(out), 0);
        /* A comment, and a quoted word of eight bytes as \xNN on each line. */
        size_t line = 2 + 4 * (size_t)PROGRAM_RECORD_BYTES + 1;
        size_t head = strcspn(text, "\n") + 1;
        assert_int_equal(text[0], '#');
        assert_int_equal(bytes, head + count.records * line);
        free(text);
    }
}

/* The mutator writes allocations and frees by number: they must be what the decoder takes them for. */
static void a_pair_is_an_allocation_and_its_free(void **state)
{
    (void)state;
    unsigned pairs = 0;
    for (uint64_t seed = 0; seed < 20000 && pairs < 20; seed++) {
        uint8_t bytes[PROGRAM_BYTES_MAX] = {0};
        struct op ops[PROGRAM_OP_LIMIT];
        struct program program;
        uint32_t edits = 0;
        size_t count = mutator_run(OP_FAMILY_PAGE, bytes, 0, sizeof(bytes), seed, &edits);
        if (edits != UINT32_C(1) << MUTATOR_PAIR || count != PROGRAM_HEADER_BYTES + 2 * PROGRAM_RECORD_BYTES)
            continue;
        program_decode(bytes, count, ops, &program);
        assert_int_equal(ops[0].kind, OP_ALLOC);
        assert_int_equal(ops[1].kind, OP_FREE);
        assert_int_equal(ops[0].slot, ops[1].slot);
        pairs++;
    }
    assert_int_equal(pairs, 20);
}

/* Expect: of the switches that edits of a schedule put in, most go to another CPU that has an operation left,
 * and behind many of them stands what that CPU does next. */
static void switches_go_to_who_has_work(void **state)
{
    (void)state;
    static struct op ops[PROGRAM_OP_LIMIT];
    uint8_t bytes[PROGRAM_BYTES_MAX];
    uint32_t switches = 0;
    uint32_t useful = 0;
    uint32_t meetings = 0;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct program program;
        size_t count = PROGRAM_HEADER_BYTES;
        memset(bytes, 0, sizeof(bytes));
        bytes[4] = 3; /* four CPUs */
        mutator_mark_schedule(bytes);
        for (uint64_t edit = 0; edit < 6; edit++)
            count = mutator_run(OP_FAMILY_PAGE, bytes, count, sizeof(bytes), seed * 6 + edit, NULL);
        program_decode(bytes, count, ops, &program);
        uint32_t host = 0;
        for (uint32_t i = 0; program.shape.cpu_count == 4 && i < program.op_count; i++) {
            if (ops[i].kind != OP_PREEMPT)
                host = ops[i].cpu;
            if (ops[i].kind != OP_PREEMPT || ops[i].mobility != OP_DO_SWITCH)
                continue;
            bool has_work = false;
            for (uint32_t k = i + 1; k < program.op_count; k++)
                has_work = has_work || (ops[k].kind < OP_PAGE_END && ops[k].cpu == ops[i].cpu);
            bool other = ops[i].cpu != host;
            switches++;
            useful += other && has_work;
            meetings += other && i + 1 < program.op_count && ops[i + 1].kind < OP_PAGE_END &&
                        ops[i + 1].cpu == ops[i].cpu;
        }
    }
    assert_true(switches > 4000);
    assert_true(useful > switches / 2);
    assert_true(meetings > switches / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_program),
        cmocka_unit_test(sizes_stay_whole_and_within_the_limit),
        cmocka_unit_test(every_kind_of_edit_happens),
        cmocka_unit_test(a_mutated_program_survives_encoding),
        cmocka_unit_test(a_systems_program_survives_encoding),
        cmocka_unit_test(a_life_is_of_one_system),
        cmocka_unit_test(edges_are_records_programs_and_words),
        cmocka_unit_test(a_pair_is_an_allocation_and_its_free),
        cmocka_unit_test(switches_go_to_who_has_work),
    };
    return cmocka_run_group_tests_name("mutator", tests, NULL, NULL);
}
