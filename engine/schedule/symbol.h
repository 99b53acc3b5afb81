/* Names of places in code: function, file and line, inlined functions included, by llvm-addr2line or
 * addr2line where one is installed, else function and offset. */
#ifndef ENGINE_SCHEDULE_SYMBOL_H
#define ENGINE_SCHEDULE_SYMBOL_H

#include <stdint.h>
#include <stdio.h>

#define SYMBOL_BYTES 160u

struct symbol {
    uintptr_t pc; /* a return address */
    char text[SYMBOL_BYTES];
};

/* Fills in the texts of so many, in one go: starting the tool is what takes time. Equal ones may repeat. */
void symbol_fill(struct symbol *symbols, uint32_t count);

#endif
