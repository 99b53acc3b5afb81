/* Edits of a schedule: an OP_PREEMPT record behind the operation that it interrupts. Where in an operation a
 * switch hurts is found by trying small numbers of accesses more often than large ones; what the other CPU
 * does then is as much of a bug as the place, so some edits are of both. */
#include <string.h>

#include "engine/op_common.h"
#include "fuzz/mutator_internal.h"

/* Entries of the table of kinds (a test decodes them). */
#define RECORD_ALLOC   0u
#define RECORD_FREE    1u
#define RECORD_PREEMPT 31u

#define KIND_BITS 31u /* of a record's first byte; the CPU is in the others */

#define ROUND_MAX 4u /* grants that one CPU takes and gives back: caches fill up and run dry with few */

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

static uint32_t cpu_of(const struct mutator_list *list, const uint8_t *record)
{
    return (uint32_t)(record[0] >> 5) % (1u + list->header[4] % 4u);
}

/* A first byte of that kind, on that CPU. */
static uint8_t first_byte(uint32_t kind, uint32_t cpu)
{
    return (uint8_t)(kind | cpu << 5);
}

/* Another CPU than that, if there is one. */
static uint32_t draw_other_cpu(struct mutator_list *list, uint32_t cpu)
{
    uint32_t cpus = 1u + list->header[4] % 4u;
    return cpus == 1 ? cpu : (cpu + 1 + mutator_draw(list, cpus - 1)) % cpus;
}

/* Whom a switch goes to from an operation: mostly to who has something left to do. */
static uint32_t draw_successor(struct mutator_list *list, uint32_t at)
{
    uint32_t cpu = cpu_of(list, list->records[at]);
    uint32_t left = list->count - at - 1;
    if (left == 0 || mutator_draw(list, 4) == 0)
        return draw_other_cpu(list, cpu);
    uint32_t start = mutator_draw(list, left);
    for (uint32_t i = 0; i < left; i++) {
        const uint8_t *record = list->records[at + 1 + (start + i) % left];
        if (!is_preempt(record) && cpu_of(list, record) != cpu)
            return cpu_of(list, record);
    }
    return draw_other_cpu(list, cpu);
}

/* Makes a preemption of what is in front of `at`. */
static void fill_preempt(struct mutator_list *list, uint32_t at, uint32_t cpu)
{
    uint8_t *record = list->records[at];
    memset(record, 0, PROGRAM_RECORD_BYTES);
    record[0] = first_byte(RECORD_PREEMPT, cpu);
    set_after(record, draw_after(list));
    record[4] = draw_deed(list);
    record[5] = draw_stay(list);
}

static bool insert_preempt(struct mutator_list *list)
{
    if (list->count == 0)
        return false;
    uint32_t before = mutator_draw(list, list->count);
    uint32_t cpu = draw_successor(list, before);
    if (!mutator_open_gap(list, before + 1, 1))
        return false;
    fill_preempt(list, before + 1, cpu);
    return true;
}

/* An operation that no preemption is, or the number of records. */
static uint32_t draw_operation(struct mutator_list *list)
{
    uint32_t start = list->count == 0 ? 0 : mutator_draw(list, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        if (!is_preempt(list->records[(start + i) % list->count]))
            return (start + i) % list->count;
    }
    return list->count;
}

/* Two CPUs at one place: what is inserted is the next thing that the other CPU does, while the first one
 * stands somewhere in its operation. It does the same, or the opposite, or what another record says. */
static bool insert_meeting(struct mutator_list *list)
{
    uint8_t guest[PROGRAM_RECORD_BYTES];
    uint32_t host = draw_operation(list);
    if (host == list->count)
        return false;
    uint32_t model = mutator_draw(list, 2) == 0 ? host : draw_operation(list);
    uint32_t cpu = draw_other_cpu(list, cpu_of(list, list->records[host]));
    memcpy(guest, list->records[model], sizeof(guest));
    uint32_t kind = guest[0] & KIND_BITS;
    if (mutator_draw(list, 2) == 0)
        kind = mutator_draw(list, 2) == 0 ? RECORD_ALLOC : RECORD_FREE;
    guest[0] = first_byte(kind, cpu);
    if (mutator_draw(list, 2) == 0)
        guest[3] = list->records[mutator_draw(list, list->count)][3];
    else if (mutator_draw(list, 2) == 0)
        guest[3] = (uint8_t)(guest[3] + 1u);
    if (!mutator_open_gap(list, host + 1, 2))
        return false;
    fill_preempt(list, host + 1, cpu);
    list->records[host + 1][4] = OP_DO_SWITCH;
    memcpy(list->records[host + 2], guest, sizeof(guest));
    return true;
}

/* A few grants of one CPU, which then, or another one, gives them all back: that is what moves frames from
 * cache to cache. */
static bool insert_round(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    uint32_t grants = 1 + mutator_draw(list, ROUND_MAX);
    uint32_t taker = mutator_draw(list, 4);
    uint32_t giver = mutator_draw(list, 2) == 0 ? taker : mutator_draw(list, 4);
    uint8_t order = mutator_draw(list, 4) == 0 ? (uint8_t)mutator_draw(list, 4) : 0;
    uint8_t slot = mutator_byte(list);
    if (!mutator_open_gap(list, at, 2 * grants))
        return false;
    memset(list->records[at], 0, (size_t)(2 * grants) * PROGRAM_RECORD_BYTES);
    for (uint32_t i = 0; i < grants; i++) {
        uint8_t *take = list->records[at + i];
        uint8_t *give = list->records[at + grants + i];
        take[0] = first_byte(RECORD_ALLOC, taker);
        give[0] = first_byte(RECORD_FREE, giver);
        take[1] = order;
        take[3] = give[3] = (uint8_t)(slot + i);
    }
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
    switch (mutator_draw(list, 8)) {
    case 0:
        return insert_round(list);
    case 1:
    case 2:
        return insert_meeting(list);
    case 3:
    case 4:
        return insert_preempt(list);
    default:
        return tweak_preempt(list);
    }
}
