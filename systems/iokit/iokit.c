/* See iokit.h. The system as a whole: its host memory, the list of live buffers, addresses. */
#include "systems/iokit/iokit.h"

#include <pagelab/check.h>

#include <string.h>

#include "systems/iokit/iokit_internal.h"

#define HOST_ALIGNMENT 64u

/* Where each part of the host memory begins; the last one is its size. */
struct layout {
    size_t plan;
    size_t frames;
    size_t buckets;
    size_t slots;
    size_t swap;
    size_t end;
};

static uint64_t bucket_count(const struct pl_machine *machine, uint32_t swap_pages)
{
    uint64_t count = 64;
    while (count < machine->span + swap_pages)
        count *= 2;
    return count;
}

static size_t part(size_t *at, uint64_t bytes)
{
    size_t begins = *at;
    *at += (size_t)((bytes + HOST_ALIGNMENT - 1) / HOST_ALIGNMENT * HOST_ALIGNMENT);
    return begins;
}

static struct layout lay_out(const struct pl_machine *machine, uint32_t swap_pages)
{
    struct layout layout;
    size_t at = 0;
    layout.plan = part(&at, machine->frame_count * sizeof(struct pl_run));
    layout.frames = part(&at, machine->span * sizeof(struct iokit_frame));
    layout.buckets = part(&at, bucket_count(machine, swap_pages) * sizeof(uint32_t));
    layout.slots = part(&at, swap_pages * sizeof(struct iokit_slot));
    layout.swap = part(&at, (uint64_t)swap_pages * PL_FRAME_BYTES);
    layout.end = at;
    return layout;
}

size_t iokit_bytes(const struct pl_machine *machine, uint32_t swap_pages)
{
    return lay_out(machine, swap_pages).end;
}

void iokit_init(struct iokit *system, const struct iokit_config *config, void *memory)
{
    const struct pl_machine *machine = config->gate->machine;
    struct layout layout = lay_out(machine, config->swap_pages);
    unsigned char *base = memory;
    PL_ASSERT(machine->contents != NULL && machine->span < UINT32_MAX - config->swap_pages);
    memset(system, 0, sizeof(*system));
    system->config = *config;
    slab_init(&system->buffers, config->gate, sizeof(struct iokit_buffer));
    slab_init(&system->ranges, config->gate, IOKIT_RANGES_BYTES);
    slab_init(&system->heap_pages, config->gate, sizeof(struct iokit_heap_page));
    window_init(&system->tasks[IOKIT_TASK_KERNEL], IOKIT_KERNEL_ADDR, IOKIT_WINDOW_BYTES / 4);
    window_init(&system->tasks[IOKIT_TASK_USER], IOKIT_USER_ADDR, IOKIT_WINDOW_BYTES);
    window_init(&system->tasks[IOKIT_TASK_OTHER], IOKIT_OTHER_ADDR, IOKIT_WINDOW_BYTES);
    window_init(&system->io, IOKIT_IO_ADDR, IOKIT_WINDOW_BYTES);
    system->plan = (struct pl_run *)(void *)(base + layout.plan);
    system->frames = (struct iokit_frame *)(void *)(base + layout.frames);
    system->buckets = (uint32_t *)(void *)(base + layout.buckets);
    system->slots = (struct iokit_slot *)(void *)(base + layout.slots);
    system->swap = base + layout.swap;
    system->bucket_mask = (uint32_t)(bucket_count(machine, config->swap_pages) - 1);
    system->slot_free = PAGE_ID_NONE;
    memset(system->buckets, 0xff, ((size_t)system->bucket_mask + 1) * sizeof(uint32_t));
    if (config->gate->pageout != NULL)
        pageout_join(config->gate->pageout, iokit_reclaim, system);
}

bool iokit_may_sleep(struct iokit *system, const struct pl_cpu *cpu, const char *call)
{
    if (cpu->context == PL_CONTEXT_TASK && cpu->no_sleep_depth == 0)
        return true;
    trap_take(system->config.trap, call, "X-5", "may sleep, and the caller must not");
    return false;
}

void iokit_transfer_begin(struct iokit *system)
{
    PL_ASSERT(system->transfer == 0);
    system->transfer = ++system->transfers;
}

void iokit_transfer_end(struct iokit *system)
{
    system->transfer = 0;
}

void iokit_link(struct iokit *system, struct iokit_buffer *buffer)
{
    buffer->next = NULL;
    buffer->previous = system->last;
    if (system->last != NULL)
        system->last->next = buffer;
    else
        system->first = buffer;
    system->last = buffer;
    system->live++;
}

