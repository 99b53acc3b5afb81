/* See shelf.h. */
#include <pagelab/lock.h>

#include "allocators/services/shelf.h"

size_t shelves_bytes(const struct pl_page_table_config *config, bool shared)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    size_t count = shared ? 1 : config->machine->cpu_count;
    return sizeof(struct shelves) + count * sizeof(struct shelf) + marks_bytes(config->machine);
}

enum pl_status shelves_init(struct shelves *self, const struct pl_page_table_config *config, bool shared,
                            uint64_t keep, const char *who)
{
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    self->keep = keep;
    self->shelf_count = shared ? 1 : config->machine->cpu_count;
    self->shared = shared;
    self->who = who;
    return tables_init(&self->tables, config, &self->shelves[self->shelf_count]);
}

/* What is kept is granted as far as the page allocator knows; its owner drains first, or throws both away. */
void shelves_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* ---- one shelf ---- */

static uint64_t shelf_kept(const struct shelf *shelf)
{
    return atomic_load_explicit(&shelf->kept, memory_order_relaxed);
}

static uint64_t *shelf_link(const struct pl_machine *machine, pl_frame frame)
{
    return (void *)pl_frame_address(machine, frame);
}

static struct shelf *shelf_of(struct shelves *self, const struct pl_cpu *cpu)
{
    PL_ASSERT(self->shared || cpu->id < self->shelf_count);
    return &self->shelves[self->shared ? 0 : cpu->id];
}

static uint32_t shelf_enter(const struct shelves *self, struct shelf *shelf, struct pl_cpu *cpu)
{
    return self->shared ? pl_lock_masked(&shelf->lock, cpu) : pl_mask(cpu);
}

static void shelf_leave(const struct shelves *self, struct shelf *shelf, struct pl_cpu *cpu, uint32_t before)
{
    if (self->shared)
        pl_unlock_masked(&shelf->lock, cpu, before);
    else
        pl_unmask(cpu, before);
}

/* Pushes a zero frame unless `limit` are kept there already. */
static bool shelf_push(struct shelves *self, struct shelf *shelf, struct pl_cpu *cpu, pl_frame frame,
                       uint64_t limit)
{
    uint32_t before = shelf_enter(self, shelf, cpu);
    uint64_t kept = shelf_kept(shelf);
    if (kept < limit) {
        *shelf_link(self->tables.machine, frame) = shelf->top;
        pl_point(cpu, shelf);
        shelf->top = frame.number + 1;
        atomic_store_explicit(&shelf->kept, kept + 1, memory_order_relaxed);
    }
    shelf_leave(self, shelf, cpu, before);
    return kept < limit;
}

/* Pops a frame, all zero again, if there is one. */
static bool shelf_pop(struct shelves *self, struct shelf *shelf, struct pl_cpu *cpu, struct pl_run *run)
{
    uint32_t before = shelf_enter(self, shelf, cpu);
    uint64_t kept = shelf_kept(shelf);
    PL_ASSERT((kept == 0) == (shelf->top == 0));
    if (kept != 0) {
        *run = (struct pl_run){
            .first = pl_frame_at(shelf->top - 1), .frame_count = 1, .order = 0, .flags = PL_RUN_ZERO};
        uint64_t *link = shelf_link(self->tables.machine, run->first);
        pl_point(cpu, shelf);
        shelf->top = *link;
        *link = 0;
        atomic_store_explicit(&shelf->kept, kept - 1, memory_order_relaxed);
    }
    shelf_leave(self, shelf, cpu, before);
    return kept != 0;
}

/* ---- the hooks ---- */

/* A kept table may be of any node; who names one on a machine of several is served by the page allocator. */
static bool shelves_serve(const struct shelves *self, const struct pl_request *request)
{
    return request->node == PL_NODE_ANY || self->tables.machine->node_count <= 1;
}

enum pl_status shelves_get(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                           struct pl_run *run)
{
    struct shelves *self = instance;
    struct pl_run table;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_request_is_legal(request))
        return PL_INVALID;
    if (!shelves_serve(self, request) || !shelf_pop(self, shelf_of(self, cpu), cpu, &table)) {
        enum pl_status status = tables_take(&self->tables, cpu, request, &table);
        if (status != PL_OK)
            return status;
    }
    tables_hand_out(&self->tables, &table);
    *run = table;
    return PL_OK;
}

