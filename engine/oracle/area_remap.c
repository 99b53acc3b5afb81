/* Areas in processes' addresses: what remap_vmalloc_range must map, refuse, and leave alone. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/area_internal.h"
#include "systems/linux/walk.h"

/* Where vma o starts: 12 pages before the end of a leaf table; the last vma lies across the one before it. */
#define VMA_BASE  UINT64_C(0x7f0000000000)
#define VMA_BYTES (UINT64_C(64) << 20)
#define VMA_PAGE  500u

static uint64_t vma_start(uint32_t o)
{
    uint64_t start = VMA_BASE + VMA_PAGE * PL_FRAME_BYTES;
    return o + 1 < AREA_SLOTS ? start + o * VMA_BYTES : start + (o - 1) * VMA_BYTES + 4 * PL_FRAME_BYTES;
}

uint64_t area_vmas_of(const struct area_oracle *oracle, uint32_t slot)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < AREA_SLOTS; i++)
        count += oracle->vmas[i].pages != 0 && oracle->vmas[i].area_slot == slot;
    return count;
}

/* The vma, other than `but`, that has this address of this view mapped. */
static const struct area_vma *mapper_of(const struct area_oracle *oracle, const struct area_vma *but,
                                        uint32_t view_slot, uint64_t addr)
{
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        const struct area_vma *other = &oracle->vmas[i];
        if (other != but && other->pages != 0 && other->view_slot == view_slot &&
            addr - other->vma.start < other->pages * PL_FRAME_BYTES)
            return other;
    }
    return NULL;
}

/* --- what must come of it --- */

struct remap {
    struct area_vma *vma;
    const struct area_slot *slot;
    uint64_t addr;
    uint64_t pgoff;
    uint64_t pages; /* of the vma, rounded up */
    uint32_t mistake;
    bool fresh; /* the vma has nothing mapped yet */
};

static int expected_error(const struct area_oracle *oracle, const struct remap *remap, uint64_t *prefix)
{
    const struct area_slot *slot = remap->slot;
    *prefix = 0;
    if (remap->mistake != OP_AREA_REMAP_RIGHT || !slot->user || remap->pages == 0 ||
        remap->vma->vma.view == LINUX_KERNEL_VIEW)
        return LINUX_EINVAL;
    if (remap->pages > slot->pages || remap->pgoff > slot->pages - remap->pages)
        return LINUX_EINVAL;
    if (!remap->fresh)
        return LINUX_EBUSY;
    uint64_t at = remap->vma->vma.start;
    while (*prefix < remap->pages && mapper_of(oracle, remap->vma, remap->vma->view_slot, at) == NULL) {
        ++*prefix;
        at += PL_FRAME_BYTES;
    }
    return *prefix == remap->pages ? 0 : LINUX_EBUSY;
}

static uint64_t user_entry(const struct area_oracle *oracle, uint32_t view, uint64_t addr)
{
    const uint64_t *leaf = area_leaf(oracle, linux_view_top((struct linux_mm *)&oracle->mm, view), addr);
    return leaf == NULL ? 0 : leaf[addr / PL_FRAME_BYTES % LINUX_ENTRIES];
}

/* The first `prefix` pages are the area's, by frame; the others are nobody's, or another vma's. */
static void check_pages(const struct area_oracle *oracle, const struct remap *remap, uint64_t prefix,
                        struct finding *finding)
{
    const struct area_vma *vma = remap->vma;
    for (uint64_t i = 0; i < remap->pages; i++) {
        uint64_t addr = vma->vma.start + i * PL_FRAME_BYTES;
        uint64_t entry = user_entry(oracle, vma->vma.view, addr);
        uint64_t want = 0;
        if (i < prefix)
            want = oracle->image[area_first_page(remap->slot) + remap->pgoff + i];
        else if (mapper_of(oracle, vma, vma->view_slot, addr) != NULL)
            continue;
        bool right = i < prefix ? (entry & LINUX_PRESENT) != 0 && (entry & LINUX_USER) != 0 &&
                                      ((entry ^ want) & LINUX_FRAME_NUMBER) == 0
                                : entry == 0;
        if (right)
            continue;
        finding_set(finding, "L-14", "");
        finding_expected(finding, "page %" PRIu64 " of the vma is page %" PRIu64 " of the area, 0x%" PRIx64,
                         i, remap->pgoff + i, want & LINUX_FRAME_NUMBER);
        finding_actual(finding, "0x%" PRIx64, entry);
        return;
    }
}

