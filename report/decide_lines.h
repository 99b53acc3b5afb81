/* The lines of a decision's screen, and the facts on it. */
#ifndef REPORT_DECIDE_LINES_H
#define REPORT_DECIDE_LINES_H

#include <pagelab/compiler.h>

#include "report/decide.h"

#define SCREEN_LINES_MAX 400
#define SCREEN_INDENT    4

/* Lines of at most DECIDE_COLUMNS bytes. */
struct screen {
    char lines[SCREEN_LINES_MAX][DECIDE_COLUMNS + 1];
    size_t count;
};

/* Adds a paragraph, broken at blanks; the lines after the first are indented by `indent`. Names in it are
 * hostile text: nothing of them reaches a terminal as an order. */
PL_PRINTF(3, 4) void screen_say(struct screen *screen, int indent, const char *format, ...);

/* Adds to a list in `text`; what does not fit is left out. */
PL_PRINTF(3, 4) void text_append(char *text, size_t bytes, const char *format, ...);

/* "out" or "unknown" of a profile: one line a candidate, its first fact; one a fact, with all whom it is
 * about; one a need, with the fact of the first. */
void say_each(struct screen *screen, const cJSON *facts);
void say_grouped(struct screen *screen, const cJSON *facts);
void say_by_need(struct screen *screen, const cJSON *facts);

/* The command of the first fact of each need: the others differ by the candidate. */
void say_commands(struct screen *screen, const cJSON *facts);

/* How many they are about. */
int facts_candidates(const cJSON *facts);

#endif
