/* Descriptors over ranges of a task's addresses (IOMemoryDescriptor::withAddressRanges). The ranges lie in
 * buffers of this system; while prepared they hold those buffers' pages, else they are looked up by address
 * each time.
 *
 *     descriptor | a few entries | -> chunk (a frame) | entries | -> chunk ...
 */
#include <pagelab/check.h>

#include "systems/iokit/iokit_internal.h"

#define RANGES_INLINE 6u

struct range_entry {
    uint64_t addr;
    uint64_t bytes;
    uint64_t start;              /* offset in the descriptor */
    uint64_t io_start;           /* offset in its IO-virtual run */
    struct iokit_buffer *buffer; /* held; NULL unless wired */
};

/* Entries [from, from + count) of the descriptor; the first chunk is inside it. */
struct range_chunk {
    struct range_chunk *next;
    struct range_entry *entries;
    uint64_t end; /* offset in the descriptor where its last entry ends */
    uint32_t count;
    uint32_t room;
    struct pl_run run; /* of the frame that it is in; frame_count 0 for the first */
};

struct ranges {
    struct iokit_memory memory;
    struct ranges *next; /* of the live ones */
    struct ranges *previous;
    struct iokit_area io;
    uint64_t io_bytes; /* pages that the ranges touch, as the IOMMU maps them */
    struct range_chunk first;
    struct range_entry entries[RANGES_INLINE];
};

_Static_assert(sizeof(struct ranges) <= IOKIT_RANGES_BYTES, "one slab object");

#define CHUNK_ENTRIES ((uint32_t)((PL_FRAME_BYTES - sizeof(struct range_chunk)) / sizeof(struct range_entry)))

static struct ranges *ranges_of(struct iokit_memory *memory)
{
    return (struct ranges *)(void *)memory;
}

static const struct ranges *ranges_of_const(const struct iokit_memory *memory)
{
    return (const struct ranges *)(const void *)memory;
}

/* The entry that byte `offset` < length is in. Walks go forward, so the chunk of the last time is tried
 * first. */
