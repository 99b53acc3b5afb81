/* See mutator.h. Here are the edits for which a record is a record; those that know what its bytes mean are
 * mutator_page.c's and mutator_system.c's. */
#include <string.h>

#include "fuzz/mutator_internal.h"

#define EDITS_MAX 4u
#define TRIES_MAX 32u

#define SCHEDULE_ONE_IN 3u /* edits, of a program that has a schedule */

/* A bug that needs more operations than these is not one of the schedule; and each of them is slow. */
#define SCHEDULE_RECORDS 40u

#define CUT_ONE_IN    4u
#define CUT_SHORTEST  16u /* records; a cut is to this, or to its double, up to CUT_DOUBLINGS times */
#define CUT_DOUBLINGS 5u

const char *const mutator_edit_names[MUTATOR_EDIT_COUNT] = {
    "insert", "pair",   "series", "delete", "duplicate", "swap",    "move",     "slot",
    "tweak",  "header", "bytes",  "splice", "edge",      "trouble", "schedule",
};

uint64_t mutator_next(struct mutator_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t mutator_below(struct mutator_random *random, uint32_t limit)
{
    return (uint32_t)((mutator_next(random) >> 32) * limit >> 32);
}

uint32_t mutator_draw(struct mutator_list *list, uint32_t limit)
{
    return mutator_below(&list->random, limit);
}

uint8_t mutator_byte(struct mutator_list *list)
{
    return (uint8_t)(mutator_next(&list->random) >> 56);
}

bool mutator_open_gap(struct mutator_list *list, uint32_t at, uint32_t count)
{
    if (count > list->limit - list->count)
        return false;
    memmove(list->records + at + count, list->records + at,
            (size_t)(list->count - at) * PROGRAM_RECORD_BYTES);
    list->count += count;
    return true;
}

static void close_gap(struct mutator_list *list, uint32_t at, uint32_t count)
{
    memmove(list->records + at, list->records + at + count,
            (size_t)(list->count - at - count) * PROGRAM_RECORD_BYTES);
    list->count -= count;
}

uint32_t mutator_block_length(struct mutator_list *list, uint32_t most)
{
    uint32_t limit = most < MUTATOR_BLOCK_MAX ? most : MUTATOR_BLOCK_MAX;
    uint32_t a = mutator_draw(list, limit);
    uint32_t b = mutator_draw(list, limit);
    return 1 + (a < b ? a : b);
}

bool mutator_draw_two(struct mutator_list *list, uint32_t *a, uint32_t *b)
{
    if (list->count < 2)
        return false;
    *a = mutator_draw(list, list->count);
    *b = (*a + 1 + mutator_draw(list, list->count - 1)) % list->count;
    return true;
}

/* --- the edits --- */

static bool edit_delete(struct mutator_list *list)
{
    if (list->count == 0)
        return false;
    uint32_t count = mutator_block_length(list, list->count);
    close_gap(list, mutator_draw(list, list->count - count + 1), count);
    return true;
}

static bool edit_duplicate(struct mutator_list *list)
{
    if (list->count == 0)
        return false;
    uint8_t block[MUTATOR_BLOCK_MAX][PROGRAM_RECORD_BYTES];
    uint32_t count = mutator_block_length(list, list->count);
    uint32_t from = mutator_draw(list, list->count - count + 1);
    uint32_t at = mutator_draw(list, list->count + 1);
    memcpy(block, list->records[from], (size_t)count * PROGRAM_RECORD_BYTES);
    if (!mutator_open_gap(list, at, count))
        return false;
    memcpy(list->records[at], block, (size_t)count * PROGRAM_RECORD_BYTES);
    return true;
}

static bool edit_swap(struct mutator_list *list)
{
    uint8_t record[PROGRAM_RECORD_BYTES];
    uint32_t a;
    uint32_t b;
    if (!mutator_draw_two(list, &a, &b))
        return false;
    memcpy(record, list->records[a], sizeof(record));
    memcpy(list->records[a], list->records[b], sizeof(record));
    memcpy(list->records[b], record, sizeof(record));
    return true;
}

static bool edit_move(struct mutator_list *list)
{
    if (list->count < 2)
        return false;
    uint8_t record[PROGRAM_RECORD_BYTES];
    uint32_t from = mutator_draw(list, list->count);
    memcpy(record, list->records[from], sizeof(record));
    close_gap(list, from, 1);
    uint32_t at = mutator_draw(list, list->count + 1);
    mutator_open_gap(list, at, 1);
    memcpy(list->records[at], record, sizeof(record));
    return true;
}

uint8_t mutator_tweak_byte(struct mutator_list *list, uint8_t old)
{
    static const uint8_t edges[] = {0, 1, 2, 127, 128, 239, 240, 250, 254, 255};
    switch (mutator_draw(list, 4)) {
    case 0:
        return (uint8_t)(old + 1u + mutator_draw(list, 4));
    case 1:
        return (uint8_t)(old - 1u - mutator_draw(list, 4));
    case 2:
        return edges[mutator_draw(list, (uint32_t)sizeof(edges))];
    default:
        return mutator_byte(list);
    }
}

static bool edit_header(struct mutator_list *list)
{
    uint8_t fresh = mutator_byte(list);
    switch (mutator_draw(list, list->family == OP_FAMILY_PAGE ? 6 : 8)) {
    case 0: /* one kind on or off */
        list->header[(fresh & 8u) >> 3] ^= (uint8_t)(1u << (fresh & 7u));
        break;
    case 1: /* all kinds on */
        list->header[0] = list->header[1] = 0;
        break;
    case 2:
        list->header[3] = (uint8_t)(fresh % PROGRAM_FLOORS_COUNT);
        break;
    case 3:
        list->header[4] = fresh & 3u;
        break;
    case 6:
        list->header[6] ^= 1u;
        break;
    case 5:
        if (!list->schedule) /* there the last kind is a preemption */
            list->header[7] ^= PROGRAM_HAS_INTERRUPTS;
        break;
    default:
        list->header[2] = (uint8_t)(fresh % PROGRAM_SHAPE_COUNT);
        break;
    }
    return true;
}

static bool edit_bytes(struct mutator_list *list)
{
    uint32_t bytes = PROGRAM_HEADER_BYTES + list->count * PROGRAM_RECORD_BYTES;
    for (uint32_t left = 1 + mutator_draw(list, 4); left > 0; left--) {
        uint8_t *byte = &list->header[mutator_draw(list, bytes)];
        *byte =
            mutator_draw(list, 2) == 0 ? mutator_byte(list) : (uint8_t)(*byte ^ 1u << mutator_draw(list, 8));
    }
    return true;
}

/* Puts records of the other program in, or over what is there. */
static bool edit_splice(struct mutator_list *list)
{
    if (list->other_count == 0)
        return false;
    uint32_t count = mutator_block_length(list, list->other_count);
    uint32_t from = mutator_draw(list, list->other_count - count + 1);
    uint32_t at = mutator_draw(list, list->count + 1);
    if (mutator_draw(list, 2) == 0) {
        uint32_t over = list->count - at < count ? list->count - at : count;
        close_gap(list, at, over);
    }
    if (count > list->limit - list->count)
        count = list->limit - list->count;
    if (count == 0)
        return false;
    mutator_open_gap(list, at, count);
    memcpy(list->records[at], list->other[from], (size_t)count * PROGRAM_RECORD_BYTES);
    return true;
}

static mutator_edit_function *const common_edits[MUTATOR_EDIT_COUNT] = {
    [MUTATOR_DELETE] = edit_delete, [MUTATOR_DUPLICATE] = edit_duplicate,       [MUTATOR_SWAP] = edit_swap,
    [MUTATOR_MOVE] = edit_move,     [MUTATOR_TWEAK_HEADER] = edit_header,       [MUTATOR_BYTES] = edit_bytes,
    [MUTATOR_SPLICE] = edit_splice, [MUTATOR_SCHEDULE] = mutator_edit_schedule,
};

static enum mutator_edit choose(struct mutator_list *list)
{
    static const uint8_t page[16] = {
        MUTATOR_INSERT, MUTATOR_INSERT, MUTATOR_PAIR,      MUTATOR_SERIES,
        MUTATOR_DELETE, MUTATOR_DELETE, MUTATOR_DUPLICATE, MUTATOR_SWAP,
        MUTATOR_MOVE,   MUTATOR_SLOT,   MUTATOR_SLOT,      MUTATOR_TWEAK,
        MUTATOR_TWEAK,  MUTATOR_TWEAK,  MUTATOR_BYTES,     MUTATOR_TWEAK_HEADER,
    };
    static const uint8_t system[25] = {
        MUTATOR_INSERT, MUTATOR_INSERT, MUTATOR_INSERT,    MUTATOR_PAIR,         MUTATOR_PAIR,
        MUTATOR_PAIR,   MUTATOR_SERIES, MUTATOR_DELETE,    MUTATOR_DELETE,       MUTATOR_DELETE,
        MUTATOR_DELETE, MUTATOR_SWAP,   MUTATOR_DUPLICATE, MUTATOR_MOVE,         MUTATOR_SLOT,
        MUTATOR_SLOT,   MUTATOR_TWEAK,  MUTATOR_TWEAK,     MUTATOR_TWEAK,        MUTATOR_EDGE,
        MUTATOR_EDGE,   MUTATOR_BYTES,  MUTATOR_TROUBLE,   MUTATOR_TWEAK_HEADER,
    };
    if (list->schedule && mutator_draw(list, SCHEDULE_ONE_IN) == 0)
        return MUTATOR_SCHEDULE;
    if (list->family == OP_FAMILY_PAGE)
        return (enum mutator_edit)page[mutator_draw(list, (uint32_t)sizeof(page))];
    return (enum mutator_edit)system[mutator_draw(list, (uint32_t)sizeof(system))];
}

static bool make_edit(struct mutator_list *list, enum mutator_edit edit)
{
    mutator_edit_function *const *own =
        list->family == OP_FAMILY_PAGE ? mutator_page_edits : mutator_system_edits;
    mutator_edit_function *function = own[edit] != NULL ? own[edit] : common_edits[edit];
    return function != NULL && function(list);
}

/* Engines keep what is longer, for it covers more, until executions are slow: now and then a program loses
 * its end or its beginning. Lengths stay around 32, and some are long. */
static void cut(struct mutator_list *list)
{
    uint32_t length = CUT_SHORTEST << mutator_draw(list, CUT_DOUBLINGS);
    bool from_start = mutator_draw(list, 4) == 0;
    if (list->count > length)
        close_gap(list, from_start ? 0 : length, list->count - length);
}

static void edit_some(struct mutator_list *list, uint32_t *edits)
{
    uint32_t wanted = 1 + mutator_draw(list, EDITS_MAX);
    for (uint32_t tries = 0; wanted > 0 && tries < TRIES_MAX; tries++) {
        enum mutator_edit edit = choose(list);
        if (make_edit(list, edit)) {
            *edits |= UINT32_C(1) << edit;
            wanted--;
        }
    }
}

/* Whole records of an input of so many bytes, a partial one counted. */
static uint32_t record_count(size_t byte_count)
{
    if (byte_count <= PROGRAM_HEADER_BYTES)
        return 0;
    size_t records = (byte_count - PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES - 1) / PROGRAM_RECORD_BYTES;
    return records < PROGRAM_OP_LIMIT ? (uint32_t)records : PROGRAM_OP_LIMIT;
}

void mutator_mark_schedule(uint8_t *bytes)
{
    bytes[7] |= PROGRAM_HAS_SCHEDULE;
}

size_t mutator_stamp(enum op_family family, uint8_t *bytes, size_t byte_count)
{
    if (byte_count < PROGRAM_HEADER_BYTES)
        memset(bytes + byte_count, 0, PROGRAM_HEADER_BYTES - byte_count);
    bytes[5] = (uint8_t)family;
    bytes[6] = family == OP_FAMILY_PAGE ? 0 : bytes[6] & 1u;
    return byte_count < PROGRAM_HEADER_BYTES ? PROGRAM_HEADER_BYTES : byte_count;
}

size_t mutator_cross(enum op_family family, uint8_t *bytes, size_t byte_count, size_t byte_limit,
                     const uint8_t *other, size_t other_bytes, uint64_t seed, uint32_t *edits)
{
    uint32_t made = 0;
    if (byte_limit > PROGRAM_BYTES_MAX)
        byte_limit = PROGRAM_BYTES_MAX;
    if (byte_limit < PROGRAM_HEADER_BYTES)
        return 0;
    struct mutator_list list = {
        .family = family,
        .schedule = family == OP_FAMILY_PAGE && byte_count >= PROGRAM_HEADER_BYTES &&
                    (bytes[7] & PROGRAM_HAS_SCHEDULE) != 0,
        .header = bytes,
        .records = (uint8_t(*)[PROGRAM_RECORD_BYTES])(bytes + PROGRAM_HEADER_BYTES),
        .count = record_count(byte_count),
        .limit = (uint32_t)((byte_limit - PROGRAM_HEADER_BYTES) / PROGRAM_RECORD_BYTES),
        .random = {seed},
    };
    if (list.schedule && list.limit > SCHEDULE_RECORDS)
        list.limit = SCHEDULE_RECORDS;
    if (list.count > list.limit)
        list.count = list.limit;
    size_t whole = PROGRAM_HEADER_BYTES + (size_t)list.count * PROGRAM_RECORD_BYTES;
    if (byte_count < whole)
        memset(bytes + byte_count, 0, whole - byte_count);
    if (other_bytes >= PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES) {
        list.other = (const uint8_t(*)[PROGRAM_RECORD_BYTES])(other + PROGRAM_HEADER_BYTES);
        list.other_count = record_count(other_bytes - (other_bytes % PROGRAM_RECORD_BYTES));
    }
    if (edit_splice(&list))
        made |= UINT32_C(1) << MUTATOR_SPLICE;
    if (made == 0 || mutator_draw(&list, 2) == 0)
        edit_some(&list, &made);
    if (mutator_draw(&list, CUT_ONE_IN) == 0)
        cut(&list);
    if (edits != NULL)
        *edits = made;
    return mutator_stamp(family, bytes, PROGRAM_HEADER_BYTES + (size_t)list.count * PROGRAM_RECORD_BYTES);
}

size_t mutator_run(enum op_family family, uint8_t *bytes, size_t byte_count, size_t byte_limit, uint64_t seed,
                   uint32_t *edits)
{
    return mutator_cross(family, bytes, byte_count, byte_limit, NULL, 0, seed, edits);
}
