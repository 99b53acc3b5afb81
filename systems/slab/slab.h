/* Small objects that kernels keep in pages: index nodes, area descriptors, buffer descriptors. One size a
 * slab; its pages come from the candidate, one frame each, and go back as soon as they are empty, so that
 * create and release leave no trace in the counts. A grant may fail, which is what the callers must survive.
 *
 *     frame   | header: next, previous, used, first free | object | object | ...
 *
 * Needs a machine with contents. Not concurrent: the caller serialises. */
#ifndef SYSTEMS_SLAB_H
#define SYSTEMS_SLAB_H

#include "systems/gate/gate.h"

struct slab {
    struct gate *gate;
    uint32_t object_bytes; /* rounded up to 16; at most 2,000 */
    uint32_t objects_per_page;
    pl_frame partial; /* first page with a free object, or none */
    uint64_t objects; /* handed out */
    uint64_t pages;   /* held */
};

/* Starts empty. `gate` is borrowed. */
void slab_init(struct slab *slab, struct gate *gate, uint32_t object_bytes);

/* An object, all zero; NULL if the gate gives no page. Class, wait flags and hints come from `request` (its
 * order is ignored). Sleeps iff the request's flags say so; `status`, if not NULL, gets the reason. */
void *slab_get(struct slab *slab, struct pl_cpu *cpu, const struct pl_request *request,
               enum pl_status *status);

/* Gives one back. Poisons it. Never sleeps. */
void slab_put(struct slab *slab, struct pl_cpu *cpu, void *object);

#endif
