/* See listing.h: the recorded schedule in columns, one for each CPU and one for interrupts; time goes down.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schedule/listing.h"
#include "engine/schedule/symbol.h"

#define HEAD_WIDTH 9
#define CELL_WIDTH 21
#define CELL_BYTES 40u

static const char *const access_names[] = {
    [SIM_READ] = "read",
    [SIM_WRITE] = "write",
    [SIM_ATOMIC_READ] = "atomic read",
    [SIM_ATOMIC_WRITE] = "atomic write",
    [SIM_ATOMIC_UPDATE] = "atomic update",
    [SIM_COMPARE_FAILED] = "compare-and-swap that fails",
};

/* What of the CPUs is known while the lines are printed. */
struct columns {
    uint32_t cpu_count;
    uint32_t depth[PL_CPU_LIMIT]; /* handlers that have begun on it, and not ended */
    bool inside[PL_CPU_LIMIT];    /* stands in the midst of an operation */
};

static const char *const places[SIM_PLACES] = {
    [SIM_AT_POINT] = "preempted",
    [SIM_AT_BOUNDARY] = "between operations",
    [SIM_AT_RELAX] = "spins",
    [SIM_AT_WAIT] = "waits",
    [SIM_AT_END] = "has nothing to do",
    [SIM_AT_START] = "has not begun",
    [SIM_AT_PATIENCE] = "runs for long",
};

const char *listing_place(enum sim_place place)
{
    return places[place];
}

void listing_access(const struct listing_entry *entry, char *text, size_t bytes)
{
    text[0] = '\0';
    if (entry->known)
        snprintf(text, bytes, "%s%s of %" PRIu32 " bytes", entry->what == LISTING_ACCESS ? "" : "before the ",
                 access_names[entry->kind], entry->bytes);
}

/* What the entry says of the CPU whose it is. */
static void own_words(const struct listing_entry *entry, char *text)
{
    static const char *const words[] = {[LISTING_INTERRUPT] = "interrupted",
                                        [LISTING_RETURN] = "goes on",
                                        [LISTING_END] = "ends",
                                        [LISTING_ACCESS] = ""};
    const char *what = entry->what == LISTING_TURN ? places[entry->place] : words[entry->what];
    if (entry->op == SCHEDULE_NO_OP)
        snprintf(text, CELL_BYTES, "%s", what);
    else
        snprintf(text, CELL_BYTES, "op %" PRIu32 " %s", entry->op, what);
}

/* A handler's: what begins, ends or happens in it. */
static void interrupt_words(const struct listing_entry *entry, char *text)
{
    const char *what = entry->what == LISTING_INTERRUPT ? " begins"
                       : entry->what == LISTING_RETURN  ? " ends"
                       : entry->what == LISTING_TURN    ? places[entry->place]
                                                        : "";
    snprintf(text, CELL_BYTES, "on CPU %" PRIu32 "%s%s", entry->cpu, entry->what == LISTING_TURN ? ": " : "",
             what);
}

/* Whether the CPU stands in the midst of an operation behind this entry. */
static void follow(struct columns *columns, const struct listing_entry *entry)
{
    uint32_t cpu = entry->cpu;
    columns->depth[cpu] += entry->what == LISTING_INTERRUPT;
    columns->depth[cpu] -= entry->what == LISTING_RETURN && columns->depth[cpu] > 0;
    columns->inside[cpu] = entry->op != SCHEDULE_NO_OP && entry->what != LISTING_END;
}

/* In the column `index`; what it needs of blanks comes before it, so that no line ends with any. */
static void put(uint32_t index, const char *text, int *used, FILE *out)
{
    int wanted = HEAD_WIDTH + CELL_WIDTH * (int)index;
    if (text[0] == '\0')
        return;
    fprintf(out, "%*s%s", wanted > *used ? wanted - *used : 1, "", text);
    *used = (wanted > *used ? wanted : *used + 1) + (int)strlen(text);
}

static void print_line(struct columns *columns, const struct listing_entry *entry, const char *where,
                       FILE *out)
{
    uint32_t depth = columns->depth[entry->cpu];
    char text[CELL_BYTES];
    int used = fprintf(out, "%7" PRIu64, entry->point);
    for (uint32_t cpu = 0; cpu < columns->cpu_count; cpu++) {
        text[0] = '\0';
        if (cpu == entry->cpu && (depth == 0 || (depth == 1 && entry->what == LISTING_RETURN)))
            own_words(entry, text);
        else if (entry->what == LISTING_TURN && cpu == entry->to)
            snprintf(text, sizeof(text), "goes on");
        else if (columns->inside[cpu])
            snprintf(text, sizeof(text), "|");
        put(cpu, text, &used, out);
    }
    text[0] = '\0';
    if (entry->what == LISTING_INTERRUPT || depth > 0)
        interrupt_words(entry, text);
    put(columns->cpu_count, text, &used, out);
    put(columns->cpu_count + 1, where, &used, out);
    fputc('\n', out);
    follow(columns, entry);
}

static void print_head(uint32_t cpu_count, FILE *out)
{
    int used = fprintf(out, " access");
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        char text[CELL_BYTES];
        snprintf(text, sizeof(text), "CPU %" PRIu32, cpu);
        put(cpu, text, &used, out);
    }
    put(cpu_count, "interrupt", &used, out);
    put(cpu_count + 1, "where", &used, out);
    fputc('\n', out);
}

struct symbol *listing_symbols(const struct listing *listing)
{
    struct symbol *symbols = calloc(listing->count + 1u, sizeof(*symbols));
    for (uint32_t i = 0; symbols != NULL && i < listing->count; i++)
        symbols[i].pc = listing->entries[i].pc;
    if (symbols != NULL)
        symbol_fill(symbols, listing->count);
    return symbols;
}

void listing_print(const struct listing *listing, FILE *out)
{
    const struct sim_report *report = &listing->schedule->report;
    struct columns columns = {.cpu_count = listing->schedule->cpu_count};
    struct symbol *symbols = listing_symbols(listing);
    if (symbols == NULL)
        return;
    fprintf(out,
            "schedule: %" PRIu64 " accesses, %" PRIu64 " switches, %" PRIu64 " interrupts, digest %016" PRIx64
            "\n",
            report->points, report->switches, report->interrupts, report->digest);
    if (listing->count != 0)
        print_head(columns.cpu_count, out);
    for (uint32_t i = 0; i < listing->count; i++) {
        const struct listing_entry *entry = &listing->entries[i];
        char access[60];
        char where[300];
        listing_access(entry, access, sizeof(access));
        snprintf(where, sizeof(where), "%s%s%s%s", access, access[0] == '\0' || entry->pc == 0 ? "" : "  ",
                 entry->pc == 0 ? "" : "at ", entry->pc == 0 ? "" : symbols[i].text);
        print_line(&columns, entry, where, out);
    }
    if (listing->missed != 0)
        fprintf(out, "        and %" PRIu64 " more\n", listing->missed);
    free(symbols);
}
