/* The bare runner: executes a program's operations on frames and looks at nothing. What the checked runner
 * costs beyond it is the price of the checks; bench/workloads/programs.c measures both. */
#ifndef ENGINE_RUNNER_BARE_H
#define ENGINE_RUNNER_BARE_H

#include "engine/runner.h"

/* From a fresh state to the end; then all grants are given back and caches drained, as the checked runner
 * does. The runner is one of runner_init; its shadow is left alone. Misuse, audits and the systems'
 * operations are skipped. PL_OK, or what instance_reset returned. */
enum pl_status runner_bare_run(struct runner *runner, const struct op *ops, uint32_t op_count);

#endif
