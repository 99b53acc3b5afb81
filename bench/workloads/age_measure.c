/* See age_measure.h. */
#include "bench/workloads/age_measure.h"

#include <stdio.h>

#include "bench/cell_row.h"

#define BETWEEN_CELLS 1024u
#define TAG_PROBE     2u
#define TAG_CACHED    3u
#define ATTEMPTS_MAX  64u

const struct age_probe age_probes[AGE_PROBES] = {
    {"order_9", 512, 9, 64},
    {"run_64", 64, AGE_NO_ORDER, 64},
    {"run_512", 512, AGE_NO_ORDER, 64},
    {"run_4096", 4096, AGE_NO_ORDER, 8},
};

/* The keys of the row, by probe: literals, for a counter keeps the pointer. */
static const char *const exist_keys[AGE_PROBES] = {"order_9_exist", "run_64_exist", "run_512_exist",
                                                   "run_4096_exist"};
static const char *const granted_keys[AGE_PROBES] = {"order_9_granted", "run_64_granted", "run_512_granted",
                                                     "run_4096_granted"};
static const char *const undrained_keys[AGE_PROBES] = {
    "order_9_granted_undrained", "run_64_granted_undrained", "run_512_granted_undrained",
    "run_4096_granted_undrained"};

double age_usable_share(const struct shadow *shadow, unsigned order)
{
    uint64_t free_frames = shadow_free_frames(shadow);
    return free_frames == 0 ? -1 : (double)shadow_usable_frames(shadow, order) / (double)free_frames;
}

struct cached_visitor {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    struct shadow *shadow;
};

static void see_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct shadow *shadow = ((struct cached_visitor *)visitor)->shadow;
    uint64_t frames = UINT64_C(1) << (block->order & 63u);
    if (block->state != PL_BLOCK_CACHED || !shadow_in_machine(shadow, block->first, frames))
        return;
    uint32_t *owner = shadow->owner + (block->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; i < frames; i++)
        owner[i] = owner[i] == 0 ? TAG_CACHED : owner[i];
}

static void see_broken(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    (void)words;
}

double age_usable_share_cached(struct shadow *shadow, const struct instance *instance, unsigned order)
{
    if (!instance_has_audit(instance))
        return -1;
    struct cached_visitor cached = {
        .visitor = {.bytes = sizeof(struct pl_visitor), .block = see_block, .broken = see_broken},
        .shadow = shadow,
    };
    (void)instance->page.ops->audit(instance->page.self, &cached.visitor);
    double share = age_usable_share(shadow, order);
    for (uint64_t i = 0; i < shadow->machine->span; i++)
        shadow->owner[i] = shadow->owner[i] == TAG_CACHED ? 0 : shadow->owner[i];
    return share;
}

unsigned age_probe_exist(const struct age_probe *probe, const struct shadow *shadow)
{
    uint64_t exist = probe->order == AGE_NO_ORDER
                         ? shadow_run_count(shadow, probe->frame_count)
                         : shadow_usable_frames(shadow, probe->order) >> probe->order;
    return exist < probe->attempts ? (unsigned)exist : probe->attempts;
}

/* Past admission: floors are not what is asked here. */
static enum pl_status ask(const struct age_probe *probe, const struct pl_page *page, struct pl_cpu *cpu,
                          struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY, .mobility = PL_MOBILITY_MOVABLE};
    struct pl_constraints constraints = {
        .frame_count = probe->frame_count, .high = {UINT64_MAX}, .alignment = 1};
    if (probe->order == AGE_NO_ORDER)
        return page->ops->alloc_run(page->self, cpu, &request, &constraints, run);
    request.order = (uint8_t)probe->order;
    return page->ops->alloc(page->self, cpu, &request, run);
}

int age_probe_granted(const struct age_probe *probe, struct shadow *shadow, const struct instance *instance,
                      struct pl_cpu *cpu, struct finding *finding)
{
    struct pl_run runs[ATTEMPTS_MAX] = {{.frame_count = 0}};
    const struct pl_page *page = &instance->page;
    unsigned granted = 0;
    bool is_run = probe->order == AGE_NO_ORDER;
    if (is_run ? !(instance->caps & PL_CAP_RUNS) || page->ops->alloc_run == NULL
               : probe->order > instance->max_order)
        return -1;
    for (unsigned i = 0; i < probe->attempts && !finding->found; i++) {
        if (ask(probe, page, cpu, &runs[granted]) != PL_OK)
            continue;
        shadow_grant(shadow, &runs[granted], TAG_PROBE, finding);
        granted += !finding->found;
    }
    for (unsigned i = 0; i < granted; i++) {
        (void)page->ops->free(page->self, cpu, &runs[i]);
        shadow_release(shadow, &runs[i], TAG_PROBE);
    }
    return (int)granted;
}

