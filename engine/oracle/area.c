/* The oracle of alloc_vm_area and its neighbours: who holds which pages of the window, and what every leaf
 * entry must therefore be. It stands between the system and the services lent, so it sees what was asked of
 * them, and walks the tables itself (area_walk.c). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oracle/area_internal.h"
#include "engine/oracle/zone.h"

/* --- between the system and the services --- */

static enum pl_status watch_reserve(void *self, struct pl_cpu *cpu, const struct pl_area_request *request,
                                    struct pl_area *area)
{
    struct area_oracle *oracle = self;
    const struct pl_page_table *va = &oracle->services->lent.va;
    oracle->watch.calls++;
    enum pl_status status = va->ops->reserve(va->self, cpu, request, area);
    oracle->alignment = request->alignment;
    if (status == PL_OK)
        oracle->watch.bytes_reserved += area->area_bytes;
    else
        oracle->watch.va_failures++;
    return status;
}

static enum pl_status watch_release(void *self, struct pl_cpu *cpu, const struct pl_area *area)
{
    struct area_oracle *oracle = self;
    const struct pl_page_table *va = &oracle->services->lent.va;
    oracle->watch.calls++;
    enum pl_status status = va->ops->release(va->self, cpu, area);
    if (status == PL_OK)
        oracle->watch.bytes_reserved -= area->area_bytes;
    else
        oracle->watch.refusals++;
    return status;
}

/* A table that is not empty is emptied, so that the finding is read instead of a crash. */
static enum pl_status watch_table_get(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                      struct pl_run *run)
{
    struct area_oracle *oracle = self;
    const struct pl_page_table *tables = &oracle->services->lent.tables;
    oracle->watch.calls++;
    enum pl_status status = tables->ops->table_get(tables->self, cpu, request, run);
    if (status != PL_OK) {
        oracle->watch.table_failures++;
        return status;
    }
    unsigned char *bytes = area_frame(oracle, run->first.number);
    if (!area_is_zero(bytes)) {
        oracle->watch.dirty++;
        memset(bytes, 0, PL_FRAME_BYTES);
    }
    oracle->watch.tables_live++;
    return PL_OK;
}

static enum pl_status watch_table_put(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct area_oracle *oracle = self;
    const struct pl_page_table *tables = &oracle->services->lent.tables;
    oracle->watch.calls++;
    enum pl_status status = tables->ops->table_put(tables->self, cpu, run);
    if (status == PL_OK)
        oracle->watch.tables_live--;
    else
        oracle->watch.refusals++;
    return status;
}

static const struct pl_page_table_ops watch_ops = {
    .bytes = sizeof(watch_ops),
    .abi = PL_ABI,
    .reserve = watch_reserve,
    .release = watch_release,
    .table_get = watch_table_get,
    .table_put = watch_table_put,
};

/* --- before and after a call --- */

static uint64_t count_sleeps(const struct services *services)
{
    uint64_t sleeps = 0;
    for (uint32_t i = 0; i < services->node_count; i++)
        sleeps += services->nodes[i].gate.sleeps;
    return sleeps;
}

static uint64_t count_denied(const struct services *services)
{
    uint64_t denied = 0;
    for (uint32_t i = 0; i < services->node_count; i++)
        denied += services->nodes[i].gate.calls - services->nodes[i].gate.grants;
    return denied;
}

struct area_before area_remember(const struct area_oracle *oracle)
{
    struct area_before before = {
        .calls = services_calls(oracle->services),
        .sleeps = count_sleeps(oracle->services),
        .denied = count_denied(oracle->services),
        .traps = oracle->services->trap.count,
        .watch = oracle->watch,
    };
    for (uint32_t i = 0; i < oracle->services->node_count; i++)
        before.grants[i] = oracle->services->nodes[i].gate.grants;
    return before;
}

/* --- the watermarks --- */

