/* Growth: the power of x that y follows, by least squares on logarithms. */
#ifndef BENCH_SCALE_FIT_H
#define BENCH_SCALE_FIT_H

#include <stddef.h>

struct scale_fit {
    double exponent;
    size_t points; /* that were used: those with both values above 0; below 2 there is no exponent */
};

struct scale_fit scale_fit(const double *x, const double *y, size_t count);

#endif
