/* A wait inside a call that was promised not to sleep, although there is nothing to wait for. */
#include "tests/misuse/misuse.h"

int main(void)
{
    struct pl_cpu *cpu = misuse_cpu(0);
    atomic_uint word = 1;
    cpu->no_sleep_depth++;
    cpu->platform->wait(cpu, &word, 0);
    return 0;
}
