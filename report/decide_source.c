/* Where a decision is from: the run, what speaks against its times, and the files of checks. */
#include "report/decide_parts.h"
#include "report/origin.h"
#include "report/result.h"

#include <string.h>

/* What speaks against its times: what it says itself, and a build that is no release. */
static cJSON *marks_of(const cJSON *pagelab)
{
    const cJSON *marks = cJSON_GetObjectItemCaseSensitive(pagelab, "marks");
    const char *tier = result_text(pagelab, "tier");
    cJSON *list = cJSON_IsArray(marks) ? cJSON_Duplicate(marks, true) : cJSON_CreateArray();
    char words[80];

    if (tier[0] != '\0' && strcmp(tier, "release") != 0 && cJSON_GetArraySize(list) == 0) {
        snprintf(words, sizeof words, "a %.30s build: only a release build is measured", tier);
        cJSON_AddItemToArray(list, cJSON_CreateString(words));
    }
    return list;
}

/* Rows that were measured later and are kept in a file of their own. */
static void kept_add(cJSON *list, const cJSON *kept)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(kept, "context");
    const cJSON *pagelab = cJSON_GetObjectItemCaseSensitive(context, "pagelab");
    cJSON *one;

    if (kept == NULL) {
        return;
    }
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "file", result_text(kept, "file"));
    cJSON_AddStringToObject(one, "date", result_text(context, "date"));
    cJSON_AddStringToObject(one, "commit", result_text(pagelab, "commit"));
    cJSON_AddBoolToObject(one, "reference", false);
    cJSON_AddItemToObject(one, "marks", marks_of(pagelab));
    cJSON_AddItemToArray(list, one);
}

void decide_source_add(cJSON *decision, const struct evidence *evidence)
{
    const struct decide_sources *sources = evidence->sources;
    const cJSON *pagelab = result_pagelab(sources->result);
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(sources->result, "context");
    cJSON *source = cJSON_AddObjectToObject(decision, "source");
    cJSON *list;
    const char *rods_words;
    enum rods_state rods = result_rods(sources->result, &rods_words);
    struct origin origin;

    origin_of_context(context, &origin);
    cJSON_AddStringToObject(source, "file", sources->file);
    cJSON_AddStringToObject(source, "which", sources->which == NULL ? "" : sources->which);
    (void)origin_add(source, &origin);
    cJSON_AddStringToObject(source, "mode", result_text(pagelab, "mode"));
    cJSON_AddStringToObject(source, "tier", result_text(pagelab, "tier"));
    cJSON_AddBoolToObject(source, "dirty", cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pagelab, "dirty")));
    cJSON_AddStringToObject(source, "rods",
                            rods == RODS_HOLD   ? "hold"
                            : rods == RODS_VOID ? "void"
                                                : "unchecked");
    cJSON_AddItemToObject(source, "marks", marks_of(pagelab));
    cJSON_AddBoolToObject(source, "reference", sources->reference);
    list = cJSON_AddArrayToObject(source, "evidence");
    kept_add(list, cJSON_GetObjectItemCaseSensitive(sources->result, DECIDE_KEPT));
    for (size_t i = 0; i < evidence->file_count; i++) {
        const struct evidence_file *file = &evidence->files[i];
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "file", file->name);
        cJSON_AddStringToObject(one, "date", file->date);
        cJSON_AddStringToObject(one, "commit", file->commit);
        cJSON_AddBoolToObject(one, "reference", file->reference);
        cJSON_AddItemToArray(list, one);
    }
}
