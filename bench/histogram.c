/* See histogram.h. */
#include "bench/histogram.h"

#include <math.h>
#include <string.h>

#define ROUNDING 1e-6 /* of a value: 0.999 x 1000 is the 999th */

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->least = UINT64_MAX;
}

/* The largest value of a cell that is not the last one. */
static uint64_t cell_end(unsigned cell)
{
    unsigned octave = cell >> HISTOGRAM_BITS;
    unsigned shift = octave == 0 ? 0 : octave - 1;
    uint64_t first = (uint64_t)(cell - (shift << HISTOGRAM_BITS)) << shift;
    return first + (UINT64_C(1) << shift) - 1;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
    double wanted = ceil(share * (double)histogram->count - ROUNDING);
    uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted;
    uint64_t seen = 0;
    if (histogram->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
        seen += histogram->cells[i];
        if (seen >= rank)
            return cell_end(i) < histogram->worst ? cell_end(i) : histogram->worst;
    }
    return histogram->worst;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
