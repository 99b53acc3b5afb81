/* Edits of frames' records: kind, order, class, slot and the rest each in bits of their own. */
#include <string.h>

#include "fuzz/mutator_internal.h"

/* Entries of the table of kinds (a test decodes them). */
#define RECORD_ALLOC 0u
#define RECORD_FREE  1u

#define FRESH_SLOTS 16u /* where a slot is drawn from if none is used yet */

/* A slot that some record uses, mostly: an operation on a slot of its own meets nothing. */
static uint8_t near_slot(struct mutator_list *list)
{
    if (list->count == 0 || mutator_draw(list, 4) == 0)
        return (uint8_t)mutator_draw(list, FRESH_SLOTS);
    return list->records[mutator_draw(list, list->count)][3];
}

/* Mostly small orders and class normal: the rest of the range is refused by most candidates. */
static uint8_t order_byte(struct mutator_list *list)
{
    if (mutator_draw(list, 4) == 0)
        return mutator_byte(list);
    return (uint8_t)mutator_draw(list, 4);
}

static void fill_record(struct mutator_list *list, uint8_t *record, uint8_t kind)
{
    record[0] = (uint8_t)(kind | (mutator_byte(list) & 0xe0u));
    record[1] = order_byte(list);
    record[2] = mutator_draw(list, 4) == 0 ? mutator_byte(list) : 0;
    record[3] = near_slot(list);
    for (unsigned i = 4; i < PROGRAM_RECORD_BYTES; i++)
        record[i] = mutator_draw(list, 2) == 0 ? mutator_byte(list) : 0;
}

static bool edit_insert(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    uint8_t record[PROGRAM_RECORD_BYTES];
    fill_record(list, record, mutator_byte(list) & 31u);
    if (!mutator_open_gap(list, at, 1))
        return false;
    memcpy(list->records[at], record, sizeof(record));
    return true;
}

static bool edit_pair(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    uint8_t pair[2][PROGRAM_RECORD_BYTES];
    if (list->limit - list->count < 2)
        return false;
    fill_record(list, pair[0], RECORD_ALLOC);
    fill_record(list, pair[1], RECORD_FREE);
    pair[1][3] = pair[0][3] = mutator_draw(list, 2) == 0 ? near_slot(list) : mutator_byte(list);
    mutator_open_gap(list, at, 1);
    memcpy(list->records[at], pair[0], PROGRAM_RECORD_BYTES);
    at += 1 + mutator_draw(list, list->count - at);
    mutator_open_gap(list, at, 1);
    memcpy(list->records[at], pair[1], PROGRAM_RECORD_BYTES);
    return true;
}

static bool edit_series(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    uint32_t count = 1 + mutator_block_length(list, MUTATOR_BLOCK_MAX);
    uint8_t record[PROGRAM_RECORD_BYTES];
    fill_record(list, record, (uint8_t)(mutator_draw(list, 2) == 0 ? RECORD_ALLOC : RECORD_FREE));
    if (!mutator_open_gap(list, at, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(list->records[at + i], record, sizeof(record));
        record[3]++;
    }
    return true;
}

static bool edit_slot(struct mutator_list *list)
{
    uint32_t a;
    uint32_t b;
    if (!mutator_draw_two(list, &a, &b))
        return false;
    list->records[a][3] = list->records[b][3];
    return true;
}

static bool edit_tweak(struct mutator_list *list)
{
    if (list->count == 0)
        return false;
    uint8_t *record = list->records[mutator_draw(list, list->count)];
    uint8_t fresh = mutator_byte(list);
    switch (mutator_draw(list, 8)) {
    case 0: /* kind */
        record[0] = (uint8_t)((record[0] & 0xe0u) | (fresh & 0x1fu));
        break;
    case 1: /* CPU */
        record[0] = (uint8_t)((record[0] & 0x1fu) | (fresh & 0xe0u));
        break;
    case 2: /* order */
        record[1] = (uint8_t)((record[1] & 0xf0u) | (order_byte(list) & 0x0fu));
        break;
    case 3: /* class and context */
        record[1] = (uint8_t)((record[1] & 0x0fu) | (fresh & 0xf0u));
        break;
    case 4:
        record[2] = fresh;
        break;
    case 5:
        record[3] = mutator_draw(list, 2) == 0 ? near_slot(list) : mutator_tweak_byte(list, record[3]);
        break;
    default: {
        uint8_t *byte = &record[4 + mutator_draw(list, 4)];
        *byte = mutator_tweak_byte(list, *byte);
        break;
    }
    }
    return true;
}

mutator_edit_function *const mutator_page_edits[MUTATOR_EDIT_COUNT] = {
    [MUTATOR_INSERT] = edit_insert, [MUTATOR_PAIR] = edit_pair,   [MUTATOR_SERIES] = edit_series,
    [MUTATOR_SLOT] = edit_slot,     [MUTATOR_TWEAK] = edit_tweak,
};
