/* Stored programs, from files of either form and from folders of texts. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "engine/program_file.h"
#include "engine/spec.h"

#define STORED_LIMIT 256u

struct stored {
    char *path; /* as given */
    struct program_file file;
};

struct stored_list {
    struct stored *programs[STORED_LIMIT];
    uint32_t count;
};

/* Reads one, looked for as cli_find does. CLI_OK, or CLI_MISTAKE after `command` printed an error. */
int stored_read(const char *command, const char *path, struct program_file *file);

/* The same, and the candidate that it is to run on. */
int stored_read_for(const char *command, const char *path, const char *backend, struct program_file *file,
                    struct spec *spec);

/* Adds a program; a folder stands for the texts in it. CLI_OK, or CLI_MISTAKE after `command` printed an
 * error. */
int stored_load(const char *command, struct stored_list *list, const char *path);
void stored_unload(struct stored_list *list);

#endif
