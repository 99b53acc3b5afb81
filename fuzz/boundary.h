/* The boundary inputs of the specification's section 7.3, as codes of operands, as records and as programs:
 * what the mutator draws edges from, what a dictionary lists, and what every corpus starts with. */
#ifndef FUZZ_BOUNDARY_H
#define FUZZ_BOUNDARY_H

#include <stdio.h>

#include "engine/program.h"

/* How an operand of two bytes says an edge of op_edges, and `frames` (-128 to 127) more. */
unsigned boundary_edge_code(unsigned edge, int frames);

unsigned boundary_name_count(const struct op_operand *operand);

/* The codes of one operand that are worth trying: at least one. */
unsigned boundary_code_count(const struct op_operand *operand);
unsigned boundary_code(const struct op_operand *operand, unsigned which);

/* Calls `visit` for each record of the family that is at an edge: one operand an edge, the others as small as
 * useful. */
typedef void boundary_visit(void *self, unsigned kind, const uint8_t record[PROGRAM_RECORD_BYTES]);
void boundary_each(enum op_family family, boundary_visit *visit, void *self);

/* The same records as a dictionary that both engines read. Returns the number of entries. */
uint32_t boundary_write_dictionary(enum op_family family, FILE *out);

/* And as programs, each on something that was made before: calls `take` for each. */
typedef void boundary_take(void *self, uint32_t number, const uint8_t *bytes, size_t byte_count);
void boundary_programs(enum op_family family, boundary_take *take, void *self);

#endif
