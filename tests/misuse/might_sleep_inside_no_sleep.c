/* Only the announcement of a sleep, inside a call that was promised not to. */
#include "tests/misuse/misuse.h"

int main(void)
{
    struct pl_cpu *cpu = misuse_cpu(1);
    cpu->no_sleep_depth++;
    cpu->platform->might_sleep(cpu, "misuse");
    return 0;
}
