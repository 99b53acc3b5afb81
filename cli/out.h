/* The file of --out: opened before anything long begins, so that a wrong path is heard of at once, and in its
 * place only when it is whole. A device or a pipe is written to and not replaced. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stdio.h>

struct cli_out {
    const char *command;
    const char *path;
    FILE *file; /* NULL: no --out */
    char part[4096];
    bool direct;
};

/* `path` may be NULL: nothing is opened. False after an error was printed. */
bool cli_out_open(struct cli_out *out, const char *command, const char *path);

/* `good`: what was to be written is in out->file. False after an error was printed. */
bool cli_out_close(struct cli_out *out, bool good);

/* There is nothing to write: what was at `path` stays. */
void cli_out_drop(struct cli_out *out);

#endif
