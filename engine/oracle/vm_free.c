/* Release and the state of pages: each outcome predicted from the view; what is trapped must change nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/oracle/vm_view.h"

/* --- what is in the way --- */

static struct pl_cpu *cpu_of(const struct vm_oracle *self, uint32_t busy)
{
    return self->node->machine->cpus[(busy >> 3) - 1];
}

static void make_unbusied(struct vm_oracle *self, struct vm_view_page *page)
{
    if (page->busy & FREEBSD_BUSY_EXCLUSIVE)
        freebsd_page_xunbusy(&self->vm, cpu_of(self, page->busy), page->page);
    while (page->busy > FREEBSD_BUSY_UNBUSIED && page->busy & FREEBSD_BUSY_SHARED) {
        freebsd_page_sunbusy(&self->vm, page->page);
        page->busy -= 8;
    }
    page->busy = FREEBSD_BUSY_UNBUSIED;
}

bool vm_make_ready(struct vm_oracle *self, struct pl_cpu *cpu, struct vm_view_page *page)
{
    while (page->maps > 0) {
        freebsd_page_unmap(&self->vm, page->page);
        page->maps--;
    }
    make_unbusied(self, page);
    while (page->wires > 0) {
        freebsd_page_unwire(&self->vm, cpu, page->page);
        page->wires--;
        self->wired--;
        if (page->wires == 0 && page->object == NULL)
            return true;
    }
    return false;
}

/* --- release --- */

/* Frames that must come free with this page: its own, those of its run with the last one, and index nodes. */
static uint64_t frames_due(const struct vm_oracle *self, const struct vm_view_slot *slot,
                           const struct vm_view_page *page, uint64_t node_pages)
{
    uint64_t frames = node_pages - self->vm.nodes.pages;
    if (!page->in_run)
        return frames + 1;
    return slot->live == 1 ? frames + slot->count : frames;
}

/* After a page is said to be free. `object` is the one that it was in. */
static void check_gone(struct vm_oracle *self, const struct vm_view_page *view,
                       const struct freebsd_object *object, uint64_t free_due, struct finding *finding)
{
    const struct freebsd_page *page = view->page;
    if (finding->found)
        return;
    if (object != NULL && freebsd_index_lookup(&object->index, view->pindex) != NULL) {
        finding_set(finding, "F-21 F-15", "a freed page is not found any more");
        finding_actual(finding, "lookup finds one at index 0x%" PRIx64, view->pindex);
    } else if (vm_free_frames(self) != free_due) {
        finding_set(finding, "F-21 F-6", "");
        finding_expected(finding, "%" PRIu64 " free frames", free_due);
        finding_actual(finding, "%" PRIu64, vm_free_frames(self));
    } else if (page->busy != FREEBSD_BUSY_FREED || page->valid != 0 || page->dirty != 0 ||
               page->queue != FREEBSD_PQ_NONE || page->ref != 0 || page->attribute != 0) {
        finding_set(finding, "F-14 F-21",
                    "a free page: not valid, not dirty, on no queue, attribute 0, busy state 'freed'");
        finding_actual(finding,
                       "valid 0x%x dirty 0x%x queue %u attribute %u busy 0x%" PRIx32 " reference 0x%" PRIx32,
                       page->valid, page->dirty, page->queue, page->attribute, page->busy, page->ref);
    }
}

/* The rules that a free of this page breaks, as it stands. */
static const char *why_not(const struct vm_view_page *page, const struct pl_cpu *cpu, bool locked)
{
    if (page->wires != 0 || page->maps != 0 || page->nofree)
        return "F-20";
    if (page->object == NULL)
        return page->busy == FREEBSD_BUSY_UNBUSIED ? "" : "F-20";
    if (!locked)
        return "2.3.1";
    return page->busy == FREEBSD_BUSY_BY(cpu->id) ? "" : "F-20";
}

static void check_unchanged(struct vm_oracle *self, const struct vm_view_page *page,
                            const struct freebsd_page *copy, uint64_t free_frames, struct finding *finding)
{
    if (finding->found)
        return;
    if (memcmp(copy, page->page, sizeof(*copy)) != 0 || vm_free_frames(self) != free_frames) {
        finding_set(finding, "F-20 F-17 X-3", "a trapped call changes nothing");
        finding_actual(finding, "the page or the count of free frames changed");
    }
}

static void check_stamp(struct vm_oracle *self, const struct vm_view_page *page, struct finding *finding)
{
    if (finding->found || vm_is_stamped(self, page))
        return;
    finding_set(finding, "X-1", "nobody but its owner writes to an allocated page");
    finding_actual(finding, "frame 0x%" PRIx64 " was overwritten", page->frame);
}

