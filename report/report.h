/*
 * From a result file to what people read: one self-contained HTML page, or tables on a terminal.
 *
 * A result is Google Benchmark's JSON with a record of ours in `context.pagelab`. It is checked once, by
 * report_read or on entry to the calls that take one; names and reasons in it are hostile text and never run
 * as markup. A cell that is not "ok" shows its status and its reason, never a time.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/table.h"

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stdio.h>

/* Why a call failed, in one printable line without the program's name: what, where, what was expected. */
struct report_error {
    char line[512];
};

/* Reads and checks a result file. The caller gives the result back to cJSON_Delete. NULL: *error says why. */
cJSON *report_read(const char *result_path, struct report_error *error);

/* Folders of what a result does not measure itself; each may be NULL, for none. */
struct report_places {
    const char *own;       /* where the result is: checks stored there win over the reference's */
    const char *reference; /* results/reference */
    const char *profiles;  /* of the kernels that the page decides for */
};

/*
 * Writes the page. 0: `html_path` holds the whole page. -1: *error says why, and what was at `html_path` is
 * untouched, for the page is written beside it and renamed. A path that exists and is no regular file (a
 * pipe, a terminal) is written to directly.
 */
int report_write_html(const char *result_path, const char *html_path, const struct report_places *places,
                      struct report_error *error);
int report_write_html_from(const cJSON *result, const char *html_path, const struct report_places *places,
                           struct report_error *error);

/*
 * Prints one line a cell, its median. TABLE and MARKDOWN group by workload, order and CPUs, fastest first,
 * and name the rods above; JSON and CSV are flat and carry reason, admission and command too. `colour` is for
 * terminals. 0, or -1 and *error.
 */
int report_print(const cJSON *result, enum report_format format, bool colour, FILE *out,
                 struct report_error *error);

#endif
