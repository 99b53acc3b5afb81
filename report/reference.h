/*
 * What a run does not measure, from the reference folder: a stored result of other workloads, and what other
 * commands found. Each comes with the day, the commit and the machine it is of, or is said to be missing,
 * with the command that makes it.
 */
#ifndef REPORT_REFERENCE_H
#define REPORT_REFERENCE_H

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stddef.h>

/* Where profiles/ and results/reference/ are: PAGELAB_ROOT, where that is set, else the working directory, if
 * it has profiles, else share/pagelab beside the program's folder. `buffer` may hold the name. */
const char *reference_root(char *buffer, size_t bytes);

/* results/reference there. NULL: there is no such folder. `buffer` holds the name. */
const char *reference_folder(char *buffer, size_t bytes);

/*
 * An object a command: "file", "command", and either "document" with "date", "commit", "machine" ("" where
 * nobody wrote them down), or "missing" with the reason. `folder` NULL: all are missing. NULL: no memory.
 */
cJSON *reference_collect(const char *folder);

/* The stored result, for cJSON_Delete. NULL: there is none, or it cannot be read. */
cJSON *reference_result(const char *folder);

/* Adds "date", "commit" and "machine" of a result's or document's `context` to `into`. False: no memory. */
bool reference_add_origin(cJSON *into, const cJSON *context);

#endif