void iokit_unlink(struct iokit *system, struct iokit_buffer *buffer)
{
    if (buffer->previous != NULL)
        buffer->previous->next = buffer->next;
    else
        system->first = buffer->next;
    if (buffer->next != NULL)
        buffer->next->previous = buffer->previous;
    else
        system->last = buffer->previous;
    system->live--;
    system->known = NULL;
}

/* Newest first: who makes a descriptor over a buffer has mostly just made the buffer. */
struct iokit_buffer *iokit_buffer_at(const struct iokit *system, uint64_t addr, uint64_t bytes)
{
    for (struct iokit_buffer *buffer = system->last; buffer != NULL; buffer = buffer->previous) {
        uint64_t seen = buffer_seen_bytes(buffer);
        if (buffer->addr != 0 && addr >= buffer->addr && addr - buffer->addr < seen)
            return bytes <= seen - (addr - buffer->addr) ? buffer : NULL;
    }
    return NULL;
}

unsigned char *iokit_resolve(struct iokit *system, struct pl_cpu *cpu, uint64_t addr, bool write,
                             uint64_t *bytes)
{
    struct iokit_buffer *buffer = iokit_buffer_at(system, addr, 1);
    (void)write;
    *bytes = 0;
    return buffer == NULL ? NULL : buffer_touch(buffer, cpu, addr - buffer->addr, bytes);
}

static uint64_t translate_in(const struct iokit_memory *owner, uint64_t page_offset)
{
    uint64_t bytes = 0;
    if (!iokit_buffer_is(owner))
        return iokit_ranges_physical(owner, page_offset);
    uint64_t addr = 0;
    const struct iokit_buffer *buffer = buffer_of_const(owner);
    if (buffer->path == IOKIT_PATH_HEAP)
        addr = buffer_physical(buffer, 0, 1, &bytes);
    else
        addr = buffer_physical(buffer, page_offset, 1, &bytes);
    return bytes == 0 ? UINT64_MAX : addr / PL_FRAME_BYTES * PL_FRAME_BYTES;
}

uint64_t iokit_io_translate(const struct iokit *system, uint64_t io_addr)
{
    for (const struct iokit_area *area = system->io.first; area != NULL; area = area->next) {
        if (io_addr < area->addr || io_addr - area->addr >= area->bytes)
            continue;
        uint64_t offset = io_addr - area->addr;
        uint64_t in_page = offset % PL_FRAME_BYTES;
        uint64_t page = translate_in(area->owner, offset - in_page);
        return page == UINT64_MAX ? page : page + in_page;
    }
    return UINT64_MAX;
}

bool iokit_buffer_alive(const struct iokit *system, const struct iokit_memory *memory, uint64_t serial)
{
    for (const struct iokit_buffer *buffer = system->last; buffer != NULL; buffer = buffer->previous) {
        if (&buffer->memory == memory)
            return memory->serial == serial;
    }
    return false;
}

/* Descriptors of this system are in the machine's memory, and listed; those of the caller's own kinds are
 * not. */
static bool is_in_machine(const struct iokit *system, const struct iokit_memory *memory)
{
    const struct pl_machine *machine = system->config.gate == NULL ? NULL : system->config.gate->machine;
    return machine != NULL && machine->contents != NULL &&
           (uintptr_t)memory - (uintptr_t)machine->contents < machine->span * PL_FRAME_BYTES;
}

bool iokit_memory_check(struct iokit *system, const struct iokit_memory *memory)
{
    if (memory == NULL || (uintptr_t)memory % _Alignof(struct iokit_memory) != 0)
        return false;
    if (!is_in_machine(system, memory))
        return memory->self == memory && memory->system == system && memory->references != 0;
    if (memory == system->known)
        return true;
    const struct iokit_buffer *buffer = system->last;
    while (buffer != NULL && &buffer->memory != memory)
        buffer = buffer->previous;
    if (buffer == NULL && !iokit_ranges_alive(system, memory))
        return false;
    system->known = memory;
    return true;
}

bool iokit_memory_door(struct iokit *system, const struct iokit_memory *memory, uint64_t serial,
                       const char *call)
{
    if (iokit_memory_check(system, memory) && memory->serial == serial)
        return true;
    trap_take(system->config.trap, call, "X-10", "no such memory: released before, or never made");
    return false;
}

bool iokit_buffer_release(struct iokit *system, struct pl_cpu *cpu, struct iokit_memory *memory,
                          uint64_t serial)
{
    if (!iokit_memory_door(system, memory, serial, "release"))
        return false;
    iokit_memory_release(memory, cpu);
    return true;
}
