/* What the program pagelab-sim is started with: KEY=VALUE, as often as wanted. */
#ifndef CLI_SIM_WORDS_H
#define CLI_SIM_WORDS_H

#include "cli/cli.h"

struct sim_words {
    char *list[SPEC_LIST_LIMIT + 64];
    size_t count;
};

/* What does not fit is left out. */
void sim_words_add(struct sim_words *words, const char *key, const char *value);

/* Becomes `pagelab-sim COMMAND WORDS`; returns CLI_MISTAKE if it cannot, after a line. */
int sim_words_start(struct sim_words *words, const char *command);

#endif
