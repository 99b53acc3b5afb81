/* See slab.h. */
#include "systems/slab/slab.h"

#include <pagelab/check.h>

#include <string.h>

#define SLAB_ALIGNMENT 16u
#define SLAB_POISON    0x5a

/* At the start of each page. Free objects are chained through their first bytes. */
struct slab_page {
    pl_frame next; /* of the pages with a free object */
    pl_frame previous;
    struct pl_run run; /* as granted, to be given back so */
    uint32_t used;
    uint32_t free_at; /* byte offset of the first free object, 0 for none */
    uint64_t reserved;
};

_Static_assert(sizeof(struct slab_page) % SLAB_ALIGNMENT == 0, "objects begin aligned");

static struct slab_page *page_at(const struct slab *slab, pl_frame frame)
{
    return (struct slab_page *)(void *)gate_bytes(slab->gate, frame);
}

static void *object_at(struct slab_page *page, uint32_t at)
{
    return (unsigned char *)page + at;
}

void slab_init(struct slab *slab, struct gate *gate, uint32_t object_bytes)
{
    memset(slab, 0, sizeof(*slab));
    slab->gate = gate;
    slab->object_bytes = (object_bytes + SLAB_ALIGNMENT - 1) / SLAB_ALIGNMENT * SLAB_ALIGNMENT;
    PL_ASSERT(object_bytes > 0 && slab->object_bytes <= 2000);
    slab->objects_per_page = (uint32_t)(PL_FRAME_BYTES - sizeof(struct slab_page)) / slab->object_bytes;
    slab->partial = pl_frame_none();
}

static void link_page(struct slab *slab, struct slab_page *page)
{
    page->previous = pl_frame_none();
    page->next = slab->partial;
    if (!pl_frame_is_none(slab->partial))
        page_at(slab, slab->partial)->previous = page->run.first;
    slab->partial = page->run.first;
}

static void unlink_page(struct slab *slab, struct slab_page *page)
{
    if (pl_frame_is_none(page->previous))
        slab->partial = page->next;
    else
        page_at(slab, page->previous)->next = page->next;
    if (!pl_frame_is_none(page->next))
        page_at(slab, page->next)->previous = page->previous;
}

static enum pl_status add_page(struct slab *slab, struct pl_cpu *cpu, const struct pl_request *wanted)
{
    struct pl_request request = *wanted;
    struct pl_run run = {0};
    struct pl_page from = gate_page(slab->gate);
    request.order = 0;
    request.flags &= ~PL_REQUEST_ZERO;
    enum pl_status status = from.ops->alloc(from.self, cpu, &request, &run);
    if (status != PL_OK)
        return status;
    struct slab_page *page = page_at(slab, run.first);
    page->run = run;
    page->run.flags &= ~PL_RUN_ZERO;
    page->used = 0;
    page->free_at = 0;
    for (uint32_t i = slab->objects_per_page; i-- > 0;) {
        uint32_t at = (uint32_t)sizeof(*page) + i * slab->object_bytes;
        memcpy(object_at(page, at), &page->free_at, sizeof(page->free_at));
        page->free_at = at;
    }
    link_page(slab, page);
    slab->pages++;
    return PL_OK;
}

void *slab_get(struct slab *slab, struct pl_cpu *cpu, const struct pl_request *request,
               enum pl_status *status)
{
    enum pl_status added = PL_OK;
    if (pl_frame_is_none(slab->partial))
        added = add_page(slab, cpu, request);
    if (status != NULL)
        *status = added;
    if (added != PL_OK)
        return NULL;
    struct slab_page *page = page_at(slab, slab->partial);
    void *object = object_at(page, page->free_at);
    memcpy(&page->free_at, object, sizeof(page->free_at));
    page->used++;
    slab->objects++;
    if (page->free_at == 0)
        unlink_page(slab, page);
    memset(object, 0, slab->object_bytes);
    return object;
}

void slab_put(struct slab *slab, struct pl_cpu *cpu, void *object)
{
    const struct pl_machine *machine = slab->gate->machine;
    uint64_t at = (uint64_t)((unsigned char *)object - machine->contents);
    pl_frame frame = pl_frame_at(at / PL_FRAME_BYTES + machine->first.number + slab->gate->frame_offset);
    struct slab_page *page = page_at(slab, frame);
    PL_ASSERT(page->used > 0 && page->run.first.number == frame.number);
    memset(object, SLAB_POISON, slab->object_bytes);
    if (page->free_at == 0)
        link_page(slab, page);
    memcpy(object, &page->free_at, sizeof(page->free_at));
    page->free_at = (uint32_t)(at % PL_FRAME_BYTES);
    slab->objects--;
    if (--page->used != 0)
        return;
    unlink_page(slab, page);
    slab->pages--;
    struct pl_run run = page->run;
    struct pl_page to = gate_page(slab->gate);
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    PL_ASSERT(status == PL_OK);
    (void)status;
}
