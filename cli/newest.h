/* The newest run below results/, for who decides from it. */
#ifndef CLI_NEWEST_H
#define CLI_NEWEST_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_REFERENCE_FOLDER "results/reference"

struct cli_newest {
    char folder[600]; /* results/NAME, for people */
    char real[4800];  /* where that is */
    bool reference;
    char
        skipped[600]; /* a newer result and why it is left out, "results/NAME/result.json: a smoke run"; "" */
};

/* A file of the checkout that is installed, too: here, below the checkout, or in share/pagelab beside the
 * program's folder. `buffer` may hold the result, which may not exist. */
const char *cli_find_shared(const char *path, char *buffer, size_t bytes);

/* The newest whole `run` by the date in its result, below the checkout or here, as `run` writes: of a release
 * build, else of another one, and where there is none, the reference. False: neither is there; `folder` says
 * where it was looked for last. */
bool cli_newest_run(struct cli_newest *newest);

#endif
