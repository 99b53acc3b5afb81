/* Edits of a schedule: an OP_PREEMPT record behind the operation that it interrupts. Where in an operation a
 * switch hurts is found by trying small numbers of accesses more often than large ones. */
#include <string.h>

#include "engine/op_common.h"
#include "fuzz/mutator_internal.h"

/* Entry of the table of kinds (a test decodes it). */
#define RECORD_PREEMPT 31u

#define AFTER_BITS 11u /* an operation of 2047 accesses and more is one of many refills: they repeat */
#define NEAR       4u

static bool is_preempt(const uint8_t *record)
{
    return (record[0] & 31u) == RECORD_PREEMPT && record[4] % OP_DO_COUNT != OP_DO_NOTHING;
}

static void set_after(uint8_t *record, uint32_t after)
{
    record[2] = (uint8_t)after;
    record[3] = (uint8_t)(after >> 8);
}

static uint32_t draw_after(struct mutator_list *list)
{
    return mutator_draw(list, 1u << mutator_draw(list, AFTER_BITS + 1));
}

static uint8_t draw_deed(struct mutator_list *list)
{
    static const uint8_t deeds[8] = {OP_DO_SWITCH,    OP_DO_SWITCH, OP_DO_SWITCH,    OP_DO_SWITCH,
                                     OP_DO_INTERRUPT, OP_DO_SWITCH, OP_DO_INTERRUPT, OP_DO_FLUSH};
    return mutator_draw(list, 16) == 0 ? OP_DO_NMI : deeds[mutator_draw(list, (uint32_t)sizeof(deeds))];
}

static uint8_t draw_stay(struct mutator_list *list)
{
    return mutator_draw(list, 2) == 0 ? 0 : (uint8_t)(1 + mutator_draw(list, NEAR));
}

static bool insert_preempt(struct mutator_list *list)
{
    uint32_t at = 1 + (list->count == 0 ? 0 : mutator_draw(list, list->count));
    if (list->count == 0 || !mutator_open_gap(list, at, 1))
        return false;
    uint8_t *record = list->records[at];
    memset(record, 0, PROGRAM_RECORD_BYTES);
    record[0] = (uint8_t)(RECORD_PREEMPT | (mutator_byte(list) & 0xe0u));
    set_after(record, draw_after(list));
    record[4] = draw_deed(list);
    record[5] = draw_stay(list);
    return true;
}

static bool tweak_preempt(struct mutator_list *list)
{
    uint32_t start = list->count == 0 ? 0 : mutator_draw(list, list->count);
    uint8_t *record = NULL;
    for (uint32_t i = 0; i < list->count && record == NULL; i++) {
        if (is_preempt(list->records[(start + i) % list->count]))
            record = list->records[(start + i) % list->count];
    }
    if (record == NULL)
        return false;
    uint32_t after = record[2] | (uint32_t)record[3] << 8;
    switch (mutator_draw(list, 8)) {
    case 0:
        record[0] = (uint8_t)(RECORD_PREEMPT | (mutator_byte(list) & 0xe0u));
        break;
    case 1:
        record[4] = draw_deed(list);
        break;
    case 2:
        record[5] = draw_stay(list);
        break;
    case 3:
        set_after(record, draw_after(list));
        break;
    default:
        set_after(record, mutator_draw(list, 2) == 0 || after < NEAR ? after + 1 + mutator_draw(list, NEAR)
                                                                     : after - 1 - mutator_draw(list, NEAR));
        break;
    }
    return true;
}

bool mutator_edit_schedule(struct mutator_list *list)
{
    return mutator_draw(list, 2) == 0 ? insert_preempt(list) : tweak_preempt(list);
}
