/* Stored programs, from files of either form and from folders of texts. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "engine/program.h"

#define STORED_LIMIT 256u

struct stored {
    char *path; /* as given */
    struct program program;
    struct op ops[PROGRAM_OP_LIMIT]; /* of the binary form */
    bool binary;
};

struct stored_list {
    struct stored *programs[STORED_LIMIT];
    uint32_t count;
};

/* Adds a program; a folder stands for the texts in it. CLI_OK, or CLI_MISTAKE after `command` printed an
 * error. */
int stored_load(const char *command, struct stored_list *list, const char *path);
void stored_unload(struct stored_list *list);

#endif
