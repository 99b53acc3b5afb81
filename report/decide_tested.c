/* Needs that a check answers: claims, sleep, the contract's promises. */
#include "report/decide_question.h"
#include "report/result.h"

#include <stdarg.h>
#include <string.h>

void answer(const struct question *question, enum decide_verdict verdict, const char *format, ...)
{
    va_list arguments;

    question->fact->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(question->fact->words, sizeof question->fact->words, format, arguments);
    va_end(arguments);
}

void cite(const struct question *question, const char *file, const char *row)
{
    snprintf(question->fact->file, sizeof question->fact->file, "%s", file);
    snprintf(question->fact->row, sizeof question->fact->row, "%s", row);
}

void command(const struct question *question, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(question->fact->command, sizeof question->fact->command, format, arguments);
    va_end(arguments);
}

void decide_shell_word(const char *name, char *text, size_t bytes)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,";
    size_t used = 0;

    if (name[0] != '\0' && name[strspn(name, plain)] == '\0') {
        snprintf(text, bytes, "%s", name);
        return;
    }
    text[used++] = '\'';
    for (; *name != '\0' && used + 6 < bytes; name++) {
        if (*name == '\'') {
            memcpy(text + used, "'\\''", 4);
            used += 4;
        } else {
            text[used++] = *name;
        }
    }
    text[used++] = '\'';
    text[used] = '\0';
}

/* --- claims --- */