static const struct range_entry *find_entry(const struct ranges *ranges, uint64_t offset)
{
    struct iokit *system = ranges->memory.system;
    const struct range_chunk *chunk = &ranges->first;
    if (system->range_cursor.serial == ranges->memory.serial && system->range_cursor.start <= offset)
        chunk = system->range_cursor.chunk;
    while (chunk->end <= offset)
        chunk = chunk->next;
    system->range_cursor.serial = ranges->memory.serial;
    system->range_cursor.start = chunk->entries[0].start;
    system->range_cursor.chunk = chunk;
    uint32_t low = 0;
    uint32_t high = chunk->count;
    while (high - low > 1) { /* the last entry that starts at or before offset */
        uint32_t middle = low + (high - low) / 2;
        if (chunk->entries[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return &chunk->entries[low];
}

/* --- the live ones --- */

static void link_live(struct ranges *ranges)
{
    struct iokit *system = ranges->memory.system;
    ranges->previous = NULL;
    ranges->next = system->ranges_first == NULL ? NULL : ranges_of(system->ranges_first);
    if (ranges->next != NULL)
        ranges->next->previous = ranges;
    system->ranges_first = &ranges->memory;
}

static void unlink_live(struct ranges *ranges)
{
    struct iokit *system = ranges->memory.system;
    if (ranges->next != NULL)
        ranges->next->previous = ranges->previous;
    if (ranges->previous != NULL)
        ranges->previous->next = ranges->next;
    else
        system->ranges_first = ranges->next == NULL ? NULL : &ranges->next->memory;
    system->known = NULL;
}

bool iokit_ranges_alive(const struct iokit *system, const struct iokit_memory *memory)
{
    const struct ranges *ranges = system->ranges_first == NULL ? NULL : ranges_of_const(system->ranges_first);
    while (ranges != NULL && &ranges->memory != memory)
        ranges = ranges->next;
    return ranges != NULL;
}

/* --- holding --- */

static void unhold(struct ranges *ranges, struct pl_cpu *cpu, const struct range_entry *stop)
{
    for (struct range_chunk *chunk = &ranges->first; chunk != NULL; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->count; i++) {
            struct range_entry *entry = &chunk->entries[i];
            if (entry == stop)
                return;
            struct iokit_buffer *buffer = entry->buffer;
            entry->buffer = NULL;
            buffer_unpin(buffer);
            iokit_memory_release(&buffer->memory, cpu);
        }
    }
}

/* A wired range holds a reference: wired pages outlive their mapping. */
static bool hold_all(struct ranges *ranges, struct pl_cpu *cpu)
{
    struct iokit *system = ranges->memory.system;
    for (struct range_chunk *chunk = &ranges->first; chunk != NULL; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->count; i++) {
            struct range_entry *entry = &chunk->entries[i];
            struct iokit_buffer *buffer = iokit_buffer_at(system, entry->addr, entry->bytes);
            if (buffer == NULL || !buffer_pin(buffer, cpu)) {
                unhold(ranges, cpu, entry);
                return false;
            }
            iokit_memory_retain(&buffer->memory);
            entry->buffer = buffer;
        }
    }
    return true;
}

static uint32_t ranges_wire(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction)
{
    struct ranges *ranges = ranges_of(self);
    (void)direction;
    if (!hold_all(ranges, cpu))
        return IOKIT_CANNOT_WIRE;
    if (self->system->config.iommu && ranges->io_bytes != 0 &&
        !window_take(&self->system->io, &ranges->io, ranges->io_bytes, PL_FRAME_BYTES)) {
        unhold(ranges, cpu, NULL);
        return IOKIT_NO_RESOURCES;
    }
    return IOKIT_SUCCESS;
}

static void ranges_unwire(struct iokit_memory *self, struct pl_cpu *cpu)
{
    struct ranges *ranges = ranges_of(self);
    if (ranges->io.bytes != 0)
        window_give(&self->system->io, &ranges->io);
    unhold(ranges, cpu, NULL);
}

/* Segments end where a range ends, even if the next one happens to follow it in memory. */
static uint64_t ranges_segment(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes)
{
    const struct ranges *ranges = ranges_of_const(self);
    const struct range_entry *entry = find_entry(ranges, offset);
    uint64_t inside = offset - entry->start;
    if (ranges->io.bytes != 0) {
        *bytes = entry->bytes - inside;
        return ranges->io.addr + entry->io_start + inside;
    }
    return buffer_physical(entry->buffer, entry->addr - entry->buffer->addr + inside, entry->bytes - inside,
                           bytes);
}

static unsigned char *ranges_touch(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset, bool write,
                                   uint64_t *bytes)
{
    if (offset >= self->length)
        return NULL;
    const struct range_entry *entry = find_entry(ranges_of(self), offset);
    uint64_t inside = offset - entry->start;
    unsigned char *place = iokit_resolve(self->system, cpu, entry->addr + inside, write, bytes);
    if (*bytes > entry->bytes - inside)
        *bytes = entry->bytes - inside;
    return place;
}

static void free_chunks(struct ranges *ranges, struct pl_cpu *cpu)
{
    struct pl_page page = gate_page(ranges->memory.system->config.gate);
    struct range_chunk *chunk = ranges->first.next;
    while (chunk != NULL) {
        struct range_chunk *next = chunk->next;
        struct pl_run run = chunk->run;
        enum pl_status status = page.ops->free(page.self, cpu, &run);
        PL_ASSERT(status == PL_OK);
        (void)status;
        chunk = next;
    }
}

static void ranges_destroy(struct iokit_memory *self, struct pl_cpu *cpu)
{
    struct iokit *system = self->system;
    system->range_cursor.serial = 0;
    unlink_live(ranges_of(self));
    free_chunks(ranges_of(self), cpu);
    slab_put(&system->ranges, cpu, self);
}

static const struct iokit_memory_ops ranges_ops = {
    .kind = "ranges",
    .wire = ranges_wire,
    .unwire = ranges_unwire,
    .segment = ranges_segment,
    .touch = ranges_touch,
    .destroy = ranges_destroy,
};

static struct range_chunk *add_chunk(struct iokit *system, struct pl_cpu *cpu)
{
    struct pl_page page = gate_page(system->config.gate);
    struct pl_request request = iokit_request(0);
    struct pl_run run = {0};
    if (page.ops->alloc(page.self, cpu, &request, &run) != PL_OK)
        return NULL;
    struct range_chunk *chunk = (struct range_chunk *)(void *)gate_bytes(system->config.gate, run.first);
    run.flags &= ~PL_RUN_ZERO;
    *chunk = (struct range_chunk){
        .entries = (struct range_entry *)(void *)(chunk + 1), .room = CHUNK_ENTRIES, .run = run};
    return chunk;
}

/* Empty ranges carry no byte and are left out. Where the IOMMU maps, each range begins on a page of its own.
 */
static bool add_entries(struct ranges *ranges, struct pl_cpu *cpu, const struct iokit_range *from,
                        uint32_t count)
{
    struct range_chunk *chunk = &ranges->first;
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].bytes == 0)
            continue;
        if (chunk->count == chunk->room) {
            chunk->next = add_chunk(ranges->memory.system, cpu);
            if (chunk->next == NULL)
                return false;
            chunk = chunk->next;
        }
        uint64_t in_page = from[i].addr % PL_FRAME_BYTES;
        struct range_entry *entry = &chunk->entries[chunk->count++];
        *entry = (struct range_entry){.addr = from[i].addr,
                                      .bytes = from[i].bytes,
                                      .start = ranges->memory.length,
                                      .io_start = ranges->io_bytes + in_page};
        ranges->memory.length += from[i].bytes;
        ranges->io_bytes += pages_of(in_page + from[i].bytes) * PL_FRAME_BYTES;
        chunk->end = ranges->memory.length;
    }
    return true;
}

