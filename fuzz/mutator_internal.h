/* Between the mutator's files only. */
#ifndef FUZZ_MUTATOR_INTERNAL_H
#define FUZZ_MUTATOR_INTERNAL_H

#include <stdbool.h>

#include "engine/program.h"
#include "fuzz/mutator.h"

#define MUTATOR_BLOCK_MAX 16u /* records that one edit copies, deletes or makes */

/* A program as its records. */
struct mutator_list {
    enum op_family family;
    bool schedule; /* it has one: see the header's last byte */
    uint8_t *header;
    uint8_t (*records)[PROGRAM_RECORD_BYTES];
    uint32_t count;
    uint32_t limit;
    const uint8_t (*other)[PROGRAM_RECORD_BYTES];
    uint32_t other_count;
    struct mutator_random random;
};

/* One edit. False if there is nothing to work on, or no room; then another one is drawn. */
typedef bool mutator_edit_function(struct mutator_list *list);

/* The edits that know what a record's bytes mean; NULL where it does not matter, or there is none. */
extern mutator_edit_function *const mutator_page_edits[MUTATOR_EDIT_COUNT];
extern mutator_edit_function *const mutator_system_edits[MUTATOR_EDIT_COUNT];

/* An OP_PREEMPT more, or another one. */
mutator_edit_function mutator_edit_schedule;

/* --- shared by them --- */

uint32_t mutator_draw(struct mutator_list *list, uint32_t limit);
uint8_t mutator_byte(struct mutator_list *list);

/* A number near the old one, an edge, or anything. */
uint8_t mutator_tweak_byte(struct mutator_list *list, uint8_t old);

/* Makes room for `count` records at `at`; false if there is none. */
bool mutator_open_gap(struct mutator_list *list, uint32_t at, uint32_t count);

/* At least 1, at most `most` and MUTATOR_BLOCK_MAX; short blocks are likelier. `most` is not 0. */
uint32_t mutator_block_length(struct mutator_list *list, uint32_t most);

/* Two records, not the same one; false if there are not two. */
bool mutator_draw_two(struct mutator_list *list, uint32_t *a, uint32_t *b);

#endif
