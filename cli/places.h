/* Where a page finds what its result does not measure. */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include "report/report.h"

struct cli_places {
    struct report_places places; /* points into the rest */
    char own[4200];
    char reference[4800];
    char profiles[4800];
};

/* The result's folder; the stored results and the profiles as `choose` finds them, by a file of each. */
const struct report_places *cli_places_find(struct cli_places *found, const char *result_path);

#endif
