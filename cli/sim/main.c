/* pagelab-sim CANDIDATE CPUS BYTES SEED CAP: the child of ./pagelab scale that counts. Prints one JSON
 * object:
 * {"repeat": {...}, "bulk": {...}} or {"reason": "..."}. pagelab-sim replay ..., explore ...: see sim.h,
 * explore.c; --help: all of them. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/memory_guard.h"
#include "bench/sim/count.h"
#include "cli/limits.h"
#include "cli/sim/sim.h"
#include "engine/registry.h"

static cJSON *pattern_object(const struct count_result *result)
{
    cJSON *object = cJSON_CreateObject();
    const struct sim_counts *counts = &result->counts;
    cJSON_AddNumberToObject(object, "calls", (double)result->calls);
    cJSON_AddNumberToObject(object, "failures", (double)result->failures);
    cJSON_AddNumberToObject(object, "locked", (double)counts->locked);
    cJSON_AddNumberToObject(object, "cas", (double)counts->cas);
    cJSON_AddNumberToObject(object, "cas_failed", (double)counts->cas_failed);
    cJSON_AddNumberToObject(object, "spins", (double)counts->relaxes);
    cJSON_AddNumberToObject(object, "atomic_loads", (double)counts->loads);
    cJSON_AddNumberToObject(object, "atomic_stores", (double)counts->stores);
    cJSON_AddNumberToObject(object, "plain", (double)counts->plain);
    cJSON_AddNumberToObject(object, "switches", (double)counts->switches);
    return object;
}

bool sim_spec(const char *name, struct spec *spec)
{
    struct spec_error error;
    if (spec_parse(name, spec, &error) != 0)
        return false;
    for (uint32_t i = 0; i < spec->layer_count; i++) { /* what is opened by its path was compiled elsewhere */
        const struct pl_candidate *candidate = spec->layers[i].candidate;
        if (registry_find(candidate->name, strlen(candidate->name)) != candidate)
            return false;
    }
    return true;
}

static int print_help(void)
{
    fputs("pagelab-sim COMMAND: what the pagelab command starts for all that is simulated\n"
          "  explore KEY=VALUE...             every schedule of a small program: pagelab explore\n"
          "  cost KEY=VALUE...                the dearest calls of programs: pagelab cost\n"
          "  call FILE CANDIDATE              the same of one program, as JSON: workload worst-call\n"
          "  replay FILE CANDIDATE [WORD...]  one schedule: pagelab replay --schedule\n"
          "                                   (all, shrink, admitted, tso, perfetto)\n"
          "  shrink FILE CANDIDATE OUT SECONDS [WORD...]  made small: pagelab shrink --schedule\n"
          "  progress CANDIDATE               its class of progress, as JSON: pagelab nosleep\n"
          "  CANDIDATE CPUS BYTES SEED CAP    counts of accesses, as JSON: pagelab scale\n",
          stdout);
    cli_limits_print("pagelab-sim", stdout);
    return sim_printed(0);
}

int main(int argc, char **argv)
{
    static const char *const names[COUNT_PATTERNS] = {"repeat", "bulk"};
    struct spec spec;
    struct spec_error error = {""};
    struct count_result result;
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return print_help();
    if (argc > 1 && strcmp(argv[1], "replay") == 0)
        return replay_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "shrink") == 0)
        return shrink_main(argc, argv);
    if (argc == 3 && strcmp(argv[1], "progress") == 0)
        return progress_main(argv[2]);
    if (argc > 1 && strcmp(argv[1], "cost") == 0)
        return sim_cost(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "call") == 0)
        return call_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "explore") == 0)
        return sim_explore(argc - 2, argv + 2);
    if (argc != 6) {
        fprintf(stderr, "pagelab-sim: CANDIDATE CPUS BYTES SEED CAP expected; ./pagelab scale calls it\n");
        return 2;
    }
    uint64_t cpus = strtoull(argv[2], NULL, 10);
    uint64_t bytes = strtoull(argv[3], NULL, 10);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    memory_guard_start(strtoull(argv[5], NULL, 10), STDERR_FILENO);
    bool able = sim_spec(argv[1], &spec);
    if (!able)
        snprintf(error.text, sizeof(error.text),
                 "not counted: the code of a library or a plug-in is not instrumented");
    cJSON *root = cJSON_CreateObject();
    for (unsigned i = 0; able && i < COUNT_PATTERNS; i++) {
        able = count_run(&spec, (uint32_t)cpus, bytes, seed, (enum count_pattern)i, &result, &error) == 0;
        if (able)
            cJSON_AddItemToObject(root, names[i], pattern_object(&result));
    }
    if (!able)
        cJSON_AddStringToObject(root, "reason", error.text);
    char *text = cJSON_PrintUnformatted(root);
    fputs(text == NULL ? "" : text, stdout);
    free(text);
    cJSON_Delete(root);
    return sim_printed(0);
}
