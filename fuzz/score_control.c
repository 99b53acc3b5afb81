/* Controls: the same drivers, the same time and the same seeds with no mutant alive. What speaks there speaks
 * of mutants, too, so a detection means something only where the control is silent. */
#include <stdio.h>
#include <string.h>

#include "fuzz/score.h"

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
