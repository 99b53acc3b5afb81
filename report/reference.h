/*
 * What a run does not measure, from the reference folder: a stored result of other workloads, and what other
 * commands found. Each comes with the day, the commit and the machine it is of, or is said to be missing,
 * with the command that makes it.
 */
#ifndef REPORT_REFERENCE_H
#define REPORT_REFERENCE_H

#include "report/report.h"

/* Is the result's folder the reference's? */
bool reference_is_own(const struct report_places *places);

/*
 * An object a command: "file", "command", and either "document" with "date", "commit", "machine" ("" where
 * nobody wrote them down), or "missing" with the reason. "own": true where the document lies beside the
 * result, which wins over the reference's. NULL: no memory.
 */
cJSON *reference_collect(const struct report_places *places);

/* The stored result, for cJSON_Delete. NULL: there is none, or it cannot be read. */
cJSON *reference_result(const char *folder);

#endif
