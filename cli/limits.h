/* What commands explore and what they do not: printed below the options by --help, of pagelab and of
 * pagelab-sim. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stdio.h>

/* The paragraph of a command, or NULL. */
const char *cli_limits_text(const char *command);

/* An empty line and the paragraph of a command, if it has one. */
void cli_limits_print(const char *command, FILE *out);

#endif
