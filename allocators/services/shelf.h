/* Tables kept for reuse: granted to us by the page allocator, zero but for the first word, which is the
 * number of the next frame plus 1, and 0 at the bottom.
 *
 *     top -> [ 1004 | 0 0 0 ... ] -> [ 1017 | 0 0 0 ... ] -> [ 0 | 0 0 0 ... ]      each a frame
 *
 * Who uses a shelf sees to it that nobody else does meanwhile: by masking on a shelf of a CPU's own, by a
 * lock on a shared one. */
#ifndef SERVICES_SHELF_H
#define SERVICES_SHELF_H

#include "allocators/services/tables.h"

struct shelf {
    uint64_t top;       /* frame number plus 1 */
    atomic_ullong kept; /* count, which has no CPU to mask or lock with, reads it at any time */
};

PL_INLINE uint64_t shelf_kept(const struct shelf *shelf)
{
    return atomic_load_explicit(&shelf->kept, memory_order_relaxed);
}

PL_INLINE uint64_t *shelf_link(const struct pl_machine *machine, pl_frame frame)
{
    return (void *)pl_frame_address(machine, frame);
}

/* Takes in a zero frame. */
PL_INLINE void shelf_push(struct shelf *shelf, struct pl_cpu *cpu, const struct pl_machine *machine,
                          pl_frame frame)
{
    PL_ASSERT(frame.number - machine->first.number < machine->span);
    *shelf_link(machine, frame) = shelf->top;
    pl_point(cpu, shelf);
    shelf->top = frame.number + 1;
    atomic_store_explicit(&shelf->kept, shelf_kept(shelf) + 1, memory_order_relaxed);
}

/* Hands out a frame, all zero again, if there is one. */
PL_INLINE bool shelf_pop(struct shelf *shelf, struct pl_cpu *cpu, const struct pl_machine *machine,
                         struct pl_run *run)
{
    if (shelf->top == 0)
        return false;
    PL_ASSERT(shelf_kept(shelf) > 0);
    *run = (struct pl_run){
        .first = pl_frame_at(shelf->top - 1), .frame_count = 1, .order = 0, .flags = PL_RUN_ZERO};
    uint64_t *link = shelf_link(machine, run->first);
    pl_point(cpu, shelf);
    shelf->top = *link;
    *link = 0;
    atomic_store_explicit(&shelf->kept, shelf_kept(shelf) - 1, memory_order_relaxed);
    return true;
}

PL_INLINE bool shelf_is_zero_behind_link(const uint64_t *words)
{
    uint64_t any = 0;
    for (size_t i = 1; i < PL_FRAME_BYTES / sizeof(uint64_t); i++)
        any |= words[i];
    return any == 0;
}

/* Walks a shelf whose tables are none of those that are handed out. */
PL_INLINE uint64_t shelf_audit(const struct shelf *shelf, const struct tables *tables,
                               struct pl_visitor *visitor, const char *who)
{
    const struct pl_machine *machine = tables->machine;
    uint64_t broken = 0;
    uint64_t at = shelf->top;
    uint64_t met = 0;
    while (at != 0 && met++ < shelf_kept(shelf)) {
        pl_frame frame = pl_frame_at(at - 1);
        if (frame.number - machine->first.number >= machine->span) {
            tables_broken(visitor, &broken, who, frame.number, "is kept and no frame of the machine");
            return broken;
        }
        if (marks_test(&tables->live, frame))
            tables_broken(visitor, &broken, who, frame.number, "is kept and handed out");
        if (!shelf_is_zero_behind_link(shelf_link(machine, frame)))
            tables_broken(visitor, &broken, who, frame.number, "is kept and was written to (X-8)");
        at = *shelf_link(machine, frame);
    }
    if (at != 0 || met != shelf_kept(shelf))
        tables_broken(visitor, &broken, who, shelf_kept(shelf), "tables are counted, the shelf has others");
    return broken;
}

#endif
