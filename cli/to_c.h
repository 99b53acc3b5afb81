/* Between the files of `pagelab to-c` only. */
#ifndef CLI_TO_C_H
#define CLI_TO_C_H

#include <stdio.h>

#include "engine/program.h"

/* The folder with a candidate's sources, in pagelab's tree or whole. The last one has no candidate. */
struct to_c_folder {
    const char *candidate;
    const char *path;
};
extern const struct to_c_folder to_c_folders[];

/* A C string in quotes; what is no printable character becomes a dot. */
void to_c_string(const char *text, FILE *out);

/* The function program(): what the checked runner would do, call by call. */
void to_c_program(const struct program *program, const struct native_shape *shape, FILE *out);

#endif
