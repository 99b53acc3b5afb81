/* A lock is dropped that nobody holds. */
#include "tests/misuse/misuse.h"

int main(void)
{
    struct pl_lock lock = {0};
    pl_lock_drop(&lock, misuse_cpu(0));
    return 0;
}
