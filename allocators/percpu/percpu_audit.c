/* The audit of percpu: the inner one's blocks, then one cached block for each frame in a magazine. A frame
 * that is cached twice, or cached and free below at once, is broken.
 *
 * Cached frames are compared in sorted chunks on the stack, because an audit may not write to the instance. A
 * second chunk, on machines with many CPUs, costs a second walk of the inner one. */
#include <stdio.h>
#include <string.h>

#include "percpu.h"
#include <pagelab/check.h>

#define PERCPU_CHUNK 512u

/* Listens to the inner audit, and passes it on once. */
struct percpu_listener {
    struct pl_visitor visitor; /* first: the inner one hands back its address */
    struct pl_visitor *outer;
    uint64_t broken;
    uint32_t count;
    bool passes_on;
    uint64_t sorted[PERCPU_CHUNK];
};

static void percpu_sort(uint64_t *numbers, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            uint64_t number = numbers[i];
            uint32_t j = i;
            for (; j >= gap && numbers[j - gap] > number; j -= gap)
                numbers[j] = numbers[j - gap];
            numbers[j] = number;
        }
    }
}

/* The index of the first number that is not below `number`. */
static uint32_t percpu_lower_bound(const struct percpu_listener *listener, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = listener->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (listener->sorted[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void percpu_say(struct percpu_listener *listener, uint64_t number, const char *what)
{
    char words[96];
    snprintf(words, sizeof(words), "percpu: frame %llu is cached %s", (unsigned long long)number, what);
    listener->outer->broken(listener->outer, words);
    listener->broken++;
}

static void percpu_hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct percpu_listener *listener = (struct percpu_listener *)visitor;
    if (listener->passes_on)
        listener->outer->block(listener->outer, block);
    uint64_t end = block->first.number + ((uint64_t)1 << block->order);
    for (uint32_t i = percpu_lower_bound(listener, block->first.number);
         i < listener->count && listener->sorted[i] < end; i++)
        percpu_say(listener, listener->sorted[i], "and not granted by the inner allocator");
}

static void percpu_hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct percpu_listener *listener = (struct percpu_listener *)visitor;
    if (listener->passes_on)
        listener->outer->broken(listener->outer, words);
}

/* Copies the cached frames numbered skip, skip + 1, ... of all magazines in a row; returns how many. */
static uint32_t percpu_gather(const struct percpu_state *state, uint64_t skip, uint64_t *numbers)
{
    uint32_t gathered = 0;
    for (uint32_t i = 0; i < state->cpu_count; i++) {
        const struct percpu_magazine *magazine = percpu_magazine_of(state, i);
        uint32_t count = percpu_count_get(magazine);
        for (uint32_t j = 0; j < count; j++) {
            if (skip > 0)
                skip--;
            else if (gathered < PERCPU_CHUNK)
                numbers[gathered++] = magazine->frames[j];
        }
    }
    return gathered;
}

/* Says which frames of the chunk are cached more than once: within it, or again in a later chunk. */
static void percpu_find_twins(const struct percpu_state *state, struct percpu_listener *listener,
                              uint64_t behind)
{
    for (uint32_t i = 1; i < listener->count; i++)
        if (listener->sorted[i] == listener->sorted[i - 1])
            percpu_say(listener, listener->sorted[i], "twice");
    uint64_t seen = 0;
    for (uint32_t i = 0; i < state->cpu_count; i++) {
        const struct percpu_magazine *magazine = percpu_magazine_of(state, i);
        for (uint32_t j = 0; j < percpu_count_get(magazine); j++) {
            if (seen++ < behind)
                continue;
            uint32_t at = percpu_lower_bound(listener, magazine->frames[j]);
            if (at < listener->count && listener->sorted[at] == magazine->frames[j])
                percpu_say(listener, magazine->frames[j], "twice");
        }
    }
}

uint64_t percpu_audit(const void *self, struct pl_visitor *visitor)
{
    const struct percpu_state *state = self;
    uint64_t cached = percpu_cached(state);
    uint64_t broken = 0;
    uint64_t done = 0;

    do { /* once at least, so that the inner one is heard when nothing is cached */
        struct percpu_listener listener = {
            .visitor = {.bytes = sizeof(struct pl_visitor),
                        .block = percpu_hear_block,
                        .broken = percpu_hear_broken},
            .outer = visitor,
            .passes_on = done == 0,
        };
        listener.count = percpu_gather(state, done, listener.sorted);
        percpu_sort(listener.sorted, listener.count);
        percpu_find_twins(state, &listener, done + listener.count);
        if (state->inner.ops->audit != NULL) {
            uint64_t below = state->inner.ops->audit(state->inner.self, &listener.visitor);
            broken += done == 0 ? below : 0;
        }
        for (uint32_t i = 0; i < listener.count; i++) {
            struct pl_block block = {.first = pl_frame_at(listener.sorted[i]), .state = PL_BLOCK_CACHED};
            block.node = pl_machine_node(state->machine, block.first);
            visitor->block(visitor, &block);
        }
        broken += listener.broken;
        done += listener.count;
    } while (done < cached);
    PL_ASSERT(done == cached);
    return broken;
}
