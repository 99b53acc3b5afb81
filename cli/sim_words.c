/* See sim_words.h. */
#define _POSIX_C_SOURCE 200809L
#include "cli/sim_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_WORDS 3u /* the program, its command, and NULL */

void sim_words_add(struct sim_words *words, const char *key, const char *value)
{
    size_t bytes = strlen(key) + strlen(value) + 2;
    char *word = words->count + OWN_WORDS < PL_COUNT_OF(words->list) ? malloc(bytes) : NULL;
    if (word == NULL)
        return;
    snprintf(word, bytes, "%s=%s", key, value);
    words->list[words->count++] = word;
}

int sim_words_start(struct sim_words *words, const char *command)
{
    char *argv[SPEC_LIST_LIMIT + 64] = {(char[]){"pagelab-sim"}};
    const char *program = cli_sim_program();
    char name[32];
    snprintf(name, sizeof(name), "%s", command);
    argv[1] = name;
    memcpy(&argv[2], words->list, words->count * sizeof(argv[0]));
    if (access(program, X_OK) != 0)
        return cli_mistake(
            command, "%s is not there: no build with a sanitizer, and none for coverage, has it", program);
    fflush(stdout);
    execv(program, argv);
    return cli_mistake(command, "%s cannot be started: %s", program, strerror(errno));
}
