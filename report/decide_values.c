/* The four axes: what a candidate is worth on each, and what counts as a difference. */
#include "report/decide_parts.h"
#include "report/result.h"
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_NOISE_ONCE 2.0    /* between two runs, tails of one round move threefold */
#define ARRIVALS_MIN    1000.0 /* p99.9 of fewer is their maximum */

const char *const decide_axis_names[AXES] = {"speed", "tail", "memory", "fragmentation"};
const char *const decide_value_names[AXES] = {"speed_ns", "tail_ns", "memory_bytes_per_frame",
                                              "fragmentation"};

/* What is no difference: relative to the smaller value, and in itself. A run says better of its times
 * (`noise`); of a file that does not, or of one round, 25 per cent is believed at least. */
static const struct {
    double relative;
    double absolute;
} resolution[AXES] = {
    [AXIS_SPEED] = {0.25, 0},
    [AXIS_TAIL] = {0.50, 0},
    [AXIS_MEMORY] = {0.02, 0.1},
    [AXIS_FRAGMENTATION] = {0, 0.03},
};

double decide_axis_noise(enum decide_axis axis)
{
    return axis == AXIS_FRAGMENTATION ? resolution[axis].absolute : resolution[axis].relative;
}

double decide_axis_least(enum decide_axis axis)
{
    return resolution[axis].absolute;
}

void decide_cell_text(const struct decide_cell *cell, char *text, size_t bytes)
{
    char order[32] = "";
    char cpus[32] = "";

    if (cell->order >= 0) {
        snprintf(order, sizeof order, "/order:%.0f", cell->order);
    }
    if (cell->cpus >= 0) {
        snprintf(cpus, sizeof cpus, "/cpus:%.0f", cell->cpus);
    }
    snprintf(text, bytes, "%s%s%s", cell->workload, order, cpus);
}

static void cells_text(const struct decide_cell *cells, size_t count, char *text, size_t bytes)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used + 3 < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s", used == 0 ? "" : ", ");
        decide_cell_text(&cells[i], text + used, bytes - used);
        used += strlen(text + used);
    }
}

void decide_axis_says(const struct decide_profile *profile, enum decide_axis axis, char *text, size_t bytes)
{
    char cells[600] = "";

    switch (axis) {
    case AXIS_SPEED:
        cells_text(profile->speed, profile->speed_count, cells, sizeof cells);
        snprintf(text, bytes, "ns an operation, geometric mean of %s", cells);
        break;
    case AXIS_TAIL:
        cells_text(profile->tail, profile->tail_count, cells, sizeof cells);
        snprintf(text, bytes, "ns, p99.9 of one operation, the worst of %s", cells);
        break;
    case AXIS_MEMORY:
        snprintf(text, bytes, "bytes of metadata a frame, the most of repeat/order:0/cpus:1, age");
        break;
    default:
        snprintf(text, bytes,
                 "share of free memory in no free block of order 9 after age; 1 where order 9 is not served");
        break;
    }
}

/* --- values --- */

/* The row that decides is that of the cell with the largest weight, the first of equals. */
static bool measure_speed(const struct evidence *evidence, const struct decide_profile *profile,
                          const char *candidate, struct decide_value *value, struct decide_fact *fact)
{
    double sum = 0;
    double weights = 0;
    double noises = 0;
    double heaviest = 0;

    for (size_t i = 0; i < profile->speed_count; i++) {
        const struct decide_cell *wanted = &profile->speed[i];
        const struct report_cell *cell = evidence_cell(evidence, candidate, wanted);
        double noise = resolution[AXIS_SPEED].relative;

        if (cell == NULL || !cell_ok(cell)) {
            decide_fact_no_cell(evidence, candidate, wanted, cell, fact);
            return false;
        }
        if (!result_number(cell->row, "noise", &noise)) {
            noise = fmax(noise, statistics_noise_own(cell->samples, cell->sample_count));
            value->assumed = true;
        }
        sum += wanted->weight * log(cell->ns);
        noises += wanted->weight * noise;
        weights += wanted->weight;
        if (wanted->weight > heaviest) {
            heaviest = wanted->weight;
            value->rounds = cell->sample_count;
            value->row = cell->name;
            value->command = result_text(cell->row, "command");
            value->file = evidence_cell_file(evidence, cell);
        }
    }
    value->value = exp(sum / weights);
    value->noise = noises / weights;
    return true;
}

