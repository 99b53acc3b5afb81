/* See progress.h. What was not looked at is never taken for a class. */
#define _POSIX_C_SOURCE 200809L /* access */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/child.h"
#include "cli/cli.h"

/* Of one candidate, which takes well below a second on an idle machine. */
#define LIMIT_S 60.0

static cJSON *without_class(const char *class, const char *reason)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "class", class);
    cJSON_AddStringToObject(object, "reason", reason);
    return object;
}

cJSON *cli_progress(const char *candidate)
{
    char program[4096];
    char name[SPEC_NAME_BYTES];
    char word[] = "progress";
    char words[512];
    struct child_result result;
    snprintf(program, sizeof(program), "%s", cli_sim_program());
    snprintf(name, sizeof(name), "%s", candidate);
    if (access(program, X_OK) != 0)
        return without_class("not checked", "pagelab-sim is not beside this program; no build with a "
                                            "sanitizer has it");
    char *argv[] = {program, word, name, NULL};
    child_run(argv, LIMIT_S, &cli_stop, &result);
    bool ended = result.end == CHILD_EXITED && result.code == 0;
    cJSON *answer = ended ? cJSON_Parse(result.output) : NULL;
    if (!cJSON_HasObjectItem(answer, "class")) {
        cJSON_Delete(answer);
        child_describe(&result, words, sizeof(words));
        answer = without_class("not checked", words);
    }
    free(result.output);
    return answer;
}

const char *cli_progress_class(const cJSON *progress)
{
    const char *class = cJSON_GetStringValue(cJSON_GetObjectItem(progress, "class"));
    return class == NULL ? "not checked" : class;
}
