/* A store buffer for each virtual CPU, as x86 processors have one (x86-TSO; Sewell et al., CACM 2010): an
 * atomic store that is not sequentially consistent waits in it, in order, and its CPU sees it at once while
 * the others do not. It becomes visible when the chooser says so (SIM_FLUSH), when the buffer is full, and
 * before each locked operation, sequentially consistent store or fence, relax, wait and end. Plain stores go
 * to memory at once: code without data races cannot tell. Weaker orders, as of ARM or POWER, are not
 * explored. */
#ifndef PLATFORM_SIM_STORE_BUFFER_H
#define PLATFORM_SIM_STORE_BUFFER_H

#include "platform/sim/sim.h"

#define STORE_BUFFER_DEPTH 8u

struct store_buffer_entry {
    volatile void *address;
    size_t bytes;
    uint64_t value;
};

struct store_buffer {
    struct sim_memory memory; /* what to pass as sim_setup.memory */
    uint64_t kept;            /* stores that waited: statistics */
    uint64_t forwarded;       /* loads that were answered from a buffer */
    struct {
        uint32_t count;
        struct store_buffer_entry entries[STORE_BUFFER_DEPTH]; /* oldest first */
    } cpus[PL_CPU_LIMIT];
};

void store_buffer_init(struct store_buffer *buffer);

#endif
