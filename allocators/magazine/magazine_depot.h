/* The depot of `magazine`: one locked stack with a slot for every frame of the machine. A slot holds a
 * frame's offset from the machine's first frame, in 4 bytes while that fits. */
#ifndef MAGAZINE_DEPOT_H
#define MAGAZINE_DEPOT_H

#include <string.h>

#include <pagelab/lock.h>
#include <pagelab/machine.h>

/* The slots follow the struct; slots 0 .. count - 1 hold free frames. `lock` guards count and slots. */
struct magazine_depot {
    PL_CPU_ALIGNED struct pl_lock lock;
    _Atomic uint64_t count;
    uint64_t base;     /* machine->first */
    uint64_t capacity; /* machine->frame_count */
    uint32_t wide;     /* slots are of 8 bytes */
    uint32_t reserved;
};

size_t magazine_depot_bytes(const struct pl_machine *machine);

/* Makes every frame of every range free, the lowest on top. */
void magazine_depot_fill(struct magazine_depot *depot, const struct pl_machine *machine);

/* Takes up to `wanted` frames into numbers; returns how many. Caller masks. */
uint32_t magazine_depot_pop(struct magazine_depot *depot, struct pl_cpu *cpu, uint64_t *numbers,
                            uint32_t wanted);

/* Caller masks. */
void magazine_depot_push(struct magazine_depot *depot, struct pl_cpu *cpu, const uint64_t *numbers,
                         uint32_t count);

uint64_t magazine_depot_count(const struct magazine_depot *depot);

/* The number of the frame in slot `index`, when no call is unfinished. */
uint64_t magazine_depot_frame(const struct magazine_depot *depot, uint64_t index);

#endif
