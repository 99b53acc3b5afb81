/* pagelab interrupt --mode stress: by signals and timers, which nobody can replay. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/interrupt.h"
#include "engine/interrupt/stress.h"
#include "engine/isolate.h"

#define BEYOND_S 120u /* what the watchdog may need beyond the limit */

struct cell {
    bool ran;
    struct stress_result result;
    enum sweep_end end;
    char verdict[400];
};

static void stress_work(void *argument, void *result)
{
    stress_run(argument, result);
}

static void read_result(struct cell *cell)
{
    const struct stress_result *result = &cell->result;
    if (result->endless || result->deadlock || result->broken) {
        cell->end = result->endless ? SWEEP_ENDLESS : result->deadlock ? SWEEP_DEADLOCK : SWEEP_BROKEN;
        snprintf(cell->verdict, sizeof(cell->verdict), "%s: %s", sweep_end_names[cell->end], result->words);
    } else if (result->partial) {
        snprintf(cell->verdict, sizeof(cell->verdict), "survives %" PRIu64 " interrupts (partial: %.0f %%)",
                 result->taken, 100.0 * (double)result->operations / (double)result->asked);
    } else {
        snprintf(cell->verdict, sizeof(cell->verdict), "survives %" PRIu64 " interrupts", result->taken);
    }
}

/* False: interrupted. */
static bool run_cell(const struct spec *spec, enum interrupt_level level, const struct interrupt_ask *ask,
                     struct cell *cell)
{
    struct stress_options options = {spec, level, ask->operations, ask->limit_s};
    struct stress_result *result = &cell->result;
    char how[100] = "";
    unsigned limit_s = ask->limit_s + BEYOND_S;
    /* What a child that dies does not say. */
    struct stress_options nothing = {spec, level, 0, ask->limit_s};
    uint64_t caps = isolate_run(stress_work, &nothing, result, sizeof(*result), limit_s, &cli_stop, how,
                                sizeof(how)) == ISOLATE_DONE
                        ? result->caps
                        : 0;
    enum isolate_outcome outcome =
        isolate_run(stress_work, &options, result, sizeof(*result), limit_s, &cli_stop, how, sizeof(how));
    cell->ran = true;
    if (outcome == ISOLATE_INTERRUPTED)
        return false;
    if (outcome != ISOLATE_DONE) {
        memset(result, 0, sizeof(*result));
        result->supported = true;
        result->caps = caps;
        /* The watchdog has seen nobody who stands still, so the machine may be slow: that refutes nothing. */
        cell->end = outcome == ISOLATE_DIED ? SWEEP_CRASH : SWEEP_SURVIVES;
        snprintf(cell->verdict, sizeof(cell->verdict), "%s: %s",
                 outcome == ISOLATE_DIED ? sweep_end_names[cell->end] : "not finished", how);
    } else if (!result->supported) {
        snprintf(cell->verdict, sizeof(cell->verdict), "n/a (%s)", result->words);
    } else {
        read_result(cell);
    }
    return true;
}

static bool refuted(const struct cell *cell, enum interrupt_level level)
{
    uint64_t claim = level == INTERRUPT_NMI ? PL_CAP_NMI_SAFE : PL_CAP_IRQ_SAFE;
    return cell->end != SWEEP_SURVIVES && (cell->result.caps & claim) != 0;
}

static void add_row(struct table *table, const struct spec *spec, enum interrupt_level level,
                    const struct cell *cell)
{
    const struct stress_result *result = &cell->result;
    char numbers[5][32];
    const uint64_t values[] = {result->cpu_count, result->operations, result->signals, result->timers,
                               result->denied};
    for (size_t i = 0; i < PL_COUNT_OF(values); i++)
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, values[i]);
    const char *cells[] = {spec->name,
                           level == INTERRUPT_NMI ? "nmi" : "irq",
                           refuted(cell, level) ? "refuted" : "-",
                           cell->verdict,
                           numbers[0],
                           numbers[1],
                           numbers[2],
                           numbers[3],
                           numbers[4]};
    table_add_row(table, cells);
}

int interrupt_stress(const struct spec *specs, uint32_t spec_count, const struct interrupt_ask *ask,
                     enum report_format format)
{
    static const struct table_column columns[] = {
        {"candidate", TABLE_LEFT}, {"level", TABLE_LEFT},   {"claim", TABLE_LEFT},
        {"verdict", TABLE_LEFT},   {"cpus", TABLE_RIGHT},   {"operations", TABLE_RIGHT},
        {"signals", TABLE_RIGHT},  {"timers", TABLE_RIGHT}, {"refused_memory", TABLE_RIGHT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    int code = CLI_OK;
    for (uint32_t i = 0; table != NULL && i < spec_count && code != CLI_INTERRUPTED; i++) {
        for (int at = 0; at < INTERRUPT_LEVEL_COUNT && code != CLI_INTERRUPTED; at++) {
            struct cell cell = {.ran = false};
            if (!ask->levels[at])
                continue;
            if (!run_cell(&specs[i], (enum interrupt_level)at, ask, &cell)) {
                code = CLI_INTERRUPTED;
                continue;
            }
            add_row(table, &specs[i], (enum interrupt_level)at, &cell);
            if (refuted(&cell, (enum interrupt_level)at))
                code = CLI_BROKEN;
        }
    }
    if (table != NULL) {
        table_add_note(table,
                       "not replayable: signals and timers hit where they hit; --mode step finds the place");
        table_print(table, format, false, stdout);
    }
    table_destroy(table);
    return code;
}
