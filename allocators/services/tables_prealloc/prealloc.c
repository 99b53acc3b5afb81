/* Table memory from a stock that is there before anybody asks: tables taken and made zero at the start, one
 * stock for all CPUs. While it lasts no get reaches the page allocator; after that each does. */
#include "allocators/services/shelf.h"

#define PREALLOC_TABLES_DEFAULT 64u
#define PREALLOC_TABLES_LIMIT   UINT32_C(1000000)
#define PREALLOC_SHARE          16u /* the start takes no more than a 16th of the machine */

static size_t prealloc_meta_bytes(const struct pl_page_table_config *config)
{
    return shelves_bytes(config, true);
}

static enum pl_status prealloc_init(void *instance, const struct pl_page_table_config *config)
{
    struct param tables = {.name = "tables", .most = PREALLOC_TABLES_LIMIT, .value = PREALLOC_TABLES_DEFAULT};
    PL_ASSERT(instance != NULL);
    if (!params_parse(config->params, &tables, 1))
        return PL_INVALID;
    return shelves_init(instance, config, true, tables.value, "prealloc");
}

/* As much as there is: a stock that is smaller than wanted is not worse than none. */
static void prealloc_start(void *instance, struct pl_cpu *cpu)
{
    struct shelves *self = instance;
    uint64_t share = self->tables.machine->frame_count / PREALLOC_SHARE;
    uint64_t pushed;
    PL_ASSERT(cpu != NULL);
    (void)shelves_fill(self, cpu, self->keep < share ? self->keep : share, &pushed);
}

static void prealloc_settings(const void *instance, char *text, size_t bytes)
{
    const struct shelves *self = instance;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "tables=%llu zeroed=at-put", (unsigned long long)self->keep);
}

static const struct pl_page_table_ops prealloc_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE | PL_CAP_NEEDS_CONTENTS,
    .meta_bytes = prealloc_meta_bytes,
    .init = prealloc_init,
    .fini = shelves_fini,
    .table_get = shelves_get,
    .table_put = shelves_put,
    .table_prepare = shelves_prepare,
    .count = shelves_count,
    .audit = shelves_audit,
    .settings = prealloc_settings,
    .drain = shelves_drain,
    .start = prealloc_start,
};

extern const struct pl_candidate pl_candidate_prealloc;
const struct pl_candidate pl_candidate_prealloc = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "prealloc",
    .summary = "table memory: a stock of zeroed tables, there from the start",
    .kind = PL_KIND_SERVICE,
    .page_table = &prealloc_ops,
    .params = "tables=N",
};
