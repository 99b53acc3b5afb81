/* The shared library, opened for an instance and closed with it.
 *
 * Debian has mimalloc as a shared library only, and its malloc, free and the rest would replace the process's
 * own if it were linked. Opened with RTLD_LOCAL its names reach nobody. Its state is the library's static
 * data, and an arena once given cannot be taken back; closing the library is what forgets both. */
#ifndef MIMALLOC_LIBRARY_H
#define MIMALLOC_LIBRARY_H

#include <pthread.h>

#include <pagelab/machine.h>

/* What mimalloc takes from its arenas at a time, at a multiple of it: a thread owns whole segments. */
#define MIMALLOC_SEGMENT_BYTES ((uint64_t)32 << 20)

/* The first slice of each holds its description. */
#define MIMALLOC_SEGMENT_META_BYTES ((uint64_t)64 << 10)

struct mimalloc_library {
    void *handle;
    pthread_key_t thread_key; /* the library's own: its destructor must not outlive its code */
    int version;
    void *(*malloc)(size_t bytes);
    void *(*malloc_aligned)(size_t bytes, size_t alignment);
    void (*free)(void *block);
    void (*collect)(bool force);
};

/* Whole segments in the ranges, up to the number of arenas that the library knows. */
uint64_t mimalloc_library_segments(const struct pl_machine *machine);

/* Opens it and gives it every whole segment of the machine. PL_UNSUPPORTED: it is missing, another version,
 * or already in this process; a line on stderr says which. */
enum pl_status mimalloc_library_open(struct mimalloc_library *library, const struct pl_machine *machine);

/* The library forgets all that it was given. No thread is in a call. */
void mimalloc_library_close(struct mimalloc_library *library);

#endif
