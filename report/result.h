/* The shape of a result: what must be there, and how a field is read that may be absent. */
#ifndef REPORT_RESULT_H
#define REPORT_RESULT_H

#include "report/report.h"

/* False: *error names `where` and the first thing that is missing or of the wrong kind. */
bool result_check(const cJSON *result, const char *where, struct report_error *error);

/* Any JSON file, unchecked; the caller deletes it. NULL: *error says why. */
cJSON *result_read(const char *result_path, struct report_error *error);

/* The document as it stands. False: no memory, or `out` is in error. */
bool result_print(const cJSON *document, FILE *out);

/* "" where the field is absent or no string. The text belongs to `object`. */
const char *result_text(const cJSON *object, const char *key);

/* False, and *value as it was, where the field is absent or no number. */
bool result_number(const cJSON *object, const char *key, double *value);

/* The record of ours; never NULL in a checked result. */
const cJSON *result_pagelab(const cJSON *result);

/* The i-th of context.pagelab.marks, each a reason why the times are worth little; NULL: no more. */
const char *result_mark(const cJSON *result, int i);

/* All of them in one line, with "; " between; empty where there are none. */
void result_marks(const cJSON *result, char *text, size_t bytes);

/* A part of a run may lack the cells that the check of the rods needs; then nothing speaks against its
 * ratios. */
enum rods_state {
    RODS_HOLD,
    RODS_VOID, /* no ratio of the run counts, and none is shown */
    RODS_UNCHECKED,
};

/* *words (never NULL) says why. */
enum rods_state result_rods(const cJSON *result, const char **words);

#endif
