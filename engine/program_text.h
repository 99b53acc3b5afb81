/* Words of the text form, shared by its writer and its reader only. */
#ifndef ENGINE_PROGRAM_TEXT_H
#define ENGINE_PROGRAM_TEXT_H

#include <pagelab/request.h>

#include "engine/program.h"

#define PROGRAM_FIRST_LINE "pagelab program 1"
#define PROGRAM_FLAG_COUNT 5u

struct program_flag {
    const char *name;
    unsigned bit;
};

extern const char *const program_contexts[4];
extern const char *const program_classes[PL_CLASS_COUNT];
extern const char *const program_mobilities[PL_MOBILITY_COUNT];
extern const struct program_flag program_flags[PROGRAM_FLAG_COUNT];

#endif
