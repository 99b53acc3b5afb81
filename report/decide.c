/* The decision as a document: needs judged first, then the axes of those that are left. See decide.h. */
#include "report/decide_parts.h"
#include "report/error.h"
#include "report/result.h"

#include <stdlib.h>
#include <string.h>

/* --- one profile --- */

static void cells_add(cJSON *into, const struct decide_profile *profile, enum decide_axis axis)
{
    const struct decide_cell *cells = axis == AXIS_SPEED ? profile->speed : profile->tail;
    size_t count = axis == AXIS_SPEED ? profile->speed_count : axis == AXIS_TAIL ? profile->tail_count : 0;
    cJSON *list = cJSON_AddArrayToObject(into, "cells");
    char text[200];

    for (size_t i = 0; i < count; i++) {
        decide_cell_text(&cells[i], text, sizeof text);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static void asked_add(cJSON *into, const struct decide_profile *profile)
{
    cJSON *needs = cJSON_AddArrayToObject(into, "needs");
    cJSON *axes;
    char text[800];

    for (size_t i = 0; i < profile->need_count; i++) {
        cJSON *need = cJSON_CreateObject();

        cJSON_AddStringToObject(need, "need", decide_need_name(profile->needs[i].kind));
        decide_need_value(&profile->needs[i], text, sizeof text);
        cJSON_AddStringToObject(need, "value", text);
        decide_need_says(&profile->needs[i], text, sizeof text);
        cJSON_AddStringToObject(need, "says", text);
        cJSON_AddItemToArray(needs, need);
    }
    axes = cJSON_AddArrayToObject(into, "axes");
    for (int axis = 0; axis < AXES; axis++) {
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "axis", decide_axis_names[axis]);
        decide_axis_says(profile, (enum decide_axis)axis, text, sizeof text);
        cJSON_AddStringToObject(one, "says", text);
        cells_add(one, profile, (enum decide_axis)axis);
        cJSON_AddNumberToObject(one, "noise", decide_axis_noise((enum decide_axis)axis));
        cJSON_AddItemToArray(axes, one);
    }
}

static void fact_add(cJSON *list, const char *candidate, const char *need, const struct decide_fact *fact)
{
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "candidate", candidate);
    cJSON_AddStringToObject(one, "need", need);
    cJSON_AddStringToObject(one, "fact", fact->words);
    cJSON_AddStringToObject(one, "row", fact->row);
    cJSON_AddStringToObject(one, "file", fact->file);
    cJSON_AddStringToObject(one, "command", fact->command);
    cJSON_AddItemToArray(list, one);
}

/* Both lists of one profile while they grow. */
struct verdicts {
    cJSON *out;
    cJSON *unknown;
};

/* True: nothing speaks against it and nothing is missing. Who is out of something known is not listed as not
 * known. */
static bool candidate_judge(const struct evidence *evidence, const struct decide_profile *profile,
                            const char *candidate, const struct verdicts *lists,
                            struct decide_standing *standing)
{
    struct decide_fact facts[DECIDE_NEEDS_MAX + AXES];
    const char *needs[DECIDE_NEEDS_MAX + AXES];
    size_t count = 0;
    bool out = false;

    memset(standing, 0, sizeof *standing);
    standing->candidate = candidate;
    for (size_t i = 0; i < profile->need_count; i++) {
        needs[count] = decide_need_name(profile->needs[i].kind);
        decide_judge(evidence, candidate, &profile->needs[i], &facts[count]);
        count += facts[count].verdict != DECIDE_PASSES;
    }
    for (int axis = 0; axis < AXES; axis++) {
        needs[count] = decide_axis_names[axis];
        count += !decide_measure(evidence, profile, candidate, (enum decide_axis)axis, &standing->axes[axis],
                                 &facts[count]);
    }
    for (size_t i = 0; i < count; i++) {
        out |= facts[i].verdict == DECIDE_OUT;
    }
    for (size_t i = 0; i < count; i++) {
        if (facts[i].verdict == DECIDE_OUT || !out) {
            fact_add(out ? lists->out : lists->unknown, candidate, needs[i], &facts[i]);
        }
    }
    return count == 0;
}

/* The facts that spoke for one of those that are left. */
static void passed_add(cJSON *into, const struct evidence *evidence, const struct decide_profile *profile,
                       const char *candidate)
{
    cJSON *list = cJSON_AddArrayToObject(into, "passed");
    struct decide_fact fact;

    for (size_t i = 0; i < profile->need_count; i++) {
        decide_judge(evidence, candidate, &profile->needs[i], &fact);
        fact_add(list, candidate, decide_need_name(profile->needs[i].kind), &fact);
    }
}

/* The names of the rows that an axis is read from. */
static void cells_rows(cJSON *into, const char *axis, const struct evidence *evidence, const char *candidate,
                       const struct decide_cell *cells, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(into, axis);

    for (size_t i = 0; i < count; i++) {
        const struct report_cell *cell = evidence_cell(evidence, candidate, &cells[i]);

        if (cell != NULL) {
            cJSON_AddItemToArray(list, cJSON_CreateString(cell->name));
        }
    }
}

