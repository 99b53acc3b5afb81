/* What is computed over the rows of a result: medians, ratios to the rods, and whether the rods can be
 * trusted. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <cjson/cJSON.h>

/* Brings `root` (context and benchmarks) up to date: rows of one cell together and followed by their median,
 * ratios on each, context.pagelab.rods. Idempotent; called after each row. */
void rows_finish(cJSON *root);

#endif
