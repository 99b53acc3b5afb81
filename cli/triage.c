/* pagelab triage: a folder of findings, each kind once: the same numbers, operation and candidate are one.
 * What a finding is, the note in its text says, or a run on a candidate that is named. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/finding_note.h"
#include "engine/program_file.h"
#include "engine/trial.h"
#include "report/table.h"

#define LIMIT_S    5u
#define PATH_BYTES 4096

/* All that is one finding, and the smallest file of them. */
struct group {
    struct finding_note note;
    uint32_t files;
    uint32_t op_count;
    size_t bytes;
    char path[PATH_BYTES];
};

struct triage {
    const char *folder;
    const struct spec *spec; /* NULL: notes only */
    struct group *groups;
    size_t count;
    uint32_t files;
    uint32_t unread;
    uint32_t fine;    /* no finding on the candidate */
    uint32_t not_run; /* nothing known: not supported there, interrupted */
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name);
    return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* Of a pair of forms the binary one counts. */
static bool is_text_of_pair(const char *path)
{
    char other[PATH_BYTES];
    int stem = (int)strlen(path) - 4;
    if (!ends_with(path, ".txt") || snprintf(other, sizeof(other), "%.*s.bin", stem, path) >= PATH_BYTES)
        return false;
    return access(other, F_OK) == 0;
}

/* What it does on the candidate, as a note. False: nothing bad. */
static bool run_note(const struct triage *triage, const struct program_file *file, struct finding_note *note,
                     bool *fine)
{
    struct trial_result result;
    struct trial trial = {.program = &file->program,
                          .spec = triage->spec,
                          .fit = file->binary,
                          .silent = true,
                          .limit_s = LIMIT_S,
                          .stop = &cli_stop};
    char comment[2048];
    trial_run(&trial, &result);
    if (!trial_is_bad(&result)) {
        *fine = result.outcome == TRIAL_FINE;
        return false;
    }
    trial_comment(&result, triage->spec->name, op_family_names[file->program.family], "", comment,
                  sizeof(comment));
    return finding_note_parse(comment, note);
}

static bool is_same(const struct finding_note *a, const struct finding_note *b)
{
    return strcmp(a->ids, b->ids) == 0 && strcmp(a->op, b->op) == 0 && strcmp(a->backend, b->backend) == 0 &&
           (a->op[0] != '\0' || strcmp(a->summary, b->summary) == 0);
}

/* NULL: no memory. */
static struct group *group_of(struct triage *triage, const struct finding_note *note)
{
    for (size_t i = 0; i < triage->count; i++) {
        if (is_same(&triage->groups[i].note, note))
            return &triage->groups[i];
    }
    struct group *more = realloc(triage->groups, (triage->count + 1) * sizeof(*more));
    if (more == NULL)
        return NULL;
    triage->groups = more;
    more[triage->count] = (struct group){.note = *note};
    return &more[triage->count++];
}

static void take_file(struct triage *triage, const char *path)
{
    static struct program_file file;
    struct program_error error;
    struct finding_note note = {.ids = "not noted", .backend = "-"};
    if (program_file_read(path, &file, &error) != 0) {
        (void)cli_mistake("triage", "%s", error.text);
        triage->unread++;
        return;
    }
    bool bad = true;
    bool fine = false;
    if (triage->spec != NULL)
        bad = run_note(triage, &file, &note, &fine);
    else if (!finding_note_read(path, &note))
        note = (struct finding_note){.ids = "not noted", .backend = "-", .target = "-"};
    struct group *group = bad ? group_of(triage, &note) : NULL;
    triage->files++;
    triage->fine += fine;
    triage->not_run += !bad && !fine;
    if (group != NULL) {
        uint32_t op_count = file.program.op_count;
        if (group->files++ == 0 || op_count < group->op_count ||
            (op_count == group->op_count && file.bytes < group->bytes)) {
            group->note = note;
            group->op_count = op_count;
            group->bytes = file.bytes;
            snprintf(group->path, sizeof(group->path), "%s", path);
        }
    }
    program_file_fini(&file);
}

