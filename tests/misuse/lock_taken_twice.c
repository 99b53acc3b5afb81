/* One CPU takes a lock that it holds: a panic, not a hang. */
#include "tests/misuse/misuse.h"

int main(void)
{
    struct pl_lock lock = {0};
    pl_lock_take(&lock, misuse_cpu(0));
    pl_lock_take(&lock, misuse_cpu(0));
    return 0;
}
