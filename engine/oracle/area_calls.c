/* Areas come and go: what alloc_vm_area, vmalloc_user and their frees must do, and what they must refuse. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/oracle/area_internal.h"

#define WINDOW_END (SERVICES_WINDOW_ADDR + SERVICES_WINDOW_BYTES)

/* --- addresses --- */

/* 3.1, in its own words: a power of two, at least the area's size by the documents, above it by the code,
 * between a page and 512 KiB. */
static uint64_t alignment_of(const struct area_oracle *oracle, uint64_t bytes, bool user)
{
    uint64_t alignment = PL_FRAME_BYTES;
    bool real = oracle->services->contract == CONTRACT_REAL;
    while (!user && alignment < UINT64_C(524288) && (real ? alignment <= bytes : alignment < bytes))
        alignment *= 2;
    return alignment;
}

/* Is [addr, addr + bytes) free of live areas? */
static bool is_free(const struct area_oracle *oracle, uint64_t addr, uint64_t bytes)
{
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        const struct area_slot *slot = &oracle->slots[i];
        uint64_t end = slot->addr + (slot->pages + 1) * PL_FRAME_BYTES;
        if (slot->live && addr < end && slot->addr < addr + bytes)
            return false;
    }
    return true;
}

/* Is there room for an aligned area? If so, there is some right behind another one, or at the start. */
static bool has_room(const struct area_oracle *oracle, uint64_t bytes, uint64_t alignment)
{
    for (unsigned i = 0; i <= AREA_SLOTS; i++) {
        uint64_t addr = SERVICES_WINDOW_ADDR;
        if (i < AREA_SLOTS && !oracle->slots[i].live)
            continue;
        if (i < AREA_SLOTS)
            addr = oracle->slots[i].addr + (oracle->slots[i].pages + 1) * PL_FRAME_BYTES;
        addr = (addr + alignment - 1) & ~(alignment - 1);
        if (addr <= WINDOW_END && bytes <= WINDOW_END - addr && is_free(oracle, addr, bytes))
            return true;
    }
    return false;
}

static void check_place(const struct area_oracle *oracle, const struct linux_area *area, uint64_t pages,
                        bool user, struct finding *finding)
{
    uint64_t bytes = (pages + 1) * PL_FRAME_BYTES;
    uint64_t alignment = alignment_of(oracle, pages * PL_FRAME_BYTES, user);
    bool inside =
        area->addr >= SERVICES_WINDOW_ADDR && area->addr < WINDOW_END && bytes <= WINDOW_END - area->addr;
    if (!inside || !is_free(oracle, area->addr, bytes)) {
        finding_set(finding, "L-1 X-2", "an area lies in the window, apart from all others");
        finding_actual(finding, "%" PRIu64 " pages and a guard at 0x%" PRIx64 ": %s", pages, area->addr,
                       inside ? "overlaps" : "outside");
    } else if (oracle->alignment != alignment || area->addr % alignment != 0) {
        finding_set(finding, "L-1 X-2", "");
        finding_expected(finding, "%" PRIu64 " pages aligned to 0x%" PRIx64, pages, alignment);
        finding_actual(finding, "0x%" PRIx64 " was asked for, addr is 0x%" PRIx64, oracle->alignment,
                       area->addr);
    } else if (area->bytes != bytes || linux_find_area(&oracle->mm, area->addr) != area) {
        finding_set(finding, "L-2 R-8", "");
        finding_expected(finding, "the descriptor found by address says 0x%" PRIx64 " bytes, guard included",
                         bytes);
        finding_actual(finding, "0x%" PRIx64, area->bytes);
    }
}

/* --- ptes --- */

static uint64_t *leaf_slot(const struct area_oracle *oracle, uint64_t addr)
{
    uint64_t *leaf = area_leaf(oracle, oracle->mm.top, addr);
    return leaf == NULL ? NULL : leaf + addr / PL_FRAME_BYTES % LINUX_ENTRIES;
}

