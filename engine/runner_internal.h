/* Between the runner's files only. */
#ifndef ENGINE_RUNNER_INTERNAL_H
#define ENGINE_RUNNER_INTERNAL_H

#include "engine/runner.h"

/* Wrong frees and illegal requests on purpose (X-10, F-27): the answer must be a refusal that changes
 * nothing. */
void do_bad_free(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void do_bad_alloc(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding);

/* On a machine with contents, stamps each granted frame and looks for the stamp when it is freed: nobody else
 * may have written there. No-ops without contents. */
void contents_granted(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding);
void contents_released(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding);

#endif
