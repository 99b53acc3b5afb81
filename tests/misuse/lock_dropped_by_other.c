/* A CPU drops the lock that another one holds. */
#include "tests/misuse/misuse.h"

int main(void)
{
    struct pl_lock lock = {0};
    pl_lock_take(&lock, misuse_cpu(0));
    pl_lock_drop(&lock, misuse_cpu(1));
    return 0;
}
