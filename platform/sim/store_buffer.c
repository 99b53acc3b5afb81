/* See store_buffer.h. */
#include "platform/sim/store_buffer.h"

#include <pagelab/check.h>

#include <string.h>

static struct store_buffer *buffer_of(struct sim_memory *memory)
{
    return (struct store_buffer *)memory;
}

static void write_through(const struct store_buffer_entry *entry)
{
    switch (entry->bytes) {
    case 1:
        *(volatile uint8_t *)entry->address = (uint8_t)entry->value;
        break;
    case 2:
        *(volatile uint16_t *)entry->address = (uint16_t)entry->value;
        break;
    case 4:
        *(volatile uint32_t *)entry->address = (uint32_t)entry->value;
        break;
    default:
        PL_ASSERT(entry->bytes == 8);
        *(volatile uint64_t *)entry->address = entry->value;
        break;
    }
}

static bool buffer_flush(struct sim_memory *memory, uint32_t cpu)
{
    struct store_buffer *buffer = buffer_of(memory);
    uint32_t *count = &buffer->cpus[cpu].count;
    struct store_buffer_entry *entries = buffer->cpus[cpu].entries;
    if (*count == 0)
        return false;
    write_through(&entries[0]);
    --*count;
    memmove(&entries[0], &entries[1], *count * sizeof(entries[0]));
    return true;
}

static bool overlaps(const struct store_buffer_entry *entry, const volatile void *address, size_t bytes)
{
    uintptr_t mine = (uintptr_t)entry->address;
    uintptr_t other = (uintptr_t)address;
    return mine < other + bytes && other < mine + entry->bytes;
}

/* The latest store of these bytes. One of other bytes that overlap waits for memory, as processors do. */
static bool buffer_load(struct sim_memory *memory, uint32_t cpu, const volatile void *address, size_t bytes,
                        uint64_t *value)
{
    struct store_buffer *buffer = buffer_of(memory);
    for (uint32_t i = buffer->cpus[cpu].count; i-- > 0;) {
        const struct store_buffer_entry *entry = &buffer->cpus[cpu].entries[i];
        if (!overlaps(entry, address, bytes))
            continue;
        if (entry->address == address && entry->bytes == bytes) {
            buffer->forwarded++;
            *value = entry->value;
            return true;
        }
        while (buffer_flush(memory, cpu))
            ;
        return false;
    }
    return false;
}

static void buffer_plain(struct sim_memory *memory, uint32_t cpu, const volatile void *address, size_t bytes)
{
    const struct store_buffer *buffer = buffer_of(memory);
    for (uint32_t i = 0; i < buffer->cpus[cpu].count; i++) {
        if (!overlaps(&buffer->cpus[cpu].entries[i], address, bytes))
            continue;
        while (buffer_flush(memory, cpu))
            ;
        return;
    }
}

static bool buffer_store(struct sim_memory *memory, uint32_t cpu, volatile void *address, size_t bytes,
                         uint64_t value)
{
    struct store_buffer *buffer = buffer_of(memory);
    if (buffer->cpus[cpu].count == STORE_BUFFER_DEPTH)
        (void)buffer_flush(memory, cpu);
    buffer->cpus[cpu].entries[buffer->cpus[cpu].count++] =
        (struct store_buffer_entry){.address = address, .bytes = bytes, .value = value};
    buffer->kept++;
    return true;
}

/* A run that did not end by itself may have left some. */
static void buffer_begin(struct sim_memory *memory)
{
    struct store_buffer *buffer = buffer_of(memory);
    for (uint32_t i = 0; i < PL_CPU_LIMIT; i++)
        buffer->cpus[i].count = 0;
}

void store_buffer_init(struct store_buffer *buffer)
{
    memset(buffer, 0, sizeof(*buffer));
    buffer->memory = (struct sim_memory){.begin = buffer_begin,
                                         .load = buffer_load,
                                         .store = buffer_store,
                                         .plain = buffer_plain,
                                         .flush = buffer_flush};
}