static void standing_values(cJSON *into, const struct evidence *evidence,
                            const struct decide_profile *profile, const struct decide_standing *standing)
{
    cJSON *all;
    cJSON *values = cJSON_AddObjectToObject(into, "values");
    cJSON *rows = cJSON_AddObjectToObject(into, "rows");
    cJSON *files = cJSON_AddObjectToObject(into, "files");
    cJSON *commands = cJSON_AddObjectToObject(into, "commands");

    for (int axis = 0; axis < AXES; axis++) {
        cJSON_AddNumberToObject(values, decide_value_names[axis], standing->axes[axis].value);
        cJSON_AddStringToObject(rows, decide_axis_names[axis], standing->axes[axis].row);
        cJSON_AddStringToObject(files, decide_axis_names[axis], standing->axes[axis].file);
        cJSON_AddStringToObject(commands, decide_axis_names[axis], standing->axes[axis].command);
    }
    passed_add(into, evidence, profile, standing->candidate);
    all = cJSON_AddObjectToObject(into, "all_rows");
    cells_rows(all, "speed", evidence, standing->candidate, profile->speed, profile->speed_count);
    cells_rows(all, "tail", evidence, standing->candidate, profile->tail, profile->tail_count);
}

/* What it is best at, and what it gives up against the best of the front. */
static void front_add(cJSON *list, const struct evidence *evidence, const struct decide_profile *profile,
                      const struct decide_standing *mine, const struct decide_standing *standings,
                      size_t count)
{
    cJSON *one = cJSON_CreateObject();
    cJSON *best_at;
    cJSON *gives_up;
    cJSON *losses;
    char text[300];
    char cited[700];

    cJSON_AddStringToObject(one, "candidate", mine->candidate);
    best_at = cJSON_AddArrayToObject(one, "best_at");
    gives_up = cJSON_AddArrayToObject(one, "gives_up");
    losses = cJSON_AddObjectToObject(one, "losses");
    for (int axis = 0; axis < AXES; axis++) {
        const struct decide_standing *best = mine;
        char more[40] = "";

        for (size_t i = 0; i < count; i++) {
            if (!standings[i].dominated && standings[i].axes[axis].value < best->axes[axis].value) {
                best = &standings[i];
            }
        }
        if (!decide_better(&best->axes[axis], &mine->axes[axis], (enum decide_axis)axis)) {
            cJSON_AddItemToArray(best_at, cJSON_CreateString(decide_axis_names[axis]));
            continue;
        }
        if (axis == AXIS_SPEED && profile->speed_count > 1) {
            snprintf(more, sizeof more, " and %zu more", profile->speed_count - 1);
        }
        decide_loss(mine, best, (enum decide_axis)axis, text, sizeof text);
        cJSON_AddStringToObject(losses, decide_axis_names[axis], text);
        snprintf(cited, sizeof cited, "%s (%.300s%s)", text, mine->axes[axis].row, more);
        cJSON_AddItemToArray(gives_up, cJSON_CreateString(cited));
    }
    if (mine->ringed) {
        cJSON_AddStringToObject(one, "ring", standings[mine->by].candidate);
    }
    standing_values(one, evidence, profile, mine);
    cJSON_AddItemToArray(list, one);
}

/* Rods are bounds, not candidates. */
static bool is_candidate(const cJSON *record)
{
    return result_text(record, "name")[0] != '\0' && strcmp(result_text(record, "kind"), "floor") != 0;
}

static bool profile_add(cJSON *profiles, const struct evidence *evidence,
                        const struct decide_profile *profile)
{
    const cJSON *list =
        cJSON_GetObjectItemCaseSensitive(result_pagelab(evidence->sources->result), "candidates");
    struct decide_standing *standings = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *standings);
    cJSON *into = cJSON_CreateObject();
    const cJSON *record = NULL;
    struct verdicts lists;
    char fineness[500];
    size_t count = 0;

    if (standings == NULL || into == NULL) {
        free(standings);
        cJSON_Delete(into);
        return false;
    }
    cJSON_AddStringToObject(into, "name", profile->name);
    cJSON_AddStringToObject(into, "about", profile->about);
    asked_add(into, profile);
    lists.out = cJSON_AddArrayToObject(into, "out");
    lists.unknown = cJSON_AddArrayToObject(into, "unknown");
    cJSON_ArrayForEach(record, list)
    {
        if (is_candidate(record) &&
            candidate_judge(evidence, profile, result_text(record, "name"), &lists, &standings[count])) {
            count++;
        }
    }
    decide_widen_tails(standings, count);
    decide_front(standings, count);
    decide_fineness(standings, count, fineness, sizeof fineness);
    cJSON_AddStringToObject(into, "fineness", fineness);

    cJSON *front = cJSON_AddArrayToObject(into, "front");
    cJSON *dominated = cJSON_AddArrayToObject(into, "dominated");

    for (size_t i = 0; i < count; i++) {
        if (!standings[i].dominated) {
            front_add(front, evidence, profile, &standings[i], standings, count);
            continue;
        }
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "candidate", standings[i].candidate);
        cJSON_AddStringToObject(one, "by", standings[standings[i].by].candidate);
        standing_values(one, evidence, profile, &standings[i]);
        cJSON_AddItemToArray(dominated, one);
    }
    free(standings);
    cJSON_AddItemToArray(profiles, into);
    return true;
}

cJSON *decide_json(const struct decide_sources *sources, const struct decide_profile *profiles,
                   size_t profile_count, struct report_error *error)
{
    struct evidence evidence;
    cJSON *decision = cJSON_CreateObject();
    cJSON *list;
    bool good;

    if (!evidence_load(&evidence, sources, error)) {
        cJSON_Delete(decision);
        return NULL;
    }
    decide_source_add(decision, &evidence);
    decide_unmeasured_add(decision, &evidence);
    list = cJSON_AddArrayToObject(decision, "profiles");
    good = list != NULL;
    for (size_t i = 0; i < profile_count && good; i++) {
        good = profile_add(list, &evidence, &profiles[i]);
    }
    evidence_free(&evidence);
    if (!good) {
        report_error_set(error, "out of memory");
        cJSON_Delete(decision);
        return NULL;
    }
    return decision;
}