/* --- into the cell --- */

/* False: the candidate is a rod, or has broken its contract, and the row will say so. */
static bool see(struct cell *cell, struct shadow *shadow)
{
    struct finding finding = {0};
    if (shadow_init(shadow, cell->machine) != 0)
        return false;
    if (cell_record_grants(cell, shadow, &finding))
        return true;
    shadow_fini(shadow);
    return false;
}

static void put_share(struct cell *cell, const char *key, double share)
{
    if (share >= 0)
        workload_count(cell, key, share);
}

static void put_map(struct cell *cell, const char *key, const struct shadow *shadow)
{
    if (cell->maps == NULL)
        cell->maps = cJSON_CreateObject();
    cJSON_AddItemToObject(cell->maps, key, cell_frame_map(shadow, CELL_MAP_LIMIT));
}

static void put_point(struct cell *cell, const struct shadow *shadow, uint64_t operations)
{
    double held = (double)shadow->live / (double)cell->machine->frame_count;
    double usable = age_usable_share(shadow, 9);
    cJSON *list = cJSON_GetObjectItem(cell->maps, "over_time");
    if (list == NULL)
        list = cJSON_AddArrayToObject(cell->maps, "over_time");
    if (usable >= 0)
        cJSON_AddItemToArray(list, cJSON_CreateDoubleArray((double[]){(double)operations, usable, held}, 3));
}

/* The first looks after a tenth and after half of the life: coarser than young and old, since a page holds
 * those of each candidate. */
static void put_between(struct cell *cell, const struct shadow *shadow, uint64_t operations)
{
    static const uint64_t tenths[] = {1, 5};
    cJSON *list = cJSON_GetObjectItem(cell->maps, "between");
    size_t taken = (size_t)cJSON_GetArraySize(list);
    if (taken == PL_COUNT_OF(tenths) || operations * 10 < tenths[taken] * 2 * cell->iterations)
        return;
    if (list == NULL)
        list = cJSON_AddArrayToObject(cell->maps, "between");
    cJSON *map = cell_frame_map(shadow, BETWEEN_CELLS);
    cJSON_AddNumberToObject(map, "operations", (double)operations);
    cJSON_AddItemToArray(list, map);
}

void age_see_young(struct cell *cell)
{
    struct shadow shadow;
    if (!see(cell, &shadow))
        return;
    put_share(cell, "usable_order_9_young", age_usable_share(&shadow, 9));
    put_share(cell, "usable_order_4_young", age_usable_share(&shadow, 4));
    put_map(cell, "young", &shadow);
    put_point(cell, &shadow, 0);
    shadow_fini(&shadow);
}

void age_see_between(struct cell *cell, uint64_t operations)
{
    struct shadow shadow;
    if (cell->maps == NULL || !see(cell, &shadow))
        return;
    put_point(cell, &shadow, operations);
    put_between(cell, &shadow, operations);
    shadow_fini(&shadow);
}

static void put_probes(struct cell *cell, struct shadow *shadow, const char *const *keys)
{
    for (unsigned i = 0; i < AGE_PROBES && cell->broken[0] == '\0'; i++) {
        struct finding finding = {0};
        int granted =
            age_probe_granted(&age_probes[i], shadow, &cell->instance, cell->threads[0].cpu, &finding);
        if (finding.found)
            snprintf(cell->broken, sizeof(cell->broken), "broke %.20s: %.80s; %.80s", finding.ids,
                     finding.expected, finding.actual);
        else if (granted >= 0)
            workload_count(cell, keys[i], granted);
    }
}

void age_see_old(struct cell *cell)
{
    const struct pl_page *page = &cell->instance.page;
    struct shadow shadow;
    if (!see(cell, &shadow))
        return;
    put_share(cell, "usable_order_9", age_usable_share(&shadow, 9));
    put_share(cell, "usable_order_4", age_usable_share(&shadow, 4));
    put_map(cell, "old", &shadow);
    put_point(cell, &shadow, 2 * cell->iterations);
    workload_count(cell, "held_old", (double)shadow.live / (double)cell->machine->frame_count);
    for (unsigned i = 0; i < AGE_PROBES; i++)
        workload_count(cell, exist_keys[i], age_probe_exist(&age_probes[i], &shadow));
    if (page->ops->drain != NULL) {
        put_share(cell, "usable_order_9_undrained", age_usable_share_cached(&shadow, &cell->instance, 9));
        put_probes(cell, &shadow, undrained_keys);
        admission_drain_all(&cell->admission, cell->threads[0].cpu);
    }
    put_probes(cell, &shadow, granted_keys);
    shadow_fini(&shadow);
}
