/* From a measured cell to its row. */
#ifndef BENCH_CELL_ROW_H
#define BENCH_CELL_ROW_H

#include "bench/cell.h"
#include "engine/shadow.h"

/* Takes `row` (may be NULL: then the cell has a reason why it could not) and returns it with our keys and
 * counters. */
cJSON *cell_row(struct cell *cell, cJSON *row);

/* Turns a row into one without a time: "failed", "broken", "crashed", "timeout" or "n/a", and why. */
void cell_row_fail(cJSON *row, const char *status, const char *reason);

/* An empty row with name, identity and command. */
cJSON *cell_row_new(const struct cell_params *params);

/* The workload's part of a row name: "repeat", "replay-nginx". */
void cell_label(const char *workload, char *label, size_t bytes);

/* Records everything that the cell's threads hold. False: `finding` says what the candidate broke. */
bool cell_record_grants(const struct cell *cell, struct shadow *shadow, struct finding *finding);

/* What lies where, in at most `cell_limit` characters, and no more than this: */
#define CELL_MAP_LIMIT 4096u
cJSON *cell_frame_map(const struct shadow *shadow, size_t cell_limit);

#endif
