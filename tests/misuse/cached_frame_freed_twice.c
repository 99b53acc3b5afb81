/* The same frame twice into a magazine over an allocator that checks: found when the magazine is drained. */
#include "engine/instance.h"

#include "tests/misuse/misuse.h"

int main(void)
{
    struct native_shape shape = {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 1};
    char text[128];
    struct spec spec;
    struct spec_error error;
    static struct instance instance;
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run;
    struct native_machine *native = native_machine_new(&shape, text, sizeof(text));
    if (native == NULL || spec_parse("percpu+reference", &spec, &error) != 0 ||
        instance_init(&instance, &spec, native_machine_view(native), false, &error) != PL_OK)
        return 2;
    const struct pl_page *page = &instance.page;
    struct pl_cpu *cpu = native_cpu(native, 0);
    if (page->ops->alloc(page->self, cpu, &request, &run) != PL_OK)
        return 2;
    (void)page->ops->free(page->self, cpu, &run);
    (void)page->ops->free(page->self, cpu, &run);
    page->ops->drain(page->self, cpu, cpu);
    return 0;
}
