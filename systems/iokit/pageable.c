/* Pages of pageable buffers: absent until touched, then in a frame, and in a slot of the swap store when the
 * page daemon took the frame. A hash finds a page by buffer and index, as the original's does; chains end in
 * PAGE_ID_NONE. Whoever is pinned keeps his frames. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/iokit/iokit_internal.h"
#include "systems/lie.h"

static uint32_t span_of(const struct iokit *system)
{
    return (uint32_t)system->config.gate->machine->span;
}

static bool is_slot(const struct iokit *system, uint32_t id)
{
    return id >= span_of(system);
}

static struct iokit_page *page_of(const struct iokit *system, uint32_t id)
{
    return is_slot(system, id) ? &system->slots[id - span_of(system)].page : &system->frames[id].page;
}

static pl_frame frame_of(const struct iokit *system, uint32_t id)
{
    const struct gate *gate = system->config.gate;
    return pl_frame_at(id + gate->machine->first.number + gate->frame_offset);
}

static unsigned char *slot_bytes(const struct iokit *system, uint32_t id)
{
    return system->swap + (uint64_t)(id - span_of(system)) * PL_FRAME_BYTES;
}

static uint32_t *bucket_of(const struct iokit *system, const struct iokit_buffer *buffer, uint64_t index)
{
    uint64_t key = (buffer->memory.serial * 64 + index) * UINT64_C(0x9e3779b97f4a7c15);
    return &system->buckets[(uint32_t)(key >> 32) & system->bucket_mask];
}

uint32_t page_find(const struct iokit *system, const struct iokit_buffer *buffer, uint64_t index)
{
    uint32_t id = *bucket_of(system, buffer, index);
    while (id != PAGE_ID_NONE) {
        const struct iokit_page *page = page_of(system, id);
        if (page->owner == buffer && page->index == index)
            break;
        id = page->hash_next;
    }
    return id;
}

pl_frame page_frame(const struct iokit *system, const struct iokit_buffer *buffer, uint64_t index)
{
    uint32_t id = page_find(system, buffer, index);
    return id == PAGE_ID_NONE || is_slot(system, id) ? pl_frame_none() : frame_of(system, id);
}

static void page_insert(struct iokit *system, struct iokit_buffer *buffer, uint64_t index, uint32_t id)
{
    struct iokit_page *page = page_of(system, id);
    uint32_t *bucket = bucket_of(system, buffer, index);
    page->owner = buffer;
    page->index = index;
    page->hash_next = *bucket;
    *bucket = id;
    page->next = PAGE_ID_NONE;
    page->previous = PAGE_ID_NONE;
    page->slot = PAGE_ID_NONE;
    page->tentative = false;
    page->transfer = 0;
    if (is_slot(system, id)) {
        page->next = buffer->slots_first;
        if (page->next != PAGE_ID_NONE)
            page_of(system, page->next)->previous = id;
        buffer->slots_first = id;
        return;
    }
    page->previous = buffer->frames_last;
    if (buffer->frames_last != PAGE_ID_NONE)
        page_of(system, buffer->frames_last)->next = id;
    else
        buffer->frames_first = id;
    buffer->frames_last = id;
    buffer->frames_held++;
}

static void page_remove(struct iokit *system, uint32_t id)
{
    struct iokit_page *page = page_of(system, id);
    struct iokit_buffer *buffer = page->owner;
    uint32_t *link = bucket_of(system, buffer, page->index);
    while (*link != id)
        link = &page_of(system, *link)->hash_next;
    *link = page->hash_next;
    if (page->next != PAGE_ID_NONE)
        page_of(system, page->next)->previous = page->previous;
    else if (!is_slot(system, id))
        buffer->frames_last = page->previous;
    if (page->previous != PAGE_ID_NONE)
        page_of(system, page->previous)->next = page->next;
    else if (is_slot(system, id))
        buffer->slots_first = page->next;
    else
        buffer->frames_first = page->next;
    if (!is_slot(system, id))
        buffer->frames_held--;
}

static uint32_t slot_get(struct iokit *system)
{
    uint32_t slot = system->slot_free;
    if (slot != PAGE_ID_NONE)
        system->slot_free = page_of(system, slot)->next;
    else if (system->slot_top < system->config.swap_pages)
        slot = span_of(system) + system->slot_top++;
    else
        return PAGE_ID_NONE;
    system->slots_used++;
    return slot;
}

static void slot_put(struct iokit *system, uint32_t slot)
{
    page_of(system, slot)->next = system->slot_free;
    system->slot_free = slot;
    system->slots_used--;
}

static void frame_put(struct iokit *system, struct pl_cpu *cpu, uint32_t id)
{
    struct pl_page to = gate_page(system->config.gate);
    struct pl_run run = {
        .first = frame_of(system, id), .frame_count = 1, .flags = page_of(system, id)->run_flags};
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    PL_ASSERT(status == PL_OK);
    (void)status;
}

/* PAGE_ID_NONE: no frame. The grant may sleep, and the page daemon may then take pages of this buffer too, so
 * where the page is must be asked afterwards. */
