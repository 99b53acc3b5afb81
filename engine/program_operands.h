/* The systems' operands in both forms of a program. Between the program's files only. */
#ifndef ENGINE_PROGRAM_OPERANDS_H
#define ENGINE_PROGRAM_OPERANDS_H

#include <stdio.h>

#include "engine/op.h"

#define OPERAND_RECORD_BYTES 8u

/* Text: " s1 o2 bytes=4096 flags=wired,zero". Operands that are zero are left out. */
void operands_print(const struct op *op, FILE *out);

/* One word of the text, "s1", "o2" or "key=value" (cut in place). False: no such operand, or out of range. */
bool operands_parse(char *word, struct op *op);

/* Bytes of a record that an operand takes: 1 or 2; handles are in byte 1. */
unsigned operands_form_bytes(enum op_form form);

/* Bytes 1 to 7 of a record. */
void operands_decode(const uint8_t record[OPERAND_RECORD_BYTES], struct op *op);

/* The inverse; the caller decodes again to see whether it could be said. */
void operands_encode(const struct op *op, uint8_t record[OPERAND_RECORD_BYTES]);

#endif