static bool row_tail(const cJSON *row, double *ns)
{
    return result_number(row, "service_p99_9_ns", ns) || result_number(row, "p99_9_ns", ns);
}

/* The p99.9 of a cell, the median over its rounds, and its noise by their spread. False: it has none. */
static bool tail_of(const struct report_cell *cell, struct decide_value *tail)
{
    double *rounds = calloc(cell->sample_count + 1, sizeof *rounds);

    tail->rounds = 0;
    for (size_t i = 0; i < cell->sample_count && rounds != NULL; i++) {
        tail->rounds += row_tail(cell->rounds[i], &rounds[tail->rounds]);
    }

    bool once = tail->rounds < 2;
    bool good = rounds != NULL && (!once || row_tail(cell->row, &tail->value));

    if (good) {
        tail->noise = once ? TAIL_NOISE_ONCE
                           : fmax(resolution[AXIS_TAIL].relative, statistics_noise_own(rounds, tail->rounds));
        tail->value = once ? tail->value : statistics_median(rounds, tail->rounds);
    }
    free(rounds);
    return good;
}

static bool measure_tail(const struct evidence *evidence, const struct decide_profile *profile,
                         const char *candidate, struct decide_value *value, struct decide_fact *fact)
{
    value->value = -1;
    for (size_t i = 0; i < profile->tail_count; i++) {
        const struct report_cell *cell = evidence_cell(evidence, candidate, &profile->tail[i]);
        struct decide_value tail = {.value = 0};
        double arrivals = ARRIVALS_MIN;

        if (cell != NULL && cell_ok(cell)) {
            result_number(cell->row, "arrivals", &arrivals);
        }
        if (cell == NULL || !cell_ok(cell) || arrivals < ARRIVALS_MIN || !tail_of(cell, &tail)) {
            decide_fact_no_cell(evidence, candidate, &profile->tail[i], cell, fact);
            if (cell != NULL && cell_ok(cell)) {
                fact->verdict = DECIDE_UNKNOWN;
                snprintf(fact->words, sizeof fact->words, "%s has too few operations for a p99.9 (%.0f)",
                         cell->workload, arrivals);
            }
            return false;
        }
        if (tail.value > value->value) {
            tail.row = cell->name;
            tail.command = result_text(cell->row, "command");
            tail.file = evidence_cell_file(evidence, cell);
            *value = tail;
        }
    }
    return true;
}

static bool measure_memory(const struct evidence *evidence, const char *candidate, struct decide_value *value,
                           struct decide_fact *fact)
{
    static const struct decide_cell cells[] = {{.workload = "repeat", .order = 0, .cpus = 1},
                                               {.workload = "age", .order = -1, .cpus = -1}};
    static const char *const keys[] = {"metadata_bytes_per_frame", "metadata_bytes_per_frame_peak"};

    value->row = NULL;
    value->value = -1;
    value->noise = resolution[AXIS_MEMORY].relative;
    for (size_t i = 0; i < 2; i++) {
        const struct report_cell *cell = evidence_cell(evidence, candidate, &cells[i]);

        for (size_t k = 0; k < 2 && cell != NULL && cell_ok(cell); k++) {
            double bytes = 0;

            if (result_number(cell->row, keys[k], &bytes) && bytes > value->value) {
                value->value = bytes;
                value->row = cell->name;
                value->command = result_text(cell->row, "command");
                value->file = evidence_cell_file(evidence, cell);
            }
        }
    }
    if (value->row == NULL) {
        decide_fact_no_cell(evidence, candidate, &cells[0], evidence_cell(evidence, candidate, &cells[0]),
                            fact);
        fact->verdict = DECIDE_UNKNOWN;
    }
    return value->row != NULL;
}

