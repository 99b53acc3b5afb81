/* See race_text.h. */
#include "engine/schedule/race_text.h"

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

void race_print(const struct race_report *report, FILE *out)
{
    struct symbol symbols[2] = {{.pc = report->first.pc}, {.pc = report->second.pc}};
    if (!report->found)
        return;
    symbol_fill(symbols, 2);
    fprintf(out, "data race on %zu bytes:\n", report->bytes);
    print_side("first", &report->first, &symbols[0], out);
    print_side("second", &report->second, &symbols[1], out);
}
