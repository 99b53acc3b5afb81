/* See observers.h. */
#include "engine/schedule/observers.h"

#include <inttypes.h>

#include "engine/schedule/symbol.h"

static const char *context_name(uint32_t context)
{
    return context == PL_CONTEXT_TASK ? "task" : context == PL_CONTEXT_NMI ? "nmi" : "interrupt";
}

static void print_side(const char *when, const struct race_side *side, const struct symbol *symbol, FILE *out)
{
    fprintf(out, "  %-6s CPU %" PRIu32 " %-9s point %-6" PRIu64 " %s%s  %s\n", when, side->cpu,
            context_name(side->context), side->point, side->atomic ? "atomic " : "",
            side->write ? "write" : "read", symbol->text);
}

void observers_print_race(const struct observers *observers, FILE *out)
{
    const struct race_report *report = observers->race == NULL ? NULL : race_found(observers->race);
    if (report == NULL || !report->found)
        return;
    struct symbol symbols[2] = {{.pc = report->first.pc}, {.pc = report->second.pc}};
    symbol_fill(symbols, 2);
    fprintf(out, "data race on %zu bytes:\n", report->bytes);
    print_side("first", &report->first, &symbols[0], out);
    print_side("second", &report->second, &symbols[1], out);
}

int observers_init(struct observers *observers, bool races, bool buffers)
{
    store_buffer_init(&observers->buffer);
    observers->buffers = buffers;
    observers->race = races ? race_new() : NULL;
    return races && observers->race == NULL ? -1 : 0;
}

void observers_fini(struct observers *observers)
{
    race_delete(observers->race);
    observers->race = NULL;
}

void observers_watch(struct observers *observers, struct schedule *schedule)
{
    schedule->watch = observers->race == NULL ? NULL : race_watch(observers->race);
    schedule->memory = observers->buffers ? &observers->buffer.memory : NULL;
}