/* A place that a person can find again: host addresses differ from run to run. */
static void name_entry(const struct area_oracle *oracle, const uint64_t *entry, char *words, size_t bytes)
{
    snprintf(words, bytes, entry == NULL ? "none" : "unwritten, or in no frame");
    for (uint32_t i = 0; i < oracle->services->node_count; i++) {
        const struct pl_machine *machine = oracle->services->nodes[i].machine;
        uint64_t at = (uint64_t)((uintptr_t)entry - (uintptr_t)machine->contents);
        if (entry != NULL && at < machine->span * PL_FRAME_BYTES)
            snprintf(words, bytes, "entry %" PRIu64 " of frame 0x%" PRIx64 " of node %" PRIu32,
                     at % PL_FRAME_BYTES / sizeof(*entry), at / PL_FRAME_BYTES + machine->first.number, i);
    }
}

static void report_pte(const struct area_oracle *oracle, const struct area_slot *slot, uint64_t page,
                       const char *ids, const uint64_t *expected, struct finding *finding)
{
    char words[80];
    finding_set(finding, ids, "");
    name_entry(oracle, expected, words, sizeof(words));
    finding_expected(finding, "ptes[%" PRIu64 "] of %" PRIu64 ": %s", page, slot->pages, words);
    name_entry(oracle, slot->ptes[page], words, sizeof(words));
    finding_actual(finding, "%s", words);
}

static bool in_leaf(const uint64_t *leaf, const uint64_t *entry)
{
    return leaf != NULL && (uintptr_t)entry - (uintptr_t)leaf < PL_FRAME_BYTES;
}

/* Pages of one leaf table, whose first slot the oracle's walk found. */
static void check_ptes_of_leaf(const struct area_oracle *oracle, const struct area_slot *slot, uint64_t page,
                               uint64_t count, uint64_t *first, struct finding *finding)
{
    const uint64_t *leaf = (uint64_t *)((uintptr_t)first & ~(uintptr_t)(PL_FRAME_BYTES - 1));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t *entry = slot->ptes[page + i];
        if (entry == first + i)
            continue;
        bool steps = i == 0 || entry == slot->ptes[page + i - 1] + 1;
        report_pte(oracle, slot, page + i,
                   !in_leaf(leaf, entry) ? "L-7 L-5"
                   : steps               ? "L-5"
                                         : "L-6 L-5",
                   first + i, finding);
        return;
    }
}

/* From `page` on nothing was written, the canary behind the last one included. */
static void check_unwritten(const struct area_oracle *oracle, const struct area_slot *slot, uint64_t page,
                            struct finding *finding)
{
    const uint64_t *canary = &oracle->canary;
    for (; page <= slot->pages && !finding->found; page++) {
        if (slot->ptes[page] != canary)
            report_pte(oracle, slot, page, page == slot->pages ? "L-4" : "L-4 R-9", canary, finding);
    }
}

/* Every pointer is the slot that a walk for its page finds. */
static void check_written(const struct area_oracle *oracle, const struct area_slot *slot,
                          struct finding *finding)
{
    for (uint64_t page = 0; page < slot->pages && !finding->found;) {
        uint64_t addr = slot->addr + page * PL_FRAME_BYTES;
        uint64_t count = LINUX_ENTRIES - addr / PL_FRAME_BYTES % LINUX_ENTRIES;
        uint64_t *first = leaf_slot(oracle, addr);
        count = count < slot->pages - page ? count : slot->pages - page;
        if (first == NULL)
            report_pte(oracle, slot, page, "L-5 L-7", NULL, finding);
        else
            check_ptes_of_leaf(oracle, slot, page, count, first, finding);
        page += count;
    }
}

/* After a failure: the documents leave ptes alone; the code wrote a first part, whose tables are still there
 * . Where they are, only the pointers themselves say. */
