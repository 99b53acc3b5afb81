/* See listing.h: what is recorded, and the end. listing_columns.c prints it. */
#include "engine/schedule/listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schedule/symbol.h"

static struct listing_entry *add(struct listing *listing, enum listing_what what, uint32_t cpu, uintptr_t pc)
{
    static struct listing_entry nowhere;
    uint64_t points;
    if (listing->count == LISTING_LIMIT) {
        listing->missed++;
        return &nowhere;
    }
    struct listing_entry *entry = &listing->entries[listing->count++];
    *entry = (struct listing_entry){
        .what = what,
        .cpu = cpu,
        .op = schedule_where(listing->schedule, cpu, 0, &points),
        .point = sim_points(),
        .pc = pc,
    };
    return entry;
}

static void on_access(struct sim_watch *watch, struct pl_cpu *cpu, const volatile void *address, size_t bytes,
                      struct sim_how how, uintptr_t pc)
{
    (void)address;
    struct listing *listing = (struct listing *)watch;
    struct listing_entry *entry = NULL;
    if (listing->stands[cpu->id] != 0)
        entry = &listing->entries[listing->stands[cpu->id] - 1];
    listing->stands[cpu->id] = 0;
    if (entry != NULL && entry->pc == pc) {
        entry->known = true;
        entry->kind = how.kind;
        entry->bytes = (uint32_t)bytes;
    }
    if (!listing->all)
        return;
    entry = add(listing, LISTING_ACCESS, cpu->id, pc);
    entry->known = true;
    entry->kind = how.kind;
    entry->bytes = (uint32_t)bytes;
}

static void on_turn(struct sim_watch *watch, enum sim_place place, uint32_t from, uintptr_t from_pc,
                    uint32_t to, uintptr_t to_pc)
{
    struct listing *listing = (struct listing *)watch;
    struct listing_entry *entry = add(listing, LISTING_TURN, from, from_pc);
    (void)to_pc;
    entry->place = place;
    entry->to = to;
    listing->stands[from] = place == SIM_AT_POINT || place == SIM_AT_PATIENCE ? listing->count : 0;
}

static void on_interrupt(struct sim_watch *watch, struct pl_cpu *cpu, bool enter, uintptr_t pc)
{
    struct listing *listing = (struct listing *)watch;
    (void)add(listing, enter ? LISTING_INTERRUPT : LISTING_RETURN, cpu->id, pc);
    listing->stands[cpu->id] = 0;
}

static void on_boundary(struct sim_watch *watch, struct pl_cpu *cpu)
{
    struct listing *listing = (struct listing *)watch;
    struct listing_entry *entry = add(listing, LISTING_END, cpu->id, 0);
    entry->op = listing->schedule->cpus[cpu->id].finished;
}

int listing_init(struct listing *listing, const struct schedule *schedule, bool all)
{
    *listing = (struct listing){
        .watch = {.access = on_access, .turn = on_turn, .interrupt = on_interrupt, .boundary = on_boundary},
        .schedule = schedule,
        .all = all,
        .entries = malloc(LISTING_LIMIT * sizeof(*listing->entries)),
    };
    return listing->entries == NULL ? -1 : 0;
}

void listing_reset(struct listing *listing)
{
    listing->count = 0;
    listing->missed = 0;
    memset(listing->stands, 0, sizeof(listing->stands));
}

void listing_fini(struct listing *listing)
{
    free(listing->entries);
    listing->entries = NULL;
}

/* --- the end --- */

static const char *name_of(uintptr_t pc, struct symbol *symbol)
{
    symbol->pc = pc;
    symbol_fill(symbol, 1);
    return symbol->text;
}

static void print_standing(const struct sim_standing *cpu, uint32_t id, FILE *out)
{
    struct symbol symbol;
    fprintf(out, "  cpu%-2" PRIu32 " ", id);
    if (cpu->returned) {
        fprintf(out, "has returned, %" PRIu64 " operations\n", cpu->progress);
        return;
    }
    fprintf(out, "%s at %s",
            cpu->waits   ? "waits"
            : cpu->spins ? "spins"
                         : "stands",
            cpu->pc == 0 ? "its beginning" : name_of(cpu->pc, &symbol));
    if (cpu->word != NULL && !cpu->waits)
        fprintf(out, ", for lock %p", cpu->word);
    if (cpu->holder != UINT32_MAX)
        fprintf(out, ", which cpu%" PRIu32 " has taken at %s", cpu->holder, name_of(cpu->holder_pc, &symbol));
    fprintf(out, "; %" PRIu64 " operations\n", cpu->progress);
    for (uint32_t i = 0; i < cpu->lock_count && i < SIM_LOCKS_SHOWN; i++)
        fprintf(out, "        holds lock %p, taken at %s\n", cpu->locks[i].lock,
                name_of(cpu->locks[i].pc, &symbol));
}

void listing_print_end(const struct sim_report *report, FILE *out)
{
    struct symbol symbol;
    if (report->end == SIM_DONE || report->end == SIM_STOPPED)
        return;
    fprintf(out, "%s: %s (cpu%" PRIu32 ")\n", sim_end_names[report->end], report->words, report->cpu);
    if (report->end == SIM_LOCK_RULE)
        fprintf(out, "  lock %p; the other time at %s\n", report->object, name_of(report->other_pc, &symbol));
    for (uint32_t i = 0; i < report->cpu_count; i++)
        print_standing(&report->cpus[i], i, out);
}
