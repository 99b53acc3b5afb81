/* What an engine starts from: the stored programs of a family, and the boundary inputs of section 7.3, as
 * files in a folder that the engine may write to. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include <stdbool.h>

#include "engine/op.h"

/* Copies ROOT/FAMILY/..bin into `to`; `widens`: as programs of all systems. A family without any is fine, a
 * root that is not there is not: -1 with errno. */
int seeds_copy_stored(const char *root, enum op_family family, bool widens, const char *to);

/* Writes the family's boundary programs into `to`, "edges-0000" and on. */
void seeds_write_edges(enum op_family family, const char *to);

#endif
