/* Character: what an algorithm does that another does not, seen through the page hooks alone.
 *
 * A case is asked of two candidates: of `own`, whose character it is, and of `other`, which must fail it; a
 * case that everybody passes says nothing about anybody. */
#ifndef CHARACTER_H
#define CHARACTER_H

#include <stdio.h>

#include "engine/instance.h"
#include "platform/native/native.h"

#define CHARACTER_CPUS        4u
#define CHARACTER_CASES_LEAST 3u

/* A machine with an instance on it. Grants that a case leaves behind are nobody's leak. */
struct rig {
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct spec spec;
};

struct character_case {
    const char *name;  /* backend_what_it_does */
    const char *own;   /* must pass */
    const char *other; /* must fail; it has the capabilities that the case needs */
    struct native_shape shape;
    bool (*run)(struct rig *rig); /* true: passes. Says on stderr what it saw instead. */
};

/* Every backend's list of cases, NULL at the end; the last case of a list has no name. */
extern const struct character_case *const character_lists[];
/* The candidates that need three cases or more. NULL at the end. */
extern const char *const character_owners[];

/* A false condition ends the case: it fails. */
#define SEEN(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not seen: %s\n", __FILE__, __LINE__, #condition);                        \
            return false;                                                                                    \
        }                                                                                                    \
    } while (0)

/* One block on CPU `cpu`, unmovable, from any node. False: no memory. */
bool rig_take(struct rig *rig, uint32_t cpu, uint32_t order, struct pl_run *run);
bool rig_take_request(struct rig *rig, uint32_t cpu, const struct pl_request *request, struct pl_run *run);
/* Gives a block back. A refusal ends the program: it is a mistake of the case. */
void rig_give(struct rig *rig, uint32_t cpu, const struct pl_run *run);
struct pl_page_counts rig_counts(const struct rig *rig);

/* Free, cached and reserved blocks as audit tells them: calls `visit` for each. */
void rig_blocks(const struct rig *rig, void (*visit)(void *argument, const struct pl_block *block),
                void *argument);

#endif
