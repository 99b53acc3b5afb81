/* Which operation makes what a handle names, and which one lets go of it: what a mutator needs to know of the
 * systems beyond their tables of operands. */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/op.h"

struct life {
    uint8_t make;
    uint8_t release;
    bool other; /* the handle is `other`, not `slot` */
};

extern const struct life lives[];
extern const uint32_t life_count;

/* Does the family have it? */
bool life_in_family(const struct life *life, enum op_family family);

/* The n-th number that the family gives to kinds like this one's system; and a record's byte for a kind, 0 to
 * 127. OP_FAMILY_INDEXES: none. */
unsigned family_index_of(enum op_family family, unsigned kind);

/* First kind of the system that has this one. */
unsigned system_of(unsigned kind);

/* Has it an operand in this place? */
bool kind_has_place(unsigned kind, enum op_place place);

#endif
