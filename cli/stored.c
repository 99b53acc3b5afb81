/* See stored.h. */
#define _XOPEN_SOURCE 700 /* scandir */
#include "cli/stored.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int stored_read(const char *command, const char *path, struct program_file *file)
{
    char found[4096];
    struct program_error error;
    if (program_file_read(cli_find(path, found, sizeof(found)), file, &error) != 0)
        return cli_mistake(command, "%s", error.text);
    return CLI_OK;
}

int stored_read_for(const char *command, const char *path, const char *backend, struct program_file *file,
                    struct spec *spec)
{
    struct spec_error error;
    int code = cli_check_specs(command, spec, spec_parse(backend, spec, &error) == 0 ? 1 : -1, &error);
    return code == CLI_OK ? stored_read(command, path, file) : code;
}

static int load(const char *command, struct stored_list *list, const char *path)
{
    if (list->count == STORED_LIMIT)
        return cli_mistake(command, "%s: at most %u programs expected", path, STORED_LIMIT);
    struct stored *stored = calloc(1, sizeof(*stored));
    char *copy = strdup(path);
    if (stored == NULL || copy == NULL || stored_read(command, path, &stored->file) != CLI_OK) {
        free(stored);
        free(copy);
        return CLI_MISTAKE;
    }
    stored->path = copy;
    list->programs[list->count++] = stored;
    return CLI_OK;
}

static int is_text(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0;
}

int stored_load(const char *command, struct stored_list *list, const char *path)
{
    char found[4096];
    struct dirent **entries = NULL;
    int count = scandir(cli_find(path, found, sizeof(found)), &entries, is_text, alphasort);
    int code = count < 0 ? load(command, list, path) : CLI_OK;
    for (int i = 0; i < count; i++) {
        char name[4096];
        int length = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (code == CLI_OK)
            code = length > 0 && (size_t)length < sizeof(name)
                       ? load(command, list, name)
                       : cli_mistake(command, "%s: a shorter path expected", path);
        free(entries[i]);
    }
    free(entries);
    if (code == CLI_OK && list->count == 0)
        return cli_mistake(command, "%s: a stored program (.txt) expected in it", path);
    return code;
}

void stored_unload(struct stored_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        program_file_fini(&list->programs[i]->file);
        free(list->programs[i]->path);
        free(list->programs[i]);
    }
    list->count = 0;
}
