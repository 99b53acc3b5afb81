/* pagelab-sim call FILE CANDIDATE: what the dearest call of a stored program costs, by kind, as one JSON
 * object:
 * {"accesses": {"call": N, "op": N, "hook": "alloc", "granted": true, "accesses": N, "locked": N}, "locked":
 * {...}, "frames": N}, or {"reason": "..."}. A call's number is that among all calls of the page hooks in
 * runner_bare_run(). */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/sim/sim.h"
#include "engine/schedule/cost_worst.h"

static cJSON *call_object(const struct cost_call *call)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "call", call->call);
    cJSON_AddNumberToObject(object, "op", call->op);
    cJSON_AddStringToObject(object, "hook", tap_hook_names[call->hook]);
    cJSON_AddBoolToObject(object, "granted", call->granted);
    cJSON_AddNumberToObject(object, "accesses", (double)call->counts[COST_ACCESSES]);
    cJSON_AddNumberToObject(object, "locked", (double)call->counts[COST_LOCKED]);
    return object;
}

int call_main(int argc, char **argv)
{
    static struct cost_worst worst;
    static struct program_file file;
    struct cost_call calls[COST_KINDS];
    struct spec spec;
    if (argc != 4)
        return sim_mistake("call",
                           "FILE and CANDIDATE expected; ./pagelab bench --workload worst-call calls it");
    cJSON *root = cJSON_CreateObject();
    if (!sim_spec(argv[3], &spec)) {
        cJSON_AddStringToObject(root, "reason", "not counted: not compiled for the simulated platform");
    } else {
        int code = sim_read(argv[2], argv[3], &file, &spec);
        if (code == 0 && cost_worst_init(&worst, &spec) != 0)
            code = sim_mistake("call", "no memory for stacks");
        if (code == 0 && !cost_worst_of(&worst, &file.program, calls))
            code = sim_mistake(argv[2], "does not run on this candidate");
        if (code != 0)
            return code;
        cJSON_AddItemToObject(root, "accesses", call_object(&calls[COST_ACCESSES]));
        cJSON_AddItemToObject(root, "locked", call_object(&calls[COST_LOCKED]));
        cJSON_AddNumberToObject(root, "frames", (double)cost_worst_frames(&worst, &file.program));
        cost_worst_fini(&worst);
        program_file_fini(&file);
    }
    char *text = cJSON_PrintUnformatted(root);
    puts(text == NULL ? "" : text);
    free(text);
    cJSON_Delete(root);
    return sim_printed(0);
}
