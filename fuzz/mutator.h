/* The structure-aware mutator: edits whole operations of the binary form (engine/program.h), where an engine
 * alone would edit bytes. Pure: the result is a function of the input and the seed, for both engines alike.
 *
 * Sizes: what comes in is cut or filled with zeros to a header and whole records; what goes out is that too,
 * at most `byte_limit` and PROGRAM_BYTES_MAX. A limit that has no room for a header yields 0 bytes. */
#ifndef FUZZ_MUTATOR_H
#define FUZZ_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

#include "engine/op.h"

enum mutator_edit {
    MUTATOR_INSERT,       /* a random operation, its slot from the neighbourhood */
    MUTATOR_PAIR,         /* an allocation, and further on the free of its slot; with use between them */
    MUTATOR_SERIES,       /* several of one kind on consecutive slots */
    MUTATOR_DELETE,       /* some consecutive operations */
    MUTATOR_DUPLICATE,    /* some consecutive operations, once more somewhere */
    MUTATOR_SWAP,         /* two operations */
    MUTATOR_MOVE,         /* one operation to another place */
    MUTATOR_SLOT,         /* one operation now works on the slot of another one */
    MUTATOR_TWEAK,        /* one field of one operation */
    MUTATOR_TWEAK_HEADER, /* machine, floors, CPUs, contract, or the kinds that are switched off */
    MUTATOR_BYTES,        /* some bytes anywhere, blind to what they mean */
    MUTATOR_SPLICE,       /* operations of another program */
    MUTATOR_EDGE,         /* systems: one operand becomes an edge (7.3 of the specification) */
    MUTATOR_TROUBLE,      /* systems: a failing grant, hunger and its end, the page daemon */
    MUTATOR_SCHEDULE,     /* programs with a schedule: where somebody is interrupted, and by whom */
    MUTATOR_EDIT_COUNT,
};

extern const char *const mutator_edit_names[MUTATOR_EDIT_COUNT];

/* Deterministic numbers (splitmix64); any state is a seed. */
struct mutator_random {
    uint64_t state;
};

uint64_t mutator_next(struct mutator_random *random);

/* Below `limit`, which is not 0. */
uint32_t mutator_below(struct mutator_random *random, uint32_t limit);

/* Applies one to four edits in place; `bytes` holds byte_limit. Returns the new byte count. `edits`, if not
 * NULL, gets a bit for each kind of edit that was made. The result is a program of that family. */
size_t mutator_run(enum op_family family, uint8_t *bytes, size_t byte_count, size_t byte_limit, uint64_t seed,
                   uint32_t *edits);

/* The same with operations from `other` first, if there are any. */
size_t mutator_cross(enum op_family family, uint8_t *bytes, size_t byte_count, size_t byte_limit,
                     const uint8_t *other, size_t other_bytes, uint64_t seed, uint32_t *edits);

/* Says that a program has a schedule (engine/op_common.h, OP_PREEMPT), so that it is edited, too; `bytes`
 * holds a header. */
void mutator_mark_schedule(uint8_t *bytes);

/* Makes any bytes a program of that family; `bytes` holds a header at least. Returns the new byte count. */
size_t mutator_stamp(enum op_family family, uint8_t *bytes, size_t byte_count);

#endif
