/* See symbol.h. */
#define _GNU_SOURCE /* dladdr, /proc/self/exe */
#include "engine/schedule/symbol.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 256u /* addresses on one command line */

static const char *const tools[] = {"llvm-addr2line-19", "llvm-addr2line", "addr2line"};

static const char *find_tool(char *path, size_t bytes)
{
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        for (const char *at = getenv("PATH"); at != NULL && *at != '\0';) {
            size_t length = strcspn(at, ":");
            snprintf(path, bytes, "%.*s/%s", (int)length, at, tools[i]);
            if (access(path, X_OK) == 0)
                return path;
            at += length + (at[length] == ':');
        }
    }
    return NULL;
}

/* What is known without any tool. */
static void name_roughly(struct symbol *symbol)
{
    Dl_info info;
    if (symbol->pc == 0)
        snprintf(symbol->text, sizeof(symbol->text), "?");
    else if (dladdr((void *)(symbol->pc - 1), &info) == 0)
        snprintf(symbol->text, sizeof(symbol->text), "0x%" PRIxPTR, symbol->pc);
    else if (info.dli_sname != NULL)
        snprintf(symbol->text, sizeof(symbol->text), "%.100s+0x%" PRIxPTR, info.dli_sname,
                 symbol->pc - (uintptr_t)info.dli_saddr);
    else
        snprintf(symbol->text, sizeof(symbol->text), "%.100s+0x%" PRIxPTR,
                 strrchr(info.dli_fname, '/') == NULL ? info.dli_fname : strrchr(info.dli_fname, '/') + 1,
                 symbol->pc - (uintptr_t)info.dli_fbase);
}

/* One frame of the tool's answer: a line with the function, one with "path:line". Innermost first; only it
 * and the function that really stands there are shown: "pl_lock_take lock.h:19 in buddy_alloc buddy.c:210".
 */
static void add_frame(char *first, char *last, const char *function, const char *place)
{
    const char *base = strrchr(place, '/') == NULL ? place : strrchr(place, '/') + 1;
    char *text = first[0] == '\0' ? first : last;
    snprintf(text, SYMBOL_BYTES / 2 - 4, "%.50s %.*s", function, (int)strcspn(base, " \n("), base);
}

static void read_answers(FILE *answers, struct symbol *symbols, uint32_t count)
{
    char function[256];
    char place[512];
    char first[SYMBOL_BYTES / 2] = "";
    char last[SYMBOL_BYTES / 2] = "";
    struct symbol *at = NULL;
    uint32_t next = 0;
    for (bool more = true; more;) {
        more = fgets(function, sizeof(function), answers) != NULL;
        if (!more || strncmp(function, "0x", 2) == 0) {
            if (at != NULL && first[0] != '\0' && strncmp(first, "??", 2) != 0)
                snprintf(at->text, sizeof(at->text), "%s%s%s", first, last[0] == '\0' ? "" : " in ", last);
            first[0] = last[0] = '\0';
            at = more && next < count ? &symbols[next++] : NULL;
            continue;
        }
        function[strcspn(function, "\n")] = '\0';
        if (fgets(place, sizeof(place), answers) == NULL)
            more = false;
        else
            add_frame(first, last, function, place);
    }
}

/* All of one file. */
static void ask_tool(const char *tool, const char *file, uintptr_t base, struct symbol *symbols,
                     uint32_t count)
{
    static char command[BATCH * 20 + 4096];
    int used = snprintf(command, sizeof(command), "'%s' -a -f -i -e '%.2000s'", tool, file);
    for (uint32_t i = 0; i < count; i++)
        used += snprintf(command + used, sizeof(command) - (size_t)used, " 0x%" PRIxPTR,
                         symbols[i].pc - 1 - base);
    snprintf(command + used, sizeof(command) - (size_t)used, " 2>/dev/null");
    FILE *answers = popen(command, "r"); /* NOLINT(cert-env33-c): a path of our own, and numbers */
    if (answers == NULL)
        return;
    read_answers(answers, symbols, count);
    pclose(answers);
}

void symbol_fill(struct symbol *symbols, uint32_t count)
{
    char tool[512];
    char program[2048];
    Dl_info own;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    for (uint32_t i = 0; i < count; i++)
        name_roughly(&symbols[i]);
    if (length <= 0 || find_tool(tool, sizeof(tool)) == NULL || dladdr(tools, &own) == 0)
        return;
    program[length] = '\0';
    if (strchr(program, '\'') != NULL) /* the shell would end the word there */
        return;
    for (uint32_t from = 0; from < count;) {
        /* Runs of those that are in this program; a plug-in's keep their rough names. */
        uint32_t end = from;
        Dl_info info;
        while (end < count && end - from < BATCH && symbols[end].pc != 0 &&
               dladdr((void *)(symbols[end].pc - 1), &info) != 0 && info.dli_fbase == own.dli_fbase)
            end++;
        if (end > from)
            ask_tool(tool, program, (uintptr_t)own.dli_fbase, symbols + from, end - from);
        from = end > from ? end : from + 1;
    }
}
