/* The page of a score: survival curves, and the mutants behind them. */
#ifndef CLI_SCORE_PAGE_H
#define CLI_SCORE_PAGE_H

#include <stdio.h>

#include "fuzz/score.h"

/* One self-contained HTML page without scripts. Rows whose runs are not known are left out. False: `out` is
 * in error, or out of memory. */
bool score_page_write(const struct score_row *rows, uint32_t count, FILE *out);

#endif
