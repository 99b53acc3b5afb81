/* pagelab masked: a candidate's row, and how it is printed. */
#ifndef CLI_MASKED_H
#define CLI_MASKED_H

#include "cli/cli.h"
#include "cli/stored.h"
#include "engine/interrupt/masked.h"

/* Of several programs, the longest section. */
struct masked_found {
    uint32_t program; /* its index */
    uint32_t ran;     /* programs; 0: nothing is known */
    struct masked_section section;
    char function[80]; /* where the section begins */
    char operation[120];
    uint64_t frames; /* of the machine */
    struct masked_ns ns;
};

struct masked_row {
    const struct spec *spec;
    struct masked_found seeds;
    struct masked_found worst;
    const char *seed;   /* path of the seeds' longest */
    char program[4096]; /* path of the worst */
    uint64_t tried;     /* programs of a search; 0: none */
    bool died;
    char words[300]; /* why there is no number, or what went wrong */
};

/* Is a seed's section longer than the stored program's, which is said to be the worst? */
bool masked_outdone(const struct masked_row *row);

void masked_print(const struct masked_row *rows, uint32_t row_count, enum report_format format);

#endif