static bool ranges_are_somewhere(const struct iokit *system, const struct iokit_range *ranges, uint32_t count)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].bytes == 0)
            continue;
        if (total + ranges[i].bytes < total ||
            iokit_buffer_at(system, ranges[i].addr, ranges[i].bytes) == NULL)
            return false;
        total += ranges[i].bytes;
    }
    return true;
}

struct iokit_memory *iokit_memory_with_ranges(struct iokit *system, struct pl_cpu *cpu,
                                              const struct iokit_range *ranges, uint32_t range_count,
                                              uint32_t direction)
{
    if (range_count == 0 || !iokit_may_sleep(system, cpu, "withAddressRanges") ||
        !ranges_are_somewhere(system, ranges, range_count))
        return NULL;
    struct pl_request request = iokit_request(0);
    struct ranges *self = slab_get(&system->ranges, cpu, &request, NULL);
    if (self == NULL)
        return NULL;
    iokit_memory_init(&self->memory, &ranges_ops, system, 0, direction);
    self->io.owner = &self->memory;
    self->first = (struct range_chunk){.entries = self->entries, .room = RANGES_INLINE};
    if (!add_entries(self, cpu, ranges, range_count)) {
        free_chunks(self, cpu);
        slab_put(&system->ranges, cpu, self);
        return NULL;
    }
    link_live(self);
    return &self->memory;
}

/* The physical page behind `page_offset` of the IO-virtual run; UINT64_MAX: none. */
uint64_t iokit_ranges_physical(const struct iokit_memory *memory, uint64_t page_offset)
{
    const struct ranges *ranges = ranges_of_const(memory);
    for (const struct range_chunk *chunk = &ranges->first; chunk != NULL; chunk = chunk->next) {
        for (uint32_t i = 0; i < chunk->count; i++) {
            const struct range_entry *entry = &chunk->entries[i];
            uint64_t page = entry->io_start / PL_FRAME_BYTES * PL_FRAME_BYTES;
            if (page_offset < page || page_offset >= entry->io_start + entry->bytes)
                continue;
            uint64_t in_page = entry->io_start % PL_FRAME_BYTES;
            uint64_t bytes = 0;
            uint64_t into = page_offset == page ? 0 : page_offset - page - in_page;
            uint64_t addr =
                buffer_physical(entry->buffer, entry->addr - entry->buffer->addr + into, 1, &bytes);
            return bytes == 0 ? UINT64_MAX : addr / PL_FRAME_BYTES * PL_FRAME_BYTES;
        }
    }
    return UINT64_MAX;
}
