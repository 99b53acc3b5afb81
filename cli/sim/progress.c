/* pagelab-sim progress CANDIDATE: the class of its progress, as one JSON object: {"class": "blocking",
 * "points": N, "blocking": N, "stopped": "where", "held_up": "where"}, or, of class "opaque" and "n/a",
 * {"class": "opaque", "reason": "..."}. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/sim/sim.h"
#include "engine/schedule/progress.h"
#include "engine/schedule/symbol.h"

static void add_place(cJSON *root, const char *name, uintptr_t pc)
{
    struct symbol symbol = {.pc = pc};
    if (pc == 0)
        return;
    symbol_fill(&symbol, 1);
    cJSON_AddStringToObject(root, name, symbol.text);
}

int progress_main(const char *name)
{
    struct progress progress;
    struct spec_error error = {"no memory for stacks"};
    struct spec spec;
    struct sim *sim = sim_new(2);
    cJSON *root = cJSON_CreateObject();
    if (!sim_spec(name, &spec)) {
        cJSON_AddStringToObject(root, "class", "opaque");
        cJSON_AddStringToObject(root, "reason", "not compiled for the simulated platform");
    } else if (sim == NULL || progress_measure(&spec, sim, &progress, &error) != 0) {
        cJSON_AddStringToObject(root, "class", "n/a");
        cJSON_AddStringToObject(root, "reason", error.text);
    } else {
        cJSON_AddStringToObject(root, "class", progress_names[progress.class]);
        cJSON_AddNumberToObject(root, "points", (double)progress.points);
        cJSON_AddNumberToObject(root, "blocking", (double)progress.blocking);
        add_place(root, "stopped", progress.stopped);
        add_place(root, "held_up", progress.held_up);
    }
    char *text = cJSON_PrintUnformatted(root);
    puts(text == NULL ? "" : text);
    free(text);
    cJSON_Delete(root);
    sim_delete(sim);
    return sim_printed(0);
}
