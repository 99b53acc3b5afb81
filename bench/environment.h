/* The record of where a result comes from. Holds no host name and no path. */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include <cjson/cJSON.h>

#include "engine/spec.h"

/* PAGELAB_COMMIT of the environment, else what the program was built from; "unknown": neither says. Not the
 * caller's. */
const char *environment_commit(void);

/* The `context` of a result: Google Benchmark's keys and ours in `pagelab`. `mode` is "quick", "full",
 * "smoke" or "bench". */
cJSON *environment_context(const char *mode);

/* The `candidates` array of context.pagelab for these specs and the rods. */
cJSON *environment_candidates(const struct spec *specs, size_t spec_count);

/* The names of capability bits, as an array. */
cJSON *environment_capabilities(uint64_t caps);

#endif
