/* See walk.h. */
#include "systems/linux/walk.h"

#include <string.h>

#include "systems/linux/tables.h"

static bool is_canonical(uint64_t addr)
{
    return addr < LINUX_USER_END || addr >= ~(LINUX_USER_END - 1);
}

struct linux_walked linux_walk(struct linux_mm *mm, uint32_t view, uint64_t addr)
{
    struct linux_walked walked = {0};
    uint64_t *top = linux_view_top(mm, view);
    if (top == NULL || !is_canonical(addr))
        return walked;
    walked.slot = linux_entry_at(mm, top, addr, 0);
    if (walked.slot == NULL)
        return walked;
    walked.entry = *walked.slot;
    walked.present = (walked.entry & LINUX_PRESENT) != 0;
    return walked;
}

/* Where the byte at `addr` is; NULL: nowhere. */
static unsigned char *bytes_at(struct linux_mm *mm, uint32_t view, uint64_t addr)
{
    struct linux_walked walked = linux_walk(mm, view, addr);
    if (!walked.present || addr % sizeof(uint64_t) != 0)
        return NULL;
    unsigned char *bytes = linux_frame_bytes(mm, linux_entry_frame(walked.entry));
    return bytes == NULL ? NULL : bytes + addr % PL_FRAME_BYTES;
}

bool linux_load(struct linux_mm *mm, uint32_t view, uint64_t addr, uint64_t *value)
{
    const unsigned char *bytes = bytes_at(mm, view, addr);
    if (bytes != NULL)
        memcpy(value, bytes, sizeof(*value));
    return bytes != NULL;
}

bool linux_store(struct linux_mm *mm, uint32_t view, uint64_t addr, uint64_t value)
{
    unsigned char *bytes = bytes_at(mm, view, addr);
    if (bytes != NULL)
        memcpy(bytes, &value, sizeof(value));
    return bytes != NULL;
}
