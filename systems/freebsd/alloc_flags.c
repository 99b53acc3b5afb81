/* See alloc_flags.h. Source: malloc2vm_flags, vm_page.h. */
#include "systems/freebsd/alloc_flags.h"

uint32_t freebsd_malloc_to_alloc(struct trap *trap, uint32_t malloc_flags)
{
    uint32_t req = FREEBSD_ALLOC_SYSTEM;
    bool reserve = (malloc_flags & FREEBSD_M_USE_RESERVE) != 0;
    if (reserve && (malloc_flags & FREEBSD_M_NOWAIT) == 0) {
        trap_take(trap, "malloc2vm_flags", "2.2.5", "the reserve is only for those who do not wait");
        reserve = false;
    }
    if (reserve)
        req = FREEBSD_ALLOC_INTERRUPT;
    if (malloc_flags & FREEBSD_M_NOWAIT)
        req |= FREEBSD_ALLOC_NOWAIT;
    if (malloc_flags & FREEBSD_M_WAITOK)
        req |= FREEBSD_ALLOC_WAITOK;
    if (malloc_flags & FREEBSD_M_ZERO)
        req |= FREEBSD_ALLOC_ZERO;
    if (malloc_flags & FREEBSD_M_NODUMP)
        req |= FREEBSD_ALLOC_NODUMP;
    return req;
}
