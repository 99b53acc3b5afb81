/* Needs that a row answers, and which need is whose: see decide_tested.c for those that a check answers. */
#include "report/decide_question.h"
#include "report/result.h"

#include <string.h>

#define FRAME_BYTES 4096.0

static void judge_no_metadata(const struct question *question)
{
    const struct decide_cell repeat = {.workload = "repeat", .order = 0, .cpus = 1};
    const struct report_cell *cell = evidence_cell(question->evidence, question->candidate, &repeat);

    cite(question, question->evidence->sources->file, "candidates");
    command(question, "./pagelab bench --backend %s --workload repeat --order 0 --cpus 1", question->word);
    if (evidence_claims(question->evidence, question->candidate, "meta-in-frames")) {
        command(question, "./pagelab list");
        answer(question, DECIDE_OUT, "says itself that it writes into free frames");
    } else if (evidence_claims(question->evidence, question->candidate, "needs-contents")) {
        answer(question, DECIDE_UNKNOWN, "needs frames with contents, so nothing shows that it writes none");
    } else if (evidence_candidate(question->evidence, question->candidate) == NULL || cell == NULL ||
               !cell_ok(cell)) {
        answer(question, DECIDE_UNKNOWN, "never ran on frames without contents");
    } else {
        answer(question, DECIDE_PASSES, "ran on frames without contents");
        cite(question, evidence_cell_file(question->evidence, cell), cell->name);
    }
}

/* Does it say what a call costs, in the unit of the need? */
static bool worst_counted(const struct question *question, const struct report_cell *cell, double *number)
{
    if (cell == NULL || !cell_ok(cell)) {
        return false;
    }
    *number = cell->ns;
    return question->need->timed || result_number(cell->row, "call_instructions", number);
}

/* A cell of the worst known calls: the run's, else of a file; one that was counted before others. */
static const struct report_cell *worst_find(const struct question *question, const char *workload,
                                            const char **file)
{
    struct decide_cell cell = {.order = -1, .cpus = -1};
    const struct report_cell *found;
    double number;

    snprintf(cell.workload, sizeof cell.workload, "%s", workload);
    *file = question->evidence->sources->file;
    found = evidence_cell(question->evidence, question->candidate, &cell);
    for (size_t i = 0; i < question->evidence->file_count && !worst_counted(question, found, &number); i++) {
        const struct evidence_file *other = &question->evidence->files[i];
        struct evidence part = {.sources = question->evidence->sources, .cells = other->cells};
        const struct report_cell *better =
            other->kind == EVIDENCE_WORST ? evidence_cell(&part, question->candidate, &cell) : NULL;

        if (better != NULL &&
            (found == NULL || !cell_ok(found) || worst_counted(question, better, &number))) {
            found = better;
            *file = other->name;
        }
    }
    return found;
}

/* A number of what a call does at worst, against the need's. Of times it is the median: the longest has
 * whatever the host did meanwhile, so it is said and does not decide; 0: not known. */
static void weigh(const struct question *question, double number, double longest)
{
    const struct decide_need *need = question->need;
    char more[80] = "";

    if (need->timed && longest > 0) {
        snprintf(more, sizeof more, ", the median; the longest seen %.0f ns", longest);
    } else if (need->timed) {
        snprintf(more, sizeof more, ", the median");
    }
    answer(question, number > need->number ? DECIDE_OUT : DECIDE_PASSES, "%.0f %s %s%s", number,
           need->timed ? "ns" : "instructions", need->kind == DECIDE_MASKED_TIME ? "masked" : "in one call",
           more);
}

/* A row that `masked` printed: the worst that a search found, and that of the seeds. */
static bool weigh_masked(const struct question *question)
{
    for (size_t i = 0; i < question->evidence->file_count; i++) {
        const struct evidence_file *file = &question->evidence->files[i];
        const cJSON *row = NULL;

        if (file->kind != EVIDENCE_MASKED) {
            continue;
        }
        cJSON_ArrayForEach(row, file->document)
        {
            double seeds = -1;
            double worst = -1;
            double ns = 0;
            double longest = 0;

            if (strcmp(result_text(row, "candidate"), question->candidate) != 0) {
                continue;
            }
            result_number(row, "seeds_instructions", &seeds);
            if (!result_number(row, "worst_instructions", &worst) && seeds > 0 &&
                (question->need->timed || seeds <= question->need->number)) {
                continue; /* nobody searched for a worse one: the seeds may refute, no more */
            }
            worst = worst > seeds ? worst : seeds;
            if (worst < 0 || (question->need->timed && worst > 0 && !result_number(row, "ns_median", &ns))) {
                continue;
            }
            cite(question, file->name, question->candidate);
            command(question, "./pagelab masked --backend %s", question->word);
            result_number(row, "ns_longest", &longest);
            weigh(question, question->need->timed ? ns : worst, longest);
            return true;
        }
    }
    return false;
}