static uint32_t page_in(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer, uint64_t index,
                        bool tentative)
{
    const struct gate *gate = system->config.gate;
    struct pl_request request = iokit_request(buffer->options);
    struct pl_run run = {0};
    struct pl_page from = gate_page(system->config.gate);
    request.mobility = PL_MOBILITY_MOVABLE;
    request.owner = buffer->memory.serial;
    request.index = index;
    if (from.ops->alloc(from.self, cpu, &request, &run) != PL_OK)
        return PAGE_ID_NONE;
    uint32_t id = (uint32_t)(run.first.number - gate->frame_offset - gate->machine->first.number);
    uint32_t slot = page_find(system, buffer, index);
    if (slot == PAGE_ID_NONE) {
        if ((run.flags & PL_RUN_ZERO) == 0)
            memset(gate_bytes(gate, run.first), 0, PL_FRAME_BYTES);
    } else {
        PL_ASSERT(is_slot(system, slot));
        memcpy(gate_bytes(gate, run.first), slot_bytes(system, slot), PL_FRAME_BYTES);
        page_remove(system, slot);
        system->swapped_in++;
        if (!tentative)
            slot_put(system, slot);
    }
    page_insert(system, buffer, index, id);
    struct iokit_page *page = page_of(system, id);
    page->run_flags = run.flags & ~PL_RUN_ZERO;
    page->tentative = tentative;
    page->slot = tentative ? slot : PAGE_ID_NONE;
    return id;
}

unsigned char *page_touch(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer,
                          uint64_t index)
{
    uint32_t id = page_find(system, buffer, index);
    buffer->transfer = system->transfer;
    if (id == PAGE_ID_NONE || is_slot(system, id))
        id = page_in(system, cpu, buffer, index, false);
    if (id == PAGE_ID_NONE)
        return NULL;
    page_of(system, id)->transfer = system->transfer;
    return gate_bytes(system->config.gate, frame_of(system, id));
}

/* Ends an unfinished prepare: its pages stay, or go back to where they were. */
static void settle(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer, bool keep)
{
    uint32_t next = PAGE_ID_NONE;
    for (uint32_t id = buffer->frames_first; id != PAGE_ID_NONE; id = next) {
        struct iokit_page *page = page_of(system, id);
        uint32_t slot = page->slot;
        next = page->next;
        if (!page->tentative)
            continue;
        page->tentative = false;
        page->slot = PAGE_ID_NONE;
        if (keep) {
            if (slot != PAGE_ID_NONE)
                slot_put(system, slot);
            continue;
        }
        uint64_t index = page->index;
        page_remove(system, id);
        frame_put(system, cpu, id);
        if (slot != PAGE_ID_NONE)
            page_insert(system, buffer, index, slot);
    }
}

