/* What came of pagelab noise, as a table. */
#ifndef CLI_NOISE_PRINT_H
#define CLI_NOISE_PRINT_H

#include <cjson/cJSON.h>

#include "report/report.h"

/* Judges every job in the document, puts the sums beside them, and prints. 0: as was asked; 1: too many
 * equals were told apart (1 of 100), or, where that is asked (all but replace), fewer than 95 of 100
 * slow-downs were found; -1: *error. */
int noise_print(cJSON *root, enum report_format format, bool colour, FILE *out, struct report_error *error);

#endif