/* Who holds the object's lock during an operation on `cpu`: itself, nobody (NULL), or another CPU, where
 * there is one. */
static struct pl_cpu *locker_of(const struct vm_oracle *self, struct pl_cpu *cpu, unsigned how)
{
    uint32_t cpu_count = self->node->machine->cpu_count;
    if (how == OP_VM_HOW_UNLOCKED || (how == OP_VM_HOW_OTHERS && cpu_count == 1))
        return NULL;
    return how == OP_VM_HOW_OTHERS ? self->node->machine->cpus[(cpu->id + 1) % cpu_count] : cpu;
}

static void call_free(struct vm_oracle *self, struct pl_cpu *cpu, struct vm_view_page *page,
                      struct pl_cpu *locker, bool zero, struct finding *finding)
{
    bool locked = locker == cpu;
    struct vm_view_slot *slot = vm_slot_of(self, page);
    struct freebsd_object *object = page->object == NULL ? NULL : page->object->object;
    struct vm_before before = vm_look(self, cpu);
    struct freebsd_page copy;
    if (locker != NULL && object != NULL)
        freebsd_object_lock(&self->vm, locker, object);
    memcpy(&copy, page->page, sizeof(copy));
    bool done = zero ? freebsd_page_free_zero(&self->vm, cpu, page->page)
                     : freebsd_page_free(&self->vm, cpu, page->page);
    bool trapped = vm_check_trap(self, &before, why_not(page, cpu, locked), "F-20", finding);
    if (locker != NULL && object != NULL)
        freebsd_object_unlock(&self->vm, locker, object);
    vm_check_no_sleep(self, cpu, &before, finding);
    if (finding->found)
        return;
    if (done == trapped) {
        finding_set(finding, "F-20", "a free that is not trapped is done, and one that is trapped is not");
        finding_actual(finding, "trapped %d, done %d", trapped, done);
    } else if (trapped) {
        check_unchanged(self, page, &copy, before.free_frames, finding);
    } else {
        uint64_t due = before.free_frames + frames_due(self, slot, page, before.node_pages);
        check_gone(self, page, object, due, finding);
        vm_view_forget(self, slot, page);
    }
    vm_check_sets(self, &before, finding);
}

static void free_properly(struct vm_oracle *self, struct pl_cpu *cpu, struct vm_view_page *page, bool zero,
                          struct finding *finding)
{
    struct vm_before before = vm_look(self, cpu);
    struct vm_view_slot *slot = vm_slot_of(self, page);
    if (page->nofree)
        return;
    check_stamp(self, page, finding);
    if (vm_make_ready(self, cpu, page)) {
        (void)vm_check_trap(self, &before, "", "F-20", finding);
        check_gone(self, page, NULL, before.free_frames + frames_due(self, slot, page, before.node_pages),
                   finding);
        vm_view_forget(self, slot, page);
        return;
    }
    if (zero)
        memset(freebsd_page_bytes(&self->vm, page->page), 0, PL_FRAME_BYTES);
    if (page->object != NULL) {
        freebsd_page_try_xbusy(&self->vm, cpu, page->page);
        page->busy = FREEBSD_BUSY_BY(cpu->id);
    }
    call_free(self, cpu, page, cpu, zero, finding);
}

/* A page that is free, or was never one: trapped. */
static void free_wrongly(struct vm_oracle *self, struct pl_cpu *cpu, struct freebsd_page *page,
                         struct finding *finding)
{
    struct vm_before before = vm_look(self, cpu);
    bool done = freebsd_page_free(&self->vm, cpu, page);
    (void)vm_check_trap(self, &before, "F-20", "F-20 X-10", finding);
    if (!finding->found && (done || vm_free_frames(self) != before.free_frames)) {
        finding_set(finding, "F-20 X-10", "a page that is not allocated cannot be freed");
        finding_actual(finding, "freed");
    }
}

/* The page that follows the last one of the array, or one byte off the first. */
static struct freebsd_page *foreign_page(const struct vm_oracle *self, const struct op *op)
{
    uintptr_t first = (uintptr_t)self->memory;
    bool beyond = op->count % 2 == 0;
    return (struct freebsd_page *)(first + (beyond ? freebsd_vm_bytes(self->node->machine) : 1));
}

