/* The parts of the bodies that must not be inlined into either half. */
#include "bodies.h"

uint64_t body_counter;

uint64_t body_call(uint64_t value)
{
    return value * 2862933555777941757u + 3037000493u;
}
