/* Is a merge whole? libFuzzer says nothing of a file that it could not write, or wrote in part. Its notes
 * (the control file) have what each input reaches: what is in the new folder must be inputs, byte for byte,
 * and together reach all of it. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/program.h"
#include "fuzz/campaign_internal.h"

#define JUDGED_MAX                                                                                           \
    16u /* inputs that failed, run again at once; the others stay, so the next campaign does                 \
         */

struct input {
    const char *path;
    const char *reached; /* "3 17 20", up to the line's end; NULL: it did not come to its end */
    uint64_t hash;
    bool started;
    bool kept; /* it is in the new folder */
};

struct notes {
    char *text;
    struct input *inputs;
    size_t count;
    uint32_t *reached; /* by what is kept; sorted */
    size_t reached_count;
};

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    long bytes = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text = bytes >= 0 && fseek(file, 0, SEEK_SET) == 0 ? malloc((size_t)bytes + 1) : NULL;
    if (text != NULL)
        text[fread(text, 1, (size_t)bytes, file)] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

/* As libFuzzer reads and writes it: no longer than a program. 0: it cannot be read, or is empty. */
static uint64_t hash_of(const char *path)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t count = campaign_read(path, false, bytes, sizeof(bytes));
    return count == 0 ? 0 : campaign_hash(bytes, count);
}

/* The line, ended; NULL at the end of the text. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');
    if (end == NULL)
        return NULL; /* a line that is cut is none */
    *end = '\0';
    *at = end + 1;
    return line;
}

static void read_mark(struct notes *notes, char *line)
{
    bool started = strncmp(line, "STARTED ", 8) == 0;
    if (!started && strncmp(line, "FT ", 3) != 0)
        return;
    char *rest;
    size_t at = strtoul(line + (started ? 8 : 3), &rest, 10);
    if (at < notes->count && started)
        notes->inputs[at].started = true;
    else if (at < notes->count)
        notes->inputs[at].reached = rest;
}

/* "INPUTS\nOLD\nPATH\n...", then "STARTED N SIZE", "FT N FEATURE..." and "COV N EDGE..." of each. */
static bool read_notes(struct notes *notes, const char *path)
{
    char *at = notes->text = read_all(path);
    char *count = at == NULL ? NULL : next_line(&at);
    if (count == NULL || next_line(&at) == NULL)
        return false;
    size_t inputs = strtoul(count, NULL, 10);
    notes->inputs = inputs > strlen(at) ? NULL : calloc(inputs + 1, sizeof(*notes->inputs));
    if (notes->inputs == NULL)
        return false;
    notes->count = inputs;
    for (size_t i = 0; i < inputs; i++) {
        const char *line = next_line(&at);
        if (line == NULL)
            return false;
        notes->inputs[i].path = line;
        notes->inputs[i].hash = hash_of(line);
    }
    for (char *line; (line = next_line(&at)) != NULL;)
        read_mark(notes, line);
    for (size_t i = 0; i < inputs; i++) {
        if (!notes->inputs[i].started)
            return false;
    }
    return true;
}

/* Marks the inputs that the folder holds. Returns its files, or -1: one of them is no input. */
static long mark_kept(struct notes *notes, const char *folder)
{
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    long files = 0;
    DIR *dir = opendir(folder);
    while (dir != NULL && files >= 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        uint64_t hash = campaign_path(path, "%s/%s", folder, entry->d_name) ? hash_of(path) : 0;
        bool known = false;
        for (size_t i = 0; i < notes->count && hash != 0; i++) {
            notes->inputs[i].kept |= notes->inputs[i].hash == hash;
            known |= notes->inputs[i].hash == hash;
        }
        files = known ? files + 1 : -1;
    }
    if (dir != NULL)
        closedir(dir);
    return files;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The next number of a line; false at its end. */
static bool next_feature(const char **at, uint32_t *feature)
{
    char *rest;
    unsigned long number = strtoul(*at, &rest, 10);
    if (rest == *at)
        return false;
    *at = rest;
    *feature = (uint32_t)number;
    return true;
}

/* All that the kept ones reach. False: no memory. */
static bool collect_reached(struct notes *notes)
{
    size_t room = 0;
    uint32_t feature;
    for (size_t i = 0; i < notes->count; i++) { /* a number and its blank are two bytes at least */
        if (notes->inputs[i].kept && notes->inputs[i].reached != NULL)
            room += strlen(notes->inputs[i].reached) / 2 + 1;
    }
    notes->reached = calloc(room + 1, sizeof(*notes->reached));
    if (notes->reached == NULL)
        return false;
    for (size_t i = 0; i < notes->count; i++) {
        const char *at = notes->inputs[i].reached;
        while (notes->inputs[i].kept && at != NULL && next_feature(&at, &feature))
            notes->reached[notes->reached_count++] = feature;
    }
    qsort(notes->reached, notes->reached_count, sizeof(*notes->reached), compare);
    return true;
}

static bool reaches_all(const struct notes *notes)
{
    uint32_t feature;
    for (size_t i = 0; i < notes->count; i++) {
        const char *at = notes->inputs[i].reached;
        while (!notes->inputs[i].kept && at != NULL && next_feature(&at, &feature)) {
            if (bsearch(&feature, notes->reached, notes->reached_count, sizeof(feature), compare) == NULL)
                return false;
        }
    }
    return true;
}

static bool copy_input(const struct input *input, const char *folder)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    char path[CAMPAIGN_PATH_BYTES];
    size_t count = campaign_read(input->path, false, bytes, sizeof(bytes));
    return count > 0 && campaign_path(path, "%s/failed-%016llx", folder, (unsigned long long)input->hash) &&
           campaign_write(path, bytes, count) == 0;
}

/* Inputs that failed while they were merged are findings, or stay: nothing of them is in the new folder yet.
 * Returns how many stay; -1: they cannot be written. */
static long take_failed(struct campaign_pair *pair, const struct notes *notes, const char *folder)
{
    long stay = 0;
    uint32_t judged = 0;
    for (size_t i = 0; i < notes->count; i++) {
        const struct input *input = &notes->inputs[i];
        if (input->reached != NULL || input->kept)
            continue;
        if (judged++ < JUDGED_MAX && campaign_take_input(pair, NULL, input->path, false))
            continue;
        if (!copy_input(input, folder))
            return -1;
        stay++;
    }
    return stay;
}

long campaign_merge_whole(struct campaign_pair *pair, const char *folder, const char *fresh, const char **why)
{
    char control[CAMPAIGN_PATH_BYTES];
    struct notes notes = {0};
    long files = -1;
    *why = "was not whole: its notes are cut or missing";
    if (campaign_path(control, "%s/" CAMPAIGN_MERGE_CONTROL, folder) && read_notes(&notes, control)) {
        files = mark_kept(&notes, fresh);
        *why = files < 0 ? "was not whole: a file is no input" : "failed: no memory";
        if (files >= 0 && !collect_reached(&notes))
            files = -1;
    }
    if (files >= 0 && !reaches_all(&notes)) {
        *why = "was not whole: files are missing";
        files = -1;
    }
    if (files >= 0) {
        long stay = take_failed(pair, &notes, fresh);
        *why = stay < 0 ? "was not whole: an input that failed cannot be kept" : NULL;
        files = stay < 0 ? -1 : files + stay;
    }
    free(notes.reached);
    free(notes.inputs);
    free(notes.text);
    return files;
}
