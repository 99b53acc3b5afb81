/* The area oracle's own eyes: tables read as bytes of frames, nothing asked of the system but where a
 * top-level table is. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/area_internal.h"

#define FRAME_OF(entry) (((entry) >> 12) & ((UINT64_C(1) << 40) - 1))
#define IS_THERE(entry) (((entry) & 1) != 0)

unsigned char *area_frame(const struct area_oracle *oracle, uint64_t number)
{
    for (uint32_t i = 0; i < oracle->services->node_count; i++) {
        const struct pl_machine *machine = oracle->services->nodes[i].machine;
        uint64_t at = number - i * SERVICES_NODE_FRAMES - machine->first.number;
        if (at < machine->span)
            return machine->contents + at * PL_FRAME_BYTES;
    }
    return NULL;
}

bool area_is_zero(const unsigned char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PL_FRAME_BYTES - 1) == 0;
}

static uint64_t *table_at(const struct area_oracle *oracle, uint64_t entry)
{
    return IS_THERE(entry) ? (uint64_t *)(void *)area_frame(oracle, FRAME_OF(entry)) : NULL;
}

uint64_t *area_leaf(const struct area_oracle *oracle, const uint64_t *top, uint64_t addr)
{
    const uint64_t *upper = table_at(oracle, top[addr >> 39 & 511]);
    const uint64_t *middle = upper == NULL ? NULL : table_at(oracle, upper[addr >> 30 & 511]);
    return middle == NULL ? NULL : table_at(oracle, middle[addr >> 21 & 511]);
}

/* Whose page this is, in words of the promises. */
static const char *ids_of_page(const struct area_oracle *oracle, uint64_t page)
{
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        const struct area_slot *slot = &oracle->slots[i];
        uint64_t at = slot->live ? page - area_first_page(slot) : UINT64_MAX;
        if (slot->live && at <= slot->pages)
            return at == slot->pages ? "L-2" : "L-8 L-7";
    }
    return "L-9 X-8";
}

static void report_page(const struct area_oracle *oracle, uint64_t page, uint64_t found, const char *ids,
                        struct finding *finding)
{
    finding_set(finding, ids == NULL ? ids_of_page(oracle, page) : ids, "");
    finding_expected(finding, "the leaf entry of window page %" PRIu64 " is 0x%" PRIx64, page,
                     oracle->image[page]);
    finding_actual(finding, "0x%" PRIx64, found);
}

/* One leaf table against its part of the image; without a table all of that is nothing. */
static void check_leaf(const struct area_oracle *oracle, uint64_t leaf, uint64_t page, uint64_t count,
                       const char *ids, struct finding *finding)
{
    static const uint64_t nothing[LINUX_ENTRIES];
    const uint64_t *want = oracle->image + leaf * LINUX_ENTRIES;
    const uint64_t *table =
        area_leaf(oracle, oracle->mm.top, SERVICES_WINDOW_ADDR + leaf * LINUX_ENTRIES * PL_FRAME_BYTES);
    if (table == NULL)
        table = nothing;
    if (memcmp(table, want, PL_FRAME_BYTES) == 0)
        return;
    uint64_t at = 0;
    while (table[at] == want[at])
        at++;
    uint64_t where = leaf * LINUX_ENTRIES + at;
    report_page(oracle, where, table[at], where - page < count ? ids : NULL, finding);
}

void area_check_image(const struct area_oracle *oracle, uint64_t page, uint64_t count, const char *ids,
                      struct finding *finding)
{
    uint64_t end = page + count < AREA_PAGES ? page + count : AREA_PAGES;
    for (uint64_t leaf = page / LINUX_ENTRIES; leaf * LINUX_ENTRIES < end && !finding->found; leaf++)
        check_leaf(oracle, leaf, page, count, ids, finding);
}

static uint64_t count_below(const struct area_oracle *oracle, const uint64_t *table, unsigned first,
                            unsigned end, unsigned level)
{
    uint64_t tables = 0;
    for (unsigned i = first; i < end; i++) {
        const uint64_t *below = table_at(oracle, table[i]);
        if (below == NULL)
            continue;
        tables += 1 + (level > 1 ? count_below(oracle, below, 0, LINUX_ENTRIES, level - 1) : 0);
    }
    return tables;
}

uint64_t area_count_tables(const struct area_oracle *oracle, const uint64_t *top, unsigned first,
                           unsigned end)
{
    return count_below(oracle, top, first, end, LINUX_TOP_LEVEL);
}

/* The same for the window only, which is all there should be: it lies below one entry of the second level. */
static uint64_t count_window(const struct area_oracle *oracle)
{
    const uint64_t addr = SERVICES_WINDOW_ADDR;
    _Static_assert(SERVICES_WINDOW_ADDR % (UINT64_C(1) << 30) == 0 && SERVICES_WINDOW_BYTES <= UINT64_C(1)
                                                                                                   << 30,
                   "one table of the third level holds the window");
    const uint64_t *upper = table_at(oracle, oracle->mm.top[addr >> 39 & 511]);
    const uint64_t *middle = upper == NULL ? NULL : table_at(oracle, upper[addr >> 30 & 511]);
    uint64_t tables = (upper != NULL) + (uint64_t)(middle != NULL);
    for (unsigned i = 0; middle != NULL && i < AREA_LEAVES; i++)
        tables += IS_THERE(middle[i]);
    return tables;
}

static void check_views(const struct area_oracle *oracle, struct finding *finding)
{
    const unsigned half = LINUX_ENTRIES / 2;
    for (unsigned i = 0; i < AREA_VIEW_SLOTS && !finding->found; i++) {
        const struct area_view *view = &oracle->views[i];
        if (!view->live)
            continue;
        const uint64_t *top = linux_view_top((struct linux_mm *)&oracle->mm, view->id);
        if (memcmp(top + half, oracle->mm.top + half, half * sizeof(*top)) != 0) {
            finding_set(finding, "L-21", "");
            finding_expected(finding, "view s%u has the upper half of the kernel's top-level table", i);
            finding_actual(finding, "it differs");
        }
    }
}

void area_check_tables(struct area_oracle *oracle, struct finding *finding)
{
    if (finding->found)
        return;
    uint64_t kernel = count_window(oracle);
    uint64_t all = kernel;
    for (unsigned i = 0; i < AREA_VIEW_SLOTS; i++)
        all += oracle->views[i].live ? 1 + oracle->views[i].tables : 0;
    if (kernel < oracle->kernel_tables) {
        finding_set(finding, "L-9", "");
        finding_expected(finding, "the kernel keeps its %" PRIu64 " tables", oracle->kernel_tables);
        finding_actual(finding, "%" PRIu64 " are left", kernel);
    } else if (oracle->watch.tables_live != all) {
        finding_set(finding, "L-10 L-9 R-9", "");
        finding_expected(finding, "%" PRIu64 " tables are in use, as many as can be reached", all);
        finding_actual(finding, "%" PRIu64 " were got and not put back", oracle->watch.tables_live);
    } else if (oracle->watch.dirty != 0) {
        finding_set(finding, "L-3 X-9", "a table comes from its service with every entry empty");
        finding_actual(finding, "%" PRIu64 " were not zero", oracle->watch.dirty);
    } else if (oracle->watch.refusals != 0 || oracle->mm.refused != 0) {
        finding_set(finding, "X-10 L-11", "what was given is taken back");
        finding_actual(finding, "%" PRIu64 " things were refused", oracle->mm.refused);
    }
    oracle->kernel_tables = kernel;
    check_views(oracle, finding);
}
