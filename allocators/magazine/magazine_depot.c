/* The locked stack below the magazines. Batches are copied whole, so the width of a slot is looked at once
 * per batch and the loops vectorise. */
#include "magazine_depot.h"

#include <pagelab/check.h>
#include <pagelab/mutant.h>

static bool depot_is_wide(const struct pl_machine *machine)
{
    return machine->span - 1 > UINT32_MAX; /* the largest offset */
}

static uint32_t *depot_narrow(const struct magazine_depot *depot)
{
    return (uint32_t *)(uintptr_t)(depot + 1);
}

static uint64_t *depot_wide(const struct magazine_depot *depot)
{
    return (uint64_t *)(uintptr_t)(depot + 1);
}

/* Four slots at a time, known not to overlap: gcc -O2 then uses vector instructions. */
static void depot_widen(uint64_t *restrict numbers, const uint32_t *restrict slots, uint64_t base,
                        uint32_t count)
{
    for (; count >= 4; count -= 4, numbers += 4, slots += 4)
        for (uint32_t i = 0; i < 4; i++)
            numbers[i] = base + slots[i];
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = base + slots[i];
}

static void depot_shorten(uint32_t *restrict slots, const uint64_t *restrict numbers, uint64_t base,
                          uint32_t count)
{
    for (; count >= 4; count -= 4, numbers += 4, slots += 4)
        for (uint32_t i = 0; i < 4; i++)
            slots[i] = (uint32_t)(numbers[i] - base);
    for (uint32_t i = 0; i < count; i++)
        slots[i] = (uint32_t)(numbers[i] - base);
}

static void depot_read(const struct magazine_depot *depot, uint64_t index, uint64_t *numbers, uint32_t count)
{
    if (PL_LIKELY(!depot->wide)) {
        depot_widen(numbers, depot_narrow(depot) + index, depot->base, count);
        return;
    }
    const uint64_t *slots = depot_wide(depot) + index;
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = depot->base + slots[i];
}

static void depot_write(struct magazine_depot *depot, uint64_t index, const uint64_t *numbers, uint32_t count)
{
    if (PL_LIKELY(!depot->wide)) {
        depot_shorten(depot_narrow(depot) + index, numbers, depot->base, count);
        return;
    }
    uint64_t *slots = depot_wide(depot) + index;
    for (uint32_t i = 0; i < count; i++)
        slots[i] = numbers[i] - depot->base;
}

size_t magazine_depot_bytes(const struct pl_machine *machine)
{
    return machine->frame_count * (depot_is_wide(machine) ? sizeof(uint64_t) : sizeof(uint32_t));
}

void magazine_depot_fill(struct magazine_depot *depot, const struct pl_machine *machine)
{
    depot->base = machine->first.number;
    depot->capacity = machine->frame_count;
    depot->wide = depot_is_wide(machine);
    uint64_t count = 0;
    for (uint32_t i = machine->range_count; i-- > 0;) {
        const struct pl_range *range = &machine->ranges[i];
        for (uint64_t j = range->frame_count; j-- > 0;) {
            uint64_t number = range->first.number + j;
            depot_write(depot, count++, &number, 1);
        }
    }
    atomic_init(&depot->count, count);
}

uint32_t magazine_depot_pop(struct magazine_depot *depot, struct pl_cpu *cpu, uint64_t *numbers,
                            uint32_t wanted)
{
    pl_lock_take(&depot->lock, cpu);
    uint64_t count = atomic_load_explicit(&depot->count, memory_order_relaxed);
    uint32_t taken = count < wanted ? (uint32_t)count : wanted;
    depot_read(depot, count - taken, numbers, taken);
    atomic_store_explicit(&depot->count, count - taken, memory_order_relaxed);
    pl_lock_drop(&depot->lock, cpu);
    if (taken != 0 && PL_MUTANT("magazine-short-batch")) {
        PL_MUTANT_TRIGGERED("magazine-short-batch", taken != wanted);
        return wanted;
    }
    return taken;
}

void magazine_depot_push(struct magazine_depot *depot, struct pl_cpu *cpu, const uint64_t *numbers,
                         uint32_t count)
{
    pl_lock_take(&depot->lock, cpu);
    uint64_t top = atomic_load_explicit(&depot->count, memory_order_relaxed);
    PL_ASSERT(top + count <= depot->capacity);
    depot_write(depot, top, numbers, count);
    atomic_store_explicit(&depot->count, top + count, memory_order_relaxed);
    pl_lock_drop(&depot->lock, cpu);
}

uint64_t magazine_depot_count(const struct magazine_depot *depot)
{
    return atomic_load_explicit(&depot->count, memory_order_relaxed);
}

uint64_t magazine_depot_frame(const struct magazine_depot *depot, uint64_t index)
{
    uint64_t number;
    PL_ASSERT(index < magazine_depot_count(depot));
    depot_read(depot, index, &number, 1);
    return number;
}