enum pl_status shelves_put(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct shelves *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_take_in(&self->tables, run))
        return PL_REFUSED;
    struct shelf *shelf = shelf_of(self, cpu);
    bool zero = shelf_kept(shelf) < self->keep;
    if (zero) {
        memset(pl_frame_address(self->tables.machine, run->first), 0, PL_FRAME_BYTES);
        if (shelf_push(self, shelf, cpu, run->first, self->keep)) /* not if others filled it meanwhile */
            return PL_OK;
    }
    enum pl_status status = tables_give(&self->tables, cpu, run, zero);
    if (status != PL_OK)
        tables_hand_out(&self->tables, run);
    return status;
}

static void shelves_give(struct shelves *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    enum pl_status status = tables_give(&self->tables, cpu, run, true);
    PL_ASSERT(status == PL_OK);
    (void)status;
}

enum pl_status shelves_fill(struct shelves *self, struct pl_cpu *cpu, uint64_t tables, uint64_t *pushed)
{
    const struct pl_request request = {.node = PL_NODE_ANY};
    struct shelf *shelf = shelf_of(self, cpu);
    PL_ASSERT(tables <= self->tables.machine->frame_count);
    for (*pushed = 0; shelf_kept(shelf) < tables; ++*pushed) {
        struct pl_run run;
        enum pl_status status = tables_take(&self->tables, cpu, &request, &run);
        if (status != PL_OK)
            return status;
        (void)shelf_push(self, shelf, cpu, run.first, UINT64_MAX);
    }
    return PL_OK;
}

/* At least so many are kept afterwards, or PL_NO_MEMORY and as many as there would be without the call. What
 * is given back then is counted by number, not down to a level: what others put meanwhile is theirs. */
enum pl_status shelves_prepare(void *instance, struct pl_cpu *cpu, uint64_t tables)
{
    struct shelves *self = instance;
    struct pl_run run;
    uint64_t pushed;
    PL_ASSERT(cpu != NULL);
    if (tables > self->tables.machine->frame_count)
        return PL_NEVER;
    enum pl_status status = shelves_fill(self, cpu, tables, &pushed);
    while (status != PL_OK && pushed-- > 0 && shelf_pop(self, shelf_of(self, cpu), cpu, &run))
        shelves_give(self, cpu, &run);
    return status;
}

void shelves_drain(void *instance, struct pl_cpu *cpu)
{
    struct shelves *self = instance;
    struct pl_run run;
    PL_ASSERT(cpu != NULL);
    for (uint32_t i = 0; i < self->shelf_count; i++) {
        while (shelf_pop(self, &self->shelves[i], cpu, &run))
            shelves_give(self, cpu, &run);
    }
}

void shelves_count(const void *instance, struct pl_page_table_counts *counts)
{
    const struct shelves *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_table_counts){.tables_live = tables_live_count(&self->tables)};
    for (uint32_t i = 0; i < self->shelf_count; i++)
        counts->tables_kept += shelf_kept(&self->shelves[i]);
}

/* ---- the audit ---- */

static bool shelf_is_zero_behind_link(const uint64_t *words)
{
    uint64_t any = 0;
    for (size_t i = 1; i < PL_FRAME_BYTES / sizeof(uint64_t); i++)
        any |= words[i];
    return any == 0;
}

static uint64_t shelf_audit(const struct shelves *self, const struct shelf *shelf, struct pl_visitor *visitor)
{
    const struct pl_machine *machine = self->tables.machine;
    uint64_t broken = 0;
    uint64_t at = shelf->top;
    uint64_t met = 0;
    while (at != 0 && met++ < shelf_kept(shelf)) {
        pl_frame frame = pl_frame_at(at - 1);
        if (frame.number - machine->first.number >= machine->span) {
            tables_broken(visitor, &broken, self->who, frame.number, "is kept and no frame of the machine");
            return broken;
        }
        if (marks_test(&self->tables.live, frame))
            tables_broken(visitor, &broken, self->who, frame.number, "is kept and handed out");
        if (!shelf_is_zero_behind_link(shelf_link(machine, frame)))
            tables_broken(visitor, &broken, self->who, frame.number, "is kept and was written to (X-8)");
        at = *shelf_link(machine, frame);
    }
    if (at != 0 || met != shelf_kept(shelf))
        tables_broken(visitor, &broken, self->who, shelf_kept(shelf),
                      "tables are counted, the shelf has others");
    return broken;
}

uint64_t shelves_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct shelves *self = instance;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t broken = tables_audit(&self->tables, visitor, self->who);
    for (uint32_t i = 0; i < self->shelf_count; i++)
        broken += shelf_audit(self, &self->shelves[i], visitor);
    return broken;
}