static int take_folder(struct triage *triage)
{
    struct dirent **entries = NULL;
    int count = scandir(triage->folder, &entries, NULL, alphasort);
    if (count < 0)
        return cli_mistake("triage", "%s: a folder of findings expected: %s", triage->folder,
                           strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        const char *name = entries[i]->d_name;
        int length = snprintf(path, sizeof(path), "%s/%s", triage->folder, name);
        bool stored = ends_with(name, ".bin") || ends_with(name, ".txt");
        if (cli_stop == 0 && stored && length > 0 && (size_t)length < sizeof(path) && !is_text_of_pair(path))
            take_file(triage, path);
        free(entries[i]);
    }
    free(entries);
    return CLI_OK;
}

static int by_name(const void *left, const void *right)
{
    const struct group *a = left;
    const struct group *b = right;
    int order = strcmp(a->note.backend, b->note.backend);
    if (order == 0)
        order = strcmp(a->note.ids, b->note.ids);
    return order != 0 ? order : strcmp(a->note.op, b->note.op);
}

static void add_row(struct table *table, const struct group *group)
{
    char files[24];
    char op_count[24];
    char replay[2 * PATH_BYTES] = "-";
    const char *target = group->note.target;
    char options[64];
    snprintf(files, sizeof(files), "%u", group->files);
    snprintf(op_count, sizeof(op_count), "%u", group->op_count);
    snprintf(options, sizeof(options), "%s%s",
             strcmp(target, "schedule-all") == 0    ? " --schedule --admitted"
             : strcmp(target, "schedule-page") == 0 ? " --schedule"
                                                    : "",
             ends_with(group->note.replay, " --tso") ? " --tso" : "");
    if (strcmp(group->note.backend, "-") != 0)
        finding_note_replay(group->path, group->note.backend, options, replay, sizeof(replay));
    const char *cells[] = {group->note.ids, group->note.op, group->note.backend, target,
                           files,           op_count,       group->path,         replay};
    (void)table_add_row(table, cells);
}

static int print_groups(struct triage *triage, enum report_format format)
{
    static const struct table_column columns[] = {
        {"finding", TABLE_LEFT},  {"operation", TABLE_LEFT}, {"candidate", TABLE_LEFT},
        {"target", TABLE_LEFT},   {"files", TABLE_RIGHT},    {"operations", TABLE_RIGHT},
        {"smallest", TABLE_LEFT}, {"replay", TABLE_LEFT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    char note[200];
    if (table == NULL)
        return cli_mistake("triage", "out of memory");
    if (triage->count > 1)
        qsort(triage->groups, triage->count, sizeof(*triage->groups), by_name);
    for (size_t i = 0; i < triage->count; i++)
        add_row(table, &triage->groups[i]);
    snprintf(note, sizeof(note),
             "%zu findings in %u files; %u could not be read, %u have none there, %u could not be run",
             triage->count, triage->files, triage->unread, triage->fine, triage->not_run);
    (void)table_add_note(table, note);
    table_print(table, format, false, stdout);
    table_destroy(table);
    return CLI_OK;
}

static int triage_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *format_text = NULL;
    struct triage triage = {0};
    struct spec spec;
    struct spec_error error;
    enum report_format format;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "run each on this candidate, whatever its note says",
         "NAME"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_triage, argc, argv, options, 1, 1, &context);
    if (left == NULL || cli_format("triage", format_text, &format) != 0)
        return CLI_MISTAKE;
    int code = CLI_OK;
    triage.folder = left[0];
    if (backend != NULL) {
        code = cli_check_specs("triage", &spec, spec_parse(backend, &spec, &error) == 0 ? 1 : -1, &error);
        triage.spec = &spec;
    }
    if (code == CLI_OK)
        code = take_folder(&triage);
    if (code == CLI_OK)
        code = print_groups(&triage, format);
    free(triage.groups);
    poptFreeContext(context);
    return code == CLI_OK && cli_stop != 0 ? CLI_INTERRUPTED : code;
}

const struct cli_command cli_triage = {.name = "triage",
                                       .arguments = "FOLDER [--backend NAME]",
                                       .summary = "lists a folder of findings, each kind once",
                                       .example = "triage corpora/regress --backend buddy",
                                       .main = triage_main};
