/* What pagelab score prints of its rows. */
#ifndef CLI_SCORE_PRINT_H
#define CLI_SCORE_PRINT_H

#include <stdio.h>

#include "fuzz/score.h"
#include "report/table.h"

/* An array, one object a mutant whose runs are known. 0, or -1: out of memory, or the file is in error. */
int score_print_json(const struct score_row *rows, uint32_t count, FILE *out);

/* The same on stdout, for people. */
void score_print_table(const struct score_row *rows, uint32_t count, enum report_format format);

/* A row for each control and each way: the executions of all seeds together. False as above. */
bool score_print_controls(const struct score_row *rows, uint32_t count, enum report_format format, FILE *out);

#endif
