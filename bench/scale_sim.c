/* See scale_sim.h. */
#define _POSIX_C_SOURCE 200809L /* access */
#include "bench/scale_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "bench/child.h"
#include "bench/memory_guard.h"
#include "engine/spec.h"

/* Any number; the same one, so that counts repeat. */
#define SEED UINT64_C(20240607)

/* Adds what the pattern's object has in all, divided by its calls. */
static void add_shares(cJSON *object)
{
    static const struct {
        const char *sum;
        const char *share;
    } keys[] = {
        {"locked", "locked_per_call"}, {"cas_failed", "cas_failed_per_call"}, {"spins", "spins_per_call"}};
    const cJSON *calls = cJSON_GetObjectItem(object, "calls");
    for (size_t i = 0; cJSON_IsNumber(calls) && calls->valuedouble > 0 && i < PL_COUNT_OF(keys); i++) {
        const cJSON *sum = cJSON_GetObjectItem(object, keys[i].sum);
        cJSON_AddNumberToObject(object, keys[i].share,
                                cJSON_IsNumber(sum) ? sum->valuedouble / calls->valuedouble : 0);
    }
}

/* Calls that failed cost less than those that did not: whoever reads the counts is told. */
static void add_note(cJSON *row, const cJSON *object, const char *pattern)
{
    char note[100];
    double calls = cJSON_GetNumberValue(cJSON_GetObjectItem(object, "calls"));
    double failures = cJSON_GetNumberValue(cJSON_GetObjectItem(object, "failures"));
    if (!(failures > 0) || cJSON_HasObjectItem(row, "sim_note"))
        return;
    snprintf(note, sizeof(note), "%.0f of %.0f calls of %s failed while they were counted", failures, calls,
             pattern);
    cJSON_AddStringToObject(row, "sim_note", note);
}

bool scale_sim_add(cJSON *row, const struct scale_sim *asked)
{
    static const char *const patterns[] = {"repeat", "bulk"};
    char words[4][24];
    char name[SPEC_NAME_BYTES];
    char path[4096];
    char reason[512] = "";
    struct child_result result;
    if (asked->program == NULL || access(asked->program, X_OK) != 0) {
        cJSON_AddStringToObject(row, "sim_reason",
                                "not counted: pagelab-sim is not beside this program; no build with a "
                                "sanitizer has it");
        return true;
    }
    snprintf(path, sizeof(path), "%s", asked->program);
    snprintf(name, sizeof(name), "%s", asked->candidate);
    snprintf(words[0], sizeof(words[0]), "%" PRIu32, asked->cpus);
    snprintf(words[1], sizeof(words[1]), "%" PRIu64, asked->memory_bytes);
    snprintf(words[2], sizeof(words[2]), "%" PRIu64, SEED);
    snprintf(words[3], sizeof(words[3]), "%" PRIu64, asked->cap_bytes);
    char *argv[] = {path, name, words[0], words[1], words[2], words[3], NULL};
    child_run(argv, asked->limit_s, asked->stop, &result);
    cJSON *root = result.end == CHILD_EXITED && result.code == 0 ? cJSON_Parse(result.output) : NULL;
    const cJSON *why = cJSON_GetObjectItem(root, "reason");
    bool guarded = result.end == CHILD_EXITED && memory_guard_ended(result.code, result.last_words);
    bool died = root == NULL && !guarded && (result.end == CHILD_EXITED || result.end == CHILD_KILLED);
    if (guarded)
        snprintf(reason, sizeof(reason), "not counted: %s", result.last_words);
    else if (root == NULL)
        child_describe(&result, reason, sizeof(reason));
    else if (cJSON_IsString(why))
        snprintf(reason, sizeof(reason), "%s", why->valuestring);
    for (size_t i = 0; reason[0] == '\0' && i < PL_COUNT_OF(patterns); i++) {
        cJSON *object = cJSON_DetachItemFromObject(root, patterns[i]);
        if (object == NULL)
            continue;
        add_shares(object);
        add_note(row, object, patterns[i]);
        cJSON_AddItemToObject(row, patterns[i], object);
    }
    if (reason[0] != '\0')
        cJSON_AddStringToObject(row, "sim_reason", reason);
    cJSON_Delete(root);
    free(result.output);
    return !died;
}
