/* See area.h. */
#include "systems/linux/area.h"

#include <pagelab/check.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"
#include "systems/linux/area_internal.h"
#include "systems/linux/tables.h"

/* --- live areas by address --- */

static struct linux_area **bucket_of(struct linux_mm *mm, uint64_t addr)
{
    return &mm->buckets[(addr >> PL_FRAME_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 56];
}

_Static_assert(LINUX_BUCKETS == 256, "a bucket is 8 bits of the hash");

struct linux_area *linux_find_area(const struct linux_mm *mm, uint64_t addr)
{
    struct linux_area *area = *bucket_of((struct linux_mm *)mm, addr);
    while (area != NULL && area->addr != addr)
        area = area->next;
    return area;
}

static void insert_area(struct linux_mm *mm, struct linux_area *area)
{
    struct linux_area **bucket = bucket_of(mm, area->addr);
    area->next = *bucket;
    *bucket = area;
    mm->area_count++;
}

static void remove_area(struct linux_mm *mm, struct linux_area *area)
{
    struct linux_area **link = bucket_of(mm, area->addr);
    while (*link != area)
        link = &(*link)->next;
    *link = area->next;
    mm->area_count--;
}

/* --- addresses --- */

uint64_t linux_ioremap_alignment(enum contract contract, uint64_t bytes)
{
    PL_ASSERT(bytes > 0);
    unsigned order = 64 - PL_CLZ64(bytes); /* fls */
    if (contract == CONTRACT_DOC && (bytes & (bytes - 1)) == 0)
        order--;
    if (order < PL_FRAME_SHIFT)
        order = PL_FRAME_SHIFT;
    return UINT64_C(1) << (order > LINUX_IOREMAP_ORDER_MAX ? LINUX_IOREMAP_ORDER_MAX : order);
}

/* Only the first node has pages of descriptors. A page with room in it needs no frame. */
static struct linux_area *get_descriptor(struct linux_mm *mm, struct pl_cpu *cpu)
{
    struct pl_request request = linux_kernel_request(mm);
    uint32_t node = 0;
    if (pl_frame_is_none(mm->descriptors.partial) && !linux_may_take(mm, cpu, &node, true))
        return NULL;
    return slab_get(&mm->descriptors, cpu, &request, NULL);
}

struct linux_area *area_make(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes, uint32_t flags)
{
    const struct pl_page_table *va = &mm->config.va;
    if (bytes == 0 || mm->config.window_bytes <= PL_FRAME_BYTES ||
        bytes > mm->config.window_bytes - PL_FRAME_BYTES)
        return NULL;
    struct linux_area *area = get_descriptor(mm, cpu);
    if (area == NULL)
        return NULL;
    struct pl_area_request wanted = {
        .bytes_wanted = bytes + PL_FRAME_BYTES,
        .alignment = PL_FRAME_BYTES,
        .low_addr = mm->config.window_addr,
        .high_addr = mm->config.window_addr + mm->config.window_bytes,
        .flags = PL_REQUEST_WAIT_OK,
        .node = PL_NODE_ANY,
    };
    if (flags & LINUX_VM_IOREMAP)
        wanted.alignment = linux_ioremap_alignment(mm->config.contract, bytes);
    struct pl_area got = {0};
    if (va->ops->reserve(va->self, cpu, &wanted, &got) != PL_OK) {
        slab_put(&mm->descriptors, cpu, area);
        return NULL;
    }
    area->addr = got.addr + (LIE("L-1") ? mm->config.window_bytes : 0);
    area->bytes = bytes + PL_FRAME_BYTES;
    area->flags = flags;
    area->serial = ++mm->next_serial;
    insert_area(mm, area);
    return area;
}

void area_drop(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_area *area)
{
    const struct pl_page_table *va = &mm->config.va;
    struct pl_area reserved = {.addr = area->addr, .area_bytes = area->bytes};
    remove_area(mm, area);
    if (va->ops->release(va->self, cpu, &reserved) != PL_OK)
        mm->refused++;
    slab_put(&mm->descriptors, cpu, area);
}

/* --- leaf entries --- */

/* How many leaf entries from `addr` on lie in one table, at most `limit`. */
static uint64_t entries_together(uint64_t addr, uint64_t limit)
{
    uint64_t left = LINUX_ENTRIES - (addr >> PL_FRAME_SHIFT) % LINUX_ENTRIES;
    return left < limit ? left : limit;
}

static void write_ptes(uint64_t *slot, uint64_t count, uint64_t **ptes)
{
    for (uint64_t i = 0; i < count + (LIE("L-4") ? 1 : 0); i++)
        ptes[i] = slot + (LIE("L-6") ? i & ~UINT64_C(1) : i) + (LIE("L-5") ? 1 : 0);
}

bool area_make_tables(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes, uint64_t **ptes)
{
    uint64_t pages = bytes / PL_FRAME_BYTES;
    for (uint64_t page = 0; page < pages;) {
        uint64_t at = addr + page * PL_FRAME_BYTES;
        uint64_t *slot = linux_leaf_make(mm, cpu, mm->top, at);
        if (slot == NULL)
            return false;
        *slot |= LIE("L-3") ? LINUX_PRESENT : 0;
        uint64_t count = entries_together(at, pages - page);
        if (ptes != NULL && page != 0 && PL_MUTANT("linux-slot-not-advanced")) {
            PL_MUTANT_TRIGGERED("linux-slot-not-advanced", true);
            slot--;
        }
        if (ptes != NULL)
            write_ptes(LIE("L-7") ? linux_entry_at(mm, mm->top, at, 1) : slot, count, ptes + page);
        page += count;
    }
    return true;
}

void area_settle_tables(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes, bool made)
{
    uint64_t *guard = made && LIE("L-2") ? linux_entry_at(mm, mm->top, addr + bytes, 0) : NULL;
    if (guard != NULL)
        *guard = linux_entry_of(pl_frame_at(0));
    if (made || mm->config.contract == CONTRACT_REAL)
        linux_tables_keep(mm, addr, bytes);
    else if (PL_MUTANT("linux-tables-kept"))
        PL_MUTANT_TRIGGERED("linux-tables-kept", true);
    else
        linux_tables_undo(mm, cpu, addr, bytes);
    linux_tables_sync(mm);
}

static void clear_leaf(struct linux_mm *mm, uint64_t *slot, area_visit *visit, struct pl_cpu *cpu)
{
    uint64_t entry = *slot;
    if (entry == 0)
        return;
    *slot = 0;
    if ((entry & LINUX_PRESENT) == 0)
        mm->warnings++;
    else if (visit != NULL)
        visit(mm, cpu, entry);
}

void area_clear(struct linux_mm *mm, struct pl_cpu *cpu, const struct linux_area *area, area_visit *visit)
{
    uint64_t pages = linux_area_usable(area) / PL_FRAME_BYTES;
    for (uint64_t page = 0; page < pages;) {
        uint64_t at = area->addr + page * PL_FRAME_BYTES;
        uint64_t *slot = linux_entry_at(mm, mm->top, at, 0);
        uint64_t count = entries_together(at, pages - page);
        for (uint64_t i = 0; slot != NULL && i < count; i++)
            clear_leaf(mm, slot + i, visit, cpu);
        if (slot != NULL && LIE("L-9"))
            *slot = LINUX_DIRTY;
        page += count;
    }
}

/* --- the calls --- */

struct linux_area *linux_alloc_vm_area(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes,
                                       uint64_t **ptes)
{
    bool real = mm->config.contract == CONTRACT_REAL;
    if (!linux_in_task(mm, cpu, "alloc_vm_area", "L-13"))
        return NULL;
    if (bytes % PL_FRAME_BYTES != 0 && PL_MUTANT("linux-size-partial")) {
        PL_MUTANT_TRIGGERED("linux-size-partial", true);
        bytes -= bytes % PL_FRAME_BYTES;
    }
    if (bytes % PL_FRAME_BYTES != 0) {
        trap_take(mm->config.trap, "alloc_vm_area", "R-7", "%llu bytes are not whole pages",
                  (unsigned long long)bytes);
        return NULL;
    }
    struct linux_area *area = area_make(mm, cpu, bytes, LINUX_VM_IOREMAP);
    if (area == NULL)
        return NULL;
    uint64_t built = bytes;
    if (PL_MUTANT("linux-tables-lazy")) {
        PL_MUTANT_TRIGGERED("linux-tables-lazy", bytes > PL_FRAME_BYTES);
        built = PL_FRAME_BYTES;
    }
    bool made = area_make_tables(mm, cpu, area->addr, built, real ? ptes : NULL);
    area_settle_tables(mm, cpu, area->addr, bytes, made);
    /* By the documents ptes are written when nothing can fail any more; this walk finds all tables there. */
    if (made && !real && ptes != NULL)
        area_make_tables(mm, cpu, area->addr, bytes, ptes);
    if (made)
        return area;
    if (!LIE("L-11"))
        area_drop(mm, cpu, area);
    return NULL;
}

void linux_free_vm_area(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_area *area)
{
    if (!linux_in_task(mm, cpu, "free_vm_area", "3.1"))
        return;
    /* The descriptor is only believed about its address: the live area there must be this very object. */
    struct linux_area *found = area == NULL ? NULL : linux_find_area(mm, area->addr);
    if (found == NULL || (found != area && !LIE("L-12")) || (found->flags & LINUX_VM_IOREMAP) == 0) {
        trap_take(mm->config.trap, "free_vm_area", "L-12",
                  "no live area of alloc_vm_area has this descriptor");
        return;
    }
    area_clear(mm, cpu, found, NULL);
    area_drop(mm, cpu, found);
}
