/* pagelab new-backend: writes a commented start of an allocator, in the tree or out of it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/start.h"
#include "engine/registry.h"

#define NAME_BYTES 40u
#define LIST_PATH  "allocators/CMakeLists.txt"
#define LIST_START "set(backends\n"
#define LIST_BYTES 16384u

struct start {
    char name[NAME_BYTES];   /* as given: a-z, 0-9, '-' */
    char symbol[NAME_BYTES]; /* with '_' */
    char macro[NAME_BYTES];  /* in capitals */
    char exported[2 * NAME_BYTES];
};

static bool make_names(const char *name, struct start *start)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes >= NAME_BYTES || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes ||
        !islower((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i <= bytes; i++) {
        start->name[i] = name[i];
        start->symbol[i] = (char)(name[i] == '-' ? '_' : name[i]);
        start->macro[i] = (char)toupper((unsigned char)start->symbol[i]);
    }
    return true;
}

/* Writes the text with its @words@ replaced. 0, or -1 with errno. */
static int write_text(const char *path, const char *text, const struct start *start)
{
    const struct {
        const char *word;
        const char *value;
    } words[] = {{"@name@", start->name},
                 {"@symbol@", start->symbol},
                 {"@MACRO@", start->macro},
                 {"@export@", start->exported}};
    FILE *file = fopen(path, "wx");
    if (file == NULL)
        return -1;
    while (*text != '\0') {
        size_t i = 0;
        while (i < PL_COUNT_OF(words) && strncmp(text, words[i].word, strlen(words[i].word)) != 0)
            i++;
        if (i < PL_COUNT_OF(words)) {
            fputs(words[i].value, file);
            text += strlen(words[i].word);
        } else {
            fputc(*text++, file);
        }
    }
    int bad = ferror(file);
    return fclose(file) != 0 || bad ? -1 : 0;
}

/* Puts the name at the end of the tree's list of backends. */
static int add_to_list(const struct start *start)
{
    static char text[LIST_BYTES];
    FILE *file = fopen(LIST_PATH, "r");
    size_t bytes = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL)
        fclose(file);
    text[bytes] = '\0';
    char *list = strstr(text, LIST_START);
    char *end = list == NULL ? NULL : strchr(list, ')');
    if (end == NULL)
        return cli_mistake("new-backend", "%s: a list 'set(backends' expected", LIST_PATH);
    file = fopen(LIST_PATH ".new", "w");
    bool good =
        file != NULL && fprintf(file, "%.*s    %s\n%s", (int)(end - text), text, start->name, end) > 0;
    if (file != NULL && fclose(file) != 0)
        good = false;
    if (!good || rename(LIST_PATH ".new", LIST_PATH) != 0)
        return cli_mistake("new-backend", "%s: cannot be written: %s", LIST_PATH, strerror(errno));
    return CLI_OK;
}

static int write_folder(const char *folder, const struct start *start, bool inside)
{
    char source[2 * NAME_BYTES];
    snprintf(source, sizeof(source), "%s.c", start->symbol);
    const struct {
        const char *file;
        const char *text;
    } files[] = {{source, start_backend_c},
                 {"CMakeLists.txt", inside ? start_inside_cmake : start_outside_cmake},
                 {"README.md", start_README_md}};
    if (access(folder, F_OK) == 0)
        return cli_mistake("new-backend", "%s: is there already", folder);
    if (cli_make_directory(folder) != 0)
        return cli_mistake("new-backend", "%s: cannot be made: %s", folder, strerror(errno));
    for (size_t i = 0; i < PL_COUNT_OF(files); i++) {
        char path[4 * NAME_BYTES];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i].file);
        if (write_text(path, files[i].text, start) != 0)
            return cli_mistake("new-backend", "%s: cannot be written: %s", path, strerror(errno));
    }
    return CLI_OK;
}

static int new_backend_main(int argc, const char **argv)
{
    static struct start start;
    const struct poptOption options[] = {CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_new_backend, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    bool good = make_names(left[0], &start);
    int code = CLI_OK;
    if (!good)
        code = cli_mistake("new-backend", "'%s': a name of a-z, 0-9 and '-', at most %u of them, expected",
                           left[0], NAME_BYTES - 1);
    else if (registry_find(start.name, strlen(start.name)) != NULL ||
             registry_find_service(start.name, strlen(start.name)) != NULL)
        code = cli_mistake("new-backend", "'%s': is one of ours; another name expected", start.name);
    poptFreeContext(context);
    if (code != CLI_OK)
        return code;
    char folder[2 * NAME_BYTES];
    bool inside = access(LIST_PATH, R_OK) == 0;
    snprintf(folder, sizeof(folder), "%s%s", inside ? "allocators/" : "", start.name);
    if (inside)
        snprintf(start.exported, sizeof(start.exported), "pl_candidate_%s", start.symbol);
    else
        snprintf(start.exported, sizeof(start.exported), "%s", PL_EXPORT_SYMBOL);
    code = write_folder(folder, &start, inside);
    if (code == CLI_OK && inside)
        code = add_to_list(&start);
    if (code != CLI_OK)
        return code;
    if (inside)
        printf("%s: written, and in the list of %s; next: ./pagelab check %s\n", folder, LIST_PATH,
               start.name);
    else
        printf("%s: written; next: cmake -S %s -B %s/build -DCMAKE_PREFIX_PATH=WHERE && cmake --build "
               "%s/build && "
               "pagelab check %s/build/%s.so\n"
               "WHERE, an absolute path, has the headers: 'cmake --install build/release --component "
               "contract --prefix WHERE' "
               "in the "
               "checkout\n",
               folder, folder, folder, folder, folder, start.name);
    return CLI_OK;
}

const struct cli_command cli_new_backend = {.name = "new-backend",
                                            .arguments = "NAME",
                                            .summary = "writes a commented start of an allocator",
                                            .example = "new-backend mine",
                                            .main = new_backend_main};