bool pages_wire(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer)
{
    uint64_t pages = pages_of(buffer->capacity);
    if (pages > system->config.gate->machine->frame_count)
        return false;
    PL_ASSERT(buffer->pins != 0); /* or the page daemon would take back what was just made resident */
    for (uint64_t index = 0; index < pages; index++) {
        uint32_t id = page_find(system, buffer, index);
        if (id != PAGE_ID_NONE && !is_slot(system, id))
            continue;
        if (page_in(system, cpu, buffer, index, true) == PAGE_ID_NONE) {
            settle(system, cpu, buffer, false);
            return false;
        }
    }
    settle(system, cpu, buffer, true);
    return true;
}

void pages_drop(struct iokit *system, struct pl_cpu *cpu, struct iokit_buffer *buffer)
{
    while (buffer->slots_first != PAGE_ID_NONE) {
        uint32_t slot = buffer->slots_first;
        page_remove(system, slot);
        slot_put(system, slot);
    }
    uint32_t next = PAGE_ID_NONE;
    for (uint32_t id = buffer->frames_first; id != PAGE_ID_NONE; id = next) {
        next = page_of(system, id)->next;
        if (buffer->pins != 0) {
            memset(gate_bytes(system->config.gate, frame_of(system, id)), 0, PL_FRAME_BYTES);
            continue;
        }
        page_remove(system, id);
        frame_put(system, cpu, id);
    }
}

/* --- the page daemon's side --- */

static bool can_lose(const struct iokit_buffer *buffer)
{
    return buffer->path == IOKIT_PATH_PAGEABLE && buffer->frames_held != 0 &&
           (buffer->pins == 0 || LIE("B-9"));
}

static bool is_in_use(const struct iokit *system, uint64_t transfer)
{
    return system->transfer != 0 && transfer == system->transfer;
}

/* All of a volatile buffer goes at once: half of it would be of no use to its owner. */
static uint64_t empty_volatile(struct iokit *system, struct pl_cpu *cpu, uint64_t wanted)
{
    uint64_t freed = 0;
    for (struct iokit_buffer *buffer = system->first; buffer != NULL && freed < wanted;
         buffer = buffer->next) {
        if (!can_lose(buffer) || buffer->purge_state == IOKIT_PURGE_NON_VOLATILE || buffer->pins != 0 ||
            is_in_use(system, buffer->transfer))
            continue;
        freed += buffer->frames_held;
        pages_drop(system, cpu, buffer);
        if (buffer->purge_state == IOKIT_PURGE_VOLATILE)
            system->emptied++;
        buffer->purge_state = IOKIT_PURGE_EMPTY;
    }
    return freed;
}

static bool swap_out(struct iokit *system, struct pl_cpu *cpu, uint32_t id)
{
    uint32_t slot = slot_get(system);
    if (slot == PAGE_ID_NONE)
        return false;
    struct iokit_page *page = page_of(system, id);
    struct iokit_buffer *buffer = page->owner;
    uint64_t index = page->index;
    memcpy(slot_bytes(system, slot), gate_bytes(system->config.gate, frame_of(system, id)), PL_FRAME_BYTES);
    page_remove(system, id);
    frame_put(system, cpu, id);
    page_insert(system, buffer, index, slot);
    system->swapped_out++;
    return true;
}

uint64_t iokit_reclaim(void *self, struct pl_cpu *cpu, uint64_t wanted)
{
    struct iokit *system = self;
    uint64_t freed = empty_volatile(system, cpu, wanted);
    for (struct iokit_buffer *buffer = system->first; buffer != NULL && freed < wanted;
         buffer = buffer->next) {
        uint32_t next = PAGE_ID_NONE;
        uint32_t id = can_lose(buffer) ? buffer->frames_first : PAGE_ID_NONE;
        for (; id != PAGE_ID_NONE && freed < wanted; id = next) {
            const struct iokit_page *page = page_of(system, id);
            next = page->next;
            if (page->tentative || is_in_use(system, page->transfer))
                continue;
            if (!swap_out(system, cpu, id))
                return freed;
            freed++;
        }
    }
    return freed;
}