/* A row of claims; NULL: nobody asked this candidate. *asked: it was, whatever the capability. */
static const cJSON *claim_find(const struct question *question, const char *capability,
                               const struct evidence_file **file, bool *asked)
{
    *asked = false;
    for (size_t i = 0; i < question->evidence->file_count && !*asked; i++) {
        const cJSON *row = NULL;

        *file = &question->evidence->files[i];
        if ((*file)->kind != EVIDENCE_CLAIMS) {
            continue;
        }
        cJSON_ArrayForEach(row, (*file)->document)
        {
            if (strcmp(result_text(row, "candidate"), question->candidate) != 0) {
                continue;
            }
            *asked = true;
            if (strcmp(result_text(row, "capability"), capability) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

static void by_text(const cJSON *row, char *text, size_t bytes)
{
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(row, "by");
    const cJSON *one = NULL;
    size_t used = 0;

    text[0] = '\0';
    cJSON_ArrayForEach(one, by)
    {
        if (cJSON_IsString(one) && used + 2 < bytes) {
            int n = snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : " ", one->valuestring);
            used += n < 0 ? 0 : (size_t)n;
        }
    }
}

/* Only what a check tried to refute counts; what is not claimed is out, for nobody promises it. A file of the
 * run has the candidate or has it not: the reference speaks only of whom the run does not. */
void judge_claim(const struct question *question, const char *capability)
{
    const struct evidence_file *file = NULL;
    bool asked;
    const cJSON *row = claim_find(question, capability, &file, &asked);
    const char *state = result_text(row, "state");
    char row_name[200];
    char by[120];

    command(question, "./pagelab check --claims %s", question->word);
    by_text(row, by, sizeof by);
    snprintf(row_name, sizeof row_name, "%.60s/%.100s %.30s", question->candidate, capability, by);
    if (row != NULL) {
        cite(question, file->name, row_name);
    }
    if (strcmp(state, "refuted") == 0) {
        answer(question, DECIDE_OUT, "the claim %s is refuted: %s", capability, result_text(row, "seen"));
    } else if (strcmp(state, "tested") == 0 &&
               evidence_claims(question->evidence, question->candidate, capability)) {
        answer(question, DECIDE_PASSES, "tested by %s", by);
    } else if (evidence_claims(question->evidence, question->candidate, capability)) {
        answer(question, DECIDE_UNKNOWN, "%s is claimed, and not tested", capability);
    } else if (evidence_candidate(question->evidence, question->candidate) != NULL) {
        answer(question, DECIDE_OUT, "does not claim %s", capability);
        cite(question, question->evidence->sources->file, "candidates");
        command(question, "./pagelab list");
    } else {
        answer(question, DECIDE_UNKNOWN, "what it claims is not in the run");
    }
}

/* --- no sleep --- */

void judge_never_sleeps(const struct question *question)
{
    static const char *const scenarios[] = {"cold", "warm", "exhausted", "contended"};
    unsigned quiet = 0; /* a bit for each of the scenarios */
    bool asked = false;
    bool own = false;

    answer(question, DECIDE_UNKNOWN, "not watched");
    command(question, "./pagelab nosleep --backend %s", question->word);
    for (size_t i = 0; i < question->evidence->file_count; i++) {
        const struct evidence_file *file = &question->evidence->files[i];
        const cJSON *row = NULL;

        if (file->kind != EVIDENCE_NOSLEEP || (file->reference && own)) {
            continue;
        }
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(file->document, "rows"))
        {
            const char *scenario = result_text(row, "scenario");
            const char *status = result_text(row, "status");
            char name[200];

            if (strcmp(result_text(row, "candidate"), question->candidate) != 0) {
                continue;
            }
            asked = true;
            own |= !file->reference;
            snprintf(name, sizeof name, "%.100s %.60s", question->candidate, scenario);
            if (strcmp(status, "sleeps") == 0 || strcmp(status, "system calls") == 0 ||
                strcmp(status, "died") == 0) {
                const char *verdict = result_text(row, "verdict");
                const char *place = strstr(verdict, " (");

                answer(question, DECIDE_OUT, "%s: %.*s", scenario,
                       place == NULL ? (int)strlen(verdict) : (int)(place - verdict), verdict);
                cite(question, file->name, name);
                command(question, "./pagelab nosleep --backend %s --scenario %s", question->word, scenario);
                return;
            }
            for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++) {
                bool done = strcmp(status, "never slept") == 0 || (s == 3 && strcmp(status, "n/a") == 0);

                quiet |= done && strcmp(scenario, scenarios[s]) == 0 ? 1u << s : 0;
            }
            cite(question, file->name, question->candidate);
        }
    }
    if (evidence_claims(question->evidence, question->candidate, "may-sleep")) {
        answer(question, DECIDE_OUT, "says itself that it may sleep");
        cite(question, question->evidence->sources->file, "candidates");
    } else if (quiet == (1u << sizeof scenarios / sizeof scenarios[0]) - 1) {
        answer(question, DECIDE_PASSES, "never slept in any scenario");
    } else if (asked) {
        answer(question, DECIDE_UNKNOWN, "%u of 4 scenarios were seen to the end",
               (quiet & 1u) + (quiet >> 1 & 1u) + (quiet >> 2 & 1u) + (quiet >> 3 & 1u));
    }
}

/* --- the contract --- */

/* Did a file before this one answer for the candidate, too? Those of the documents and of the sources ask the
 * same. NULL: is the promise in one of them at all. */
static bool asked_before(const struct evidence *evidence, size_t end, const char *id, const char *candidate)
{
    for (size_t i = 0; i < end; i++) {
        const struct evidence_file *file = &evidence->files[i];
        const cJSON *promise =
            file->kind != EVIDENCE_CONFORMANCE ? NULL : cJSON_GetObjectItemCaseSensitive(file->document, id);

        if (promise != NULL && (candidate == NULL || result_text(promise, candidate)[0] != '\0')) {
            return true;
        }
    }
    return false;
}

/* How many promises there are: those of the files, and without the reference's what this program knows. */
static size_t promises_known(const struct evidence *evidence)
{
    size_t known = 0;
    bool reference = false;

    for (size_t i = 0; i < evidence->file_count; i++) {
        const cJSON *promise = NULL;

        if (evidence->files[i].kind != EVIDENCE_CONFORMANCE) {
            continue;
        }
        reference |= evidence->files[i].reference;
        cJSON_ArrayForEach(promise, evidence->files[i].document)
        {
            known += !asked_before(evidence, i, promise->string, NULL);
        }
    }
    return reference || known > evidence->sources->promises ? known : evidence->sources->promises;
}

void judge_contract(const struct question *question)
{
    size_t asked = 0;
    size_t held = 0;
    bool own = false;

    answer(question, DECIDE_UNKNOWN, "its promises were not checked");
    command(question, "./pagelab check %s", question->word);
    for (size_t i = 0; i < question->evidence->file_count; i++) {
        const struct evidence_file *file = &question->evidence->files[i];
        const cJSON *promise = NULL;

        if (file->kind != EVIDENCE_CONFORMANCE || (file->reference && own)) {
            continue;
        }
        cJSON_ArrayForEach(promise, file->document)
        {
            const char *verdict = result_text(promise, question->candidate);

            if (strncmp(verdict, "broken", 6) == 0) {
                answer(question, DECIDE_OUT, "breaks promise %s", promise->string);
                cite(question, file->name, promise->string);
                command(question, "./pagelab check --id %s %s", promise->string, question->word);
                return;
            }
            if (verdict[0] == '\0') {
                continue;
            }
            own |= !file->reference;
            held += strncmp(verdict, "holds", 5) == 0;
            asked += !asked_before(question->evidence, i, promise->string, question->candidate);
            if (question->fact->file[0] == '\0') {
                cite(question, file->name, question->candidate);
            }
        }
    }
    size_t known = promises_known(question->evidence);

    if (asked != 0 && asked < known) {
        answer(question, DECIDE_UNKNOWN, "%zu of %zu promises were asked", asked, known);
    } else if (asked != 0 && held == 0) {
        answer(question, DECIDE_UNKNOWN, "none of its promises applies, so none was seen to hold");
    } else if (asked != 0) {
        answer(question, DECIDE_PASSES, "no promise is broken");
    }
}
