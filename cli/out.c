/* See out.h. */
#include "cli/out.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

bool cli_out_open(struct cli_out *out, const char *command, const char *path)
{
    struct stat status;
    bool there = path != NULL && stat(path, &status) == 0;
    *out = (struct cli_out){.command = command, .path = path, .direct = there && !S_ISREG(status.st_mode)};
    if (path == NULL)
        return true;
    if (there && S_ISDIR(status.st_mode)) {
        (void)cli_mistake(command, "--out '%s': a file expected, and this is a directory", path);
        return false;
    }
    snprintf(out->part, sizeof(out->part), "%.4080s%s", path, out->direct ? "" : ".part");
    out->file = fopen(out->part, "we");
    if (out->file == NULL)
        (void)cli_mistake(command, "--out '%s': %s", path, strerror(errno));
    return out->file != NULL;
}

bool cli_out_close(struct cli_out *out, bool good)
{
    if (out->file == NULL)
        return true;
    good = fclose(out->file) == 0 && good && (out->direct || rename(out->part, out->path) == 0);
    out->file = NULL;
    if (good)
        return true;
    (void)cli_mistake(out->command, "--out '%s': could not be written", out->path);
    cli_out_drop(out);
    return false;
}

void cli_out_drop(struct cli_out *out)
{
    if (out->file != NULL)
        fclose(out->file);
    out->file = NULL;
    if (out->path != NULL && !out->direct)
        (void)remove(out->part);
}
