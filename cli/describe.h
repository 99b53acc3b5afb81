/* What man page and completions are written from: the table of options that each command hands to popt, asked
 * of the command itself, so that they know what --help knows. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"

enum { DESCRIBE_OPTIONS_MAX = 64 };

struct describe_option {
    const char *name; /* without the dashes */
    char letter;      /* '\0': none */
    const char *words;
    const char *argument; /* NULL: takes none */
};

/* Everything is static text of the command's. */
struct describe_command {
    const struct cli_command *command;
    struct describe_option options[DESCRIBE_OPTIONS_MAX];
    unsigned option_count;
};

/* Asks the command for its options. */
void describe_ask(const struct cli_command *command, struct describe_command *result);

/* What can stand there, words separated by spaces, or NULL: a file, or anything. */
const char *describe_values(const struct describe_option *option);
const char *describe_arguments(const struct cli_command *command);

/* The scripts that complete what is typed. */
void describe_bash(FILE *out);
void describe_zsh(FILE *out);

#endif
