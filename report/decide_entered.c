/* interrupt-safe and nmi-safe: what interrupts inside unfinished calls found. */
#include "report/decide_question.h"
#include "report/result.h"

#include <string.h>

/* What interrupts inside calls found: the row that reached the most, of those that nothing broke in. */
struct entered {
    const struct evidence_file *file;
    double points;
    double there;
    bool complete;
    bool step; /* before each instruction, not only where the harness offers a point */
};

/* A sweep of every instruction is more than one of the harness's points, and both are more than a part. */
static bool entered_is_more(const struct entered *a, const struct entered *b)
{
    return b->file == NULL || a->complete > b->complete ||
           (a->complete == b->complete && a->step && !b->step);
}

/* False: it broke, and the fact says how. Own files are asked before the reference's, which then are not. */
static bool entered_find(const struct question *question, const char *level, struct entered *most)
{
    bool own = false;

    for (size_t i = 0; i < question->evidence->file_count; i++) {
        const struct evidence_file *file = &question->evidence->files[i];
        const cJSON *row = NULL;

        if (file->kind != EVIDENCE_INTERRUPTS || (file->reference && own)) {
            continue;
        }
        cJSON_ArrayForEach(row, file->document)
        {
            const cJSON *seen = cJSON_GetObjectItemCaseSensitive(row, level);
            struct entered mine = {.file = file, .step = strcmp(result_text(row, "mode"), "step") == 0};
            double interrupts = 0;
            char name[200];

            result_number(seen, "interrupts", &interrupts);
            if (strcmp(result_text(row, "candidate"), question->candidate) != 0 || interrupts < 1) {
                continue;
            }
            own |= !file->reference;
            snprintf(name, sizeof name, "%.100s %.40s", question->candidate, level);
            if (strcmp(result_text(seen, "verdict"), "survives") != 0) {
                answer(question, DECIDE_OUT, "%s at %s in %s", result_text(seen, "verdict"),
                       result_text(seen, "at"), result_text(seen, "function"));
                cite(question, file->name, name);
                command(question, "%s", result_text(seen, "replay"));
                if (question->fact->command[0] == '\0') {
                    command(question, "./pagelab interrupt --backend %s", question->word);
                }
                return false;
            }
            mine.complete = result_number(row, "points", &mine.points) &&
                            result_number(row, "points_there", &mine.there) && mine.points >= mine.there &&
                            result_text(row, "partial")[0] == '\0' &&
                            !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(seen, "stopped"));
            if (entered_is_more(&mine, most)) {
                *most = mine;
            }
        }
    }
    return true;
}

/* What broke beats what is claimed; who passes needs both, a claim that was tested and a whole sweep. */
void judge_entered(const struct question *question, const char *capability, const char *level)
{
    struct entered most = {0};
    char tested[120];
    char name[200];

    judge_claim(question, capability);
    if (!entered_find(question, level, &most) || question->fact->verdict != DECIDE_PASSES) {
        return;
    }
    snprintf(tested, sizeof tested, "%.110s", question->fact->words);
    command(question, "./pagelab interrupt --backend %s", question->word);
    if (most.file == NULL) {
        answer(question, DECIDE_UNKNOWN, "%s, but no interrupt was put into its calls", tested);
        return;
    }
    snprintf(name, sizeof name, "%.100s %.40s", question->candidate, level);
    cite(question, most.file->name, name);
    if (!most.complete) {
        answer(question, DECIDE_UNKNOWN, "interrupted at %.0f of %.0f points", most.points, most.there);
        return;
    }
    if (!most.step) {
        command(question, "./pagelab interrupt --mode points --backend %s", question->word);
    }
    answer(question, DECIDE_PASSES, "%s; survives an interrupt at each of %.0f %s", tested, most.points,
           most.step ? "instructions" : "points where the harness can put one (mode points)");
}
