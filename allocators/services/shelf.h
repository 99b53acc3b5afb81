/* Tables kept for reuse, on a shelf of each CPU or on one for all: what `stack` and `prealloc` share.
 *
 *     top -> [ 1004 | 0 0 0 ... ] -> [ 1017 | 0 0 0 ... ] -> [ 0 | 0 0 0 ... ]      each a frame
 *
 * A kept table is granted to us by the page allocator, and zero but for the first word: the number of the
 * next frame plus 1, 0 at the bottom. */
#ifndef SERVICES_SHELF_H
#define SERVICES_SHELF_H

#include "allocators/services/params.h"
#include "allocators/services/tables.h"

/* Of a CPU: only the CPU itself touches it, masked; but drain, when nobody is inside a call. Of all: locked.
 */
struct shelf {
    PL_CPU_ALIGNED uint64_t top; /* frame number plus 1 */
    atomic_ullong kept;          /* count, which has no CPU to mask or lock with, reads it at any time */
    struct pl_lock lock;         /* of a shelf for all */
};

struct shelves {
    struct tables tables;
    uint64_t keep;        /* a put that finds as many kept on its shelf gives its table back */
    uint32_t shelf_count; /* as many as CPUs, or one for all */
    bool shared;
    const char *who; /* in the audit's words */
    struct shelf shelves[];
};

size_t shelves_bytes(const struct pl_page_table_config *config, bool shared);
enum pl_status shelves_init(struct shelves *self, const struct pl_page_table_config *config, bool shared,
                            uint64_t keep, const char *who);

/* Puts up to `tables` on the CPU's shelf that are not there yet: PL_OK, or why no more could be had. Those
 * that were put are counted in `pushed`. Never sleeps. */
enum pl_status shelves_fill(struct shelves *self, struct pl_cpu *cpu, uint64_t tables, uint64_t *pushed);

/* The hooks. */
void shelves_fini(void *instance);
enum pl_status shelves_get(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                           struct pl_run *run);
enum pl_status shelves_put(void *instance, struct pl_cpu *cpu, const struct pl_run *run);
enum pl_status shelves_prepare(void *instance, struct pl_cpu *cpu, uint64_t tables);
void shelves_drain(void *instance, struct pl_cpu *cpu);
void shelves_count(const void *instance, struct pl_page_table_counts *counts);
uint64_t shelves_audit(const void *instance, struct pl_visitor *visitor);

#endif
