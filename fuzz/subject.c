/* See subject.h. PL_SUBJECT_TARGET and PL_SUBJECT_BACKEND come from fuzz/pairs.cmake. */
#include "fuzz/subject.h"

#include <stdlib.h>

#ifndef PL_SUBJECT_TARGET
#define PL_SUBJECT_TARGET "page"
#endif
#ifndef PL_SUBJECT_BACKEND
#define PL_SUBJECT_BACKEND "reference"
#endif

static const char *named(const char *variable, const char *built_for)
{
    const char *name = getenv(variable);
    return name == NULL ? built_for : name;
}

const char *subject_target(void)
{
    return named(SUBJECT_TARGET_VARIABLE, PL_SUBJECT_TARGET);
}

const char *subject_backend(void)
{
    return named(SUBJECT_BACKEND_VARIABLE, PL_SUBJECT_BACKEND);
}
