/* The four axes, what counts as a difference on them, and who is behind whom. */
#include "report/decide_parts.h"
#include "report/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOISE_MEASURED_ONCE 0.25
#define ARRIVALS_MIN        1000.0 /* p99.9 of fewer is their maximum */

const char *const decide_axis_names[AXES] = {"speed", "tail", "memory", "fragmentation"};
const char *const decide_value_names[AXES] = {"speed_ns", "tail_ns", "memory_bytes_per_frame",
                                              "fragmentation"};

/* What is no difference: relative to the smaller value, and in itself. A run says better of its times
 * (`noise`). */
static const struct {
    double relative;
    double absolute;
} resolution[AXES] = {
    [AXIS_SPEED] = {0.10, 0},
    [AXIS_TAIL] = {0.50, 0},
    [AXIS_MEMORY] = {0.02, 0.1},
    [AXIS_FRAGMENTATION] = {0, 0.03},
};

double decide_axis_noise(enum decide_axis axis)
{
    return axis == AXIS_FRAGMENTATION ? resolution[axis].absolute : resolution[axis].relative;
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
        if (!result_number(cell->row, "noise", &noise) && cell->sample_count < 2) {
            noise = NOISE_MEASURED_ONCE;
        }
        sum += wanted->weight * log(cell->ns);
        noises += wanted->weight * noise;
        weights += wanted->weight;
        if (wanted->weight > heaviest) {
            heaviest = wanted->weight;
            value->row = cell->name;
            value->command = result_text(cell->row, "command");
            value->file = evidence_cell_file(evidence, cell);
        }
    }
    value->value = exp(sum / weights);
    value->noise = noises / weights;
    return true;
}

static bool measure_tail(const struct evidence *evidence, const struct decide_profile *profile,
                         const char *candidate, struct decide_value *value, struct decide_fact *fact)
{
    value->value = -1;
    value->noise = resolution[AXIS_TAIL].relative;
    for (size_t i = 0; i < profile->tail_count; i++) {
        const struct report_cell *cell = evidence_cell(evidence, candidate, &profile->tail[i]);
        double ns = 0;
        double arrivals = ARRIVALS_MIN;

        if (cell != NULL && cell_ok(cell)) {
            result_number(cell->row, "arrivals", &arrivals);
        }
        if (cell == NULL || !cell_ok(cell) || arrivals < ARRIVALS_MIN ||
            (!result_number(cell->row, "service_p99_9_ns", &ns) &&
             !result_number(cell->row, "p99_9_ns", &ns))) {
            decide_fact_no_cell(evidence, candidate, &profile->tail[i], cell, fact);
            if (cell != NULL && cell_ok(cell)) {
                fact->verdict = DECIDE_UNKNOWN;
                snprintf(fact->words, sizeof fact->words, "%s has too few operations for a p99.9 (%.0f)",
                         cell->workload, arrivals);
            }
            return false;
        }
        if (ns > value->value) {
            value->value = ns;
            value->row = cell->name;
            value->command = result_text(cell->row, "command");
            value->file = evidence_cell_file(evidence, cell);
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
    *value = (struct decide_value){1 - usable, 0, cell->name, result_text(cell->row, "command"),
                                   evidence_cell_file(evidence, cell)};
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

/* --- the front --- */

bool decide_better(const struct decide_value *a, const struct decide_value *b, enum decide_axis axis)
{
    double noise = a->noise > b->noise ? a->noise : b->noise;

    return b->value > a->value * (1 + noise) && b->value - a->value > resolution[axis].absolute;
}

/* Nowhere worse, and somewhere better, beyond the noise. */
static bool dominates(const struct decide_standing *a, const struct decide_standing *b)
{
    bool better = false;

    for (int axis = 0; axis < AXES; axis++) {
        if (decide_better(&b->axes[axis], &a->axes[axis], (enum decide_axis)axis)) {
            return false;
        }
        better |= decide_better(&a->axes[axis], &b->axes[axis], (enum decide_axis)axis);
    }
    return better;
}

static int standings_compare(const void *left, const void *right)
{
    const struct decide_standing *a = left;
    const struct decide_standing *b = right;
    double x = a->axes[AXIS_SPEED].value;
    double y = b->axes[AXIS_SPEED].value;

    return x != y ? (x > y) - (x < y) : strcmp(a->candidate, b->candidate);
}

/* "The same within noise" does not carry over from one pair to the next, so three might dominate each other
 * in a ring. So each is asked against those that are still on the front, and who is behind nobody there at
 * the end comes back: at least one is left, and who is out has a better one beside whom it can be shown. Of
 * a ring two may be left then, one better than the other: that one is marked. */
void decide_front(struct decide_standing *standings, size_t count)
{
    qsort(standings, count, sizeof standings[0], standings_compare);
    for (size_t i = count; i-- > 0;) {
        for (size_t j = 0; j < count && !standings[i].dominated; j++) {
            standings[i].dominated = !standings[j].dominated && dominates(&standings[j], &standings[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool behind = false;

        for (size_t j = 0; j < count && standings[i].dominated && !behind; j++) {
            behind = !standings[j].dominated && dominates(&standings[j], &standings[i]);
            standings[i].by = j;
        }
        standings[i].dominated = behind;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count && !standings[i].dominated && !standings[i].ringed; j++) {
            standings[i].ringed = !standings[j].dominated && dominates(&standings[j], &standings[i]);
            standings[i].by = j;
        }
    }
}

void decide_loss(const struct decide_standing *mine, const struct decide_standing *best,
                 enum decide_axis axis, char *text, size_t bytes)
{
    static const char *const much[AXES] = {"slower than", "the tail of", "the memory of", ""};
    double a = mine->axes[axis].value;
    double b = best->axes[axis].value;

    if (axis == AXIS_FRAGMENTATION) {
        snprintf(text, bytes, "%.0f %% usable at order 9, %s %.0f %%", 100 * (1 - a), best->candidate,
                 100 * (1 - b));
    } else if (axis == AXIS_MEMORY && (b < 0.01 || a / b >= 100)) {
        snprintf(text, bytes, "%.2f bytes a frame, %s %.2f", a, best->candidate, b);
    } else {
        snprintf(text, bytes, "%.*f x %s %s", a / b < 9.95 ? 1 : 0, a / b, much[axis], best->candidate);
    }
}
