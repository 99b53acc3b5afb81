/* Table memory with a stack of tables kept for reuse: made zero when they come back, linked through their
 * first word, handed out at once. The way of Linux's quicklists; table_prepare fills the stack ahead, so that
 * gets in a place that may not fail cannot (the way of Linux's mempool). */
#include <pagelab/lock.h>

#include "allocators/services/params.h"
#include "allocators/services/tables.h"

#define STACK_KEEP_DEFAULT 8u
#define STACK_KEEP_LIMIT   UINT32_C(1000000)

/* Kept tables are granted to us by the page allocator, and zero but for the first word: the number of the
 * next frame plus 1, 0 at the bottom. */
struct stack {
    struct pl_lock lock; /* of top and kept */
    struct tables tables;
    uint64_t top;       /* frame number plus 1 */
    atomic_ullong kept; /* written under the lock; count, which has no CPU to lock with, reads without */
    uint64_t keep;      /* a put that finds as many kept gives its table back */
};

static size_t stack_meta_bytes(const struct pl_page_table_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return sizeof(struct stack) + marks_bytes(config->machine);
}

static enum pl_status stack_init(void *instance, const struct pl_page_table_config *config)
{
    struct stack *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    struct param keep = {.name = "keep", .most = STACK_KEEP_LIMIT, .value = STACK_KEEP_DEFAULT};
    if (!params_parse(config->params, &keep, 1))
        return PL_INVALID;
    self->keep = keep.value;
    return tables_init(&self->tables, config, self + 1);
}

/* What is kept is granted as far as the page allocator knows; its owner drains first, or throws both away. */
static void stack_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static uint64_t *stack_link(const struct stack *self, pl_frame frame)
{
    return (void *)pl_frame_address(self->tables.machine, frame);
}

static uint64_t stack_kept(const struct stack *self)
{
    return atomic_load_explicit(&self->kept, memory_order_relaxed);
}

/* Under the lock. */
static void stack_set_kept(struct stack *self, uint64_t kept)
{
    atomic_store_explicit(&self->kept, kept, memory_order_relaxed);
}

/* Pushes a zero frame unless `limit` are kept already. */
static bool stack_push(struct stack *self, struct pl_cpu *cpu, pl_frame frame, uint64_t limit)
{
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool room = stack_kept(self) < limit;
    if (room) {
        *stack_link(self, frame) = self->top;
        self->top = frame.number + 1;
        stack_set_kept(self, stack_kept(self) + 1);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return room;
}

/* Pops a frame, all zero again, if there is one. */
static bool stack_pop(struct stack *self, struct pl_cpu *cpu, struct pl_run *run)
{
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool any = stack_kept(self) > 0;
    if (any) {
        *run = (struct pl_run){
            .first = pl_frame_at(self->top - 1), .frame_count = 1, .order = 0, .flags = PL_RUN_ZERO};
        uint64_t *link = stack_link(self, run->first);
        self->top = *link;
        *link = 0;
        stack_set_kept(self, stack_kept(self) - 1);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return any;
}

/* A kept table may be of any node; who names one on a machine of several is served by the page allocator. */
static bool stack_serves(const struct stack *self, const struct pl_request *request)
{
    return request->node == PL_NODE_ANY || self->tables.machine->node_count <= 1;
}

static enum pl_status stack_get(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run)
{
    struct stack *self = instance;
    struct pl_run table;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_request_is_legal(request))
        return PL_INVALID;
    if (!stack_serves(self, request) || !stack_pop(self, cpu, &table)) {
        enum pl_status status = tables_take(&self->tables, cpu, request, &table);
        if (status != PL_OK)
            return status;
    }
    tables_hand_out(&self->tables, &table);
    *run = table;
    return PL_OK;
}

static enum pl_status stack_put(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct stack *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_take_in(&self->tables, run))
        return PL_REFUSED;
    if (self->keep != 0) {
        memset(pl_frame_address(self->tables.machine, run->first), 0, PL_FRAME_BYTES);
        if (stack_push(self, cpu, run->first, self->keep))
            return PL_OK;
    }
    enum pl_status status = tables_give(&self->tables, cpu, run, self->keep != 0);
    if (status != PL_OK)
        tables_hand_out(&self->tables, run);
    return status;
}

