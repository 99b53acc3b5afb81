/* Controls: the same drivers, the same time and the same seeds with no mutant alive. What speaks there speaks
 * of mutants, too, so a detection means something only where the control is silent. */
#include <stdio.h>
#include <string.h>

#include "fuzz/score_internal.h"

/* Of a target's executions a pair has at least this part, however many pairs share them. */
#define PAIR_PART 10

static bool is_same(const struct mutant *left, const struct mutant *right)
{
    return strcmp(left->target, right->target) == 0 && strcmp(left->backend, right->backend) == 0;
}

uint32_t score_controls(const struct mutant *const *picked, uint32_t count, struct score_control *controls)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < made && !is_same(&controls[at].mutant, picked[i]))
            at++;
        if (at == made) {
            struct score_control *control = &controls[made++];
            control->mutant = *picked[i];
            control->mutant.name = control->name;
            snprintf(control->name, sizeof(control->name), "none.%s.%s", picked[i]->target,
                     picked[i]->backend);
        }
        /* One race among them, and real threads are tried, too. */
        if (picked[i]->kind == MUTANT_RACE)
            controls[at].mutant.kind = MUTANT_RACE;
    }
    return made;
}

double score_control_goal(const struct score_options *options, const struct mutant *mutant)
{
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < options->mutant_count; i++)
        pairs += strcmp(options->mutants[i]->target, mutant->target) == 0;
    return options->executions / (pairs < PAIR_PART ? pairs : PAIR_PART);
}

double score_control_done(const struct score_options *options, const struct score_job *jobs,
                          uint32_t job_count, const struct mutant *mutant)
{
    double sum = 0;
    for (uint32_t i = 0; options->executions > 0 && i < job_count; i++) {
        if (jobs[i].mutant == mutant && jobs[i].way == SCORE_TARGET && jobs[i].result.known)
            sum += jobs[i].result.executions;
    }
    return sum;
}

bool score_control_enough(const struct score_options *options, const struct score_job *jobs,
                          uint32_t job_count, const struct score_job *job)
{
    if (options->executions <= 0 || job->way != SCORE_TARGET)
        return false;
    for (uint32_t i = 0; i < job_count; i++) {
        if (jobs[i].mutant == job->mutant && jobs[i].way == SCORE_TARGET && jobs[i].result.detected)
            return true;
    }
    return score_control_done(options, jobs, job_count, job->mutant) >=
           score_control_goal(options, job->mutant);
}

bool score_controls_complete(const struct score_options *options, const struct score_row *rows)
{
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        if (rows[i].executions[SCORE_TARGET] < score_control_goal(options, options->mutants[i]))
            return false;
    }
    return true;
}
