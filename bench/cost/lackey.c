/* See lackey.h. */
#include "bench/cost/lackey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "bench/cost/counted.h"
#include "bench/cost/program_image.h"
#include "platform/native/symbol.h"

#define LINE_SHIFT    6u
#define MAP_SLOTS_MIN 1024u

/* Numbers with a count each, in open addressing. Clearing it is one addition. */
struct map {
    struct slot {
        uint64_t key;
        uint64_t count;
        uint64_t era; /* of the map when it was put in; another one: empty */
    } *slots;
    size_t slot_count; /* a power of two */
    size_t used;
    uint64_t era; /* never 0 */
};

struct lackey {
    bool marked;
    bool inside;
    uint64_t mark;
    uint64_t stack_low;
    uint64_t stack_high;
    uint64_t code_low;
    uint64_t code_high;
    uint64_t instruction;
    uint64_t calls;
    struct map call;  /* lines of this call */
    struct map all;   /* lines of all calls */
    struct map first; /* instructions, and how many lines they were the first in a call to touch */
};

static bool map_init(struct map *map, size_t slot_count)
{
    *map = (struct map){.slots = calloc(slot_count, sizeof(struct slot)), .slot_count = slot_count, .era = 1};
    return map->slots != NULL;
}

static struct slot *map_find(struct map *map, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->slot_count - 1);
    while (map->slots[at].era == map->era && map->slots[at].key != key)
        at = (at + 1) & (map->slot_count - 1);
    return &map->slots[at];
}

static bool map_grow(struct map *map)
{
    struct map larger;
    if (!map_init(&larger, map->slot_count * 2))
        return false;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].era != map->era)
            continue;
        struct slot *slot = map_find(&larger, map->slots[i].key);
        *slot = map->slots[i];
        slot->era = larger.era;
    }
    larger.used = map->used;
    free(map->slots);
    *map = larger;
    return true;
}

/* One more of it; *is_new: the first. False: out of memory. */
static bool map_add(struct map *map, uint64_t key, bool *is_new)
{
    if (map->used * 2 >= map->slot_count && !map_grow(map))
        return false;
    struct slot *slot = map_find(map, key);
    *is_new = slot->era != map->era;
    if (*is_new) {
        *slot = (struct slot){.key = key, .era = map->era};
        map->used++;
    }
    slot->count++;
    return true;
}

static void map_clear(struct map *map)
{
    map->era++;
    map->used = 0;
}

struct lackey *lackey_new(void)
{
    struct lackey *lackey = calloc(1, sizeof(*lackey));
    if (lackey != NULL && map_init(&lackey->call, MAP_SLOTS_MIN) && map_init(&lackey->all, MAP_SLOTS_MIN) &&
        map_init(&lackey->first, MAP_SLOTS_MIN))
        return lackey;
    lackey_delete(lackey);
    return NULL;
}

void lackey_delete(struct lackey *lackey)
{
    if (lackey == NULL)
        return;
    free(lackey->call.slots);
    free(lackey->all.slots);
    free(lackey->first.slots);
    free(lackey);
}

static void read_mark(struct lackey *lackey, const char *line)
{
    uint64_t *values[] = {&lackey->mark, &lackey->stack_low, &lackey->stack_high, &lackey->code_low,
                          &lackey->code_high};
    const char *at = line + sizeof(COST_MARK_WORDS) - 1;
    for (size_t i = 0; i < PL_COUNT_OF(values); i++) {
        char *end = NULL;
        *values[i] = strtoull(at, &end, 16);
        if (end == at)
            return;
        at = end;
    }
    lackey->marked = true;
}

static bool touch(struct lackey *lackey, uint64_t line)
{
    bool is_new = false;
    bool unused = false;
    if (!map_add(&lackey->call, line, &is_new))
        return false;
    return !is_new ||
           (map_add(&lackey->all, line, &unused) && map_add(&lackey->first, lackey->instruction, &unused));
}

/* " S 1ffeffe7e,8" */
static bool read_access(struct lackey *lackey, const char *line)
{
    char *end = NULL;
    uint64_t address = strtoull(line + 3, &end, 16);
    uint64_t size = *end == ',' ? strtoull(end + 1, NULL, 10) : 0;
    if (size == 0)
        return true; /* what the program itself printed */
    if (address == lackey->mark && line[1] == 'S') {
        lackey->inside = !lackey->inside;
        lackey->calls += lackey->inside;
        map_clear(&lackey->call);
        return true;
    }
    if (!lackey->inside || (address >= lackey->stack_low && address < lackey->stack_high))
        return true;
    bool good = true;
    for (uint64_t at = address >> LINE_SHIFT; good && at <= (address + size - 1) >> LINE_SHIFT; at++)
        good = touch(lackey, at);
    return good;
}

bool lackey_line(struct lackey *lackey, const char *line)
{
    if (!lackey->marked) { /* by far the most lines: the program is being loaded */
        if (strncmp(line, COST_MARK_WORDS, sizeof(COST_MARK_WORDS) - 1) == 0)
            read_mark(lackey, line);
        return true;
    }
    if (line[0] == 'I' && line[1] == ' ') {
        if (lackey->inside)
            lackey->instruction = strtoull(line + 3, NULL, 16);
        return true;
    }
    if (line[0] == ' ' && (line[1] == 'L' || line[1] == 'S' || line[1] == 'M') && line[2] == ' ')
        return read_access(lackey, line);
    return true;
}

/* The same program, so the same place relative to its beginning. */
static void name_instruction(const struct lackey *lackey, uint64_t instruction, char *name, size_t bytes)
{
    if (instruction < lackey->code_low || instruction >= lackey->code_high) {
        snprintf(name, bytes, "(library)");
        return;
    }
    uintptr_t here = program_image().begin + (uintptr_t)(instruction - lackey->code_low);
    symbol_name((const void *)here, name, bytes, NULL); // NOLINT(performance-no-int-to-ptr)
    if (strstr(name, "+0x") != NULL)                    /* the way there */
        snprintf(name, bytes, "(library)");
}

int lackey_finish(struct lackey *lackey, struct cost_profile *profile, struct cost_error *error)
{
    if (!lackey->marked || lackey->inside) {
        snprintf(error->text, sizeof(error->text), "lackey's trace has no %s",
                 lackey->marked ? "end: a call of a hook is unfinished" : "mark");
        return -1;
    }
    for (size_t i = 0; i < lackey->first.slot_count; i++) {
        char name[COST_NAME_BYTES];
        const struct slot *slot = &lackey->first.slots[i];
        if (slot->era != lackey->first.era)
            continue;
        name_instruction(lackey, slot->key, name, sizeof(name));
        if (!cost_profile_add(profile, name, COST_LINES, slot->count)) {
            snprintf(error->text, sizeof(error->text), "out of memory");
            return -1;
        }
    }
    profile->working_lines += lackey->all.used;
    profile->line_calls += lackey->calls;
    return 0;
}
