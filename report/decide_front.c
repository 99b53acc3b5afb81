/* Who is behind whom, beyond the noise of both. */
#include "report/decide_parts.h"
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool decide_better(const struct decide_value *a, const struct decide_value *b, enum decide_axis axis)
{
    double noise = a->noise > b->noise ? a->noise : b->noise;

    return b->value > a->value * (1 + noise) && b->value - a->value > decide_axis_least(axis);
}

void decide_widen_tails(struct decide_standing *standings, size_t count)
{
    double *noises = calloc(count + 1, sizeof *noises);

    if (noises == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        noises[i] = standings[i].axes[AXIS_TAIL].noise;
    }

    double usual = statistics_median(noises, count);

    for (size_t i = 0; i < count; i++) {
        standings[i].axes[AXIS_TAIL].noise = fmax(standings[i].axes[AXIS_TAIL].noise, usual);
    }
    free(noises);
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