static void check_failed_ptes(const struct area_oracle *oracle, const struct area_slot *slot,
                              struct finding *finding)
{
    uint64_t page = 0;
    for (uint64_t leaf = 0; leaf < AREA_LEAVES && oracle->services->contract == CONTRACT_REAL; leaf++) {
        const uint64_t *table =
            area_leaf(oracle, oracle->mm.top, SERVICES_WINDOW_ADDR + leaf * LINUX_ENTRIES * PL_FRAME_BYTES);
        while (page < slot->pages && in_leaf(table, slot->ptes[page]))
            page++;
    }
    check_unwritten(oracle, slot, page, finding);
}

/* --- outcomes --- */

/* A descriptor, and tables of three levels; an area can lie across the end of a table on each. */
static uint64_t tables_at_most(uint64_t pages)
{
    return 1 + pages / LINUX_ENTRIES + 2 + 2 + 2;
}

/* Has the address space as many areas as it says it has room for? */
static bool is_full(const struct area_oracle *oracle)
{
    const struct pl_page_table *va = &oracle->services->lent.va;
    struct pl_page_table_counts counts = {0};
    if (va->ops->count != NULL)
        va->ops->count(va->self, &counts);
    return counts.areas_most != 0 && counts.areas >= counts.areas_most;
}

/* NULL, and nothing said no? A size that could never be had says it itself. */
static void check_null(const struct area_oracle *oracle, const struct area_before *before, uint64_t pages,
                       bool hopeless, bool user, struct finding *finding)
{
    uint64_t alignment = alignment_of(oracle, pages * PL_FRAME_BYTES, user);
    bool room = !hopeless && has_room(oracle, (pages + 1) * PL_FRAME_BYTES, alignment);
    bool complete = (oracle->services->lent.va.ops->caps & PL_CAP_COMPLETE) != 0;
    bool no_addresses = oracle->watch.va_failures != before->watch.va_failures;
    if (oracle->watch.bytes_reserved != before->watch.bytes_reserved) {
        finding_set(finding, "L-11 X-3", "a failed call holds no addresses");
        finding_actual(finding, "0x%" PRIx64 " bytes more are reserved",
                       oracle->watch.bytes_reserved - before->watch.bytes_reserved);
    } else if (oracle->services->contract == CONTRACT_DOC &&
               oracle->watch.tables_live != before->watch.tables_live) {
        finding_set(finding, "L-11 R-9", "a failed call leaves no table behind");
        finding_actual(finding, "%" PRIu64 " tables were in use, now %" PRIu64, before->watch.tables_live,
                       oracle->watch.tables_live);
    } else if (hopeless ? services_calls(oracle->services) != before->calls
                        : !area_was_denied(oracle, before) &&
                              area_had_frames(oracle, tables_at_most(pages), user ? pages : 0)) {
        finding_set(finding, "L-11 L-16", "");
        finding_expected(finding, hopeless ? "NULL at once" : "%" PRIu64 " pages, for nothing was denied",
                         pages);
        finding_actual(finding, hopeless ? "NULL after calls of the allocators" : "NULL");
    } else if (no_addresses && room && complete && !is_full(oracle) &&
               services_calls(oracle->services) == before->calls) {
        finding_set(finding, "L-11", "");
        finding_expected(finding, "the window has room for %" PRIu64 " pages", pages);
        finding_actual(finding, "no addresses");
    }
}

static void check_not_null(const struct area_oracle *oracle, const struct area_before *before, bool hopeless,
                           uint64_t bytes, struct finding *finding)
{
    if (!hopeless && oracle->watch.va_failures == before->watch.va_failures &&
        oracle->watch.table_failures == before->watch.table_failures)
        return;
    finding_set(finding, "L-11 X-6", "");
    finding_expected(finding, "0x%" PRIx64 " bytes: NULL, %s", bytes,
                     hopeless ? "the window cannot hold it" : "a service said no");
    finding_actual(finding, "an area");
}

