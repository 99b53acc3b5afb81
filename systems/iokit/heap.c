/* The kernel heap for buffers smaller than a page: frames cut into one power of two each, so that an object
 * is aligned to its class and never crosses a page. What is known of a page is a slab object beside it; a
 * page goes back as soon as it is empty. */
#include <pagelab/check.h>

#include "systems/iokit/iokit_internal.h"

static uint32_t objects_of(uint32_t class_log2)
{
    return UINT32_C(1) << (PL_FRAME_SHIFT - class_log2);
}

static void link_page(struct iokit *system, struct iokit_heap_page *page)
{
    struct iokit_heap_page **first = &system->heap[page->class_log2];
    page->previous = NULL;
    page->next = *first;
    if (*first != NULL)
        (*first)->previous = page;
    *first = page;
}

static void unlink_page(struct iokit *system, struct iokit_heap_page *page)
{
    if (page->previous == NULL)
        system->heap[page->class_log2] = page->next;
    else
        page->previous->next = page->next;
    if (page->next != NULL)
        page->next->previous = page->previous;
}

static struct iokit_heap_page *add_page(struct iokit *system, struct pl_cpu *cpu, uint32_t options,
                                        uint32_t class_log2)
{
    struct pl_request request = iokit_request(options);
    struct iokit_heap_page *page = slab_get(&system->heap_pages, cpu, &request, NULL);
    if (page == NULL)
        return NULL;
    struct pl_page from = gate_page(system->config.gate);
    if (from.ops->alloc(from.self, cpu, &request, &page->run) != PL_OK) {
        slab_put(&system->heap_pages, cpu, page);
        return NULL;
    }
    page->run.flags &= ~PL_RUN_ZERO;
    page->class_log2 = class_log2;
    link_page(system, page);
    return page;
}

struct iokit_heap_page *heap_get(struct iokit *system, struct pl_cpu *cpu, uint32_t options,
                                 uint32_t class_log2, uint32_t *at)
{
    PL_ASSERT(class_log2 >= IOKIT_HEAP_CLASS_MIN && class_log2 <= IOKIT_HEAP_CLASS_MAX);
    struct iokit_heap_page *page = system->heap[class_log2];
    if (page == NULL)
        page = add_page(system, cpu, options, class_log2);
    if (page == NULL)
        return NULL;
    uint32_t word = 0;
    while (page->taken[word] == UINT64_MAX)
        word++;
    uint32_t object = word * 64 + PL_CTZ64(~page->taken[word]);
    PL_ASSERT(object < objects_of(class_log2));
    page->taken[word] |= UINT64_C(1) << (object % 64);
    page->used++;
    system->heap_objects++;
    if (page->used == objects_of(class_log2))
        unlink_page(system, page);
    *at = object << class_log2;
    return page;
}

void heap_put(struct iokit *system, struct pl_cpu *cpu, struct iokit_heap_page *page, uint32_t at)
{
    uint32_t object = at >> page->class_log2;
    PL_ASSERT(page->taken[object / 64] >> (object % 64) & 1);
    page->taken[object / 64] &= ~(UINT64_C(1) << (object % 64));
    system->heap_objects--;
    if (page->used-- == objects_of(page->class_log2))
        link_page(system, page);
    if (page->used != 0)
        return;
    unlink_page(system, page);
    struct pl_page to = gate_page(system->config.gate);
    struct pl_run run = page->run;
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    PL_ASSERT(status == PL_OK);
    (void)status;
    slab_put(&system->heap_pages, cpu, page);
}
