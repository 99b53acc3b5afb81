/* Names code addresses: by the symbol tables of the files that they are mapped from, so that static functions
 * have names, too. */
#ifndef PLATFORM_NATIVE_SYMBOL_H
#define PLATFORM_NATIVE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

/* The function around `address`, "buddy_alloc"; without a symbol the file and the place in it,
 * "libjemalloc.so.2+0x1f2a0". `offset`, if not NULL, gets the distance from the function's start, 0 without a
 * symbol. Reads files: not for signal handlers. */
void symbol_name(const void *address, char *text, size_t bytes, size_t *offset);

/* Is it the C library's, the loader's or the kernel's own code in this process? */
bool symbol_is_library_of_c(const void *address);

#endif
