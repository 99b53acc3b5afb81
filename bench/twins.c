/* See twins.h. */
#include "bench/twins.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEPS_FIRST  8u
#define STEPS_MAX    1000000.0
#define SEARCH_TURNS 6u

/* False: it could not be measured; error->text says why, or is "" after an interruption. */
static bool measure_cell(const struct twins_plan *plan, unsigned steps, double *ns, struct twins_error *error)
{
    struct cell_params cell = plan->cell;
    int n = snprintf(cell.backend, sizeof(cell.backend), "slower(steps=%u)+%s", steps, plan->cell.backend);
    error->text[0] = '\0';
    if (n < 0 || (size_t)n >= sizeof(cell.backend)) {
        snprintf(error->text, sizeof(error->text), "backend '%.80s': a shorter name expected",
                 plan->cell.backend);
        return false;
    }
    cJSON *row = cell_child_row(&plan->how, &cell, error->text, sizeof(error->text));
    if (row == NULL)
        return false;
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(row, "reason"));
    *ns = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "real_time"));
    bool good = status != NULL && strcmp(status, "ok") == 0 && *ns > 0;
    if (!good)
        snprintf(error->text, sizeof(error->text), "%.60s on %.120s: %s: %.200s", cell.workload, cell.backend,
                 status == NULL ? "no status" : status, reason == NULL ? "" : reason);
    cJSON_Delete(row);
    return good;
}

bool twins_measure(const struct twins_plan *plan, unsigned turn, struct twins_job *job,
                   struct twins_error *error)
{
    for (unsigned round = 0; round < plan->rounds; round++) {
        for (unsigned place = 0; place < TWINS_ROLES; place++) {
            /* Nobody has a place of its own in the round, nor always the same one before it. */
            unsigned step = (turn + round / TWINS_ROLES) % 2 != 0 ? TWINS_ROLES - 1 : 1;
            unsigned role = (turn + round + place * step) % TWINS_ROLES;
            unsigned steps = role == TWINS_SLOW ? plan->steps : 0;
            if (!measure_cell(plan, steps, &job->samples[role][round], error))
                return false;
        }
    }
    return true;
}

/* From what so many steps cost to what was asked, as if it were a line; what was seen near the goal is taken
 * together. */
unsigned twins_steps(const struct twins_plan *plan, double per_cent,
                     double (*ratio)(const double *before, const double *after, size_t rounds),
                     struct twins_error *error)
{
    struct twins_plan search = *plan;
    double steps = STEPS_FIRST;
    double products = 0; /* of steps and gain */
    double squares = 0;  /* of steps */
    for (unsigned turn = 0; turn < SEARCH_TURNS; turn++) {
        struct twins_job job;
        search.steps = (unsigned)lround(steps);
        if (!twins_measure(&search, turn, &job, error))
            return 0;
        double gain = (ratio(job.samples[TWINS_ONE], job.samples[TWINS_SLOW], plan->rounds) - 1) * 100;
        if (gain > per_cent / 2 && gain < per_cent * 2) {
            products += search.steps * gain;
            squares += (double)search.steps * search.steps;
        }
        /* No more than fourfold at a time: small gains are mostly noise. */
        double factor = gain > per_cent / 4 ? per_cent / gain : 4;
        steps = products > 0 ? per_cent * squares / products : search.steps * fmax(factor, 0.25);
        steps = fmin(STEPS_MAX, fmax(1, steps));
    }
    return (unsigned)lround(steps);
}
