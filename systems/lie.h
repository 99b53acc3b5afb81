/* Lies: each breaks one promise, on purpose, in the code that keeps it, so that a check that does not notice
 * is seen to be blind. LIE("F-10") is the constant false in the product; only the tests compile the systems
 * once more with PL_LIES, where it asks which lie is being told. */
#ifndef SYSTEMS_LIE_H
#define SYSTEMS_LIE_H

#include <stdbool.h>

#if defined(PL_LIES)
/* The id whose promise is being broken, or NULL. Set by the tests. */
extern const char *lie_told;
bool lie_is(const char *id);
#define LIE(id) lie_is(id)
/* A race that is to be lost for certain: lets other threads go on until `happened`, or until none does it. */
void lie_yield(void);
#define LIE_WAIT(happened)                                                                                   \
    do {                                                                                                     \
        for (unsigned turns = 0; turns < 200 && !(happened); turns++)                                        \
            lie_yield();                                                                                     \
    } while (0)
#else
#define LIE(id)            false
#define LIE_WAIT(happened) ((void)0)
#endif

#endif
