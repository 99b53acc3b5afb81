/* All built-in candidates, in the order of the CMake list. */
#ifndef ENGINE_REGISTRY_H
#define ENGINE_REGISTRY_H

#include <pagelab/candidate.h>

/* NULL-terminated. Defined by a file that CMake generates; the tests' and fuzzers' one has the canary too. */
extern const struct pl_candidate *const registry_candidates[];

/* NULL if there is none of that name. `name` need not end after `bytes`. */
const struct pl_candidate *registry_find(const char *name, size_t bytes);

const char *registry_kind_name(uint32_t kind);

#endif
