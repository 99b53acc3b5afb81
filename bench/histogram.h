/* A histogram of whole numbers with a bounded error, after the idea of HdrHistogram: 128 cells an octave.
 * Values below 256 are exact; of a larger one it is known to within 1/128 of itself; what is 2^40 or more
 * shares a cell. The least, the worst and the sum are exact. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <pagelab/compiler.h>

#include <stdint.h>

#define HISTOGRAM_BITS  7u
#define HISTOGRAM_TOP   40u
#define HISTOGRAM_CELLS ((HISTOGRAM_TOP - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* All zero but `least` is empty: histogram_clear. 35 KiB. */
struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t least;
    uint64_t worst;
    uint64_t cells[HISTOGRAM_CELLS + 1]; /* the last one: 2^HISTOGRAM_TOP and above */
};

void histogram_clear(struct histogram *histogram);

/* A value that at least `share` (0 to 1) of all are not above, and the least such one but for the error: the
 * upper end of its cell, no more than the worst. 0: there are no values. */
uint64_t histogram_at(const struct histogram *histogram, double share);

/* 0: there are no values. */
double histogram_mean(const struct histogram *histogram);

PL_INLINE unsigned histogram_cell(uint64_t value)
{
    if (value < UINT64_C(1) << HISTOGRAM_BITS)
        return (unsigned)value;
    if (PL_UNLIKELY(value >> HISTOGRAM_TOP != 0))
        return HISTOGRAM_CELLS;
    unsigned shift = 63 - PL_CLZ64(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

PL_INLINE void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->count++;
    histogram->sum += value;
    histogram->least = value < histogram->least ? value : histogram->least;
    histogram->worst = value > histogram->worst ? value : histogram->worst;
    histogram->cells[histogram_cell(value)]++;
}

#endif
