/* The word `req` of FreeBSD's page allocation calls: one class and flags (2.2). The kernel renumbered its
 * bits over the releases and used one of them twice, so these values are our own; the names are the kernel's.
 */
#ifndef SYSTEMS_FREEBSD_ALLOC_FLAGS_H
#define SYSTEMS_FREEBSD_ALLOC_FLAGS_H

#include "systems/trap.h"

/* Exactly one. The order is that of enum pl_class. */
#define FREEBSD_ALLOC_NORMAL     UINT32_C(0)
#define FREEBSD_ALLOC_SYSTEM     UINT32_C(1)
#define FREEBSD_ALLOC_INTERRUPT  UINT32_C(2)
#define FREEBSD_ALLOC_CLASS_MASK UINT32_C(3) /* as a value: no class; F-27 */

#define FREEBSD_ALLOC_WAITOK    UINT32_C(0x0008) /* no-object forms: sleep and retry until success */
#define FREEBSD_ALLOC_WAITFAIL  UINT32_C(0x0010) /* after a failure sleep once, then fail */
#define FREEBSD_ALLOC_WIRED     UINT32_C(0x0020) /* with one wiring */
#define FREEBSD_ALLOC_ZERO      UINT32_C(0x0040) /* object forms: a preference; no-object forms: a guarantee */
#define FREEBSD_ALLOC_NORECLAIM UINT32_C(0x0080) /* runs only: break no reservation */
#define FREEBSD_ALLOC_NOFREE    UINT32_C(0x0100) /* never to be freed: from the bump arena */
#define FREEBSD_ALLOC_NOBUSY    UINT32_C(0x0200) /* not busied */
#define FREEBSD_ALLOC_NOCREAT   UINT32_C(0x0400) /* of the grab calls; illegal here */
#define FREEBSD_ALLOC_IGN_SBUSY UINT32_C(0x1000) /* of the grab calls; illegal here */
#define FREEBSD_ALLOC_NODUMP    UINT32_C(0x2000) /* left out of kernel dumps */
#define FREEBSD_ALLOC_SBUSY     UINT32_C(0x4000) /* shared busy, one sharer */
#define FREEBSD_ALLOC_NOWAIT    UINT32_C(0x8000) /* says what giving no WAIT flag says */

/* The caller will soon want so many more: raises the deficit of a failure, nothing else (F-26). */
#define FREEBSD_ALLOC_COUNT_SHIFT 16u
#define FREEBSD_ALLOC_COUNT(c)    ((uint32_t)(c) << FREEBSD_ALLOC_COUNT_SHIFT)
#define FREEBSD_ALLOC_COUNT_MAX   UINT32_C(0xffff)

#define FREEBSD_ALLOC_WAIT_FLAGS (FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_WAITFAIL)

/* What every form accepts, and what each adds to it. */
#define FREEBSD_ALLOC_ALWAYS                                                                                 \
    (FREEBSD_ALLOC_CLASS_MASK | FREEBSD_ALLOC_WAITFAIL | FREEBSD_ALLOC_WIRED | FREEBSD_ALLOC_ZERO |          \
     FREEBSD_ALLOC_NOFREE | FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_NODUMP | FREEBSD_ALLOC_NOWAIT |             \
     FREEBSD_ALLOC_COUNT(FREEBSD_ALLOC_COUNT_MAX))
#define FREEBSD_ALLOC_ACCEPTS_OBJECT       (FREEBSD_ALLOC_ALWAYS | FREEBSD_ALLOC_SBUSY)
#define FREEBSD_ALLOC_ACCEPTS_CONTIG       (FREEBSD_ALLOC_ACCEPTS_OBJECT | FREEBSD_ALLOC_NORECLAIM)
#define FREEBSD_ALLOC_ACCEPTS_NOOBJ        (FREEBSD_ALLOC_ALWAYS | FREEBSD_ALLOC_WAITOK)
#define FREEBSD_ALLOC_ACCEPTS_NOOBJ_CONTIG (FREEBSD_ALLOC_ACCEPTS_NOOBJ | FREEBSD_ALLOC_NORECLAIM)

/* The kernel malloc's flags, as far as they choose a class (2.2.5). */
#define FREEBSD_M_NOWAIT      UINT32_C(0x0001)
#define FREEBSD_M_WAITOK      UINT32_C(0x0002)
#define FREEBSD_M_ZERO        UINT32_C(0x0100)
#define FREEBSD_M_USE_RESERVE UINT32_C(0x0400)
#define FREEBSD_M_NODUMP      UINT32_C(0x0800)

/* malloc's flags as a `req`: USE_RESERVE is INTERRUPT, everything else SYSTEM, never NORMAL. USE_RESERVE
 * without NOWAIT is trapped and answered as if it were not there. */
uint32_t freebsd_malloc_to_alloc(struct trap *trap, uint32_t malloc_flags);

#endif
