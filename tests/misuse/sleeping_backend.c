/* An allocator that announces a sleep in a call without a wait flag, under the runner's watch. */
#include "engine/runner.h"

static struct runner runner;

static enum pl_status sleepy_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    (void)self, (void)request, (void)run;
    cpu->platform->might_sleep(cpu, "alloc");
    return PL_NO_MEMORY;
}

int main(void)
{
    struct spec spec;
    struct spec_error error;
    struct finding finding;
    const struct op op = {.kind = OP_ALLOC};
    const struct native_shape shape = {.ranges = {{.frame_count = 8}}, .range_count = 1, .cpu_count = 1};
    if (spec_parse("liar", &spec, &error) != 0)
        return 2;
    struct pl_candidate sleepy = *spec.layers[0].candidate;
    struct pl_page_ops ops = *sleepy.page;
    ops.alloc = sleepy_alloc;
    sleepy.page = &ops;
    spec.layers[0].candidate = &sleepy;
    if (runner_init(&runner, &spec, &shape, &error) != PL_OK)
        return 2;
    return runner_run(&runner, &op, 1, &finding) == PL_OK ? 0 : 2;
}