void vm_run_free(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct vm_view_page *page = vm_page_at(self, op);
    struct vm_view_slot *slot = &self->slots[op->slot % VM_SLOT_COUNT];
    if (op->mobility == OP_VM_HOW_FOREIGN) {
        free_wrongly(self, cpu, foreign_page(self, op), finding);
    } else if (op->mobility == OP_VM_HOW_TWICE) {
        /* What the slot held last, if nobody has it now. */
        struct freebsd_page *last = slot->pages[0].page;
        if (slot->count == 0 && last != NULL && last->epoch == self->vm.epoch &&
            !freebsd_page_is_live(&self->vm, last))
            free_wrongly(self, cpu, last, finding);
    } else if (page != NULL && (op->mobility == OP_VM_HOW_RAW || op->mobility == OP_VM_HOW_UNLOCKED ||
                                op->mobility == OP_VM_HOW_OTHERS)) {
        call_free(self, cpu, page, locker_of(self, cpu, op->mobility), false, finding);
    } else if (page != NULL) {
        free_properly(self, cpu, page, op->mobility == OP_VM_HOW_ZERO, finding);
    }
    vm_check_sums(self, finding);
}

/* --- states --- */

/* The call's result and rule, by the view; and the view after it. */
static bool predict_busy(struct vm_view_page *page, const struct pl_cpu *cpu, unsigned what,
                         const char **rule)
{
    uint32_t busy = page->busy;
    bool shared = (busy & FREEBSD_BUSY_SHARED) != 0;
    if (what == OP_VM_XBUSY && busy == FREEBSD_BUSY_UNBUSIED)
        page->busy = FREEBSD_BUSY_BY(cpu->id);
    else if (what == OP_VM_SBUSY && shared)
        page->busy += 8;
    else if (what == OP_VM_XUNBUSY && busy == FREEBSD_BUSY_BY(cpu->id))
        page->busy = FREEBSD_BUSY_UNBUSIED;
    else if (what == OP_VM_SUNBUSY && shared && busy != FREEBSD_BUSY_UNBUSIED)
        page->busy -= 8;
    if (what == OP_VM_XUNBUSY || what == OP_VM_SUNBUSY)
        *rule = page->busy == busy ? "2.6" : "";
    return page->busy != busy;
}

static bool call_state(struct vm_oracle *self, struct pl_cpu *cpu, struct freebsd_page *page, unsigned what)
{
    switch (what) {
    case OP_VM_XBUSY:
        return freebsd_page_try_xbusy(&self->vm, cpu, page);
    case OP_VM_SBUSY:
        return freebsd_page_try_sbusy(&self->vm, page);
    case OP_VM_XUNBUSY:
        return freebsd_page_xunbusy(&self->vm, cpu, page);
    case OP_VM_SUNBUSY:
        return freebsd_page_sunbusy(&self->vm, page);
    case OP_VM_WIRE:
        return freebsd_page_wire(&self->vm, page);
    case OP_VM_UNWIRE:
        return freebsd_page_unwire(&self->vm, cpu, page);
    case OP_VM_MAP:
        return freebsd_page_map(&self->vm, page);
    case OP_VM_UNMAP:
        return freebsd_page_unmap(&self->vm, page);
    default:
        page->valid = 0xff;
        page->dirty = 0xff;
        page->queue = FREEBSD_PQ_ACTIVE;
        return true;
    }
}

/* Wirings and mappings. `*gone`: the call frees the page. */
static bool predict_counts(struct vm_oracle *self, struct vm_view_page *page, unsigned what,
                           const char **rule, bool *gone)
{
    bool last = page->wires == 1 && page->object == NULL;
    if (what == OP_VM_WIRE) {
        page->wires++;
        self->wired++;
    } else if (what == OP_VM_UNWIRE && page->wires == 0) {
        *rule = "2.9";
    } else if (what == OP_VM_UNWIRE && last &&
               (page->busy != FREEBSD_BUSY_UNBUSIED || page->maps != 0 || page->nofree)) {
        *rule = "F-20";
    } else if (what == OP_VM_UNWIRE) {
        page->wires--;
        self->wired--;
        *gone = last;
    } else if (what == OP_VM_MAP && page->managed) {
        page->maps++;
    } else if (what == OP_VM_UNMAP && page->managed) {
        if (page->maps == 0)
            *rule = "2.9";
        else
            page->maps--;
    }
    return (*rule)[0] == '\0';
}

