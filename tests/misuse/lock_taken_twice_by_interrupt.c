/* A handler takes the lock that the task holds unmasked: what a masked section is for. */
#include "tests/misuse/misuse.h"

static void handler(struct pl_cpu *cpu, void *lock)
{
    pl_lock_take(lock, cpu);
}

int main(void)
{
    struct pl_lock lock = {0};
    struct pl_cpu *cpu = misuse_cpu(1);
    native_set_handler(cpu, handler, &lock);
    pl_lock_take(&lock, cpu);
    native_raise(cpu);
    return 0;
}
