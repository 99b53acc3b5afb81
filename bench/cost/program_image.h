/* Where this program's own code is, so that an address of one process of it means something in another. */
#ifndef BENCH_COST_PROGRAM_IMAGE_H
#define BENCH_COST_PROGRAM_IMAGE_H

#include <stdint.h>

/* Put there by the linker. */
extern const char __executable_start; // NOLINT(bugprone-reserved-identifier)
extern const char etext;

struct program_image {
    uintptr_t begin;
    uintptr_t end; /* of the code */
};

static inline struct program_image program_image(void)
{
    return (struct program_image){(uintptr_t)&__executable_start, (uintptr_t)&etext};
}

#endif
