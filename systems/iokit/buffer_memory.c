/* A buffer as a descriptor: wiring, physical segments, its bytes, its end. */
#include <pagelab/check.h>

#include "systems/iokit/iokit_internal.h"
#include "systems/lie.h"

uint64_t buffer_seen_bytes(const struct iokit_buffer *buffer)
{
    return buffer->path == IOKIT_PATH_HEAP ? buffer->capacity : buffer->backing_bytes;
}

/* --- pins: of the buffer's own prepares together, and of each descriptor over ranges of it --- */

bool buffer_pin(struct iokit_buffer *buffer, struct pl_cpu *cpu)
{
    struct iokit *system = buffer->memory.system;
    PL_ASSERT(buffer->pins < UINT32_MAX);
    if (buffer->pins++ != 0)
        return true;
    if (buffer->path == IOKIT_PATH_PAGEABLE && !pages_wire(system, cpu, buffer)) {
        buffer->pins = 0;
        return false;
    }
    system->pinned++;
    return true;
}

void buffer_unpin(struct iokit_buffer *buffer)
{
    PL_ASSERT(buffer->pins > 0);
    if (--buffer->pins == 0)
        buffer->memory.system->pinned--;
}

static uint32_t buffer_wire(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction)
{
    struct iokit_buffer *buffer = buffer_of(self);
    (void)direction;
    if (!buffer_pin(buffer, cpu))
        return IOKIT_CANNOT_WIRE;
    if (!buffer->mapped)
        return IOKIT_SUCCESS;
    uint64_t bytes = pages_of(buffer->heap_at + buffer->capacity) * PL_FRAME_BYTES;
    uint64_t alignment = PL_FRAME_BYTES;
    while (alignment < buffer->alignment && alignment < IOKIT_WINDOW_BYTES)
        alignment *= 2;
    if (window_take(&self->system->io, &buffer->io, bytes, alignment))
        return IOKIT_SUCCESS;
    buffer_unpin(buffer);
    return IOKIT_NO_RESOURCES;
}

static void buffer_unwire(struct iokit_memory *self, struct pl_cpu *cpu)
{
    struct iokit_buffer *buffer = buffer_of(self);
    (void)cpu;
    if (buffer->io.bytes != 0)
        window_give(&self->system->io, &buffer->io);
    buffer_unpin(buffer);
}

/* --- where the bytes are --- */

/* The run that holds a page of a planned buffer, and the page at which it begins. Walks mostly go forward, so
 * the search starts where the last one ended. */
static const struct iokit_frame *find_run(const struct iokit_buffer *buffer, uint64_t page, uint64_t *begins)
{
    struct iokit *system = buffer->memory.system;
    pl_frame frame = buffer->first_run;
    uint64_t at = 0;
    if (system->cursor.serial == buffer->memory.serial && system->cursor.page <= page) {
        frame = system->cursor.frame;
        at = system->cursor.page;
    }
    const struct iokit_frame *head = frame_at(system, frame);
    while (page - at >= head->run.frame_count) {
        at += head->run.frame_count;
        frame = head->next;
        head = frame_at(system, frame);
    }
    system->cursor.serial = buffer->memory.serial;
    system->cursor.page = at;
    system->cursor.frame = frame;
    *begins = at;
    return head;
}

/* Frame of a page of the buffer and the pages that follow it in memory, at most `limit`, itself included. */
static pl_frame planned_frames(const struct iokit_buffer *buffer, uint64_t page, uint64_t limit,
                               uint64_t *pages)
{
    uint64_t begins = 0;
    const struct iokit_frame *head = find_run(buffer, page, &begins);
    pl_frame first = pl_frame_at(head->run.first.number + (page - begins));
    *pages = head->run.frame_count - (page - begins);
    while (*pages < limit && !pl_frame_is_none(head->next) && head->next.number == first.number + *pages) {
        head = frame_at(buffer->memory.system, head->next);
        *pages += head->run.frame_count;
    }
    return first;
}

static pl_frame object_frames(const struct iokit_buffer *buffer, uint64_t page, uint64_t limit,
                              uint64_t *pages)
{
    const struct iokit *system = buffer->memory.system;
    pl_frame first = page_frame(system, buffer, page);
    *pages = 0;
    if (pl_frame_is_none(first))
        return first;
    do {
        ++*pages;
    } while (*pages < limit && page_frame(system, buffer, page + *pages).number == first.number + *pages);
    return first;
}

