/* A trap: the caller broke a precondition, and a kernel would panic. The system that notices changes nothing,
 * says here which call and which rule, and returns its error; what follows is the harness's affair (a checked
 * run expects some traps, a misuse program dies of one). */
#ifndef SYSTEMS_TRAP_H
#define SYSTEMS_TRAP_H

#include <pagelab/types.h>

#define TRAP_WORDS_BYTES 160u

struct trap {
    uint64_t count;               /* since the last reset */
    const char *call;             /* of the last one: "vm_page_free" */
    const char *rule;             /* of the last one: "F-20", "R-19", "2.2.2" */
    char words[TRAP_WORDS_BYTES]; /* of the last one: "call: words (rule)" */
    /* NULL, or told of each trap; may not return (misuse programs). */
    void (*handler)(void *argument, const struct trap *trap);
    void *argument;
};

/* Records a trap. `call` and `rule` are string literals. Never sleeps. */
PL_PRINTF(4, 5)
void trap_take(struct trap *trap, const char *call, const char *rule, const char *format, ...);

#endif
