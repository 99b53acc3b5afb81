/* pagelab masked: how long each candidate holds interrupts off at worst, and the search for the program that
 * makes it. What is measured and searched runs in processes of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/masked.h"
#include "engine/interrupt/stack.h"
#include "engine/isolate.h"
#include "engine/program_file.h"
#include "engine/program_tables.h"
#include "fuzz/masked.h"

#define SEEDS_FOLDER   "corpora/seeds/page"
#define SEEDS_MORE     "corpora/seeds/interrupt"
#define WORST_FOLDER   "corpora/masked"
#define OUT_FOLDER     "results/masked"
#define STEP_LIMIT     UINT64_C(400000) /* instructions of one program: six seconds */
#define SEED_LIMIT     UINT64_C(30000)  /* of a seed */
#define CLOCK_LIMIT_NS UINT64_C(500000000)
#define MEASURE_S      600u
#define OUTDONE        4u  /* a seed is worse if it is longer by more than a quarter: builds differ by less */
#define BUSY           20u /* a machine may give a search only so small a share */

struct asked {
    int seconds; /* of the search; 0: none */
    int seed;
    const char *out;
    bool own_programs; /* were named */
};

/* --- measured --- */

struct job {
    const struct spec *spec;
    const struct stored_list *list;
    bool clock; /* the longest one by the clock, too; seeds need no more than a number */
};

struct outcome {
    struct masked_found found;
    char error[256];
};

static void describe(const struct masked_rig *rig, const struct program *program, struct masked_found *found)
{
    const struct masked_section *section = &found->section;
    program_op_text(program, section->op, found->operation, sizeof(found->operation));
    found->frames = rig->runner.machine->frame_count;
    if (section->instructions != 0)
        stack_name(section->pc, false, found->function, sizeof(found->function));
}

static void measure_one(const struct job *job, uint32_t at, struct outcome *outcome)
{
    static struct masked_rig rig;
    struct spec_error error;
    struct masked_section section;
    struct masked_found *found = &outcome->found;
    const struct program *program = &job->list->programs[at]->file.program;
    if (program->family != OP_FAMILY_PAGE)
        return;
    if (masked_init(&rig, job->spec, &program->shape, &error) != PL_OK) {
        memcpy(outcome->error, error.text, sizeof(outcome->error));
        return;
    }
    if (masked_longest(&rig, program, job->clock ? STEP_LIMIT : SEED_LIMIT, &section)) {
        if (found->ran++ == 0 || section.instructions > found->section.instructions) {
            found->program = at;
            found->section = section;
            describe(&rig, program, found);
            if (job->clock && section.instructions != 0)
                masked_clock(&rig, program, section.call, CLOCK_LIMIT_NS, &found->ns);
        }
    }
    masked_fini(&rig);
}

static void measure_work(void *argument, void *result)
{
    const struct job *job = argument;
    struct outcome *outcome = result;
    memset(outcome, 0, sizeof(*outcome));
    if (!masked_supported(outcome->error, sizeof(outcome->error)))
        return;
    for (uint32_t i = 0; i < job->list->count; i++)
        measure_one(job, i, outcome);
}

/* CLI_OK, CLI_BROKEN or CLI_INTERRUPTED. */
static int measure(struct masked_row *row, const struct stored_list *list, bool clock,
                   struct masked_found *found)
{
    struct job job = {row->spec, list, clock};
    struct outcome outcome = {.error = ""};
    char how[100] = "";
    if (list->count == 0)
        return CLI_OK;
    switch (
        isolate_run(measure_work, &job, &outcome, sizeof(outcome), MEASURE_S, &cli_stop, how, sizeof(how))) {
    case ISOLATE_DONE:
        *found = outcome.found;
        if (outcome.found.ran == 0)
            snprintf(row->words, sizeof(row->words), "%s", outcome.error);
        return CLI_OK;
    case ISOLATE_INTERRUPTED:
        return CLI_INTERRUPTED;
    default:
        snprintf(row->words, sizeof(row->words), "the process died: %s", how);
        row->died = true;
        return CLI_BROKEN;
    }
}

/* --- searched --- */

struct search_job {
    struct masked_search *search;
    struct masked_worst *worst;
};

static void search_work(void *argument, void *result)
{
    struct search_job *both = argument;
    masked_search(both->search, both->worst);
    *(int *)result = 0;
}