/* The slot has the area; its pages are the caller's to fill in. */
static void enter(struct area_slot *slot, struct linux_area *area, bool user)
{
    slot->live = true;
    slot->used = true;
    slot->user = user;
    slot->area = area;
    slot->addr = area->addr;
}

void area_do_alloc(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    struct area_slot *slot = &oracle->slots[op->slot];
    if (slot->live)
        return;
    uint64_t bytes = op->value;
    uint64_t pages = bytes / PL_FRAME_BYTES;
    bool whole = bytes % PL_FRAME_BYTES == 0;
    bool hopeless = pages == 0 || pages >= AREA_PAGES;
    slot->used = false;
    slot->has_ptes = op->mobility == 0;
    slot->pages = hopeless ? 0 : pages;
    for (uint64_t i = 0; i <= slot->pages; i++)
        slot->ptes[i] = &oracle->canary;
    struct area_before before = area_remember(oracle);
    struct linux_area *area =
        linux_alloc_vm_area(&oracle->mm, cpu, bytes, slot->has_ptes ? slot->ptes : NULL);
    if (cpu->context != PL_CONTEXT_TASK || !whole) {
        bool task = cpu->context == PL_CONTEXT_TASK;
        area_expect_trap(oracle, &before, task ? "R-7 L-11" : "L-13", task ? "R-7" : "L-13", finding);
        check_failed_ptes(oracle, slot, finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    if (area == NULL) {
        check_null(oracle, &before, pages, hopeless, false, finding);
        if (slot->has_ptes && !finding->found)
            check_failed_ptes(oracle, slot, finding);
    } else {
        check_not_null(oracle, &before, hopeless, bytes, finding);
        if (!finding->found)
            check_place(oracle, area, pages, false, finding);
        if (finding->found)
            return;
        enter(slot, area, false);
        area_check_image(oracle, area_first_page(slot), pages, "L-3", finding);
        if (slot->has_ptes)
            check_written(oracle, slot, finding);
        check_unwritten(oracle, slot, slot->has_ptes ? pages : 0, finding);
    }
    area_check_marks(oracle, &before, finding);
    area_check_tables(oracle, finding);
}

/* --- with pages --- */

/* Copies the entries of a fresh area into the image; each is a frame of zeros that is in no other place. */
static void learn_pages(struct area_oracle *oracle, const struct area_slot *slot, struct finding *finding)
{
    uint64_t first = area_first_page(slot);
    for (uint64_t i = 0; i < slot->pages && !finding->found; i++) {
        const uint64_t *entry = leaf_slot(oracle, slot->addr + i * PL_FRAME_BYTES);
        const unsigned char *bytes = NULL;
        if (entry != NULL && (*entry & LINUX_PRESENT) != 0)
            bytes = area_frame(oracle, linux_entry_frame(*entry).number);
        if (bytes == NULL) {
            finding_set(finding, "L-8", "every page of a vmalloc area is there");
            finding_actual(finding, "page %" PRIu64 " is not", i);
        } else if (!area_is_zero(bytes)) {
            finding_set(finding, "X-9 L-8", "pages that a process may see come zeroed");
            finding_actual(finding, "page %" PRIu64 " is not zero", i);
        } else {
            oracle->image[first + i] = *entry;
        }
    }
}

/* Pages come from another node only once the wanted one has none for a first attempt. */
static void check_nodes(const struct area_oracle *oracle, const struct area_slot *slot, uint32_t node,
                        struct finding *finding)
{
    uint64_t first = area_first_page(slot);
    if (!area_fits_node(oracle, node))
        return;
    for (uint64_t i = 0; i < slot->pages && !finding->found; i++) {
        uint64_t number = linux_entry_frame(oracle->image[first + i]).number;
        if (number / SERVICES_NODE_FRAMES == node)
            continue;
        finding_set(finding, "L-16 X-7", "");
        finding_expected(finding, "page %" PRIu64 " is of node %" PRIu32 ", which has frames", i, node);
        finding_actual(finding, "frame 0x%" PRIx64, number);
    }
}

/* The whole machine, both nodes: no area can have more pages. */
static uint64_t machine_frames(const struct area_oracle *oracle)
{
    uint64_t frames = 0;
    for (uint32_t i = 0; i < oracle->services->node_count; i++)
        frames += oracle->services->nodes[i].machine->frame_count;
    return frames;
}

void area_do_user(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding)
{
    struct area_slot *slot = &oracle->slots[op->slot];
    uint64_t pages = op->value / PL_FRAME_BYTES + (op->value % PL_FRAME_BYTES != 0);
    bool hopeless = pages == 0 || pages >= AREA_PAGES || pages > machine_frames(oracle);
    if (slot->live || (!hopeless && pages > AREA_USER_PAGES))
        return;
    slot->used = false;
    slot->has_ptes = false;
    struct area_before before = area_remember(oracle);
    uint32_t node = op->mobility % oracle->services->node_count;
    struct linux_area *area = linux_vmalloc_user(&oracle->mm, cpu, op->value, node);
    if (cpu->context != PL_CONTEXT_TASK) {
        area_expect_trap(oracle, &before, "L-13", "L-13", finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    if (area == NULL) {
        check_null(oracle, &before, pages, hopeless, true, finding);
    } else {
        check_not_null(oracle, &before, hopeless, op->value, finding);
        if (!finding->found)
            check_place(oracle, area, pages, true, finding);
        if (finding->found)
            return;
        slot->pages = pages;
        enter(slot, area, true);
        learn_pages(oracle, slot, finding);
        /* Who slept may find the wanted node fuller than the first page did. */
        if (!finding->found && !area_was_denied(oracle, &before) && !area_slept(oracle, &before))
            check_nodes(oracle, slot, node, finding);
        area_check_image(oracle, area_first_page(slot), pages, "L-8", finding);
    }
    area_check_marks(oracle, &before, finding);
    area_check_tables(oracle, finding);
}

/* --- the end of an area --- */

static void call_free(struct area_oracle *oracle, struct pl_cpu *cpu, const struct area_slot *slot)
{
    if (slot->user)
        linux_vfree(&oracle->mm, cpu, slot->addr);
    else
        linux_free_vm_area(&oracle->mm, cpu, slot->area);
}

/* The image of a dead area: nothing. */
static void forget(struct area_oracle *oracle, struct area_slot *slot)
{
    uint64_t *image = oracle->image + area_first_page(slot);
    for (uint64_t i = 0; i < slot->pages; i++) {
        if (image[i] == 0)
            continue;
        oracle->absent += image[i] == AREA_ABSENT;
        area_forget_entry(oracle, image[i]);
        image[i] = 0;
    }
    slot->live = false;
}

void area_do_free(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding)
{
    struct area_slot *slot = &oracle->slots[op->slot];
    if (!slot->live)
        return;
    struct area_before before = area_remember(oracle);
    uint64_t first = area_first_page(slot);
    call_free(oracle, cpu, slot);
    if (cpu->context != PL_CONTEXT_TASK) {
        area_expect_trap(oracle, &before, "L-13 L-12", "3.1", finding);
        return;
    }
    if (slot->user && area_vmas_of(oracle, op->slot) != 0) {
        area_expect_trap(oracle, &before, "X-8", "X-8", finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    forget(oracle, slot);
    area_check_image(oracle, first, slot->pages, "L-9 X-8", finding);
    uint64_t bytes = (slot->pages + 1) * PL_FRAME_BYTES;
    if (!finding->found && before.watch.bytes_reserved - oracle->watch.bytes_reserved != bytes) {
        finding_set(finding, "L-11 X-4", "a freed area gives all its addresses back");
        finding_actual(finding, "%" PRIu64 " of %" PRIu64 " bytes",
                       before.watch.bytes_reserved - oracle->watch.bytes_reserved, bytes);
    }
    area_check_tables(oracle, finding);
}