/* A word stored by the process is read by the kernel. */
static void check_shared(struct area_oracle *oracle, const struct remap *remap, uint64_t page,
                         struct finding *finding)
{
    uint64_t value = UINT64_C(0x7573657200000000) + ++oracle->next_value;
    uint64_t read = 0;
    uint64_t from = remap->slot->addr + (remap->pgoff + page) * PL_FRAME_BYTES;
    bool moved = linux_store(&oracle->mm, remap->vma->vma.view, remap->vma->vma.start + page * PL_FRAME_BYTES,
                             value) &&
                 linux_load(&oracle->mm, LINUX_KERNEL_VIEW, from, &read);
    if (finding->found || (moved && read == value))
        return;
    finding_set(finding, "L-14 L-8", "the kernel reads what the process stored");
    finding_actual(finding, moved ? "another word" : "a fault");
}

static void check_error(const struct area_oracle *oracle, const struct remap *remap,
                        const struct area_before *before, int expected, int error, struct finding *finding)
{
    /* A vma of this size takes two tables of each level at most. */
    bool denied = area_was_denied(oracle, before) || !area_had_frames(oracle, 6, 0);
    if (error == expected || (error == LINUX_ENOMEM && denied))
        return;
    finding_set(finding, "L-14 X-6", "");
    finding_expected(finding, "%" PRIu64 " pages from page 0x%" PRIx64 " of %" PRIu64 ": %d", remap->pages,
                     remap->pgoff, remap->slot->pages, expected);
    finding_actual(finding, "%d", error);
}

/* --- the operations --- */

static uint64_t mistaken_addr(const struct area_slot *slot, uint32_t mistake)
{
    switch (mistake) {
    case OP_AREA_REMAP_ADDR:
        return slot->addr + 1;
    case OP_AREA_REMAP_INSIDE:
        return slot->addr + PL_FRAME_BYTES;
    case OP_AREA_REMAP_UNKNOWN: /* an area has a guard page, so none starts at the last one */
        return SERVICES_WINDOW_ADDR + SERVICES_WINDOW_BYTES - PL_FRAME_BYTES;
    default:
        return slot->addr;
    }
}

static void after_remap(struct area_oracle *oracle, struct remap *remap, uint64_t prefix,
                        struct finding *finding)
{
    struct area_vma *vma = remap->vma;
    check_pages(oracle, remap, prefix, finding);
    if (!finding->found && vma->vma.pages != prefix) {
        finding_set(finding, "L-14 X-3", "the vma knows what it has mapped");
        finding_actual(finding, "%" PRIu64 " pages, mapped are %" PRIu64, vma->vma.pages, prefix);
    }
    vma->pages = prefix;
    for (uint64_t i = 0; i < prefix && !finding->found; i += prefix > 1 ? prefix - 1 : 1)
        check_shared(oracle, remap, i, finding);
    struct area_view *view = &oracle->views[vma->view_slot];
    const uint64_t *top = linux_view_top(&oracle->mm, view->id);
    view->tables = area_count_tables(oracle, top, 0, LINUX_ENTRIES / 2);
}

/* A vma with pages in it stays as it was made. */
static void fill_vma(const struct area_oracle *oracle, const struct op *op, struct area_vma *vma)
{
    if (vma->pages != 0)
        return;
    uint64_t start = vma_start(op->other) + (op->mobility == OP_AREA_REMAP_USER_ADDR ? 8 : 0);
    memset(vma, 0, sizeof(*vma));
    vma->vma.view = area_view_id(oracle, op->extra);
    vma->vma.start = start;
    vma->vma.end = start + op->count;
    vma->view_slot = op->extra == 0 ? AREA_SLOTS : op->extra - 1;
    vma->area_slot = op->slot;
    vma->pgoff = op->value;
}