static int write_worst(const char *folder, const char *path, const struct spec *spec,
                       const struct masked_program *best)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct program_error error;
    char comment[SPEC_NAME_BYTES + 100];
    if (cli_make_directory(folder) != 0)
        return cli_mistake("masked", "--out %s: a folder that can be written to expected: %s", folder,
                           strerror(errno));
    program_decode(best->bytes, best->byte_count, ops, &program);
    snprintf(comment, sizeof(comment),
             "# Found by ./pagelab masked --search on %s: one of its calls holds interrupts off longest.\n",
             spec->name);
    if (program_file_write(path, &program, false, comment, false, &error) != 0)
        return cli_mistake("masked", "--out %s: %s", folder, error.text);
    return CLI_OK;
}

/* Whatever is known that the binary form can say. */
static uint32_t make_starts(const struct stored_list *list, struct masked_program *starts, uint32_t count,
                            uint32_t limit)
{
    for (uint32_t i = 0; i < list->count && count < limit; i++) {
        starts[count].instructions = 0;
        starts[count].byte_count = list->programs[i]->file.program.family == OP_FAMILY_PAGE
                                       ? program_encode(&list->programs[i]->file.program, starts[count].bytes)
                                       : 0;
        count += starts[count].byte_count != 0;
    }
    return count;
}

