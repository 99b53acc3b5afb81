/* See cost.h: reads programs, keeps the dearest of each kind, and stores it, made small. */
#define _DEFAULT_SOURCE /* fts */
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/sim/cost.h"
#include "engine/program_file.h"

volatile sig_atomic_t *cost_stop;

/* In the child. */
struct hunt {
    const struct cost_wish *wish;
    struct cost_worst worst;
    struct cost_answer *answer;
    struct program best[COST_KINDS]; /* their operations: */
    struct op ops[COST_KINDS][PROGRAM_OP_LIMIT];
    struct program_file file;
};

static void refuse(struct hunt *hunt, const char *path, const char *words)
{
    hunt->answer->code = 2;
    snprintf(hunt->answer->words, sizeof(hunt->answer->words), "%.100s: %.90s", path, words);
}

static void describe(const struct program *program, const struct cost_call *call, struct cost_found *found)
{
    found->hook = call->hook;
    found->granted = call->granted;
    program_op_text(program, call->op, found->operation, sizeof(found->operation));
}

/* Keeps a copy of the program if one of its calls is the dearest so far. NULL, or why it says nothing. */
static const char *judge(struct hunt *hunt, const struct program *program, const char *path, bool seed)
{
    struct cost_call calls[COST_KINDS];
    struct cost_answer *answer = hunt->answer;
    if (program->family != OP_FAMILY_PAGE)
        return "a program of frames expected; this one is of a system";
    if (!cost_worst_of(&hunt->worst, program, calls))
        return cost_worst_frames(&hunt->worst, program) == 0
                   ? "this candidate cannot have the program's machine"
                   : "it does not run to its end; ./pagelab replay FILE --schedule --backend NAME says why";
    answer->programs++;
    if (calls[COST_ACCESSES].counts[COST_ACCESSES] == 0)
        return "none of its calls gets to this candidate: it lacks what they need";
    for (uint32_t kind = 0; kind < COST_KINDS; kind++) {
        uint64_t count = calls[kind].counts[kind];
        struct cost_found *found = &answer->worst[kind];
        if (seed && count > answer->seeds[kind])
            answer->seeds[kind] = count;
        if (count <= found->count)
            continue;
        found->count = count;
        found->frames = cost_worst_frames(&hunt->worst, program);
        snprintf(found->path, sizeof(found->path), "%s", path);
        describe(program, &calls[kind], found);
        hunt->best[kind] = *program;
        hunt->best[kind].ops = memcpy(hunt->ops[kind], program->ops, program->op_count * sizeof(struct op));
        hunt->best[kind].op_capacity = 0;
    }
    return NULL;
}

/* NULL, or why the file says nothing. */
static const char *read_one(struct hunt *hunt, const char *path, bool seed, struct program_error *error)
{
    if (program_file_read(path, &hunt->file, error) != 0)
        return error->text;
    const char *why = judge(hunt, &hunt->file.program, path, seed);
    program_file_fini(&hunt->file);
    return why;
}

/* A file that was named is expected to say something. */
static void read_named(struct hunt *hunt, const char *path, bool seed)
{
    struct program_error error;
    struct cost_answer *answer = hunt->answer;
    const char *why = read_one(hunt, path, seed, &error);
    if (why == error.text)
        refuse(hunt, "a program or a folder expected", why);
    else if (why != NULL && answer->mute++ == 0)
        snprintf(answer->mute_words, sizeof(answer->mute_words), "%.120s: %s: %.150s", hunt->worst.spec.name,
                 path, why);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A file, or all that is in a folder and below; there, what is no program is passed over. */
static void read_all(struct hunt *hunt, const char *path, bool seed)
{
    struct program_error error;
    struct stat status;
    char name[4096];
    char *const roots[] = {name, NULL};
    snprintf(name, sizeof(name), "%s", path);
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        read_named(hunt, path, seed);
        return;
    }
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    for (FTSENT *entry; tree != NULL && !*cost_stop && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_F)
            (void)read_one(hunt, entry->fts_path, seed, &error);
    }
    if (tree != NULL)
        fts_close(tree);
}

/* --- stored --- */

/* What FOLDER/KIND/CANDIDATE.txt costs; 0: there is none. */
static uint64_t stored_count(struct hunt *hunt, const char *path, enum cost_kind kind)
{
    struct program_error error;
    struct cost_call calls[COST_KINDS];
    uint64_t count = 0;
    if (program_file_read(path, &hunt->file, &error) != 0)
        return 0;
    if (hunt->file.program.family == OP_FAMILY_PAGE &&
        cost_worst_of(&hunt->worst, &hunt->file.program, calls))
        count = calls[kind].counts[kind];
    program_file_fini(&hunt->file);
    return count;
}

static void store(struct hunt *hunt, enum cost_kind kind)
{
    struct cost_found *found = &hunt->answer->worst[kind];
    struct program_error error;
    char folder[2048];
    char path[4096];
    char comment[200];
    snprintf(folder, sizeof(folder), "%s/%s", hunt->wish->out, cost_names[kind]);
    if (found->count == 0 || !program_file_of(folder, hunt->worst.spec.name, path, sizeof(path)) ||
        found->count <= stored_count(hunt, path, kind))
        return;
    if ((mkdir(hunt->wish->out, 0777) != 0 && errno != EEXIST) ||
        (mkdir(folder, 0777) != 0 && errno != EEXIST)) {
        refuse(hunt, folder, strerror(errno));
        return;
    }
    struct cost_call call =
        cost_worst_shrink(&hunt->worst, &hunt->best[kind], hunt->ops[kind], kind, cost_stop);
    found->count = call.counts[kind];
    describe(&hunt->best[kind], &call, found);
    snprintf(found->path, sizeof(found->path), "%.*s", (int)sizeof(found->path) - 1, path);
    snprintf(comment, sizeof(comment), "# ./pagelab cost: %s: %s of one %s, %" PRIu64 ".\n",
             hunt->worst.spec.name, cost_names[kind], tap_hook_names[call.hook], found->count);
    if (program_file_write(path, &hunt->best[kind], false, comment, false, &error) != 0)
        refuse(hunt, "--out", error.text);
}

static void read_stored(struct hunt *hunt, enum cost_kind kind)
{
    struct program_error error;
    char folder[2048];
    char path[4096];
    snprintf(folder, sizeof(folder), "%s/%s", hunt->wish->stored, cost_names[kind]);
    if (!program_file_of(folder, hunt->worst.spec.name, path, sizeof(path)))
        return;
    hunt->answer->stored[kind] = stored_count(hunt, path, kind);
    if (hunt->answer->stored[kind] != 0)
        (void)read_one(hunt, path, false, &error);
}

void cost_work(void *argument, void *result)
{
    static struct hunt hunt;
    const struct cost_job *job = argument;
    hunt.wish = job->wish;
    hunt.answer = result;
    memset(hunt.answer, 0, sizeof(*hunt.answer));
    if (cost_worst_init(&hunt.worst, job->spec) != 0) {
        refuse(&hunt, job->spec->name, "no memory for stacks");
        return;
    }
    for (uint32_t kind = 0; kind < COST_KINDS && job->wish->stored != NULL; kind++)
        read_stored(&hunt, (enum cost_kind)kind);
    for (size_t i = 0; i < job->wish->input_count && !*cost_stop; i++)
        read_all(&hunt, job->wish->inputs[i], false);
    if (job->wish->seeds != NULL)
        read_all(&hunt, job->wish->seeds, true);
    for (uint32_t kind = 0; kind < COST_KINDS && job->wish->out != NULL && hunt.answer->code == 0; kind++)
        store(&hunt, (enum cost_kind)kind);
}
