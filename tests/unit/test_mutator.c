/* The mutator: the same seed makes the same edits, sizes stay whole and within the limit, every kind of edit
 * happens, and what comes out is still a program that has one binary form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/program.h"
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
        size_t count = random_input(&random, input, sizeof(input));
        memset(one, 0xaa, sizeof(one));
        memset(two, 0x55, sizeof(two));
        memcpy(one, input, count);
        memcpy(two, input, count);
        size_t a = mutator_cross(one, count, sizeof(one), input, count, seed, NULL);
        size_t b = mutator_cross(two, count, sizeof(two), input, count, seed, NULL);
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
        size_t after = mutator_cross(bytes, count, limit, other, other_count, mutator_next(&random), NULL);
        assert_true(after <= limit);
        assert_true(after <= PROGRAM_BYTES_MAX);
        assert_int_equal(after % PROGRAM_RECORD_BYTES, 0);
        assert_true(after >= PROGRAM_HEADER_BYTES || limit < PROGRAM_HEADER_BYTES);
        free(other);
        free(bytes);
    }
}

static void every_kind_of_edit_happens(void **state)
{
    (void)state;
    uint32_t seen = 0;
    uint8_t bytes[PROGRAM_BYTES_MAX] = {0};
    uint8_t other[5 * PROGRAM_RECORD_BYTES] = {1, 2, 3};
    size_t count = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint32_t edits = 0;
        if (seed % 8 == 0)
            count = mutator_cross(bytes, count, sizeof(bytes), other, sizeof(other), seed, &edits);
        else
            count = mutator_run(bytes, count, sizeof(bytes), seed, &edits);
        assert_int_not_equal(edits, 0);
        assert_true(seed % 8 == 0 || (edits >> MUTATOR_SPLICE & 1u) == 0);
        seen |= edits;
    }
    assert_int_equal(seen, (UINT32_C(1) << MUTATOR_EDIT_COUNT) - 1);
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
        count = mutator_run(bytes, count, sizeof(bytes), seed, NULL);
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
        size_t count = mutator_run(bytes, 0, sizeof(bytes), seed, &edits);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_program),
        cmocka_unit_test(sizes_stay_whole_and_within_the_limit),
        cmocka_unit_test(every_kind_of_edit_happens),
        cmocka_unit_test(a_mutated_program_survives_encoding),
        cmocka_unit_test(a_pair_is_an_allocation_and_its_free),
    };
    return cmocka_run_group_tests_name("mutator", tests, NULL, NULL);
}