static int search(struct masked_row *row, const struct asked *asked, const struct stored_list *known,
                  const struct stored_list *seeds)
{
    static struct masked_program starts[2 * STORED_LIMIT];
    char how[100] = "";
    int done = 0;
    struct masked_worst *worst =
        mmap(NULL, sizeof(*worst), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (worst == MAP_FAILED)
        return cli_mistake("masked", "no memory that processes share: %s", strerror(errno));
    struct masked_search search = {.spec = row->spec,
                                   .seconds = (unsigned)asked->seconds,
                                   .seed = (uint64_t)asked->seed,
                                   .starts = starts,
                                   .stop = &cli_stop};
    struct search_job both = {&search, worst};
    search.start_count = make_starts(known, starts, 0, 2 * STORED_LIMIT);
    search.start_count = make_starts(seeds, starts, search.start_count, 2 * STORED_LIMIT);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: %d s of processor time ", row->spec->name, asked->seconds);
    enum isolate_outcome outcome =
        isolate_run(search_work, &both, &done, sizeof(done), search.seconds * BUSY + MEASURE_S, &cli_stop,
                    how, sizeof(how));
    row->tried = atomic_load(&worst->programs);
    int code = CLI_OK;
    if (row->tried == 0)
        snprintf(row->words, sizeof(row->words), "%s", worst->error);
    if (masked_best(worst)->byte_count != 0) {
        (void)program_file_of(asked->out, row->spec->name, row->program, sizeof(row->program));
        code = write_worst(asked->out, row->program, row->spec, masked_best(worst));
        row->worst.section.instructions = masked_best(worst)->instructions;
    }
    if (code == CLI_OK && outcome == ISOLATE_INTERRUPTED)
        code = CLI_INTERRUPTED;
    else if (code == CLI_OK && outcome != ISOLATE_DONE) {
        snprintf(row->words, sizeof(row->words), "the search died: %s", how);
        row->died = true;
        code = CLI_BROKEN;
    }
    munmap(worst, sizeof(*worst));
    return code;
}

/* --- one candidate --- */

static int load_if_there(struct stored_list *list, const char *folder, const struct spec *spec)
{
    char path[4096];
    char found[4096];
    if (!program_file_of(folder, spec->name, path, sizeof(path)) ||
        access(cli_find(path, found, sizeof(found)), R_OK) != 0)
        return CLI_OK;
    return stored_load("masked", list, path);
}

static int run_row(struct masked_row *row, const struct asked *asked, const struct stored_list *named,
                   const struct stored_list *seeds)
{
    static struct stored_list known;
    int code = CLI_OK;
    known.count = 0;
    if (!asked->own_programs)
        code = load_if_there(&known, WORST_FOLDER, row->spec);
    if (code == CLI_OK && asked->seconds != 0)
        code = load_if_there(&known, asked->out, row->spec);
    if (code == CLI_OK && asked->seconds != 0) {
        code = search(row, asked, asked->own_programs ? named : &known, seeds);
        stored_unload(&known);
        if (row->program[0] != '\0' && code == CLI_OK)
            code = stored_load("masked", &known, row->program);
    }
    const struct stored_list *list = asked->own_programs && asked->seconds == 0 ? named : &known;
    if (code == CLI_OK)
        code = measure(row, list, true, &row->worst);
    if (code == CLI_OK && row->worst.ran != 0)
        snprintf(row->program, sizeof(row->program), "%s", list->programs[row->worst.program]->path);
    if (code == CLI_OK && !asked->own_programs)
        code = measure(row, seeds, false, &row->seeds);
    if (code == CLI_OK && row->worst.ran == 0 && row->seeds.ran != 0)
        snprintf(row->words, sizeof(row->words), "%s",
                 row->seeds.section.instructions == 0 ? "no masked section in any program"
                                                      : "no program is stored: --search");
    if (code == CLI_OK && row->seeds.ran != 0)
        row->seed = seeds->programs[row->seeds.program]->path;
    stored_unload(&known);
    return code;
}

bool masked_outdone(const struct masked_row *row)
{
    uint64_t worst = row->worst.section.instructions;
    return row->worst.ran != 0 && row->seeds.section.instructions > worst + worst / OUTDONE;
}

/* The worst code of all rows: a row that died does not hide the others. */
static int run_rows(struct masked_row *rows, uint32_t *count, const struct asked *asked,
                    const struct stored_list *named, const struct stored_list *seeds)
{
    int code = CLI_OK;
    for (uint32_t i = 0; i < *count; i++) {
        int own = run_row(&rows[i], asked, named, seeds);
        if (own == CLI_MISTAKE || own == CLI_INTERRUPTED) {
            *count = own == CLI_MISTAKE ? i : i + 1;
            return own;
        }
        if (own == CLI_OK && masked_outdone(&rows[i])) {
            own = CLI_MISSED;
            snprintf(rows[i].words, sizeof(rows[i].words), "%s is worse: --search", rows[i].seed);
        }
        code = own > code ? own : code;
    }
    return code;
}

/* --- the command --- */

static int masked_main(int argc, const char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct masked_row rows[SPEC_LIST_LIMIT];
    static struct stored_list named;
    static struct stored_list seeds;
    static char *backends = NULL;
    static char *format_text = NULL;
    static char *out = NULL;
    static struct asked asked = {.seed = 1};
    enum report_format format;
    struct spec_error error;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backends, 0, "the candidates (all)", "LIST"},
        {"search", 's', POPT_ARG_INT, &asked.seconds, 0,
         "search for a worse program: so many seconds of processor time a candidate, from the seeds and what "
         "was "
         "found before. The clock chooses what is counted, so two searches may differ; what one finds is "
         "counted "
         "again",
         "SECONDS"},
        {"seed", 0, POPT_ARG_INT, &asked.seed, 0, "of the search (1)", "N"},
        {"out", 'o', POPT_ARG_STRING, &out, 0,
         "where a search keeps what it finds, as CANDIDATE.txt (" OUT_FOLDER ")", "FOLDER"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_masked, argc, argv, options, 0, STORED_LIMIT, &context);
    if (left == NULL || cli_format("masked", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (asked.seconds < 0 || asked.seconds > 86400)
        return cli_mistake("masked", "--search %d: 1 to 86400 seconds expected", asked.seconds);
    asked.out = out == NULL ? OUT_FOLDER : out;
    int count =
        backends == NULL ? cli_every_candidate(specs, &error) : spec_parse_list(backends, specs, &error);
    int code = cli_check_specs("masked", specs, count, &error);
    for (unsigned i = 0; left[i] != NULL && code == CLI_OK; i++)
        code = stored_load("masked", &named, left[i]);
    asked.own_programs = named.count != 0;
    if (code == CLI_OK)
        code = stored_load("masked", &seeds, SEEDS_FOLDER);
    if (code == CLI_OK)
        code = stored_load("masked", &seeds, SEEDS_MORE);
    for (int i = 0; i < count; i++)
        rows[i].spec = &specs[i];
    uint32_t row_count = count < 0 ? 0 : (uint32_t)count;
    if (code == CLI_OK) {
        code = run_rows(rows, &row_count, &asked, &named, &seeds);
        if (isatty(STDERR_FILENO))
            fputs("\r\033[K", stderr);
        masked_print(rows, row_count, format);
    }
    stored_unload(&named);
    stored_unload(&seeds);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_masked = {
    .name = "masked",
    .arguments = "[PROGRAM...] [--backend LIST] [--search SECONDS]",
    .summary = "how long interrupts are held off at worst, and the search for the worst program",
    .example = "masked --backend buddy",
    .main = masked_main};