/* Frames that a node must have free so that the kernel gets one, at watermark LOW or at MIN. */
static uint64_t needs_of(const struct area_oracle *oracle, uint32_t node, bool low)
{
    const struct zone_oracle *zones = oracle->services->oracles[SERVICES_ZONE];
    const struct zone_right right = {.first = low};
    return zones == NULL ? 0 : zone_needs(&zones->numbers[node], 0, &right);
}

static uint64_t spare_of(const struct area_oracle *oracle, uint32_t node)
{
    uint64_t free_frames = shadow_free_frames(oracle->services->nodes[node].shadow);
    uint64_t needs = needs_of(oracle, node, false);
    return free_frames < needs ? 0 : free_frames - needs + 1;
}

void area_check_marks(const struct area_oracle *oracle, const struct area_before *before,
                      struct finding *finding)
{
    for (uint32_t i = 0; i < oracle->services->node_count && !finding->found; i++) {
        const struct services_node *node = &oracle->services->nodes[i];
        uint64_t left = shadow_free_frames(node->shadow);
        if (node->gate.grants == before->grants[i] || left + 1 >= needs_of(oracle, i, false))
            continue;
        finding_set(finding, "L-16 X-7", "");
        finding_expected(finding,
                         "the kernel's last frame of node %" PRIu32 " is taken from %" PRIu64
                         " free ones or more",
                         i, needs_of(oracle, i, false));
        finding_actual(finding, "%" PRIu64 " are left", left);
    }
}

bool area_had_frames(const struct area_oracle *oracle, uint64_t tables, uint64_t pages)
{
    uint64_t spare = 0;
    for (uint32_t i = 0; i < oracle->services->node_count; i++)
        spare += spare_of(oracle, i);
    return spare_of(oracle, 0) >= tables && spare >= tables + pages;
}

bool area_fits_node(const struct area_oracle *oracle, uint32_t node)
{
    return shadow_free_frames(oracle->services->nodes[node].shadow) >= needs_of(oracle, node, true);
}

bool area_was_denied(const struct area_oracle *oracle, const struct area_before *before)
{
    return count_denied(oracle->services) != before->denied ||
           oracle->watch.va_failures != before->watch.va_failures ||
           oracle->watch.table_failures != before->watch.table_failures;
}

bool area_slept(const struct area_oracle *oracle, const struct area_before *before)
{
    return count_sleeps(oracle->services) != before->sleeps;
}

void area_expect_trap(const struct area_oracle *oracle, const struct area_before *before, const char *ids,
                      const char *rule, struct finding *finding)
{
    const struct trap *trap = &oracle->services->trap;
    if (finding->found)
        return;
    if (trap->count != before->traps + 1 || strcmp(trap->rule, rule) != 0) {
        finding_set(finding, ids, "");
        finding_expected(finding, "one trap, by rule %s", rule);
        finding_actual(finding, "%" PRIu64 " traps, the last one: %s", trap->count - before->traps,
                       trap->count == 0 ? "none" : trap->words);
        return;
    }
    area_expect_quiet(oracle, before, finding);
    if (!finding->found && memcmp(&before->watch, &oracle->watch, sizeof(before->watch)) != 0) {
        finding_set(finding, ids, "a trapped call changes nothing (X-3)");
        finding_actual(finding, "it took or gave back addresses or tables");
    }
}

void area_expect_no_trap(const struct area_oracle *oracle, const struct area_before *before,
                         struct finding *finding)
{
    const struct trap *trap = &oracle->services->trap;
    if (finding->found || trap->count == before->traps)
        return;
    finding_set(finding, "L-12", "no precondition is broken, so nothing traps");
    finding_actual(finding, "%s", trap->words);
}

void area_expect_quiet(const struct area_oracle *oracle, const struct area_before *before,
                       struct finding *finding)
{
    uint64_t calls = services_calls(oracle->services) - before->calls;
    uint64_t sleeps = count_sleeps(oracle->services) - before->sleeps;
    calls += oracle->watch.calls - before->watch.calls;
    if (finding->found || (calls == 0 && sleeps == 0))
        return;
    finding_set(finding, "L-13 X-5", "this call allocates nothing and does not sleep");
    finding_actual(finding, "%" PRIu64 " calls of allocators and services, %" PRIu64 " sleeps", calls,
                   sleeps);
}

