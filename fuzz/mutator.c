/* See mutator.h. Each edit works on a list of records with room for `record_limit`; an edit that has nothing
 * to work on, or no room, returns false and another one is drawn. */
#include "fuzz/mutator.h"

#include <stdbool.h>
#include <string.h>

#include "engine/program.h"

/* Entries of the table of kinds (a test decodes them). */
#define RECORD_ALLOC 0u
#define RECORD_FREE  1u

#define EDITS_MAX     4u
#define BLOCK_MAX     16u /* records that one edit copies, deletes or makes */
#define TRIES_MAX     32u
#define FRESH_SLOTS   16u /* where a slot is drawn from if none is used yet */
#define CUT_ONE_IN    4u
#define CUT_SHORTEST  16u /* records; a cut is to this, or to its double, up to CUT_DOUBLINGS times */
#define CUT_DOUBLINGS 5u

const char *const mutator_edit_names[MUTATOR_EDIT_COUNT] = {
    "insert", "pair", "series", "delete", "duplicate", "swap",
    "move",   "slot", "tweak",  "header", "bytes",     "splice",
};

struct list {
    uint8_t *header;
    uint8_t (*records)[PROGRAM_RECORD_BYTES];
    uint32_t count;
    uint32_t limit;
    const uint8_t (*other)[PROGRAM_RECORD_BYTES];
    uint32_t other_count;
    struct mutator_random random;
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

static uint32_t below(struct list *list, uint32_t limit)
{
    return mutator_below(&list->random, limit);
}

static uint8_t random_byte(struct list *list)
{
    return (uint8_t)(mutator_next(&list->random) >> 56);
}

/* A slot that some record uses, mostly: an operation on a slot of its own meets nothing. */
static uint8_t near_slot(struct list *list)
{
    if (list->count == 0 || below(list, 4) == 0)
        return (uint8_t)below(list, FRESH_SLOTS);
    return list->records[below(list, list->count)][3];
}

/* Mostly small orders and class normal: the rest of the range is refused by most candidates. */
static uint8_t order_byte(struct list *list)
{
    if (below(list, 4) == 0)
        return random_byte(list);
    return (uint8_t)below(list, 4);
}

static void fill_record(struct list *list, uint8_t *record, uint8_t kind)
{
    record[0] = (uint8_t)(kind | (random_byte(list) & 0xe0u));
    record[1] = order_byte(list);
    record[2] = below(list, 4) == 0 ? random_byte(list) : 0;
    record[3] = near_slot(list);
    for (unsigned i = 4; i < PROGRAM_RECORD_BYTES; i++)
        record[i] = below(list, 2) == 0 ? random_byte(list) : 0;
}

/* Makes room for `count` records at `at`; false if there is none. */
static bool open_gap(struct list *list, uint32_t at, uint32_t count)
{
    if (count > list->limit - list->count)
        return false;
    memmove(list->records + at + count, list->records + at,
            (size_t)(list->count - at) * PROGRAM_RECORD_BYTES);
    list->count += count;
    return true;
}

static void close_gap(struct list *list, uint32_t at, uint32_t count)
{
    memmove(list->records + at, list->records + at + count,
            (size_t)(list->count - at - count) * PROGRAM_RECORD_BYTES);
    list->count -= count;
}

/* At least 1, at most `most` and BLOCK_MAX; short blocks are likelier. `most` is not 0. */
static uint32_t block_length(struct list *list, uint32_t most)
{
    uint32_t limit = most < BLOCK_MAX ? most : BLOCK_MAX;
    uint32_t a = below(list, limit);
    uint32_t b = below(list, limit);
    return 1 + (a < b ? a : b);
}

/* --- the edits --- */

static bool edit_insert(struct list *list)
{
    uint32_t at = below(list, list->count + 1);
    uint8_t record[PROGRAM_RECORD_BYTES];
    fill_record(list, record, random_byte(list) & 31u);
    if (!open_gap(list, at, 1))
        return false;
    memcpy(list->records[at], record, sizeof(record));
    return true;
}

static bool edit_pair(struct list *list)
{
    uint32_t at = below(list, list->count + 1);
    uint8_t pair[2][PROGRAM_RECORD_BYTES];
    if (list->limit - list->count < 2)
        return false;
    fill_record(list, pair[0], RECORD_ALLOC);
    fill_record(list, pair[1], RECORD_FREE);
    pair[1][3] = pair[0][3] = below(list, 2) == 0 ? near_slot(list) : random_byte(list);
    open_gap(list, at, 1);
    memcpy(list->records[at], pair[0], PROGRAM_RECORD_BYTES);
    at += 1 + below(list, list->count - at);
    open_gap(list, at, 1);
    memcpy(list->records[at], pair[1], PROGRAM_RECORD_BYTES);
    return true;
}

static bool edit_series(struct list *list)
{
    uint32_t at = below(list, list->count + 1);
    uint32_t count = 1 + block_length(list, BLOCK_MAX);
    uint8_t record[PROGRAM_RECORD_BYTES];
    fill_record(list, record, (uint8_t)(below(list, 2) == 0 ? RECORD_ALLOC : RECORD_FREE));
    if (!open_gap(list, at, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(list->records[at + i], record, sizeof(record));
        record[3]++;
    }
    return true;
}

static bool edit_delete(struct list *list)
{
    if (list->count == 0)
        return false;
    uint32_t count = block_length(list, list->count);
    close_gap(list, below(list, list->count - count + 1), count);
    return true;
}

static bool edit_duplicate(struct list *list)
{
    if (list->count == 0)
        return false;
    uint8_t block[BLOCK_MAX][PROGRAM_RECORD_BYTES];
    uint32_t count = block_length(list, list->count);
    uint32_t from = below(list, list->count - count + 1);
    uint32_t at = below(list, list->count + 1);
    memcpy(block, list->records[from], (size_t)count * PROGRAM_RECORD_BYTES);
    if (!open_gap(list, at, count))
        return false;
    memcpy(list->records[at], block, (size_t)count * PROGRAM_RECORD_BYTES);
    return true;
}

static bool edit_swap(struct list *list)
{
    if (list->count < 2)
        return false;
    uint8_t record[PROGRAM_RECORD_BYTES];
    uint32_t a = below(list, list->count);
    uint32_t b = (a + 1 + below(list, list->count - 1)) % list->count;
    memcpy(record, list->records[a], sizeof(record));
    memcpy(list->records[a], list->records[b], sizeof(record));
    memcpy(list->records[b], record, sizeof(record));
    return true;
}

static bool edit_move(struct list *list)
{
    if (list->count < 2)
        return false;
    uint8_t record[PROGRAM_RECORD_BYTES];
    uint32_t from = below(list, list->count);
    memcpy(record, list->records[from], sizeof(record));
    close_gap(list, from, 1);
    uint32_t at = below(list, list->count + 1);
    open_gap(list, at, 1);
    memcpy(list->records[at], record, sizeof(record));
    return true;
}

static bool edit_slot(struct list *list)
{
    if (list->count < 2)
        return false;
    uint32_t a = below(list, list->count);
    uint32_t b = (a + 1 + below(list, list->count - 1)) % list->count;
    list->records[a][3] = list->records[b][3];
    return true;
}

/* A number near the old one, an edge, or anything. */
static uint8_t tweak_byte(struct list *list, uint8_t old)
{
    static const uint8_t edges[] = {0, 1, 2, 127, 128, 239, 240, 250, 254, 255};
    switch (below(list, 4)) {
    case 0:
        return (uint8_t)(old + 1u + below(list, 4));
    case 1:
        return (uint8_t)(old - 1u - below(list, 4));
    case 2:
        return edges[below(list, (uint32_t)sizeof(edges))];
    default:
        return random_byte(list);
    }
}

static bool edit_tweak(struct list *list)
{
    if (list->count == 0)
        return false;
    uint8_t *record = list->records[below(list, list->count)];
    uint8_t fresh = random_byte(list);
    switch (below(list, 8)) {
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
        record[3] = below(list, 2) == 0 ? near_slot(list) : tweak_byte(list, record[3]);
        break;
    default: {
        uint8_t *byte = &record[4 + below(list, 4)];
        *byte = tweak_byte(list, *byte);
        break;
    }
    }
    return true;
}

static bool edit_header(struct list *list)
{
    uint8_t fresh = random_byte(list);
    switch (below(list, 6)) {
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
    default:
        list->header[2] = (uint8_t)(fresh % PROGRAM_SHAPE_COUNT);
        break;
    }
    return true;
}

static bool edit_bytes(struct list *list)
{
    uint32_t bytes = PROGRAM_HEADER_BYTES + list->count * PROGRAM_RECORD_BYTES;
    for (uint32_t left = 1 + below(list, 4); left > 0; left--) {
        uint8_t *byte = &list->header[below(list, bytes)];
        *byte = below(list, 2) == 0 ? random_byte(list) : (uint8_t)(*byte ^ 1u << below(list, 8));
    }
    return true;
}

/* Puts records of the other program in, or over what is there. */
static bool edit_splice(struct list *list)
{
    if (list->other_count == 0)
        return false;
    uint32_t count = block_length(list, list->other_count);
    uint32_t from = below(list, list->other_count - count + 1);
    uint32_t at = below(list, list->count + 1);
    if (below(list, 2) == 0) {
        uint32_t over = list->count - at < count ? list->count - at : count;
        close_gap(list, at, over);
    }
    if (count > list->limit - list->count)
        count = list->limit - list->count;
    if (count == 0)
        return false;
    open_gap(list, at, count);
    memcpy(list->records[at], list->other[from], (size_t)count * PROGRAM_RECORD_BYTES);
    return true;
}

static bool (*const edits_table[MUTATOR_EDIT_COUNT])(struct list *list) = {
    edit_insert, edit_pair, edit_series, edit_delete, edit_duplicate, edit_swap,
    edit_move,   edit_slot, edit_tweak,  edit_header, edit_bytes,     edit_splice,
};

static enum mutator_edit choose(struct list *list)
{
    static const uint8_t sixteenths[16] = {
        MUTATOR_INSERT, MUTATOR_INSERT, MUTATOR_PAIR,      MUTATOR_SERIES,
        MUTATOR_DELETE, MUTATOR_DELETE, MUTATOR_DUPLICATE, MUTATOR_SWAP,
        MUTATOR_MOVE,   MUTATOR_SLOT,   MUTATOR_SLOT,      MUTATOR_TWEAK,
        MUTATOR_TWEAK,  MUTATOR_TWEAK,  MUTATOR_BYTES,     MUTATOR_TWEAK_HEADER,
    };
    return (enum mutator_edit)sixteenths[below(list, 16)];
}

/* Engines keep what is longer, for it covers more, until executions are slow: now and then a program loses
 * its end or its beginning. Lengths stay around 32, and some are long. */
static void cut(struct list *list)
{
    uint32_t length = CUT_SHORTEST << below(list, CUT_DOUBLINGS);
    bool from_start = below(list, 4) == 0;
    if (list->count > length)
        close_gap(list, from_start ? 0 : length, list->count - length);
}

static void edit_some(struct list *list, uint32_t *edits)
{
    uint32_t wanted = 1 + below(list, EDITS_MAX);
    for (uint32_t tries = 0; wanted > 0 && tries < TRIES_MAX; tries++) {
        enum mutator_edit edit = choose(list);
        if (edits_table[edit](list)) {
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

size_t mutator_cross(uint8_t *bytes, size_t byte_count, size_t byte_limit, const uint8_t *other,
                     size_t other_bytes, uint64_t seed, uint32_t *edits)
{
    uint32_t made = 0;
    if (byte_limit > PROGRAM_BYTES_MAX)
        byte_limit = PROGRAM_BYTES_MAX;
    if (byte_limit < PROGRAM_HEADER_BYTES)
        return 0;
    struct list list = {
        .header = bytes,
        .records = (uint8_t(*)[PROGRAM_RECORD_BYTES])(bytes + PROGRAM_HEADER_BYTES),
        .count = record_count(byte_count),
        .limit = (uint32_t)((byte_limit - PROGRAM_HEADER_BYTES) / PROGRAM_RECORD_BYTES),
        .random = {seed},
    };
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
    if (made == 0 || below(&list, 2) == 0)
        edit_some(&list, &made);
    if (below(&list, CUT_ONE_IN) == 0)
        cut(&list);
    if (edits != NULL)
        *edits = made;
    return PROGRAM_HEADER_BYTES + (size_t)list.count * PROGRAM_RECORD_BYTES;
}

size_t mutator_run(uint8_t *bytes, size_t byte_count, size_t byte_limit, uint64_t seed, uint32_t *edits)
{
    return mutator_cross(bytes, byte_count, byte_limit, NULL, 0, seed, edits);
}
