/* See lie.h. Compiled with the tests only. */
#include "systems/lie.h"

#include <sched.h>
#include <string.h>

#include <pagelab/types.h>

#if defined(PL_LIES)
const char *lie_told;

bool lie_is(const char *id)
{
    return lie_told != NULL && strcmp(lie_told, id) == 0;
}

void lie_yield(void)
{
    (void)sched_yield();
}
#endif
