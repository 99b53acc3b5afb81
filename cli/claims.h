/* The claims of candidates, as checks see them; for `pagelab check`. */
#ifndef CLI_CLAIMS_H
#define CLI_CLAIMS_H

#include "cli/cli.h"
#include "systems/contract.h"

/* Tries to refute each claim of each candidate, in processes of their own, and prints what came of it: in
 * `format` a row a claim; without one, the lines below a matrix. CLI_OK; CLI_BROKEN if a claim is refuted, or
 * a check of it saw something else broken; CLI_INTERRUPTED. */
int claims_check(const struct spec *specs, uint32_t spec_count, enum contract contract,
                 const enum report_format *format);

#endif
