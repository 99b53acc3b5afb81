/* Between the liar's files only. */
#ifndef LIARS_LIAR_INTERNAL_H
#define LIARS_LIAR_INTERNAL_H

#include <pagelab/candidate.h>

#include "tests/liars/liar.h"

enum liar_state {
    LIAR_HOLE = 0,
    LIAR_FREE = 1,
    LIAR_HEAD = 2,
    LIAR_TAIL = 3,
    LIAR_FORGOTTEN = 4, /* in no list at all */
    LIAR_LOST = 5,      /* reported as lost */
};

struct liar {
    const struct pl_machine *machine;
    enum lie lie;
    struct pl_lock kept; /* what HOLDS_LOCK never drops */
    uint64_t drift;
    unsigned char state[]; /* [span] */
};

enum lie liar_parse(const char *params);
uint64_t liar_frames_in(const struct liar *self, enum liar_state state);
void liar_count(const void *instance, struct pl_page_counts *counts);
uint64_t liar_audit(const void *instance, struct pl_visitor *visitor);

#endif
