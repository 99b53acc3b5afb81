/* A handler waits. */
#include "tests/misuse/misuse.h"

static void handler(struct pl_cpu *cpu, void *word)
{
    cpu->platform->wait(cpu, word, 0);
}

int main(void)
{
    atomic_uint word = 1;
    native_set_handler(misuse_cpu(0), handler, &word);
    native_raise(misuse_cpu(0));
    return 0;
}