uint32_t area_view_id(const struct area_oracle *oracle, uint64_t name)
{
    if (name == 0)
        return LINUX_KERNEL_VIEW;
    if (name > AREA_VIEW_SLOTS || !oracle->views[name - 1].live)
        return LINUX_VIEW_NONE;
    return oracle->views[name - 1].id;
}

/* --- the oracle's life --- */

static int area_init(struct services *services, void **self)
{
    struct area_oracle *oracle = calloc(1, sizeof(*oracle));
    if (oracle == NULL)
        return -1;
    oracle->services = services;
    oracle->image = calloc(AREA_PAGES, sizeof(*oracle->image));
    bool made = oracle->image != NULL;
    for (unsigned i = 0; i < AREA_SLOTS && made; i++) {
        oracle->slots[i].ptes = malloc((AREA_PAGES + 1) * sizeof(*oracle->slots[i].ptes));
        made = oracle->slots[i].ptes != NULL;
    }
    *self = oracle;
    if (made)
        return 0;
    oracle_area.fini(oracle);
    return -1;
}

static void area_fini(void *self)
{
    struct area_oracle *oracle = self;
    for (unsigned i = 0; i < AREA_SLOTS; i++)
        free(oracle->slots[i].ptes);
    free(oracle->image);
    free(oracle);
}

static void area_reset(void *self)
{
    struct area_oracle *oracle = self;
    struct services *services = oracle->services;
    struct linux_mm_config config = {
        .contract = services->contract,
        .trap = &services->trap,
        .node_count = services->node_count,
        .va = {.ops = &watch_ops, .self = oracle},
        .tables = {.ops = &watch_ops, .self = oracle},
        .window_addr = SERVICES_WINDOW_ADDR,
        .window_bytes = SERVICES_WINDOW_BYTES,
    };
    struct zone_oracle *zones = services->oracles[SERVICES_ZONE];
    if (zones != NULL)
        config.zones = &zones->zones;
    for (uint32_t i = 0; i < services->node_count; i++)
        config.gates[i] = &services->nodes[i].gate;
    linux_mm_init(&oracle->mm, &config);
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        struct area_slot *slot = &oracle->slots[i];
        if (slot->live)
            memset(oracle->image + area_first_page(slot), 0, slot->pages * sizeof(*oracle->image));
        slot->live = false;
        slot->used = false;
    }
    memset(oracle->pages, 0, sizeof(oracle->pages));
    memset(oracle->vmas, 0, sizeof(oracle->vmas));
    memset(oracle->views, 0, sizeof(oracle->views));
    memset(&oracle->watch, 0, sizeof(oracle->watch));
    oracle->absent = 0;
    oracle->kernel_tables = 0;
    oracle->next_value = 0;
}

static void check_warnings(const struct area_oracle *oracle, uint64_t warnings, struct finding *finding)
{
    if (finding->found || oracle->mm.warnings == warnings)
        return;
    finding_set(finding, "L-9", "");
    finding_expected(finding, "%" PRIu64 " entries were neither empty nor present", warnings);
    finding_actual(finding, "%" PRIu64 " were met", oracle->mm.warnings);
}

static void run_one(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                    struct finding *finding)
{
    switch (op->kind) {
    case OP_AREA_ALLOC:
        area_do_alloc(oracle, cpu, op, finding);
        break;
    case OP_AREA_USER:
        area_do_user(oracle, cpu, op, finding);
        break;
    case OP_AREA_FREE:
        area_do_free(oracle, cpu, op, finding);
        break;
    case OP_AREA_PAGE:
        area_do_page(oracle, cpu, op, finding);
        break;
    case OP_AREA_PAGE_FREE:
        area_do_page_free(oracle, cpu, op, finding);
        break;
    case OP_AREA_MAP:
    case OP_AREA_UNMAP:
        area_do_map(oracle, cpu, op, finding);
        break;
    case OP_AREA_TOUCH:
        area_do_touch(oracle, cpu, op, finding);
        break;
    case OP_AREA_VIEW:
        area_do_view(oracle, cpu, op, finding);
        break;
    case OP_AREA_VIEW_DROP:
        area_do_view_drop(oracle, cpu, op, finding);
        break;
    case OP_AREA_REMAP:
        area_do_remap(oracle, cpu, op, finding);
        break;
    case OP_AREA_UNREMAP:
        area_do_unremap(oracle, cpu, op, finding);
        break;
    case OP_AREA_BAD:
        area_do_bad(oracle, cpu, op, finding);
        break;
    default:
        break;
    }
}

