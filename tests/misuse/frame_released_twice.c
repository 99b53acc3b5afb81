/* The shadow is told twice that a grant is gone: the harness's own mistake, so an assertion. */
#include "engine/shadow.h"

#include "tests/misuse/misuse.h"

int main(void)
{
    struct native_shape shape = {.ranges = {{.frame_count = 8}}, .range_count = 1, .cpu_count = 1};
    char error[128];
    struct shadow shadow;
    struct finding finding = {.found = false};
    const struct pl_run run = {.first = {3}, .frame_count = 1};
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL || shadow_init(&shadow, native_machine_view(native)) != 0)
        return 2;
    shadow_grant(&shadow, &run, 1, &finding);
    shadow_release(&shadow, &run, 1);
    shadow_release(&shadow, &run, 1);
    return 0;
}
