/* Pages put into areas through ptes, and words stored through one view and read through another. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/area_internal.h"
#include "systems/linux/walk.h"

#define VALUE UINT64_C(0x7061676500000000) /* what stored words begin with */

/* --- frames to map --- */

void area_do_page(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding)
{
    struct area_page *page = &oracle->pages[op->other];
    struct services *services = oracle->services;
    (void)finding;
    if (page->live)
        return;
    struct pl_page from = services->nodes[op->mobility % services->node_count].page;
    struct pl_request request = {.alloc_class = PL_CLASS_NORMAL, .node = PL_NODE_ANY};
    memset(page, 0, sizeof(*page));
    if (from.ops->alloc(from.self, cpu, &request, &page->run) != PL_OK)
        return;
    page->live = true;
    page->node = op->mobility % services->node_count;
    page->run.flags &= ~PL_RUN_ZERO;
    memset(area_frame(oracle, page->run.first.number), (int)(op->other + 1), PL_FRAME_BYTES);
}

void area_do_page_free(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    struct area_page *page = &oracle->pages[op->other];
    if (!page->live || page->maps != 0)
        return;
    struct pl_page to = oracle->services->nodes[page->node].page;
    page->live = false;
    if (to.ops->free(to.self, cpu, &page->run) != PL_OK) {
        finding_set(finding, "X-10 X-4", "a frame that is held can be given back");
        finding_actual(finding, "the free of page o%u was refused", op->other);
    }
}

void area_forget_entry(struct area_oracle *oracle, uint64_t entry)
{
    for (unsigned i = 0; i < AREA_SLOTS && (entry & LINUX_PRESENT) != 0; i++) {
        struct area_page *page = &oracle->pages[i];
        if (page->live && page->run.first.number == linux_entry_frame(entry).number)
            page->maps--;
    }
}

/* --- through ptes --- */

/* The entry to write; false: the operation's handles do not allow it now. */
static bool choose_entry(const struct area_oracle *oracle, const struct op *op, uint64_t *entry)
{
    const struct area_page *page = &oracle->pages[op->other];
    *entry = 0;
    if (op->kind == OP_AREA_UNMAP)
        return true;
    if (op->mobility != 0) {
        *entry = AREA_ABSENT;
        return true;
    }
    *entry = linux_entry_of(page->run.first);
    return page->live && linux_entry_holds(page->run.first);
}

void area_do_map(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct area_slot *slot = &oracle->slots[op->slot];
    uint64_t entry;
    if (!slot->live || !slot->has_ptes || !choose_entry(oracle, op, &entry))
        return;
    uint64_t page = op->count % slot->pages;
    uint64_t at = area_first_page(slot) + page;
    struct area_before before = area_remember(oracle);
    cpu->no_sleep_depth++;
    linux_set_pte(slot->ptes[page], entry);
    cpu->no_sleep_depth--;
    area_expect_no_trap(oracle, &before, finding);
    area_expect_quiet(oracle, &before, finding);
    area_forget_entry(oracle, oracle->image[at]);
    if (op->kind == OP_AREA_MAP && op->mobility == 0)
        oracle->pages[op->other].maps++;
    oracle->image[at] = entry;
    area_check_image(oracle, at, 1, "L-8", finding);
    struct linux_walked walked =
        linux_walk(&oracle->mm, LINUX_KERNEL_VIEW, slot->addr + page * PL_FRAME_BYTES);
    if (!finding->found && (walked.slot != slot->ptes[page] || walked.entry != entry)) {
        finding_set(finding, "L-8 L-5", "");
        finding_expected(finding, "page %" PRIu64 " resolves by ptes[%" PRIu64 "] to 0x%" PRIx64, page, page,
                         entry);
        finding_actual(finding, "0x%" PRIx64, walked.entry);
    }
}

static void report_touch(const struct op *op, uint64_t page, uint64_t pages, const char *expected,
                         const char *actual, struct finding *finding)
{
    bool views = op->extra != 0 || op->mobility != 0;
    finding_set(finding, page == pages ? "L-2" : views ? "L-21 L-8" : "L-8 L-3", "");
    finding_expected(finding, "page %" PRIu64 " of %" PRIu64 ": %s", page, pages, expected);
    finding_actual(finding, "%s", actual);
}

void area_do_touch(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    const struct area_slot *slot = &oracle->slots[op->slot];
    uint32_t by = area_view_id(oracle, op->extra);
    uint32_t back = area_view_id(oracle, op->mobility);
    (void)cpu;
    if (!slot->live || by == LINUX_VIEW_NONE || back == LINUX_VIEW_NONE)
        return;
    uint64_t page = op->count % (slot->pages + 1);
    uint64_t entry = page == slot->pages ? 0 : oracle->image[area_first_page(slot) + page];
    bool there = (entry & LINUX_PRESENT) != 0;
    uint64_t value = VALUE + ++oracle->next_value;
    uint64_t offset = value % LINUX_ENTRIES * sizeof(value);
    uint64_t addr = slot->addr + page * PL_FRAME_BYTES + offset;
    uint64_t read = 0;
    struct area_before before = area_remember(oracle);
    bool stored = linux_store(&oracle->mm, by, addr, value);
    bool loaded = linux_load(&oracle->mm, back, addr, &read);
    area_expect_quiet(oracle, &before, finding);
    if (finding->found)
        return;
    if (stored != there || loaded != there) {
        report_touch(op, page, slot->pages, there ? "mapped" : "faults",
                     stored && loaded ? "moved a word" : "faulted", finding);
        return;
    }
    if (!there)
        return;
    const unsigned char *bytes = area_frame(oracle, linux_entry_frame(entry).number);
    if (read != value || memcmp(bytes + offset, &value, sizeof(value)) != 0)
        report_touch(op, page, slot->pages, "the stored word", "another one", finding);
}

/* --- processes --- */

void area_do_view(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding)
{
    if (op->slot >= AREA_VIEW_SLOTS || oracle->views[op->slot].live)
        return;
    struct area_view *view = &oracle->views[op->slot];
    struct area_before before = area_remember(oracle);
    uint32_t id = linux_view_new(&oracle->mm, cpu);
    if (cpu->context != PL_CONTEXT_TASK) {
        area_expect_trap(oracle, &before, "L-13", "3.1", finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    if (id != LINUX_VIEW_NONE) {
        *view = (struct area_view){.live = true, .id = id};
        const uint64_t *top = linux_view_top(&oracle->mm, id);
        view->tables = area_count_tables(oracle, top, 0, LINUX_ENTRIES / 2);
        if (view->tables != 0) {
            finding_set(finding, "L-21", "a new process has no pages of its own");
            finding_actual(finding, "%" PRIu64 " tables are in its lower half", view->tables);
        }
    } else if (!finding->found && !area_was_denied(oracle, &before) && area_had_frames(oracle, 1, 0)) {
        finding_set(finding, "L-21 L-11", "a view, for nothing was denied");
        finding_actual(finding, "none");
    }
    area_check_marks(oracle, &before, finding);
    area_check_tables(oracle, finding);
}

void area_do_view_drop(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    if (op->slot >= AREA_VIEW_SLOTS || !oracle->views[op->slot].live)
        return;
    struct area_before before = area_remember(oracle);
    linux_view_drop(&oracle->mm, cpu, oracle->views[op->slot].id);
    if (cpu->context != PL_CONTEXT_TASK) {
        area_expect_trap(oracle, &before, "L-13", "3.1", finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    oracle->views[op->slot].live = false;
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        if (oracle->vmas[i].view_slot == op->slot)
            oracle->vmas[i].pages = 0;
    }
    area_check_tables(oracle, finding);
}
