/* The systems' operations in both forms of a program: any record decodes; its text reads back as the same
 * operation; its binary form decodes to the same operation. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/program.h"
#include "engine/program_operands.h"
#include "tests/unit/unit.h"

#define RECORDS 200u

static void fill(uint8_t *bytes, size_t count, uint32_t *seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)next_number(seed);
}

static char *text_of(const struct program *program, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    assert_non_null(out);
    program_print(program, out);
    fclose(out);
    return text;
}

static void every_record_survives_text_and_binary(void **state)
{
    (void)state;
    uint32_t seed = 1;
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    static uint8_t again[PROGRAM_BYTES_MAX];
    static struct op ops[PROGRAM_OP_LIMIT];
    static struct op ops_again[PROGRAM_OP_LIMIT];
    for (unsigned family = 0; family < OP_FAMILY_COUNT; family++) {
        for (unsigned round = 0; round < 4; round++) {
            size_t count = PROGRAM_HEADER_BYTES + RECORDS * PROGRAM_RECORD_BYTES;
            struct program program;
            struct program read;
            struct program_error error;
            fill(bytes, count, &seed);
            bytes[0] = bytes[1] = 0;
            bytes[5] = (uint8_t)family;
            program_decode(bytes, count, ops, &program);
            assert_int_equal(program.family, family);
            size_t text_bytes = 0;
            char *text = text_of(&program, &text_bytes);
            if (program_parse(text, text_bytes, "text", &read, &error) != 0)
                fail_msg("%s\n%s", error.text, text);
            assert_int_equal(read.op_count, program.op_count);
            assert_int_equal(read.contract, program.contract);
            for (uint32_t i = 0; i < read.op_count; i++) {
                if (memcmp(&read.ops[i], &ops[i], sizeof(ops[i])) == 0)
                    continue;
                program_print_op(&ops[i], stderr);
                program_print_op(&read.ops[i], stderr);
                fail_msg("operation %u of family %s reads back differently", i, op_family_names[family]);
            }
            free(text);
            program_fini(&read);
            size_t encoded = program_encode(&program, again);
            assert_int_equal(encoded, count);
            program_decode(again, encoded, ops_again, &read);
            assert_memory_equal(ops_again, ops, program.op_count * sizeof(ops[0]));
        }
    }
}

static void operands_fit_their_records(void **state)
{
    (void)state;
    for (unsigned kind = OP_COMMON; kind < OP_KIND_COUNT; kind++) {
        const struct op_kind_info *info = op_info(kind);
        unsigned bytes = 0;
        unsigned count = 0;
        if (info->name == NULL)
            continue;
        assert_non_null(info->operands);
        for (const struct op_operand *operand = info->operands; operand->name != NULL; operand++) {
            count++;
            if (operand->place != OP_AT_SLOT && operand->place != OP_AT_OTHER)
                bytes += operand->form == OP_NUMBER16 || operand->form == OP_BYTES ||
                                 operand->form == OP_EDGE32 || operand->form == OP_BITS16
                             ? 2
                             : 1;
            if (operand->form == OP_NAME || operand->form == OP_BITS || operand->form == OP_BITS16)
                assert_non_null(operand->names);
        }
        if (bytes > 6 || count > OP_OPERAND_LIMIT)
            fail_msg("%s: %u bytes of operands, %u operands", info->name, bytes, count);
    }
}

static void kinds_have_names_of_their_own(void **state)
{
    (void)state;
    for (unsigned a = 0; a < OP_KIND_COUNT; a++) {
        for (unsigned b = 0; b < a; b++) {
            const char *first = op_info(a)->name;
            const char *second = op_info(b)->name;
            if (first != NULL && second != NULL)
                assert_string_not_equal(first, second);
        }
    }
}

static void every_kind_of_a_family_can_be_named_in_binary(void **state)
{
    (void)state;
    for (unsigned kind = OP_VM; kind < OP_KIND_COUNT; kind++) {
        bool found = op_info(kind)->name == NULL;
        for (unsigned index = 0; index < OP_FAMILY_INDEXES; index++)
            found = found || op_family_kind(OP_FAMILY_ALL, index) == kind;
        if (!found)
            fail_msg("%s: no record of the family 'all' says it", op_info(kind)->name);
    }
}

static void every_kind_is_in_the_documentation(void **state)
{
    (void)state;
    static char text[1 << 16];
    FILE *file = fopen(PL_SOURCE_DIR "/docs/programs.md", "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (unsigned kind = 1; kind < OP_KIND_COUNT; kind++) {
        char word[40];
        if (op_info(kind)->name == NULL)
            continue;
        snprintf(word, sizeof(word), "`%s`", op_info(kind)->name);
        if (strstr(text, word) == NULL)
            fail_msg("docs/programs.md does not have %s", word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_survives_text_and_binary),
        cmocka_unit_test(operands_fit_their_records),
        cmocka_unit_test(kinds_have_names_of_their_own),
        cmocka_unit_test(every_kind_of_a_family_can_be_named_in_binary),
        cmocka_unit_test(every_kind_is_in_the_documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
