/* One profile of a decision, on a screen of at most DECIDE_LINES lines of DECIDE_COLUMNS columns. */
#ifndef REPORT_DECIDE_SCREEN_H
#define REPORT_DECIDE_SCREEN_H

#include <pagelab/compiler.h>

#include "report/decide.h"

/* False: no memory, or `out` is in error. */
bool decide_screen_print(const cJSON *decision, const cJSON *profile, bool colour, FILE *out);

#endif
