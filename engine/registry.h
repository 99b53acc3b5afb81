/* All built-in candidates, and the services that are lent to them, in the order of the CMake lists. */
#ifndef ENGINE_REGISTRY_H
#define ENGINE_REGISTRY_H

#include <pagelab/candidate.h>

/* NULL-terminated. Defined by a file that CMake generates; the tests' and fuzzers' one has the canary too. */
extern const struct pl_candidate *const registry_candidates[];

/* NULL-terminated; the same in every program. */
extern const struct pl_candidate *const registry_services[];

/* What a service lends, or what a candidate brings itself. */
#define REGISTRY_VA     0x1u /* address space: reserve, release, lookup */
#define REGISTRY_TABLES 0x2u /* table memory: table_get, table_put */
#define REGISTRY_BUF    0x4u /* buffers: plan, release */

/* NULL if there is none of that name. `name` need not end after `bytes`. */
const struct pl_candidate *registry_find(const char *name, size_t bytes);
const struct pl_candidate *registry_find_service(const char *name, size_t bytes);

/* REGISTRY_* bits: the sets of hooks that are there. */
unsigned registry_lends(const struct pl_candidate *candidate);

const char *registry_kind_name(uint32_t kind);

#endif
