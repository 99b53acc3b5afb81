/* Table memory with a stack of tables for each CPU, kept for reuse: made zero when they come back, linked
 * through their first word, handed out at once. The way of Linux's quicklists; table_prepare fills the CPU's
 * stack ahead, so that gets in a place that may not fail cannot. */
#include "allocators/services/shelf.h"

#define STACK_KEEP_DEFAULT 8u
#define STACK_KEEP_LIMIT   UINT32_C(1000000)

static size_t stack_meta_bytes(const struct pl_page_table_config *config)
{
    return shelves_bytes(config, false);
}

static enum pl_status stack_init(void *instance, const struct pl_page_table_config *config)
{
    struct param keep = {.name = "keep", .most = STACK_KEEP_LIMIT, .value = STACK_KEEP_DEFAULT};
    PL_ASSERT(instance != NULL);
    if (!params_parse(config->params, &keep, 1))
        return PL_INVALID;
    return shelves_init(instance, config, false, keep.value, "stack");
}

static void stack_settings(const void *instance, char *text, size_t bytes)
{
    const struct shelves *self = instance;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "keep=%llu zeroed=at-put", (unsigned long long)self->keep);
}

static const struct pl_page_table_ops stack_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE | PL_CAP_NEEDS_CONTENTS,
    .meta_bytes = stack_meta_bytes,
    .init = stack_init,
    .fini = shelves_fini,
    .table_get = shelves_get,
    .table_put = shelves_put,
    .table_prepare = shelves_prepare,
    .count = shelves_count,
    .audit = shelves_audit,
    .settings = stack_settings,
    .drain = shelves_drain,
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