void vm_run_state(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct vm_view_page *page = vm_page_at(self, op);
    unsigned what = op->mobility % OP_VM_WHAT_COUNT;
    const char *rule = "";
    bool gone = false;
    if (page == NULL)
        return;
    struct vm_before before = vm_look(self, cpu);
    bool due = what <= OP_VM_SUNBUSY ? predict_busy(page, cpu, what, &rule)
                                     : predict_counts(self, page, what, &rule, &gone);
    bool done = call_state(self, cpu, page->page, what);
    (void)vm_check_trap(self, &before, rule, "F-20 F-10", finding);
    vm_check_no_sleep(self, cpu, &before, finding);
    if (!finding->found && done != due) {
        finding_set(finding, what <= OP_VM_SUNBUSY ? "F-9" : "F-10", due ? "it succeeds" : "it does not");
        finding_actual(finding, "returned %d; the busy word is 0x%" PRIx32, done, page->page->busy);
    }
    if (gone) {
        struct vm_view_slot *slot = vm_slot_of(self, page);
        check_gone(self, page, NULL, before.free_frames + frames_due(self, slot, page, before.node_pages),
                   finding);
        vm_view_forget(self, slot, page);
    } else {
        vm_check_page(self, page, finding);
    }
    vm_check_sets(self, &before, finding);
    vm_check_sums(self, finding);
}

/* --- objects --- */

/* A descriptor's class is SYSTEM; it needs a frame only where no page of descriptors has room. */
static void check_made(struct vm_oracle *self, const struct vm_before *before, bool roomy, bool may_fail,
                       bool made, struct finding *finding)
{
    uint64_t floor = self->node->machine->floors.system;
    uint64_t taken = made && !roomy ? 1 : 0;
    bool admitted = roomy || before->free_frames >= floor + 1;
    uint64_t to = vm_free_frames(self);
    bool wakes = before->free_frames >= self->thresholds.wakeup && to < self->thresholds.wakeup;
    if (finding->found)
        return;
    if ((made && !admitted) || (!made && admitted && !may_fail)) {
        finding_set(finding, made ? "F-3 F-3b F-7" : "F-3 F-3b F-17", "");
        finding_expected(finding, "%" PRIu64 " free, floor %" PRIu64 ": an object is %s", before->free_frames,
                         floor, admitted ? "made" : "not made");
        finding_actual(finding, "%s", made ? "made" : pl_status_name(self->vm.status));
    } else if (!made && self->vm.status != PL_NO_MEMORY) {
        finding_set(finding, "F-17 X-3", "no memory for an object is no-memory");
        finding_actual(finding, "%s", pl_status_name(self->vm.status));
    } else if (before->free_frames - to != taken) {
        finding_set(finding, "F-6 X-3", "");
        finding_expected(finding, "%" PRIu64 " frames are debited", taken);
        finding_actual(finding, "%" PRIu64, before->free_frames - to);
    } else if (self->vm.wakeups - before->wakeups != wakes || self->vm.deficit != before->deficit) {
        finding_set(finding, "F-25 F-26", "");
        finding_expected(finding, "%d wake-ups of the daemon, the deficit as it was", wakes);
        finding_actual(finding, "%" PRIu64 " wake-ups", self->vm.wakeups - before->wakeups);
    }
}

void vm_run_object(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct vm_view_object *object = vm_object_of(self, op);
    const struct slab *slab = &self->vm.objects;
    if (object->object != NULL)
        return;
    struct vm_before before = vm_look(self, cpu);
    uint32_t kind = op->mobility % 3u;
    bool roomy = slab->pages * slab->objects_per_page > slab->objects;
    bool may_fail = self->node->gate.fail_in != 0 || !(self->node->instance->caps & PL_CAP_ALL_FRAMES);
    struct freebsd_object *made = freebsd_object_new(&self->vm, cpu, (enum freebsd_object_kind)kind);
    (void)vm_check_trap(self, &before, "", "F-17", finding);
    vm_check_no_sleep(self, cpu, &before, finding);
    check_made(self, &before, roomy, may_fail, made != NULL, finding);
    vm_check_sets(self, &before, finding);
    if (made == NULL)
        return;
    *object = (struct vm_view_object){.object = made, .kind = kind, .quota = UINT64_MAX};
    /* So that an attribute is seen to be copied, and to be gone with the page. */
    made->attribute = kind;
}

/* Pages without wirings go, wired ones stay and are nobody's. */
static void end_object(struct vm_oracle *self, struct vm_view_object *object)
{
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        struct vm_view_slot *slot = &self->slots[i];
        for (unsigned j = 0, count = slot->count; j < count; j++) {
            struct vm_view_page *page = &slot->pages[j];
            if (!page->live || page->object != object)
                continue;
            if (page->wires == 0) {
                vm_view_forget(self, slot, page);
            } else {
                page->object->resident--;
                page->object = NULL;
            }
        }
    }
    *object = (struct vm_view_object){.ended = object->object};
}

