/* The programs of `pagelab explain`, corpora/explain/ID.txt: each is small, fine while nobody lies, and
 * broken, with that id named, under the lie of that promise. Usage: explained FOLDER [ID...]. Exit 0 or 1. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/checks/check.h"
#include "engine/program_file.h"
#include "engine/trial.h"
#include "systems/lie.h"

#define HONEST         "buddy"
#define LIMIT_S        30u
#define OPERATIONS_MAX 6u /* of a program that is to be read at a glance */

extern const char *lie_told; /* of the lying systems */

static void run(const struct program *program, const char *candidate, const char *lie,
                struct trial_result *result)
{
    struct spec spec;
    struct spec_error error;
    *result = (struct trial_result){.outcome = TRIAL_MISTAKE};
    if (spec_parse(candidate, &spec, &error) != 0)
        return;
    struct trial trial = {.program = program, .spec = &spec, .silent = true, .limit_s = LIMIT_S};
    lie_told = lie;
    trial_run(&trial, result);
    lie_told = NULL;
}

static int fault(const char *id, const char *what, const struct trial_result *result)
{
    char words[600] = "";
    if (result != NULL)
        trial_summary(result, words, sizeof(words));
    fprintf(stderr, "%s: %s: %s\n", id, what, words);
    return 1;
}

/* Is `id` one of the words of `ids`? */
static bool names(const char *ids, const char *id)
{
    char padded[80];
    char wanted[24];
    snprintf(padded, sizeof(padded), " %s ", ids);
    snprintf(wanted, sizeof(wanted), " %s ", id);
    return strstr(padded, wanted) != NULL;
}

static int judge(const struct promise *promise, const struct program *program)
{
    struct trial_result result;
    bool by_system = strcmp(promise->lie, "system") == 0;
    if (program->op_count == 0 || program->op_count > OPERATIONS_MAX)
        return fault(promise->id, "1 to 6 operations expected", NULL);
    if ((promise->contract == CHECK_REAL_ONLY) != (program->contract == CONTRACT_REAL))
        return fault(promise->id, "the contract is another than the promise's", NULL);
    run(program, HONEST, NULL, &result);
    if (result.outcome != TRIAL_FINE)
        return fault(promise->id, "no finding expected while nobody lies", &result);
    run(program, by_system ? HONEST : promise->lie, by_system ? promise->id : NULL, &result);
    if (result.outcome != TRIAL_FINDING || !names(result.finding.ids, promise->id))
        return fault(promise->id, "the lie is not seen", &result);
    return 0;
}

/* X-12 is about two candidates, and a program runs on one. */
static bool has_program(const struct promise *promise)
{
    return strcmp(promise->id, "X-12") != 0;
}

/* X-11 is about CPUs at the same time: explained_schedule.c. */
static bool is_scheduled(const struct promise *promise)
{
    return strcmp(promise->id, "X-11") == 0;
}

static int test_promise(const char *folder, const struct promise *promise)
{
    static struct program_file file;
    struct program_error error;
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.txt", folder, promise->id);
    if (!has_program(promise))
        return access(path, F_OK) == 0 ? fault(promise->id, "no program expected", NULL) : 0;
    if (program_file_read(path, &file, &error) != 0)
        return fault(promise->id, error.text, NULL);
    int code = is_scheduled(promise) ? 0 : judge(promise, &file.program);
    program_file_fini(&file);
    return code;
}

int main(int argc, char **argv)
{
    int code = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: explained FOLDER [ID...]\n");
        return 2;
    }
    for (unsigned i = 0; check_promise(i) != NULL; i++) {
        bool wanted = argc == 2;
        for (int word = 2; word < argc; word++)
            wanted = wanted || strcmp(argv[word], check_promise(i)->id) == 0;
        if (wanted && test_promise(argv[1], check_promise(i)) != 0)
            code = 1;
    }
    return code;
}
