/* Holds one cost file (report/cost.h) against an earlier one: did anything grow, and in which function? Where
 * a row has a range, only what lies beyond both ranges counts. */
#ifndef REPORT_GATE_H
#define REPORT_GATE_H

#include "report/report.h"

/* Less than this of one instruction, lock or line an operation is no growth, whatever its per cent. */
#define REPORT_GATE_LEAST 0.01

struct report_gate {
    double percent;  /* in: more than so much is growth beyond the gate */
    size_t compared; /* out: rows that both files have */
    size_t failed;   /* out: counts that grew beyond, and rows or counts that NEW has no longer */
    char first[320]; /* out: the first of these in words; "" if there is none */
};

/* A line a count that grew or shrank beyond the per cent and, below each that grew, a line a function that
 * grew most, came or went. 0; -1 and *error: one is no cost file or was interrupted, they have no row in
 * common, or the same row was counted in another way. */
int report_gate_print(const cJSON *base, const cJSON *next, const char *base_path, const char *next_path,
                      struct report_gate *gate, enum report_format format, bool colour, FILE *out,
                      struct report_error *error);

#endif
