/* What a target, its mutator and a campaign call the families of programs (engine/op.h): the word that
 * PAGELAB_TARGET holds. */
#ifndef FUZZ_FAMILY_H
#define FUZZ_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/op.h"

#define FAMILY_VARIABLE "PAGELAB_TARGET"

/* False if there is none of that name. */
bool family_of_name(const char *name, size_t bytes, enum op_family *family);

/* The one that the environment names, page where it names none; false if it names what is none. */
bool family_of_environment(enum op_family *family);

#endif
