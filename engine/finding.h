/* What a check found: which promises are broken, by number, at which operation, and how the two views differ.
 */
#ifndef ENGINE_FINDING_H
#define ENGINE_FINDING_H

#include <pagelab/compiler.h>

#include <stdbool.h>
#include <stdint.h>

#include "engine/op.h"

struct finding {
    bool found;
    char ids[48];       /* "F-3c F-7 X-7": numbers of the contract, the most telling first */
    uint32_t step;      /* index of the operation, from 0; the operation count for the check at the end */
    struct op op;       /* the operation; OP_NOP for the check at the end */
    char expected[200]; /* the shadow's view */
    char actual[200];   /* the backend's view */
};

/* Records the first finding only. `ids` as above; then both views as printf texts. */
void finding_set(struct finding *finding, const char *ids, const char *expected);
PL_PRINTF(2, 3) void finding_actual(struct finding *finding, const char *format, ...);
PL_PRINTF(2, 3) void finding_expected(struct finding *finding, const char *format, ...);

#endif
