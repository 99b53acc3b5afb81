/* What the contract says about the outcome of one allocation, from the shadow's state before it. */
#ifndef ENGINE_EXPECT_H
#define ENGINE_EXPECT_H

#include "engine/shadow.h"

struct expectation {
    unsigned alloc_class;
    uint64_t frames;
    unsigned order;                           /* PL_ORDER_NONE for a run */
    const struct pl_constraints *constraints; /* NULL for an order */
    bool served;                              /* the candidate has this order, or runs at all */
    bool admitted;                            /* free >= floor + frames */
};

struct expectation expect_order(const struct shadow *shadow, const struct instance *instance,
                                unsigned alloc_class, unsigned order);
struct expectation expect_run(const struct shadow *shadow, const struct instance *instance,
                              unsigned alloc_class, const struct pl_constraints *constraints);

/* An admitted request must be served now: the candidate promises that such frames are found. */
bool expect_must_find(const struct expectation *expected, const struct shadow *shadow,
                      const struct instance *instance);

/* Compares an outcome with it. `run` is read on PL_OK only. The shadow is still in the state before. */
void expect_check(const struct expectation *expected, const struct shadow *shadow,
                  const struct instance *instance, enum pl_status status, const struct pl_run *run,
                  struct finding *finding);

#endif