void area_do_remap(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding)
{
    struct area_vma *vma = &oracle->vmas[op->other];
    struct remap remap = {.vma = vma,
                          .slot = &oracle->slots[op->slot],
                          .pgoff = op->value,
                          .mistake = op->mobility,
                          .fresh = vma->pages == 0};
    if (!remap.slot->live || area_view_id(oracle, op->extra) == LINUX_VIEW_NONE)
        return;
    if (!remap.fresh && op->mobility == OP_AREA_REMAP_USER_ADDR)
        return;
    fill_vma(oracle, op, vma);
    uint64_t bytes = vma->vma.end - vma->vma.start;
    remap.pages = bytes / PL_FRAME_BYTES + (bytes % PL_FRAME_BYTES != 0);
    remap.addr = mistaken_addr(remap.slot, op->mobility);
    uint64_t prefix = 0;
    int expected = expected_error(oracle, &remap, &prefix);
    struct area_before before = area_remember(oracle);
    int error = linux_remap_vmalloc_range(&oracle->mm, cpu, &vma->vma, remap.addr, remap.pgoff);
    if (cpu->context != PL_CONTEXT_TASK) {
        area_expect_trap(oracle, &before, "L-14 L-13", "3.2", finding);
        return;
    }
    area_expect_no_trap(oracle, &before, finding);
    if (finding->found)
        return;
    check_error(oracle, &remap, &before, expected, error, finding);
    if (expected == LINUX_EINVAL || !remap.fresh) {
        area_expect_quiet(oracle, &before, finding);
    } else if (!finding->found) {
        for (uint64_t i = 0; error == LINUX_ENOMEM && i < prefix; i++) {
            if (user_entry(oracle, vma->vma.view, vma->vma.start + i * PL_FRAME_BYTES) == 0)
                prefix = i;
        }
        after_remap(oracle, &remap, prefix, finding);
    }
    area_check_marks(oracle, &before, finding);
    area_check_tables(oracle, finding);
}

void area_do_unremap(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding)
{
    struct area_vma *vma = &oracle->vmas[op->other];
    (void)cpu;
    if (vma->pages == 0)
        return;
    struct area_before before = area_remember(oracle);
    linux_unmap_vma(&oracle->mm, &vma->vma);
    area_expect_no_trap(oracle, &before, finding);
    area_expect_quiet(oracle, &before, finding);
    for (uint64_t i = 0; i < vma->pages && !finding->found; i++) {
        uint64_t entry = user_entry(oracle, vma->vma.view, vma->vma.start + i * PL_FRAME_BYTES);
        if (entry != 0) {
            finding_set(finding, "L-14 X-8", "an unmapped vma has no pages");
            finding_actual(finding, "page %" PRIu64 " is still 0x%" PRIx64, i, entry);
        }
    }
    vma->pages = 0;
    area_check_tables(oracle, finding);
}

/* --- mistakes --- */

static void unmap_wrong(struct area_oracle *oracle, struct linux_vma *vma, struct finding *finding)
{
    struct area_before before = area_remember(oracle);
    if (finding->found)
        return;
    linux_unmap_vma(&oracle->mm, vma);
    area_expect_trap(oracle, &before, "X-10 X-8", "X-10", finding);
}

void area_unmap_copies(struct area_oracle *oracle, uint32_t slot, struct finding *finding)
{
    unmap_wrong(oracle, NULL, finding);
    for (unsigned i = 0; i < AREA_SLOTS && !finding->found; i++) {
        const struct area_vma *vma = &oracle->vmas[i];
        if (vma->pages == 0 || vma->area_slot != slot)
            continue;
        struct linux_vma copy = vma->vma;
        unmap_wrong(oracle, &copy, finding);
        copy.view = LINUX_KERNEL_VIEW;
        unmap_wrong(oracle, &copy, finding);
        for (copy.view = 0; copy.view < LINUX_VIEW_LIMIT && !finding->found; copy.view++)
            unmap_wrong(oracle, &copy, finding);
        struct remap remap = {
            .vma = &oracle->vmas[i], .slot = &oracle->slots[slot], .pgoff = vma->pgoff, .pages = vma->pages};
        check_pages(oracle, &remap, vma->pages, finding);
    }
}
