/* What commands explore and what they do not: printed below the options by --help, of pagelab and of
 * pagelab-sim. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stdio.h>

/* The text in lines of 79 columns, broken between words; the first begins at column `indent`, where the
 * others are moved to. */
void cli_wrap(const char *text, unsigned indent, FILE *out);

/* The paragraph of a command, or NULL. */
const char *cli_limits_text(const char *command);

/* An empty line and the paragraph of a command, if it has one. */
void cli_limits_print(const char *command, FILE *out);

#endif