static void area_run(void *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct area_oracle *oracle = self;
    if (op->slot >= AREA_SLOTS || op->other >= AREA_SLOTS)
        return;
    run_one(oracle, cpu, op, finding);
    check_warnings(oracle, oracle->absent, finding);
    if (oracle->services->log != NULL && op->kind == OP_AREA_ALLOC && oracle->slots[op->slot].live)
        fprintf(oracle->services->log, "      -> 0x%" PRIx64 "\n", oracle->slots[op->slot].addr);
}

/* Every leaf entry of the window, every table, every view's lower half. */
static void area_audit(void *self, struct finding *finding)
{
    struct area_oracle *oracle = self;
    area_check_image(oracle, 0, AREA_PAGES, NULL, finding);
    area_check_tables(oracle, finding);
    uint64_t kernel = area_count_tables(oracle, oracle->mm.top, 0, LINUX_ENTRIES);
    if (!finding->found && kernel != oracle->kernel_tables) {
        finding_set(finding, "L-7 L-10", "the kernel has tables for the window only");
        finding_actual(finding, "%" PRIu64 " tables are outside", kernel - oracle->kernel_tables);
    }
    for (unsigned i = 0; i < AREA_VIEW_SLOTS && !finding->found; i++) {
        struct area_view *view = &oracle->views[i];
        if (!view->live)
            continue;
        const uint64_t *top = linux_view_top(&oracle->mm, view->id);
        uint64_t tables = area_count_tables(oracle, top, 0, LINUX_ENTRIES / 2);
        if (tables == view->tables)
            continue;
        finding_set(finding, "L-21 L-10", "a process's tables change by its own mappings only");
        finding_actual(finding, "view s%u has %" PRIu64 " tables, and had %" PRIu64, i, tables, view->tables);
    }
}

static void check_end(struct area_oracle *oracle, struct finding *finding)
{
    const struct slab *descriptors = &oracle->mm.descriptors;
    if (finding->found)
        return;
    if (oracle->watch.tables_live != 0 || oracle->watch.bytes_reserved != 0 || descriptors->pages != 0) {
        finding_set(finding, "X-4 L-10 L-11", "all areas are freed: no addresses, tables or descriptors");
        finding_actual(finding,
                       "%" PRIu64 " bytes of addresses, %" PRIu64 " tables, %" PRIu64
                       " pages of descriptors are held",
                       oracle->watch.bytes_reserved, oracle->watch.tables_live, descriptors->pages);
    }
}

static void area_end(void *self, struct pl_cpu *cpu, struct finding *finding)
{
    struct area_oracle *oracle = self;
    area_audit(oracle, finding);
    for (unsigned kind = 0; kind < 4; kind++) {
        static const uint8_t kinds[] = {OP_AREA_UNREMAP, OP_AREA_VIEW_DROP, OP_AREA_FREE, OP_AREA_PAGE_FREE};
        for (uint32_t i = 0; i < AREA_SLOTS && !finding->found; i++) {
            struct op op = {.kind = kinds[kind], .slot = i, .other = (uint16_t)i};
            area_run(oracle, cpu, &op, finding);
        }
    }
    if (finding->found)
        return;
    linux_mm_fini(&oracle->mm, cpu);
    check_end(oracle, finding);
}

const struct oracle_ops oracle_area = {
    .name = "area",
    .init = area_init,
    .fini = area_fini,
    .reset = area_reset,
    .run = area_run,
    .audit = area_audit,
    .end = area_end,
};
