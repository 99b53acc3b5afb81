/* See scale_fit.h. */
#include "bench/scale_fit.h"

#include <math.h>

/* Less is one x, and rounding: no line. */
#define SAME_X 1e-9

/* Both above 0: a point that has logarithms. */
static int usable(double x, double y)
{
    return x > 0 && y > 0;
}

struct scale_fit scale_fit(const double *x, const double *y, size_t count)
{
    struct scale_fit fit = {0};
    double mean_x = 0;
    double mean_y = 0;
    double spread = 0;
    double common = 0;
    for (size_t i = 0; i < count; i++) {
        if (!usable(x[i], y[i]))
            continue;
        mean_x += log(x[i]);
        mean_y += log(y[i]);
        fit.points++;
    }
    if (fit.points < 2)
        return fit;
    mean_x /= (double)fit.points;
    mean_y /= (double)fit.points;
    for (size_t i = 0; i < count; i++) {
        if (!usable(x[i], y[i]))
            continue;
        spread += (log(x[i]) - mean_x) * (log(x[i]) - mean_x);
        common += (log(x[i]) - mean_x) * (log(y[i]) - mean_y);
    }
    if (spread < SAME_X)
        fit.points = 1;
    else
        fit.exponent = common / spread;
    return fit;
}