uint64_t buffer_physical(const struct iokit_buffer *buffer, uint64_t offset, uint64_t limit, uint64_t *bytes)
{
    uint64_t in_page = offset % PL_FRAME_BYTES;
    uint64_t pages = 0;
    pl_frame first = pl_frame_none();
    *bytes = limit;
    if (buffer->path == IOKIT_PATH_HEAP)
        return buffer->heap_page->run.first.number * PL_FRAME_BYTES + buffer->heap_at + offset;
    if (buffer->path == IOKIT_PATH_PLAN)
        first = planned_frames(buffer, offset / PL_FRAME_BYTES, pages_of(in_page + limit), &pages);
    else
        first = object_frames(buffer, offset / PL_FRAME_BYTES, pages_of(in_page + limit), &pages);
    if (pages == 0 || pages * PL_FRAME_BYTES - in_page < limit)
        *bytes = pages == 0 ? 0 : pages * PL_FRAME_BYTES - in_page;
    return pages == 0 ? 0 : first.number * PL_FRAME_BYTES + in_page;
}

static uint64_t buffer_segment(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes)
{
    const struct iokit_buffer *buffer = buffer_of_const(self);
    uint64_t limit = self->length - offset;
    if (buffer->io.bytes == 0)
        return buffer_physical(buffer, offset, limit, bytes);
    *bytes = limit;
    return buffer->io.addr + buffer->heap_at + offset;
}

unsigned char *buffer_touch(struct iokit_buffer *buffer, struct pl_cpu *cpu, uint64_t offset, uint64_t *bytes)
{
    struct iokit *system = buffer->memory.system;
    const struct gate *gate = system->config.gate;
    if (offset >= buffer_seen_bytes(buffer))
        return NULL;
    uint64_t in_page = offset % PL_FRAME_BYTES;
    if (buffer->path == IOKIT_PATH_PAGEABLE) {
        *bytes = PL_FRAME_BYTES - in_page;
        unsigned char *page = page_touch(system, cpu, buffer, offset / PL_FRAME_BYTES);
        return page == NULL ? NULL : page + in_page;
    }
    if (buffer->path == IOKIT_PATH_HEAP) {
        *bytes = buffer->capacity - offset;
        return gate_bytes(gate, buffer->heap_page->run.first) + buffer->heap_at + offset;
    }
    uint64_t pages = 0;
    pl_frame frame = planned_frames(buffer, offset / PL_FRAME_BYTES, 1, &pages);
    *bytes = pages * PL_FRAME_BYTES - in_page;
    return gate_bytes(gate, frame) + in_page;
}

static unsigned char *buffer_touch_memory(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset,
                                          bool write, uint64_t *bytes)
{
    (void)write;
    return buffer_touch(buffer_of(self), cpu, offset, bytes);
}

/* --- the end --- */

void buffer_unmap(struct iokit_buffer *buffer)
{
    if (buffer->area.bytes != 0)
        window_give(&buffer->memory.system->tasks[buffer->task], &buffer->area);
    buffer->addr = 0;
}

static void free_planned(struct iokit_buffer *buffer, struct pl_cpu *cpu)
{
    struct iokit *system = buffer->memory.system;
    const struct pl_buffer *service = &system->config.buffer;
    uint64_t count = 0;
    for (pl_frame frame = buffer->first_run; !pl_frame_is_none(frame);) {
        const struct iokit_frame *head = frame_at(system, frame);
        system->plan[count++] = head->run;
        frame = head->next;
    }
    PL_ASSERT(count == buffer->run_count);
    system->cursor.serial = 0;
    enum pl_status status = service->ops->release(service->self, cpu, system->plan, (size_t)count);
    PL_ASSERT(status == PL_OK);
    (void)status;
}

void buffer_free_backing(struct iokit_buffer *buffer, struct pl_cpu *cpu)
{
    struct iokit *system = buffer->memory.system;
    switch (buffer->path) {
    case IOKIT_PATH_PAGEABLE:
        PL_ASSERT(buffer->pins == 0);
        pages_drop(system, cpu, buffer);
        break;
    case IOKIT_PATH_PLAN:
        free_planned(buffer, cpu);
        break;
    case IOKIT_PATH_HEAP:
        heap_put(system, cpu, buffer->heap_page, buffer->heap_at);
        break;
    }
}

static void buffer_destroy(struct iokit_memory *self, struct pl_cpu *cpu)
{
    struct iokit_buffer *buffer = buffer_of(self);
    struct iokit *system = self->system;
    iokit_unlink(system, buffer);
    buffer_unmap(buffer);
    if (!LIE("B-19"))
        buffer_free_backing(buffer, cpu);
    slab_put(&system->buffers, cpu, buffer);
}

const struct iokit_memory_ops iokit_buffer_ops = {
    .kind = "buffer",
    .wire = buffer_wire,
    .unwire = buffer_unwire,
    .segment = buffer_segment,
    .touch = buffer_touch_memory,
    .destroy = buffer_destroy,
};
