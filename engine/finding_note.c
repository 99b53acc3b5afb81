/* See finding_note.h. */
#define _GNU_SOURCE /* memmem */
#include "engine/finding_note.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define REPLAY         "; to see it again: "

void finding_note_print(const struct finding_note *note, FILE *out)
{
    char line[2048];
    snprintf(line, sizeof(line), "%s%s%s on %s, target %s: %s", note->ids, note->op[0] == '\0' ? "" : " by ",
             note->op, note->backend, note->target, note->summary);
    /* One line, whatever a plug-in's words hold. */
    for (char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    fprintf(out, "# %s\n", line);
}

/* Copies [from, to) if it fits; what is no printable character becomes '?'. */
static bool copy(const char *from, const char *to, char *out, size_t bytes)
{
    size_t length = (size_t)(to - from);
    if (length >= bytes)
        return false;
    for (size_t i = 0; i < length; i++)
        out[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    out[length] = '\0';
    return true;
}

/* `words` within a line, or NULL. */
static const char *find(const char *line, const char *end, const char *words)
{
    return memmem(line, (size_t)(end - line), words, strlen(words));
}

static bool parse_line(const char *line, const char *end, struct finding_note *note)
{
    const char *on = find(line, end, " on ");
    const char *by = on == NULL ? NULL : find(line, on, " by ");
    const char *target = on == NULL ? NULL : find(on, end, ", target ");
    const char *colon = target == NULL ? NULL : find(target, end, ": ");
    if (colon == NULL)
        return false;
    note->op[0] = '\0';
    return copy(line + 2, by == NULL ? on : by, note->ids, sizeof(note->ids)) && note->ids[0] != '\0' &&
           (by == NULL || copy(by + 4, on, note->op, sizeof(note->op))) &&
           copy(on + 4, target, note->backend, sizeof(note->backend)) &&
           copy(target + 9, colon, note->target, sizeof(note->target)) &&
           copy(colon + 2, end, note->summary, sizeof(note->summary));
}

bool finding_note_parse(const char *text, struct finding_note *note)
{
    bool found = false;
    memset(note, 0, sizeof(*note));
    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\r\n");
        const char *replay = strncmp(line, "# ", 2) == 0 ? find(line, end, REPLAY) : NULL;
        if (replay != NULL)
            (void)copy(replay + strlen(REPLAY), end, note->replay, sizeof(note->replay));
        else if (!found && strncmp(line, "# ", 2) == 0)
            found = parse_line(line, end, note);
        line = end + strspn(end, "\r\n");
    }
    return found;
}

bool finding_note_read(const char *path, struct finding_note *note)
{
    char name[4096];
    struct stat status;
    size_t length = strlen(path);
    memset(note, 0, sizeof(*note));
    if (length < 4 || length >= sizeof(name))
        return false;
    memcpy(name, path, length + 1);
    if (strcmp(name + length - 4, ".bin") == 0)
        memcpy(name + length - 4, ".txt", 4);
    if (stat(name, &status) != 0 || !S_ISREG(status.st_mode) || (size_t)status.st_size > TEXT_BYTES_MAX)
        return false;
    FILE *file = fopen(name, "rb");
    char *text = file == NULL ? NULL : malloc((size_t)status.st_size + 1);
    bool found = false;
    if (text != NULL) {
        text[fread(text, 1, (size_t)status.st_size, file)] = '\0';
        found = finding_note_parse(text, note);
    }
    free(text);
    if (file != NULL)
        fclose(file);
    return found;
}

/* A word for a shell: as it is, or in single quotes. */
static void quote(const char *word, char *out, size_t bytes)
{
    if (strpbrk(word, "()*?[]{}&;|<>$`\"'#~! \t\n\\") == NULL) {
        snprintf(out, bytes, "%s", word);
        return;
    }
    size_t used = 0;
    out[used++] = '\'';
    for (; *word != '\0' && used + 6 < bytes; word++)
        used += (size_t)snprintf(out + used, bytes - used, *word == '\'' ? "'\\''" : "%c", *word);
    snprintf(out + used, bytes - used, "'");
}

void finding_note_replay(const char *path, const char *backend, const char *options, char *command,
                         size_t bytes)
{
    char file[4096];
    char name[1024];
    quote(path, file, sizeof(file));
    quote(backend, name, sizeof(name));
    snprintf(command, bytes, "./pagelab replay %s --backend %s%s", file, name, options);
}