static void judge_worst(const struct question *question, const char *workload)
{
    const char *file;
    const struct report_cell *cell = worst_find(question, workload, &file);
    double number = 0;

    if (worst_counted(question, cell, &number)) {
        cite(question, file, cell->name);
        command(question, "%s", result_text(cell->row, "command"));
        weigh(question, number, 0);
        return;
    }
    if (question->need->kind == DECIDE_MASKED_TIME && weigh_masked(question)) {
        return;
    }
    command(question, "./pagelab bench --backend %s --workload %s", question->word, workload);
    cite(question, file, cell == NULL ? "" : cell->name);
    answer(question, DECIDE_UNKNOWN, "%s",
           cell == NULL    ? "its worst program was not measured"
           : cell_ok(cell) ? "its instructions were not counted"
                           : cell->reason);
}

static void judge_contiguous(const struct question *question)
{
    const struct decide_cell age = {.workload = "age", .order = -1, .cpus = -1};
    const struct report_cell *cell = evidence_cell(question->evidence, question->candidate, &age);
    double usable = 0;

    if (cell == NULL || !result_number(cell->row, "usable_order_9", &usable)) {
        decide_fact_no_cell(question->evidence, question->candidate, &age, cell, question->fact);
        return;
    }
    cite(question, evidence_cell_file(question->evidence, cell), cell->name);
    command(question, "%s", result_text(cell->row, "command"));
    answer(question, usable < question->need->number ? DECIDE_OUT : DECIDE_PASSES,
           "%.1f %% of free memory is usable at order 9", 100 * usable);
}

static void judge_bytes(const struct question *question)
{
    const struct decide_profile none = {.name = ""};
    struct decide_value value;

    if (decide_measure(question->evidence, &none, question->candidate, AXIS_MEMORY, &value, question->fact)) {
        cite(question, value.file, value.row);
        command(question, "%s", value.command);
        answer(question, value.value > question->need->number ? DECIDE_OUT : DECIDE_PASSES,
               "%.4g bytes a frame", value.value);
    }
}

/* Was anything of it seen? A simulation may have been cut off before its last rows. */
static bool scale_ran(const cJSON *row)
{
    double ns = 0;

    return result_number(row, "repeat_ns", &ns) ||
           cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(row, "repeat"));
}

/* The rows of an axis of `scale`, of which `key` says how much. */
static void judge_scale(const struct question *question, const char *axis, const char *key, const char *unit,
                        double per_unit)
{
    double most = 0;
    const cJSON *stopped = NULL;
    const struct evidence_file *where = NULL;

    for (size_t i = 0; i < question->evidence->file_count && most < question->need->number; i++) {
        const struct evidence_file *file = &question->evidence->files[i];
        const cJSON *row = NULL;

        if (file->kind != EVIDENCE_SCALE) {
            continue;
        }
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(file->document, axis))
        {
            double size = 0;

            if (strcmp(result_text(row, "candidate"), question->candidate) != 0 ||
                !result_number(row, key, &size)) {
                continue;
            }
            where = where == NULL ? file : where;
            if (strcmp(result_text(row, "status"), "ok") != 0) {
                stopped = stopped == NULL ? row : stopped;
            } else if (size > most && scale_ran(row)) {
                most = size;
                where = file;
            }
        }
    }
    if (where == NULL || (most < question->need->number && stopped == NULL)) {
        answer(question, DECIDE_UNKNOWN, "never seen to run with so much");
        return;
    }
    cite(question, where->name, question->candidate);
    if (most >= question->need->number) {
        answer(question, DECIDE_PASSES, "ran with %.0f %s", most / per_unit, unit);
        return;
    }
    bool own = strncmp(result_text(stopped, "reason"), "manages at most", 15) == 0;

    answer(question, own ? DECIDE_OUT : DECIDE_UNKNOWN, "measured up to %.4g %s: %s", most / per_unit, unit,
           result_text(stopped, "reason"));
}

