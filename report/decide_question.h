/* One question of a decision, a candidate and a need, and how it is answered. */
#ifndef REPORT_DECIDE_QUESTION_H
#define REPORT_DECIDE_QUESTION_H

#include "report/decide_parts.h"

#include <pagelab/compiler.h>

struct question {
    const struct evidence *evidence;
    const char *candidate;
    const char *word; /* the candidate, for a shell */
    const struct decide_need *need;
    struct decide_fact *fact;
};

/* The fact in words; the row that has it; what runs that row again, or measures what is missing. */
PL_PRINTF(3, 4)
void answer(const struct question *question, enum decide_verdict verdict, const char *format, ...);
void cite(const struct question *question, const char *file, const char *row);
PL_PRINTF(2, 3) void command(const struct question *question, const char *format, ...);

/* Adds to a check's command where choose reads its output (decide_command.c). */
void command_keep(const struct question *question);

/* By what checks tried to refute (decide_tested.c). */
void judge_contract(const struct question *question);
void judge_claim(const struct question *question, const char *capability);
void judge_never_sleeps(const struct question *question);

/* By interrupts inside its calls (decide_entered.c). */
void judge_entered(const struct question *question, const char *capability, const char *level);

#endif