/* Prepares the object's pages; false: one is never to be freed. Says whether one is in the way. */
static bool is_object_idle(struct vm_oracle *self, const struct vm_view_object *object, bool prepare,
                           bool *never)
{
    bool idle = true;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            struct vm_view_page *page = &self->slots[i].pages[j];
            if (!page->live || page->object != object)
                continue;
            *never = *never || page->nofree;
            while (prepare && page->maps > 0) {
                freebsd_page_unmap(&self->vm, page->page);
                page->maps--;
            }
            if (prepare)
                make_unbusied(self, page);
            idle = idle && page->maps == 0 && page->busy == FREEBSD_BUSY_UNBUSIED && !page->nofree;
        }
    }
    return idle;
}

/* Not an object: one that was ended, one beside an object's start, one that looks like ours. Whoever takes an
 * object's handle must trap it, and write nothing through it. */
static void use_wrongly(struct vm_oracle *self, struct pl_cpu *cpu, struct freebsd_object *wrong,
                        struct finding *finding)
{
    struct vm_before before = vm_look(self, cpu);
    bool taken = freebsd_object_lock(&self->vm, cpu, wrong);
    (void)vm_check_trap(self, &before, "2.3.1", "F-17 F-20 X-10", finding);
    uint64_t traps = self->services->trap.count;
    taken = freebsd_object_unlock(&self->vm, cpu, wrong) || taken;
    taken = freebsd_page_lookup(&self->vm, cpu, wrong, 0) != NULL || taken;
    taken = freebsd_page_alloc(&self->vm, cpu, wrong, 0, 0) != NULL || taken;
    taken = freebsd_page_alloc_contig(&self->vm, cpu, wrong, 0, 0, 1, &FREEBSD_ANYWHERE) != NULL || taken;
    taken = freebsd_object_free(&self->vm, cpu, wrong) || taken;
    if (finding->found ||
        (!taken && self->services->trap.count == traps + 5 && vm_free_frames(self) == before.free_frames))
        return;
    finding_set(finding, "F-17 F-20 X-10", "what is no object is trapped by each of the six calls");
    finding_actual(finding, "%" PRIu64 " traps, %s", self->services->trap.count - before.traps,
                   taken ? "and it was taken for one" : "and frames moved");
}

static void run_object_mistake(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op,
                               struct finding *finding)
{
    const struct vm_view_object *object = vm_object_of(self, op);
    struct freebsd_object *live = object->object;
    if (op->mobility == OP_VM_HOW_TWICE) {
        bool reused = object->ended == NULL;
        for (unsigned i = 0; i < VM_OBJECT_COUNT; i++)
            reused = reused || self->objects[i].object == object->ended;
        if (!reused)
            use_wrongly(self, cpu, object->ended, finding);
        return;
    }
    struct freebsd_object forged = {.locked = cpu->id + 1, .quota = UINT64_MAX};
    if (live != NULL)
        memcpy(&forged, live, sizeof(forged));
    forged.locked = cpu->id + 1;
    use_wrongly(self, cpu, &forged, finding);
    use_wrongly(self, cpu, NULL, finding);
    use_wrongly(self, cpu, (struct freebsd_object *)((uintptr_t)live + 8), finding);
}

void vm_run_object_free(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op,
                        struct finding *finding)
{
    struct vm_view_object *object = vm_object_of(self, op);
    bool raw = op->mobility == OP_VM_HOW_RAW;
    struct pl_cpu *locker = locker_of(self, cpu, op->mobility);
    bool locked = locker == cpu;
    bool never = false;
    if (op->mobility == OP_VM_HOW_TWICE || op->mobility == OP_VM_HOW_FOREIGN) {
        run_object_mistake(self, cpu, op, finding);
        return;
    }
    if (object->object == NULL)
        return;
    bool idle = is_object_idle(self, object, locked && !raw, &never);
    if (never && !raw && locked)
        return;
    struct vm_before before = vm_look(self, cpu);
    if (locker != NULL)
        freebsd_object_lock(&self->vm, locker, object->object);
    bool done = freebsd_object_free(&self->vm, cpu, object->object);
    (void)vm_check_trap(self, &before, !locked ? "2.3.1" : idle ? "" : "F-20", "F-20", finding);
    if (done)
        end_object(self, object);
    else if (locker != NULL)
        freebsd_object_unlock(&self->vm, locker, object->object);
    vm_check_no_sleep(self, cpu, &before, finding);
    if (!finding->found && !done && vm_free_frames(self) != before.free_frames) {
        finding_set(finding, "F-20 X-3", "a trapped call changes nothing");
        finding_actual(finding, "frames were freed");
    }
    vm_check_sets(self, &before, finding);
    vm_check_sums(self, finding);
}
