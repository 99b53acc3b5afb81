/* See scale_sim.h. */
#define _POSIX_C_SOURCE 200809L /* access */
#include "bench/scale_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "bench/child.h"
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

void scale_sim_add(cJSON *row, const char *program, const char *candidate, uint32_t cpus,
                   uint64_t memory_bytes, unsigned limit_s, const volatile sig_atomic_t *stop)
{
    static const char *const patterns[] = {"repeat", "bulk"};
    char words[3][24];
    char name[SPEC_NAME_BYTES];
    char path[4096];
    char reason[512] = "";
    struct child_result result;
    if (program == NULL || access(program, X_OK) != 0) {
        cJSON_AddStringToObject(row, "sim_reason",
                                "not counted: pagelab-sim is not beside this program; no build with a "
                                "sanitizer has it");
        return;
    }
    snprintf(path, sizeof(path), "%s", program);
    snprintf(name, sizeof(name), "%s", candidate);
    snprintf(words[0], sizeof(words[0]), "%" PRIu32, cpus);
    snprintf(words[1], sizeof(words[1]), "%" PRIu64, memory_bytes);
    snprintf(words[2], sizeof(words[2]), "%" PRIu64, SEED);
    char *argv[] = {path, name, words[0], words[1], words[2], NULL};
    child_run(argv, limit_s, stop, &result);
    cJSON *root = result.end == CHILD_EXITED && result.code == 0 ? cJSON_Parse(result.output) : NULL;
    const cJSON *why = cJSON_GetObjectItem(root, "reason");
    if (root == NULL)
        child_describe(&result, reason, sizeof(reason));
    else if (cJSON_IsString(why))
        snprintf(reason, sizeof(reason), "%s", why->valuestring);
    for (size_t i = 0; reason[0] == '\0' && i < PL_COUNT_OF(patterns); i++) {
        cJSON *object = cJSON_DetachItemFromObject(root, patterns[i]);
        if (object == NULL)
            continue;
        add_shares(object);
        cJSON_AddItemToObject(row, patterns[i], object);
    }
    if (reason[0] != '\0')
        cJSON_AddStringToObject(row, "sim_reason", reason);
    cJSON_Delete(root);
    free(result.output);
}
