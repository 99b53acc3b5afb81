/* How a data race reads: both sides, with function and line. */
#ifndef ENGINE_SCHEDULE_RACE_TEXT_H
#define ENGINE_SCHEDULE_RACE_TEXT_H

#include <stdio.h>

#include "platform/sim/race.h"

/* Nothing, if none was found. */
void race_print(const struct race_report *report, FILE *out);

#endif
