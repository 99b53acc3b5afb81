/* Between the files of `pagelab to-c` only. */
#ifndef CLI_TO_C_H
#define CLI_TO_C_H

#include <stdio.h>

#include "engine/program.h"

/* A C string in quotes; what is no printable character becomes a dot. */
void to_c_string(const char *text, FILE *out);

/* The function program(): what the checked runner would do, call by call. */
void to_c_program(const struct program *program, const struct native_shape *shape, FILE *out);

#endif
