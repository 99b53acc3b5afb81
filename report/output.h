/* What is printed, and who reads it. */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Does nobody read any more what goes to `out`: a pipe that its reader has closed, as `head` does? That is
 * the reader's own wish and no error. A full disk is another matter. */
bool output_is_unread(FILE *out);

/* `whole`: was all of it printed? True as well if nobody wanted the rest. */
bool output_is_done(bool whole, FILE *out);

#endif
