/* Table memory straight from the page allocator: a frame a table, made zero when it is handed out, given back
 * at once. The simplest there is, and what Linux does where an architecture keeps no list of its own. */
#include "allocators/services/tables.h"

struct direct {
    struct tables tables;
};

static size_t direct_meta_bytes(const struct pl_page_table_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return sizeof(struct direct) + marks_bytes(config->machine);
}

static enum pl_status direct_init(void *instance, const struct pl_page_table_config *config)
{
    struct direct *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    if (config->params != NULL && config->params[0] != '\0')
        return PL_INVALID;
    return tables_init(&self->tables, config, self + 1);
}

static void direct_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static enum pl_status direct_get(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    struct direct *self = instance;
    struct pl_run table;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_request_is_legal(request))
        return PL_INVALID;
    enum pl_status status = tables_take(&self->tables, cpu, request, &table);
    if (status != PL_OK)
        return status;
    tables_hand_out(&self->tables, &table);
    *run = table;
    return PL_OK;
}

static enum pl_status direct_put(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct direct *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (!tables_take_in(&self->tables, run))
        return PL_REFUSED;
    enum pl_status status = tables_give(&self->tables, cpu, run, false);
    if (status != PL_OK)
        tables_hand_out(&self->tables, run);
    return status;
}

static void direct_count(const void *instance, struct pl_page_table_counts *counts)
{
    const struct direct *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_table_counts){.tables_live = tables_live_count(&self->tables)};
}

static uint64_t direct_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct direct *self = instance;
    PL_ASSERT(visitor != NULL);
    return tables_audit(&self->tables, visitor, "direct");
}

static void direct_settings(const void *instance, char *text, size_t bytes)
{
    PL_ASSERT(instance != NULL);
    snprintf(text, bytes, "keep=0 zeroed=at-get");
}

static const struct pl_page_table_ops direct_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps =
        PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_CHECKS_FREE | PL_CAP_NEEDS_CONTENTS,
    .meta_bytes = direct_meta_bytes,
    .init = direct_init,
    .fini = direct_fini,
    .table_get = direct_get,
    .table_put = direct_put,
    .count = direct_count,
    .audit = direct_audit,
    .settings = direct_settings,
};

extern const struct pl_candidate pl_candidate_direct;
const struct pl_candidate pl_candidate_direct = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "direct",
    .summary = "table memory: each from the page allocator, given back at once",
    .kind = PL_KIND_SERVICE,
    .page_table = &direct_ops,
};
