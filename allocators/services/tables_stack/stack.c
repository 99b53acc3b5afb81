/* Table memory with a stack of tables for each CPU, kept for reuse: made zero when they come back, linked
 * through their first word, handed out at once. The way of Linux's quicklists; table_prepare fills the CPU's
 * stack ahead, so that gets in a place that may not fail cannot. */
#include "allocators/services/params.h"
#include "allocators/services/shelf.h"

#define STACK_KEEP_DEFAULT 8u
#define STACK_KEEP_LIMIT   UINT32_C(1000000)

/* Only the CPU itself touches its shelf, masked; but drain, when nobody is inside a call. */
struct stack_cpu {
    PL_CPU_ALIGNED struct shelf shelf;
};

struct stack {
    struct tables tables;
    uint64_t keep; /* a put that finds as many kept on its CPU gives its table back */
    struct stack_cpu cpus[];
};

static size_t stack_meta_bytes(const struct pl_page_table_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return sizeof(struct stack) + config->machine->cpu_count * sizeof(struct stack_cpu) +
           marks_bytes(config->machine);
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
    return tables_init(&self->tables, config, &self->cpus[config->machine->cpu_count]);
}

/* What is kept is granted as far as the page allocator knows; its owner drains first, or throws both away. */
static void stack_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static struct shelf *stack_shelf(struct stack *self, const struct pl_cpu *cpu)
{
    PL_ASSERT(cpu->id < self->tables.machine->cpu_count);
    return &self->cpus[cpu->id].shelf;
}

/* Pushes a zero frame unless `limit` are kept here already. */
static bool stack_push(struct stack *self, struct pl_cpu *cpu, pl_frame frame, uint64_t limit)
{
    struct shelf *shelf = stack_shelf(self, cpu);
    uint32_t before = pl_mask(cpu);
    bool room = shelf_kept(shelf) < limit;
    if (room)
        shelf_push(shelf, cpu, self->tables.machine, frame);
    pl_unmask(cpu, before);
    return room;
}

/* Pops one of this CPU's, all zero again, if there is one. */
static bool stack_pop(struct stack *self, struct pl_cpu *cpu, struct pl_run *run)
{
    uint32_t before = pl_mask(cpu);
    bool any = shelf_pop(stack_shelf(self, cpu), cpu, self->tables.machine, run);
    pl_unmask(cpu, before);
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
    bool zero = shelf_kept(stack_shelf(self, cpu)) < self->keep;
    if (zero) {
        memset(pl_frame_address(self->tables.machine, run->first), 0, PL_FRAME_BYTES);
        if (stack_push(self, cpu, run->first, self->keep)) /* not if an interrupt has filled it meanwhile */
            return PL_OK;
    }
    enum pl_status status = tables_give(&self->tables, cpu, run, zero);
    if (status != PL_OK)
        tables_hand_out(&self->tables, run);
    return status;
}

static void stack_give(struct stack *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    enum pl_status status = tables_give(&self->tables, cpu, run, true);
    PL_ASSERT(status == PL_OK);
    (void)status;
}

/* At least so many are kept here afterwards, or PL_NO_MEMORY and as many as there would be without the call.
 * What is given back then is counted by number, not down to a level: what interrupts put meanwhile stays.
 * Never sleeps. */
static enum pl_status stack_prepare(void *instance, struct pl_cpu *cpu, uint64_t tables)
{
    struct stack *self = instance;
    const struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run;
    PL_ASSERT(cpu != NULL);
    if (tables > self->tables.machine->frame_count)
        return PL_NEVER;
    for (uint64_t pushed = 0; shelf_kept(stack_shelf(self, cpu)) < tables; pushed++) {
        enum pl_status status = tables_take(&self->tables, cpu, &request, &run);
        if (status != PL_OK) {
            while (pushed-- > 0 && stack_pop(self, cpu, &run))
                stack_give(self, cpu, &run);
            return status;
        }
        (void)stack_push(self, cpu, run.first, UINT64_MAX);
    }
    return PL_OK;
}

/* Of all CPUs. */
static void stack_drain(void *instance, struct pl_cpu *cpu)
{
    struct stack *self = instance;
    struct pl_run run;
    PL_ASSERT(cpu != NULL);
    while (stack_pop(self, cpu, &run))
        stack_give(self, cpu, &run);
    for (uint32_t i = 0; i < self->tables.machine->cpu_count; i++) {
        while (i != cpu->id && shelf_pop(&self->cpus[i].shelf, cpu, self->tables.machine, &run))
            stack_give(self, cpu, &run);
    }
}

static void stack_count(const void *instance, struct pl_page_table_counts *counts)
{
    const struct stack *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_table_counts){.tables_live = tables_live_count(&self->tables)};
    for (uint32_t i = 0; i < self->tables.machine->cpu_count; i++)
        counts->tables_kept += shelf_kept(&self->cpus[i].shelf);
}

static uint64_t stack_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct stack *self = instance;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t broken = tables_audit(&self->tables, visitor, "stack");
    for (uint32_t i = 0; i < self->tables.machine->cpu_count; i++)
        broken += shelf_audit(&self->cpus[i].shelf, &self->tables, visitor, "stack");
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
    .summary = "table memory: a stack of zeroed tables for each CPU",
    .kind = PL_KIND_SERVICE,
    .page_table = &stack_ops,
    .params = "keep=N",
};