static bool measure_fragmentation(const struct evidence *evidence, const char *candidate,
                                  struct decide_value *value, struct decide_fact *fact)
{
    const struct decide_cell age = {.workload = "age", .order = -1, .cpus = -1};
    const struct report_cell *cell = evidence_cell(evidence, candidate, &age);
    double usable = 0;

    if (cell == NULL || (!result_number(cell->row, "usable_order_9", &usable) &&
                         strncmp(cell->reason, "n/a (capability)", 16) != 0)) {
        decide_fact_no_cell(evidence, candidate, &age, cell, fact);
        return false;
    }
    *value = (struct decide_value){.value = 1 - usable,
                                   .row = cell->name,
                                   .command = result_text(cell->row, "command"),
                                   .file = evidence_cell_file(evidence, cell)};
    return true;
}

bool decide_measure(const struct evidence *evidence, const struct decide_profile *profile,
                    const char *candidate, enum decide_axis axis, struct decide_value *value,
                    struct decide_fact *fact)
{
    switch (axis) {
    case AXIS_SPEED:
        return measure_speed(evidence, profile, candidate, value, fact);
    case AXIS_TAIL:
        return measure_tail(evidence, profile, candidate, value, fact);
    case AXIS_MEMORY:
        return measure_memory(evidence, candidate, value, fact);
    default:
        return measure_fragmentation(evidence, candidate, value, fact);
    }
}

/* --- how fine they are --- */

/* "12 to 90 % in speed (3 rounds)" */
static void fineness_of(const struct decide_standing *standings, size_t count, enum decide_axis axis,
                        char *text, size_t bytes)
{
    double least = standings[0].axes[axis].noise;
    double most = least;
    size_t rounds = standings[0].axes[axis].rounds;
    char from[24] = "";
    char times[40] = "";

    for (size_t i = 1; i < count; i++) {
        const struct decide_value *value = &standings[i].axes[axis];

        least = fmin(least, value->noise);
        most = fmax(most, value->noise);
        rounds = value->rounds < rounds ? value->rounds : rounds;
    }
    if (100 * most - 100 * least >= 1) {
        snprintf(from, sizeof from, "%.0f to ", 100 * least);
    }
    if (rounds > 0) {
        snprintf(times, sizeof times, " (%zu round%s)", rounds, rounds == 1 ? "" : "s");
    }
    snprintf(text, bytes, "%s%.0f %% in %s%s", from, 100 * most, decide_axis_names[axis], times);
}

void decide_fineness(const struct decide_standing *standings, size_t count, char *text, size_t bytes)
{
    char speed[120];
    char tail[120];
    bool assumed = false;
    bool few = false;

    text[0] = '\0';
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        assumed |= standings[i].axes[AXIS_SPEED].assumed;
        few |= standings[i].axes[AXIS_SPEED].rounds < DECIDE_ROUNDS_FULL;
    }
    fineness_of(standings, count, AXIS_SPEED, speed, sizeof speed);
    fineness_of(standings, count, AXIS_TAIL, tail, sizeof tail);
    snprintf(text, bytes, "Differences below %s, %s are not seen", speed, tail);
    if (few) {
        snprintf(text + strlen(text), bytes - strlen(text), "; a full run has %d", DECIDE_ROUNDS_FULL);
    }
    if (assumed) {
        snprintf(text + strlen(text), bytes - strlen(text),
                 "; this result has rows of speed without a noise, for which %.0f %% at least is taken",
                 100 * resolution[AXIS_SPEED].relative);
    }
}
