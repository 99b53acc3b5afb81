/* See stored.h. */
#define _XOPEN_SOURCE 700 /* scandir */
#include "cli/stored.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int load(const char *command, struct stored_list *list, const char *path)
{
    char found[4096];
    struct program_error error;
    size_t bytes = 0;
    if (list->count == STORED_LIMIT)
        return cli_mistake(command, "%s: at most %u programs expected", path, STORED_LIMIT);
    uint8_t *data = cli_read_file(command, cli_find(path, found, sizeof(found)), &bytes);
    struct stored *stored = calloc(1, sizeof(*stored));
    int code = data == NULL || stored == NULL ? CLI_MISTAKE : CLI_OK;
    if (code == CLI_OK && !program_is_text(data, bytes)) {
        stored->binary = true;
        program_decode(data, bytes, stored->ops, &stored->program);
    } else if (code == CLI_OK &&
               program_parse((const char *)data, bytes, path, &stored->program, &error) != 0) {
        code = cli_mistake(command, "%s", error.text);
    }
    free(data);
    if (code == CLI_OK && (stored->path = strdup(path)) != NULL) {
        list->programs[list->count++] = stored;
        return CLI_OK;
    }
    free(stored);
    return CLI_MISTAKE;
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
        program_fini(&list->programs[i]->program);
        free(list->programs[i]->path);
        free(list->programs[i]);
    }
    list->count = 0;
}