/* A cell that was measured as it is needed. */
static void pass_measured(const struct question *question, const struct report_cell *cell)
{
    answer(question, DECIDE_PASSES, "measured");
    cite(question, evidence_cell_file(question->evidence, cell), cell->name);
    command(question, "%s", result_text(cell->row, "command"));
}

static void judge_cpus(const struct question *question)
{
    const struct decide_cell wanted = {.workload = "repeat", .order = 0, .cpus = question->need->number};
    const struct report_cell *cell = evidence_cell(question->evidence, question->candidate, &wanted);

    if (question->need->number > 1) {
        judge_claim(question, "concurrent");
        if (question->fact->verdict != DECIDE_PASSES) {
            return;
        }
    }
    if (cell != NULL && cell_ok(cell)) {
        pass_measured(question, cell);
        return;
    }
    command(question, "./pagelab scale %s --cpus %.0f", question->word, question->need->number);
    judge_scale(question, "cpus", "cpus", "CPUs", 1);
}

static void judge_memory(const struct question *question)
{
    const struct decide_cell wanted = {.workload = "repeat", .order = 0, .cpus = 1};
    const struct report_cell *cell = evidence_cell(question->evidence, question->candidate, &wanted);
    double frames = 0;

    if (cell != NULL && cell_ok(cell) && result_number(cell->row, "machine_frames", &frames) &&
        frames * FRAME_BYTES >= question->need->number) {
        pass_measured(question, cell);
        return;
    }
    command(question, "./pagelab scale %s --to %.0f", question->word, question->need->number);
    judge_scale(question, "memory", "memory_bytes", "GiB", 1073741824.0);
}

static void judge_trace(const struct question *question)
{
    struct decide_cell wanted = {.order = -1, .cpus = -1};
    const struct report_cell *cell;

    decide_trace_workload(question->need->text, wanted.workload, sizeof wanted.workload);
    cell = evidence_cell(question->evidence, question->candidate, &wanted);
    if (cell != NULL && cell_ok(cell)) {
        answer(question, DECIDE_PASSES, "replayed");
        cite(question, evidence_cell_file(question->evidence, cell), cell->name);
        return;
    }
    decide_fact_no_cell(question->evidence, question->candidate, &wanted, cell, question->fact);
    if (cell == NULL) {
        char path[DECIDE_TEXT_MAX + 64];

        decide_shell_word(question->need->text, path, sizeof path);
        command(question, "./pagelab bench --backend %s --workload replay:%s", question->word, path);
    }
}

void decide_judge(const struct evidence *evidence, const char *candidate, const struct decide_need *need,
                  struct decide_fact *fact)
{
    char word[256];
    const struct question question = {evidence, candidate, word, need, fact};

    memset(fact, 0, sizeof *fact);
    decide_shell_word(candidate, word, sizeof word);
    switch (need->kind) {
    case DECIDE_CONTRACT:
        judge_contract(&question);
        break;
    case DECIDE_INTERRUPT_SAFE:
        judge_entered(&question, "irq-safe", "irq");
        break;
    case DECIDE_NMI_SAFE:
        judge_entered(&question, "nmi-safe", "nmi");
        break;
    case DECIDE_NEVER_SLEEPS:
        judge_never_sleeps(&question);
        break;
    case DECIDE_NO_METADATA_IN_FRAMES:
        judge_no_metadata(&question);
        break;
    case DECIDE_MASKED_TIME:
        judge_worst(&question, "worst-masked");
        break;
    case DECIDE_WORST_CALL:
        judge_worst(&question, "worst-call");
        break;
    case DECIDE_CONTIGUOUS:
        judge_contiguous(&question);
        break;
    case DECIDE_BYTES_A_FRAME:
        judge_bytes(&question);
        break;
    case DECIDE_CPUS:
        judge_cpus(&question);
        break;
    case DECIDE_MEMORY_SIZE:
        judge_memory(&question);
        break;
    case DECIDE_TRACE:
        judge_trace(&question);
        break;
    case DECIDE_CAPABILITY:
        judge_claim(&question, need->text);
        break;
    case DECIDE_NEED_KINDS:
        break;
    }
    if (fact->verdict == DECIDE_UNKNOWN) {
        command_keep(&question);
    }
}
