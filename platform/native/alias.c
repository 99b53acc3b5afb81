/* See alias.h. */
#define _DEFAULT_SOURCE
#include "platform/native/alias.h"

#include <sys/mman.h>

#include "platform/native/native_internal.h"

static unsigned char *place(const struct native_alias *alias, uint64_t page)
{
    return page < alias->page_count ? alias->base + page * PL_FRAME_BYTES : NULL;
}

int native_alias_open(struct native_alias *alias, uint64_t page_count)
{
    *alias = (struct native_alias){0};
    if (page_count == 0 || page_count > (UINT64_C(1) << 46) / PL_FRAME_BYTES)
        return -1;
    void *base = mmap(NULL, (size_t)(page_count * PL_FRAME_BYTES), PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    alias->base = base;
    alias->page_count = page_count;
    return 0;
}

void native_alias_close(struct native_alias *alias)
{
    if (alias->base != NULL)
        munmap(alias->base, (size_t)(alias->page_count * PL_FRAME_BYTES));
    *alias = (struct native_alias){0};
}

int native_alias_map(struct native_alias *alias, uint64_t page, const struct native_machine *native,
                     pl_frame frame)
{
    const struct pl_machine *machine = native_machine_view(native);
    unsigned char *at = place(alias, page);
    uint64_t offset;
    int file = native_contents_file(native, &offset);
    if (file < 0 || at == NULL || frame.number - machine->first.number >= machine->span)
        return -1;
    offset += (frame.number - machine->first.number) * PL_FRAME_BYTES;
    void *mapped =
        mmap(at, (size_t)PL_FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, (off_t)offset);
    return mapped == MAP_FAILED ? -1 : 0;
}

int native_alias_unmap(struct native_alias *alias, uint64_t page)
{
    unsigned char *at = place(alias, page);
    if (at == NULL)
        return -1;
    /* Not munmap: the addresses stay reserved. */
    void *mapped = mmap(at, (size_t)PL_FRAME_BYTES, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return mapped == MAP_FAILED ? -1 : 0;
}
