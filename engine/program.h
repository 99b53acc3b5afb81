/* A program: a machine's shape and a list of operations. Three forms of one thing: in memory, binary (total:
 * any bytes are a program; what fuzzers mutate), and text (what a person reads and writes).
 *
 * Binary: a header of 8 bytes, then a record of 8 bytes for each operation; what is missing reads as zero.
 *
 *   header   swarm lo, swarm hi   kinds that are switched off, a bit a kind
 *            shape                which machine, of a fixed list
 *            floors, cpus         which floors of a fixed list; CPUs 1 to 4
 *            family               frames only, one system, or all: enum op_family
 *            contract             bit 0: as documented, or as the real code does it
 *            bits                 bit 0: mutators edit OP_PREEMPT, too; means nothing else. bit 1: the last
 *                                 kind of the table is an interrupt, or nothing if its slot is 255
 *   record   kind | cpu << 5      kind by a table in which allocate and free are frequent
 *            order | class << 4 | context << 6
 *            mobility | flags << 2
 *            slot
 *            4 bytes by kind: owner and index; count, low, high, alignment | boundary << 4; the point
 *   record   of a system: kind | cpu << 7 (op_family_kind), slot | other << 4, six bytes of operands
 *
 * Text: see docs/programs.md. */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include <stdio.h>

#include "engine/op.h"
#include "platform/native/native.h"
#include "systems/contract.h"

#define PROGRAM_OP_LIMIT     256u /* of the binary form */
#define PROGRAM_SLOT_LIMIT   256u
#define PROGRAM_HEADER_BYTES 8u

/* Bits of the header's last byte. */
#define PROGRAM_HAS_SCHEDULE   1u
#define PROGRAM_HAS_INTERRUPTS 2u
#define PROGRAM_RECORD_BYTES   8u
#define PROGRAM_BYTES_MAX      (PROGRAM_HEADER_BYTES + PROGRAM_OP_LIMIT * PROGRAM_RECORD_BYTES)

struct program {
    struct native_shape shape; /* contents as the candidate needs; set by whoever makes the machine */
    enum op_family family;     /* text: by the operations; binary: as the header says */
    enum contract contract;
    bool interrupts; /* binary: OP_INTERRUPT has a number */
    uint32_t op_count;
    uint32_t op_capacity; /* 0: ops is not owned */
    struct op *ops;
};

struct program_error {
    char text[256]; /* one line: what, where, what was expected */
};

/* Decodes into `ops`, which holds PROGRAM_OP_LIMIT and is lent to the program. Never fails. */
void program_decode(const uint8_t *bytes, size_t byte_count, struct op *ops, struct program *program);

/* The inverse, for programs whose machine is one of the binary form's shapes: returns the bytes written, or 0
 * if the program cannot be said in binary. Decoding the result gives the same program. */
size_t program_encode(const struct program *program, uint8_t bytes[PROGRAM_BYTES_MAX]);

/* Writes the text form. */
void program_print(const struct program *program, FILE *out);
void program_print_op(const struct op *op, FILE *out);

/* The operation of this index as one line without its end; of none: that it is the end, where all is freed.
 */
void program_op_text(const struct program *program, uint32_t index, char *text, size_t bytes);

/* Reads the text form; program_fini frees. 0, or -1 with line number and what was expected. `name` is for the
 * error line. */
int program_parse(const char *text, size_t byte_count, const char *name, struct program *program,
                  struct program_error *error);

/* Is this the text form (its first line says so)? */
bool program_is_text(const uint8_t *bytes, size_t byte_count);

void program_fini(struct program *program);

/* Number of shapes and floors of the binary form, for mutators. */
#define PROGRAM_SHAPE_COUNT  8u
#define PROGRAM_FLOORS_COUNT 4u

#endif
