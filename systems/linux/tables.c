/* See tables.h. A table is found by the entry that names it and by nothing else: no list, no count. */
#include "systems/linux/tables.h"

#include <string.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"

#define LEVEL_BITS  9u
#define FLAGS_SHIFT 9u /* bits 9 to 11 of an entry are the software's: flags of the run */
#define FLAGS_MASK  UINT64_C(7)
#define NEW_TABLE   (UINT64_C(1) << 52) /* so are bits 52 to 58: made in this call */
#define TABLE_BITS  (LINUX_PRESENT | LINUX_WRITABLE | LINUX_ACCESSED)

_Static_assert(LINUX_ENTRIES * sizeof(uint64_t) == PL_FRAME_BYTES, "a table is a frame");
_Static_assert(((PL_RUN_FROM_CACHE | PL_RUN_NEVER_FREE) & ~FLAGS_MASK) == 0, "a run's flags fit an entry");

static uint64_t level_bytes(unsigned level)
{
    return PL_FRAME_BYTES << (LEVEL_BITS * level);
}

static uint64_t *entry_in(uint64_t *table, uint64_t addr, unsigned level)
{
    return &table[(addr >> (PL_FRAME_SHIFT + LEVEL_BITS * level)) % LINUX_ENTRIES];
}

static uint64_t *table_of(const struct linux_mm *mm, uint64_t entry)
{
    return (uint64_t *)(void *)linux_frame_bytes(mm, linux_entry_frame(entry));
}

uint64_t *linux_entry_at(const struct linux_mm *mm, uint64_t *top, uint64_t addr, unsigned level)
{
    uint64_t *entry = entry_in(top, addr, LINUX_TOP_LEVEL);
    for (unsigned at = LINUX_TOP_LEVEL; at > level; at--) {
        if ((*entry & LINUX_PRESENT) == 0)
            return NULL;
        entry = entry_in(table_of(mm, *entry), addr, at - 1);
    }
    return entry;
}

uint64_t linux_entry_flags(const struct pl_run *run)
{
    /* Whoever writes an entry uses the frame: it is not known zero any more. */
    return ((uint64_t)(run->flags & ~PL_RUN_ZERO) & FLAGS_MASK) << FLAGS_SHIFT;
}

struct pl_run linux_entry_run(uint64_t entry)
{
    return (struct pl_run){.first = linux_entry_frame(entry),
                           .frame_count = 1,
                           .order = 0,
                           .flags = (uint32_t)(entry >> FLAGS_SHIFT & FLAGS_MASK)};
}

enum pl_status linux_table_get(struct linux_mm *mm, struct pl_cpu *cpu, struct pl_run *run)
{
    const struct pl_page_table *tables = &mm->config.tables;
    struct pl_request request = linux_kernel_request(mm);
    uint32_t node = 0;
    memset(run, 0, sizeof(*run));
    if (!linux_may_take(mm, cpu, &node, true))
        return PL_NO_MEMORY;
    enum pl_status status = tables->ops->table_get(tables->self, cpu, &request, run);
    if (status != PL_OK)
        return status;
    if (linux_entry_holds(run->first))
        return PL_OK;
    linux_table_put(mm, cpu, run);
    return PL_NEVER;
}

void linux_table_put(struct linux_mm *mm, struct pl_cpu *cpu, const struct pl_run *run)
{
    const struct pl_page_table *tables = &mm->config.tables;
    if (tables->ops->table_put(tables->self, cpu, run) != PL_OK)
        mm->refused++;
}

static bool fill_entry(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *entry, uint64_t bits)
{
    struct pl_run run;
    if (LIE("L-10"))
        linux_table_get(mm, cpu, &run);
    if ((*entry & LINUX_PRESENT) != 0)
        return true;
    if (linux_table_get(mm, cpu, &run) != PL_OK)
        return false;
    *entry = run.first.number << PL_FRAME_SHIFT | linux_entry_flags(&run) | TABLE_BITS | bits;
    return true;
}

uint64_t *linux_leaf_make(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *top, uint64_t addr)
{
    uint64_t *entry = entry_in(top, addr, LINUX_TOP_LEVEL);
    for (unsigned level = LINUX_TOP_LEVEL; level > 0; level--) {
        if (!fill_entry(mm, cpu, entry, addr < LINUX_USER_END ? LINUX_USER : NEW_TABLE))
            return NULL;
        entry = entry_in(table_of(mm, *entry), addr, level - 1);
    }
    return entry;
}

/* How many entries of a level's tables [addr, addr + bytes) lies in: counted, for the address behind the last
 * one may be 0. */
static uint64_t entries_of(uint64_t addr, uint64_t bytes, uint64_t step)
{
    return bytes == 0 ? 0 : (addr + (bytes - 1)) / step - addr / step + 1;
}

void linux_tables_keep(struct linux_mm *mm, uint64_t addr, uint64_t bytes)
{
    for (unsigned level = LINUX_TOP_LEVEL; level > 0; level--) {
        uint64_t step = level_bytes(level);
        for (uint64_t i = 0; i < entries_of(addr, bytes, step); i++) {
            uint64_t *entry = linux_entry_at(mm, mm->top, addr + i * step, level);
            if (entry != NULL)
                *entry &= ~NEW_TABLE;
        }
    }
}

/* From the leaves up, so that a table that goes is empty: what is below a new table is new. */
void linux_tables_undo(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes)
{
    for (unsigned level = 1; level <= LINUX_TOP_LEVEL; level++) {
        uint64_t step = level_bytes(level);
        for (uint64_t i = 0; i < entries_of(addr, bytes, step); i++) {
            uint64_t *entry = linux_entry_at(mm, mm->top, addr + i * step, level);
            if (entry == NULL || (*entry & NEW_TABLE) == 0)
                continue;
            struct pl_run run = linux_entry_run(*entry);
            *entry = 0;
            linux_table_put(mm, cpu, &run);
        }
    }
}

void linux_tables_sync(struct linux_mm *mm)
{
    const unsigned half = LINUX_ENTRIES / 2;
    for (uint32_t i = 0; i < LINUX_VIEW_LIMIT; i++) {
        uint64_t *top = mm->views[i].live && !LIE("L-21") ? linux_view_top(mm, i) : NULL;
        if (top != NULL && PL_MUTANT("linux-top-unsynced")) {
            PL_MUTANT_TRIGGERED("linux-top-unsynced",
                                memcmp(top + half, mm->top + half, half * sizeof(*top)) != 0);
            top = NULL;
        }
        if (top != NULL)
            memcpy(top + half, mm->top + half, half * sizeof(*top));
    }
}

static void put_below(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *entry, unsigned level)
{
    struct pl_run run = linux_entry_run(*entry);
    uint64_t *table = table_of(mm, *entry);
    for (unsigned i = 0; level > 1 && i < LINUX_ENTRIES; i++) {
        if ((table[i] & LINUX_PRESENT) != 0)
            put_below(mm, cpu, &table[i], level - 1);
    }
    *entry = 0;
    linux_table_put(mm, cpu, &run);
}

void linux_tables_put(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *top, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        if ((top[i] & LINUX_PRESENT) != 0)
            put_below(mm, cpu, &top[i], LINUX_TOP_LEVEL);
    }
}
