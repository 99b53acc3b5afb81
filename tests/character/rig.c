/* See character.h. */
#include <stdlib.h>

#include "tests/character/character.h"

/* The visitor comes first: audit is handed that. */
struct listener {
    struct pl_visitor visitor;
    void (*visit)(void *argument, const struct pl_block *block);
    void *argument;
};

bool rig_take_request(struct rig *rig, uint32_t cpu, const struct pl_request *request, struct pl_run *run)
{
    const struct pl_page *page = &rig->instance.page;
    return page->ops->alloc(page->self, native_cpu(rig->native, cpu), request, run) == PL_OK;
}

bool rig_take(struct rig *rig, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return rig_take_request(rig, cpu, &request, run);
}

void rig_give(struct rig *rig, uint32_t cpu, const struct pl_run *run)
{
    const struct pl_page *page = &rig->instance.page;
    enum pl_status status = page->ops->free(page->self, native_cpu(rig->native, cpu), run);
    if (status == PL_OK)
        return;
    fprintf(stderr, "character: a grant could not be given back: %s\n", pl_status_name(status));
    exit(2);
}

struct pl_page_counts rig_counts(const struct rig *rig)
{
    struct pl_page_counts counts = {0};
    rig->instance.page.ops->count(rig->instance.page.self, &counts);
    return counts;
}

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct listener *listener = (struct listener *)visitor;
    listener->visit(listener->argument, block);
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    fprintf(stderr, "character: audit: %s\n", words);
    exit(2);
}

void rig_blocks(const struct rig *rig, void (*visit)(void *argument, const struct pl_block *block),
                void *argument)
{
    struct listener listener = {
        .visitor = {.bytes = sizeof(listener.visitor), .block = hear_block, .broken = hear_broken},
        .visit = visit,
        .argument = argument,
    };
    rig->instance.page.ops->audit(rig->instance.page.self, &listener.visitor);
}
