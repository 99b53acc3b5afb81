/* See symbol.h. The dynamic linker knows which file an address is of; the file's full symbol table, where it
 * was not stripped, knows the function. */
#define _GNU_SOURCE /* dladdr */
#include "platform/native/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const unsigned char *bytes; /* the whole file, mapped; NULL: none */
    size_t size;
};

static bool image_open(struct image *image, const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *image = (struct image){0};
    if (file < 0)
        return false;
    if (fstat(file, &status) == 0 && (size_t)status.st_size >= sizeof(ElfW(Ehdr))) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes != MAP_FAILED)
            *image = (struct image){bytes, (size_t)status.st_size};
    }
    close(file);
    return image->bytes != NULL;
}

/* `count` things of `size` bytes at `offset` of the file; NULL if they are not all in it. */
static const void *image_at(const struct image *image, uint64_t offset, uint64_t count, size_t size)
{
    if (offset > image->size || count > (image->size - offset) / size)
        return NULL;
    return image->bytes + offset;
}

/* The symbol whose function has `place` in it, an address as in the file; NULL: none. */
static const ElfW(Sym) * find_in_table(const struct image *image, const ElfW(Shdr) * table, uint64_t place)
{
    uint64_t count = table->sh_size / sizeof(ElfW(Sym));
    const ElfW(Sym) *symbols = image_at(image, table->sh_offset, count, sizeof(*symbols));
    for (uint64_t i = 0; symbols != NULL && i < count; i++) {
        /* The type's place in st_info is the same in both classes of file. */
        if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
            place - symbols[i].st_value < symbols[i].st_size)
            return &symbols[i];
    }
    return NULL;
}

/* `place` is relative to `base`, where the file is mapped. */
static bool find_function(const struct image *image, uintptr_t base, uint64_t place, char *text, size_t bytes,
                          size_t *offset)
{
    const ElfW(Ehdr) *header = (const void *)image->bytes;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    if (header->e_shentsize != sizeof(ElfW(Shdr)))
        return false;
    if (header->e_type == ET_EXEC) /* linked for its address: its symbols are not relative */
        place += base;
    const ElfW(Shdr) *sections = image_at(image, header->e_shoff, header->e_shnum, sizeof(*sections));
    for (unsigned i = 0; sections != NULL && i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum)
            continue;
        const ElfW(Shdr) *strings = &sections[sections[i].sh_link];
        const ElfW(Sym) *symbol = find_in_table(image, &sections[i], place);
        if (symbol == NULL || symbol->st_name >= strings->sh_size)
            continue;
        size_t most = strings->sh_size - symbol->st_name;
        const char *name = image_at(image, strings->sh_offset + symbol->st_name, most, 1);
        if (name == NULL)
            continue;
        /* What the compiler split off, "f.part.0", is still the function. */
        size_t length = strnlen(name, most);
        const char *dot = memchr(name, '.', length);
        snprintf(text, bytes, "%.*s", (int)(dot == NULL ? length : (size_t)(dot - name)), name);
        *offset = (size_t)(place - symbol->st_value);
        return true;
    }
    return false;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

void symbol_name(const void *address, char *text, size_t bytes, size_t *offset)
{
    size_t nowhere;
    Dl_info self;
    Dl_info info = {0};
    offset = offset == NULL ? &nowhere : offset;
    *offset = 0;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        snprintf(text, bytes, "%p", address);
        return;
    }
    uintptr_t place = (uintptr_t)address - (uintptr_t)info.dli_fbase;
    /* The program's own name is as it was typed, perhaps in another folder. This file is part of it. */
    static const char here;
    bool program = dladdr(&here, &self) != 0 && self.dli_fbase == info.dli_fbase;
    struct image image;
    if (image_open(&image, program ? "/proc/self/exe" : info.dli_fname)) {
        bool found = find_function(&image, (uintptr_t)info.dli_fbase, place, text, bytes, offset);
        munmap((void *)image.bytes, image.size);
        if (found)
            return;
    }
    if (info.dli_sname != NULL) {
        snprintf(text, bytes, "%s", info.dli_sname);
        *offset = (uintptr_t)address - (uintptr_t)info.dli_saddr;
        return;
    }
    snprintf(text, bytes, "%s+0x%zx", last_part(info.dli_fname), (size_t)place);
}

bool symbol_is_library_of_c(const void *address)
{
    static const char *const names[] = {"libc.so", "libpthread", "ld-linux", "linux-vdso"};
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(last_part(info.dli_fname), names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}
