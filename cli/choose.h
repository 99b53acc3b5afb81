/* What `choose` and the end of `run` share. */
#ifndef CLI_CHOOSE_H
#define CLI_CHOOSE_H

#include "report/decide.h"

/* Rows of a replay that the result has not: of the file that an earlier `choose --trace` left, else measured
 * now, with a line on stderr. Appended to `result`. CLI_OK, or the exit code after an error was printed. */
int choose_trace(cJSON *result, const char *trace);

/* Three lines for the end of a run whose result is in `folder`; `newest`: where `choose` finds it by itself.
 */
void choose_brief(const cJSON *result, const char *folder, bool newest);

#endif
