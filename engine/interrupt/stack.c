/* See stack.h. The dynamic linker knows which file an address belongs to; that file's own table of symbols
 * knows the function, also where it is static. */
#define _GNU_SOURCE /* dladdr */
#include "engine/interrupt/stack.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#define DEEPEST 96

void stack_prepare(void)
{
    void *frames[4];
    (void)backtrace(frames, (int)PL_COUNT_OF(frames));
}

void stack_take(const void *from, const void *to, struct stack *stack)
{
    void *frames[DEEPEST];
    int count = backtrace(frames, DEEPEST);
    int at = 0;
    stack->count = 0;
    while (at < count && frames[at] != from)
        at++;
    for (; at < count && frames[at] != to && stack->count < STACK_FRAMES; at++)
        stack->frames[stack->count++] = (uintptr_t)frames[at];
}

/* --- names --- */

/* A file mapped to be read; NULL if it is none of our machine's ELF files. */
static const unsigned char *map_elf(const char *path, size_t *bytes)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapping = MAP_FAILED;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size > (off_t)sizeof(Elf64_Ehdr)) {
        *bytes = (size_t)status.st_size;
        mapping = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0)
        close(file);
    if (mapping == MAP_FAILED)
        return NULL;
    const unsigned char *ident = mapping;
    if (memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS64)
        return mapping;
    munmap(mapping, *bytes);
    return NULL;
}

static bool within(size_t bytes, uint64_t at, uint64_t count)
{
    return at <= bytes && count <= bytes - at;
}

/* The function of a symbol table that holds `offset`. */
static bool find_in_table(const unsigned char *elf, size_t bytes, const Elf64_Shdr *table,
                          const Elf64_Shdr *strings, uint64_t offset, char *name, size_t name_bytes,
                          uint64_t *start)
{
    if (!within(bytes, table->sh_offset, table->sh_size) ||
        !within(bytes, strings->sh_offset, strings->sh_size))
        return false;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, elf + table->sh_offset + at, sizeof(symbol));
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_name >= strings->sh_size ||
            offset - symbol.st_value >= symbol.st_size)
            continue;
        size_t left = (size_t)(strings->sh_size - symbol.st_name);
        snprintf(name, name_bytes, "%.*s", (int)(left < name_bytes ? left : name_bytes),
                 (const char *)elf + strings->sh_offset + symbol.st_name);
        *start = symbol.st_value;
        return true;
    }
    return false;
}

static bool find_function(const char *path, uint64_t offset, char *name, size_t name_bytes, uint64_t *start)
{
    size_t bytes = 0;
    const unsigned char *elf = map_elf(path, &bytes);
    Elf64_Ehdr header;
    bool found = false;
    if (elf == NULL)
        return false;
    memcpy(&header, elf, sizeof(header));
    uint64_t sections = (uint64_t)header.e_shnum * sizeof(Elf64_Shdr);
    if (header.e_shentsize == sizeof(Elf64_Shdr) && within(bytes, header.e_shoff, sections)) {
        for (unsigned i = 0; i < header.e_shnum && !found; i++) {
            Elf64_Shdr table;
            Elf64_Shdr strings;
            memcpy(&table, elf + header.e_shoff + i * sizeof(table), sizeof(table));
            if ((table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) ||
                table.sh_link >= header.e_shnum)
                continue;
            memcpy(&strings, elf + header.e_shoff + table.sh_link * sizeof(strings), sizeof(strings));
            found = find_in_table(elf, bytes, &table, &strings, offset, name, name_bytes, start);
        }
    }
    munmap((void *)(uintptr_t)elf, bytes);
    return found;
}

void stack_name(uintptr_t pc, bool is_return, char *text, size_t bytes)
{
    Dl_info info;
    char name[128];
    uint64_t start = 0;
    if (pc == 0 || dladdr((const void *)pc, &info) == 0) {
        snprintf(text, bytes, "0x%" PRIxPTR, pc);
        return;
    }
    uint64_t offset = pc - (uintptr_t)info.dli_fbase;
    bool self = strstr(info.dli_fname, ".so") == NULL;
    if (find_function(self ? "/proc/self/exe" : info.dli_fname, offset - is_return, name, sizeof(name),
                      &start)) {
        snprintf(text, bytes, "%s+0x%" PRIx64, name, offset - start);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    snprintf(text, bytes, "%s+0x%" PRIx64, slash == NULL ? info.dli_fname : slash + 1, offset);
}

void stack_text(const struct stack *stack, bool from_call, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < stack->count; i++) {
        char name[160];
        stack_name(stack->frames[i], from_call || i != 0, name, sizeof(name));
        if (strncmp(name, "tap_", 4) == 0 || used + strlen(name) + 2 > bytes)
            return;
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : "\n", name);
    }
}