/* Gives back so many, or all there are. By number, not down to a level: what others put meanwhile is theirs.
 */
static void stack_shrink(struct stack *self, struct pl_cpu *cpu, uint64_t tables)
{
    struct pl_run run;
    while (tables-- > 0 && stack_pop(self, cpu, &run)) {
        enum pl_status status = tables_give(&self->tables, cpu, &run, true);
        PL_ASSERT(status == PL_OK);
        (void)status;
    }
}

/* At least so many are kept afterwards, or PL_NO_MEMORY and as many as there would be without the call. Never
 * sleeps. */
static enum pl_status stack_prepare(void *instance, struct pl_cpu *cpu, uint64_t tables)
{
    struct stack *self = instance;
    const struct pl_request request = {.node = PL_NODE_ANY};
    PL_ASSERT(cpu != NULL);
    if (tables > self->tables.machine->frame_count)
        return PL_NEVER;
    for (uint64_t pushed = 0; stack_kept(self) < tables; pushed++) {
        struct pl_run run;
        enum pl_status status = tables_take(&self->tables, cpu, &request, &run);
        if (status != PL_OK) {
            stack_shrink(self, cpu, pushed);
            return status;
        }
        (void)stack_push(self, cpu, run.first, UINT64_MAX);
    }
    return PL_OK;
}

static void stack_drain(void *instance, struct pl_cpu *cpu)
{
    PL_ASSERT(instance != NULL);
    PL_ASSERT(cpu != NULL);
    stack_shrink(instance, cpu, UINT64_MAX);
}

static void stack_count(const void *instance, struct pl_page_table_counts *counts)
{
    const struct stack *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_table_counts){.tables_live = tables_live_count(&self->tables),
                                            .tables_kept = stack_kept(self)};
}

static bool stack_is_zero_behind_link(const uint64_t *words)
{
    uint64_t any = 0;
    for (size_t i = 1; i < PL_FRAME_BYTES / sizeof(uint64_t); i++)
        any |= words[i];
    return any == 0;
}

static uint64_t stack_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct stack *self = instance;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t broken = tables_audit(&self->tables, visitor, "stack");
    uint64_t at = self->top;
    uint64_t met = 0;
    while (at != 0 && met++ < stack_kept(self)) {
        pl_frame frame = pl_frame_at(at - 1);
        if (frame.number - self->tables.machine->first.number >= self->tables.machine->span) {
            tables_broken(visitor, &broken, "stack", frame.number, "is kept and no frame of the machine");
            return broken;
        }
        if (marks_test(&self->tables.live, frame))
            tables_broken(visitor, &broken, "stack", frame.number, "is kept and handed out");
        if (!stack_is_zero_behind_link(stack_link(self, frame)))
            tables_broken(visitor, &broken, "stack", frame.number, "is kept and was written to (X-8)");
        at = *stack_link(self, frame);
    }
    if (at != 0 || met != stack_kept(self))
        tables_broken(visitor, &broken, "stack", stack_kept(self),
                      "tables are counted, the stack has others");
    return broken;
}

static void stack_settings(const void *instance, char *text, size_t bytes)
{
    const struct stack *self = instance;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "keep=%llu zeroed=at-put", (unsigned long long)self->keep);
}

static const struct pl_page_table_ops stack_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE | PL_CAP_NEEDS_CONTENTS,
    .meta_bytes = stack_meta_bytes,
    .init = stack_init,
    .fini = stack_fini,
    .table_get = stack_get,
    .table_put = stack_put,
    .table_prepare = stack_prepare,
    .count = stack_count,
    .audit = stack_audit,
    .settings = stack_settings,
    .drain = stack_drain,
};

extern const struct pl_candidate pl_candidate_stack;
const struct pl_candidate pl_candidate_stack = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "stack",
    .summary = "table memory: a stack of zeroed tables kept for reuse",
    .kind = PL_KIND_SERVICE,
    .page_table = &stack_ops,
    .params = "keep=N",
};
