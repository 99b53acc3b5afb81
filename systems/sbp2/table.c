/* The page table: 8 bytes an entry in memory that the target fetches itself if it is in one piece, and that
 * software serves from a pseudo address if not. */
#include "systems/sbp2/internal.h"

#include <pagelab/check.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"

/* The original multiplies in 32 bits; a table that wrapped so is too small for its capacity. */
static uint64_t table_bytes(const struct sbp2 *login, uint32_t entry_count)
{
    uint64_t bytes = (uint64_t)SBP2_ENTRY_BYTES * entry_count;
    if (PL_MUTANT("sbp2-table-wraps")) {
        PL_MUTANT_TRIGGERED("sbp2-table-wraps", !sbp2_is_real(login) && bytes > UINT32_MAX);
        bytes = (uint32_t)bytes;
    }
    return sbp2_is_real(login) || LIE("S-3") ? (uint32_t)bytes : bytes;
}

/* Bytes from the start of the table that follow each other in physical memory. */
static uint64_t first_segment(const struct pl_run *runs, size_t run_count, uint64_t bytes)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < run_count && runs[i].first.number == runs[0].first.number + frames; i++)
        frames += runs[i].frame_count;
    return frames * PL_FRAME_BYTES < bytes ? frames * PL_FRAME_BYTES : bytes;
}

static struct sbp2_table *table_make(struct sbp2 *login, struct pl_cpu *cpu, uint32_t entry_count)
{
    const struct pl_buffer *from = &login->config.buffer;
    struct pl_buffer_constraints constraints = {.alignment = PL_FRAME_BYTES,
                                                .address_mask = SBP2_ADDRESS_LIMIT - 1,
                                                .flags = PL_BUFFER_ZERO,
                                                .request = sbp2_request()};
    uint64_t bytes = table_bytes(login, entry_count);
    size_t run_count = 0;
    if (bytes == 0)
        return NULL;
    struct sbp2_table *table = slab_get(&login->tables, cpu, &constraints.request, NULL);
    if (table == NULL)
        return NULL;
    PL_ASSERT(login->spare_count > 0);
    table->store = login->spare[login->spare_count - 1];
    struct pl_run *runs = sbp2_table_runs(login, table);
    if (from->ops->plan(from->self, cpu, bytes, &constraints, runs, login->config.runs_per_table,
                        &run_count) != PL_OK) {
        slab_put(&login->tables, cpu, table);
        return NULL;
    }
    login->spare_count--;
    table->capacity = LIE("S-1") ? SBP2_DEFAULT_ENTRIES : entry_count;
    table->bytes = bytes;
    table->run_count = run_count;
    table->physical_addr = runs[0].first.number * PL_FRAME_BYTES;
    table->first_segment_bytes = first_segment(runs, run_count, bytes);
    table->pseudo_addr = sbp2_window(login, PSEUDO_TABLES);
    return table;
}

void sbp2_table_drop(struct sbp2_orb *orb, struct pl_cpu *cpu)
{
    struct sbp2 *login = orb->login;
    const struct pl_buffer *to = &login->config.buffer;
    struct sbp2_table *table = orb->table;
    if (table == NULL)
        return;
    /* What the ORB says of a table must not outlive it. */
    if (orb->in_use != 0)
        sbp2_make_inert(orb);
    enum pl_status status =
        to->ops->release(to->self, cpu, sbp2_table_runs(login, table), (size_t)table->run_count);
    PL_ASSERT(status == PL_OK);
    (void)status;
    login->spare[login->spare_count++] = table->store;
    slab_put(&login->tables, cpu, table);
    orb->table = NULL;
}

uint32_t sbp2_table_replace(struct sbp2_orb *orb, struct pl_cpu *cpu, uint32_t entry_count)
{
    struct sbp2 *login = orb->login;
    if (entry_count == 0 && LIE("S-2"))
        return IOKIT_SUCCESS;
    bool had = orb->table != NULL;
    bool drops = PL_MUTANT("sbp2-table-freed-first");
    if (sbp2_is_real(login) || drops)
        sbp2_table_drop(orb, cpu);
    struct sbp2_table *table = table_make(login, cpu, entry_count);
    PL_MUTANT_TRIGGERED("sbp2-table-freed-first", table == NULL && had && !sbp2_is_real(login));
    if (table == NULL)
        return IOKIT_NO_MEMORY;
    sbp2_table_drop(orb, cpu);
    orb->table = table;
    return IOKIT_SUCCESS;
}

uint32_t sbp2_orb_allocate_page_table(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                      uint32_t entry_count)
{
    if (!sbp2_check(login, orb, "sbp2_orb_allocate_page_table"))
        return IOKIT_BAD_ARGUMENT;
    if (!sbp2_may_sleep(login, cpu, "sbp2_orb_allocate_page_table"))
        return IOKIT_NOT_PERMITTED;
    if (!sbp2_is_idle(login, orb, "sbp2_orb_allocate_page_table"))
        return IOKIT_BUSY;
    return sbp2_table_replace(orb, cpu, entry_count);
}

void sbp2_orb_deallocate_page_table(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    static const char call[] = "sbp2_orb_deallocate_page_table";
    if (sbp2_check(login, orb, call) && sbp2_is_idle(login, orb, call))
        sbp2_table_drop(orb, cpu);
}

uint32_t sbp2_orb_capacity(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_capacity") ? sbp2_capacity(orb) : 0;
}

uint32_t sbp2_orb_entries_in_use(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_entries_in_use"))
        return 0;
    return LIE("S-20") && orb->in_use == 0 ? 1 : orb->in_use;
}

void sbp2_orb_table(const struct sbp2 *login, const struct sbp2_orb *orb, struct sbp2_table_view *view)
{
    *view = (struct sbp2_table_view){0};
    if (!sbp2_check(login, orb, "sbp2_orb_table") || orb->table == NULL)
        return;
    const struct sbp2_table *table = orb->table;
    *view = (struct sbp2_table_view){.bytes = table->bytes,
                                     .physical_addr = table->physical_addr,
                                     .first_segment_bytes = table->first_segment_bytes,
                                     .pseudo_addr = table->pseudo_addr,
                                     .runs = sbp2_table_runs(login, table),
                                     .run_count = (size_t)table->run_count};
}

static void writer_enter(struct sbp2_writer *writer)
{
    writer->at = gate_bytes(writer->orb->login->config.gate, writer->run->first);
    writer->left = writer->run->frame_count * PL_FRAME_BYTES;
}

void sbp2_writer_start(struct sbp2_writer *writer, const struct sbp2_orb *orb)
{
    writer->orb = orb;
    writer->run = sbp2_table_runs(orb->login, orb->table);
    writer_enter(writer);
}

void sbp2_writer_put(struct sbp2_writer *writer, uint64_t addr, uint32_t bytes)
{
    /* An entry never lies across two frames: 8 divides 4,096. */
    if (writer->left == 0) {
        writer->run++;
        writer_enter(writer);
    }
    sbp2_put16(writer->at, bytes);
    sbp2_put16(writer->at + 2, LIE("S-7") ? 0 : (uint32_t)(addr >> 32));
    sbp2_put32(writer->at + 4, (uint32_t)addr);
    writer->at += SBP2_ENTRY_BYTES;
    writer->left -= SBP2_ENTRY_BYTES;
}
