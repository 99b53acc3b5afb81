/* What an engine starts from: the stored programs of a family, and the boundary inputs of section 7.3, as
 * files in a folder that the engine may write to. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "fuzz/family.h"

/* Writes into `to` what a corpus of the target starts with: ROOT/FAMILY/..bin, of target all those of each
 * system as programs of all of them, and the family's boundary programs, "edges-0000" and on. A family
 * without any stored program is fine, a root that is not there is not: -1 with errno. NULL: nothing is
 * stored. */
int seeds_write(const char *root, enum fuzz_target target, const char *to);

#endif
