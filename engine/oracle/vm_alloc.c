/* The four allocation calls under the oracle: asks, compares with what was due, looks at each page returned
 * (2.6), and enters it in the view. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/oracle/vm_wish.h"

/* --- what is asked for --- */

static unsigned class_of(const struct vm_wish *wish)
{
    unsigned alloc_class = wish->req & 3u;
    if (alloc_class == 3)
        alloc_class = PL_CLASS_NORMAL; /* F-27, the real code's answer */
    return wish->daemon && alloc_class == PL_CLASS_NORMAL ? PL_CLASS_SYSTEM : alloc_class;
}

static uint32_t req_of(const struct op *op, bool run)
{
    uint32_t req = op_vm_mode_bits(op->mobility % OP_VM_MODE_COUNT);
    req |= op->flags & OP_VM_SYSTEM ? FREEBSD_ALLOC_SYSTEM : 0;
    req |= op->flags & OP_VM_INTERRUPT ? FREEBSD_ALLOC_INTERRUPT : 0;
    req |= op->flags & OP_VM_WIRED ? FREEBSD_ALLOC_WIRED : 0;
    req |= op->flags & OP_VM_ZERO ? FREEBSD_ALLOC_ZERO : 0;
    req |= op->flags & OP_VM_NODUMP ? FREEBSD_ALLOC_NODUMP : 0;
    return run ? req : req | FREEBSD_ALLOC_COUNT(op->count & FREEBSD_ALLOC_COUNT_MAX);
}

static struct vm_wish wish_of(struct vm_oracle *self, const struct op *op)
{
    const struct pl_floors *floors = &self->node->machine->floors;
    bool run = op->kind == OP_VM_RUN || op->kind == OP_VM_NOOBJ_RUN;
    bool noobj = op->kind == OP_VM_NOOBJ || op->kind == OP_VM_NOOBJ_RUN;
    struct vm_wish wish = {
        .object = noobj ? NULL : vm_object_of(self, op),
        .run = run,
        .pindex = noobj ? 0
                  : run ? op->order
                        : op->value,
        .frames = run ? op->count : 1,
        .bounds = self->bounds,
        .req = req_of(op, run),
        .daemon = (op->flags & OP_VM_DAEMON) != 0,
    };
    uint32_t hint = wish.req >> FREEBSD_ALLOC_COUNT_SHIFT;
    wish.bounds.alignment = op->value;
    wish.bounds.boundary = op->extra;
    wish.hint = hint > 1 ? hint : 1;
    wish.alloc_class = class_of(&wish);
    wish.floor = wish.alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
                 : wish.alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                                        : floors->normal;
    wish.arena = !run && wish.req & FREEBSD_ALLOC_NOFREE && self->arena_left > 0;
    return wish;
}

static struct freebsd_page *ask(struct vm_oracle *self, struct pl_cpu *cpu, const struct vm_wish *wish)
{
    struct freebsd_vm *vm = &self->vm;
    if (wish->object == NULL && wish->run)
        return freebsd_page_alloc_noobj_contig(vm, cpu, wish->req, wish->frames, &wish->bounds);
    if (wish->object == NULL)
        return freebsd_page_alloc_noobj(vm, cpu, wish->req);
    if (wish->run)
        return freebsd_page_alloc_contig(vm, cpu, wish->object->object, wish->pindex, wish->req, wish->frames,
                                         &wish->bounds);
    return freebsd_page_alloc(vm, cpu, wish->object->object, wish->pindex, wish->req);
}

/* The call as a thread of the page daemon or any other, the object locked. */
static void call(struct vm_oracle *self, struct pl_cpu *cpu, const struct vm_wish *wish,
                 const struct vm_before *before, struct vm_outcome *outcome, struct finding *finding)
{
    struct freebsd_object *object = wish->object == NULL ? NULL : wish->object->object;
    if (object != NULL)
        freebsd_object_lock(&self->vm, cpu, object);
    self->vm.daemon = wish->daemon;
    outcome->page = ask(self, cpu, wish);
    self->vm.daemon = false;
    outcome->status = outcome->page == NULL ? self->vm.status : PL_OK;
    outcome->slept = self->node->gate.sleeps - before->gate_sleeps;
    outcome->debit = before->free_frames - vm_free_frames(self) - (self->vm.nodes.pages - before->node_pages);
    if (object == NULL)
        return;
    if (object->locked != cpu->id + 1 && !finding->found) {
        finding_set(finding, "F-17", "the object is locked on return, as it was before");
        finding_actual(finding, object->locked == 0 ? "it is not locked" : "another CPU has it");
    }
    object->locked = 0;
}

/* --- the pages returned --- */

static uint32_t busy_due(const struct vm_wish *wish, const struct pl_cpu *cpu)
{
    if (wish->object == NULL || wish->req & FREEBSD_ALLOC_NOBUSY)
        return 0x1;
    return wish->req & FREEBSD_ALLOC_SBUSY ? 0x9 : FREEBSD_BUSY_BY(cpu->id);
}

static bool is_zero(const unsigned char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PL_FRAME_BYTES - 1) == 0;
}

static void check_contents(struct vm_oracle *self, const struct vm_wish *wish,
                           const struct freebsd_page *page, struct finding *finding)
{
    bool guaranteed = wish->object == NULL && wish->req & FREEBSD_ALLOC_ZERO;
    bool flagged = (page->flags & FREEBSD_PG_ZERO) != 0;
    if (finding->found || (!guaranteed && !flagged) || is_zero(freebsd_page_bytes(&self->vm, page)))
        return;
    finding_set(finding, flagged ? "F-11 F-12 X-9" : "F-12 X-9", "");
    finding_expected(finding, "%s: every byte is 0", flagged ? "PG_ZERO is set" : "no object, ZERO");
    finding_actual(finding, "frame 0x%" PRIx64 " is not zero", page->frame.number);
}

/* Only PG_ZERO comes from the frame; the rest is as the request says. */
static void check_fresh(struct vm_oracle *self, const struct vm_wish *wish, const struct freebsd_page *page,
                        struct finding *finding)
{
    bool cached = !(self->node->instance->caps & PL_CAP_EXACT_COUNT);
    unsigned free_to_be = FREEBSD_PG_ZERO | FREEBSD_PG_NODUMP | (cached ? FREEBSD_PG_PCPU_CACHE : 0u);
    unsigned due = wish->req & FREEBSD_ALLOC_NOFREE && !wish->run ? FREEBSD_PG_NOFREE : 0u;
    uint32_t kind = wish->object == NULL ? 0 : wish->object->kind;
    uint32_t attribute = kind == FREEBSD_OBJECT_FICTITIOUS ? 0 : kind;
    if (finding->found)
        return;
    if ((page->flags & ~free_to_be) != due || page->valid != 0 || page->dirty != 0 ||
        page->queue != FREEBSD_PQ_NONE || page->attribute != attribute) {
        finding_set(finding, "F-14", "");
        finding_expected(finding, "flags 0x%x beside ZERO and NODUMP, not valid, not dirty, on no queue",
                         due);
        finding_actual(finding, "flags 0x%x valid 0x%x dirty 0x%x queue %u attribute %u", page->flags,
                       page->valid, page->dirty, page->queue, page->attribute);
    }
}

static void check_filed(struct vm_oracle *self, struct pl_cpu *cpu, const struct vm_view_page *view,
                        struct finding *finding)
{
    if (finding->found || view->object == NULL)
        return;
    struct freebsd_object *object = view->object->object;
    freebsd_object_lock(&self->vm, cpu, object);
    const struct freebsd_page *found = freebsd_page_lookup(&self->vm, cpu, object, view->pindex);
    freebsd_object_unlock(&self->vm, cpu, object);
    if (found != view->page) {
        finding_set(finding, "F-15", "");
        finding_expected(finding, "lookup of index 0x%" PRIx64 " finds frame 0x%" PRIx64, view->pindex,
                         view->frame);
        finding_actual(finding, "%s", found == NULL ? "it finds nothing" : "it finds another page");
    }
}

static void check_placement(const struct vm_wish *wish, const struct freebsd_page *first,
                            struct finding *finding)
{
    const struct freebsd_bounds *bounds = &wish->bounds;
    uint64_t start = first->frame.number * PL_FRAME_BYTES;
    uint64_t last = start + (wish->frames * PL_FRAME_BYTES - 1);
    bool consecutive = true;
    if (finding->found || !wish->run)
        return;
    for (uint64_t i = 0; i < wish->frames; i++)
        consecutive = consecutive && first[i].frame.number == first->frame.number + i;
    if (consecutive && start % bounds->alignment == 0 && start >= bounds->low && last < bounds->high &&
        (bounds->boundary == 0 || start / bounds->boundary == last / bounds->boundary))
        return;
    finding_set(finding, "F-24", "");
    finding_expected(finding,
                     "consecutive, alignment 0x%" PRIx64 ", boundary 0x%" PRIx64 ", in [0x%" PRIx64
                     ", 0x%" PRIx64 ")",
                     bounds->alignment, bounds->boundary, bounds->low, bounds->high);
    finding_actual(finding, "bytes 0x%" PRIx64 " to 0x%" PRIx64 "%s", start, last,
                   consecutive ? "" : ", not consecutive");
}

/* No other live page of ours is this one. The shadow sees what passes the gate; pages of one arena block do
 * not. */
static void check_exclusive(const struct vm_oracle *self, const struct freebsd_page *page,
                            struct finding *finding)
{
    for (unsigned i = 0; i < VM_SLOT_COUNT && !finding->found; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            const struct vm_view_page *other = &self->slots[i].pages[j];
            if (other->live && other->page == page) {
                finding_set(finding, "F-1 X-2", "a page is given to one owner at a time");
                finding_actual(finding, "frame 0x%" PRIx64 " is in slot %u already", other->frame, i);
                return;
            }
        }
    }
}

static void enter_page(struct vm_oracle *self, struct pl_cpu *cpu, const struct vm_wish *wish,
                       struct vm_view_page *view, struct freebsd_page *page, uint64_t at)
{
    bool wired = (wish->req & FREEBSD_ALLOC_WIRED) != 0;
    *view = (struct vm_view_page){
        .page = page,
        .object = wish->object,
        .pindex = wish->pindex + at,
        .owner = wish->object == NULL ? 0 : wish->object->object->serial,
        .frame = page->frame.number,
        .busy = busy_due(wish, cpu),
        .wires = wired,
        .live = true,
        .managed = wish->object != NULL && wish->object->kind != FREEBSD_OBJECT_UNMANAGED,
        .nodump = (wish->req & FREEBSD_ALLOC_NODUMP) != 0,
        .nofree = wish->req & FREEBSD_ALLOC_NOFREE && !wish->run,
        .in_run = page->run_leader != NULL,
    };
    self->wired += wired;
    if (wish->object != NULL)
        wish->object->resident++;
}

/* The arena's own book: a block of eight frames when it had none, or a frame as anybody's. */
static void enter_frames(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_outcome *outcome)
{
    bool imported = !wish->run && wish->req & FREEBSD_ALLOC_NOFREE && !wish->arena &&
                    outcome->page->run_frames == UINT32_MAX;
    if (wish->arena) {
        self->arena_left--;
    } else if (imported) {
        self->frames += UINT64_C(1) << FREEBSD_NOFREE_ORDER;
        self->arena_left = (UINT64_C(1) << FREEBSD_NOFREE_ORDER) - 1;
    } else {
        self->frames += wish->frames;
    }
}

static void receive(struct vm_oracle *self, struct pl_cpu *cpu, const struct vm_wish *wish,
                    const struct vm_outcome *outcome, struct vm_view_slot *slot, struct finding *finding)
{
    check_placement(wish, outcome->page, finding);
    for (uint64_t i = 0; i < wish->frames; i++) {
        struct freebsd_page *page = &outcome->page[i];
        if (page->run_frames == UINT32_MAX) /* carved from the arena */
            check_exclusive(self, page, finding);
        check_contents(self, wish, page, finding);
        check_fresh(self, wish, page, finding);
    }
    enter_frames(self, wish, outcome);
    slot->count = (uint32_t)wish->frames;
    slot->live = slot->count;
    for (uint64_t i = 0; i < wish->frames && !finding->found; i++) {
        struct vm_view_page *view = &slot->pages[i];
        enter_page(self, cpu, wish, view, &outcome->page[i], i);
        vm_check_page(self, view, finding);
        check_filed(self, cpu, view, finding);
        vm_stamp(self, view);
    }
}

/* --- the operation --- */

/* Which promise it is that an illegal request be trapped. */
static const char *ids_of(const char *rules, const struct vm_wish *wish)
{
    if ((wish->req & 3u) == 3u)
        return "F-27";
    if (strstr(rules, "2.3.2") != NULL)
        return "F-16";
    return strstr(rules, "2.3.3") != NULL ? "F-24" : "F-9 F-17";
}

static void log_outcome(const struct vm_oracle *self, const struct vm_outcome *outcome)
{
    FILE *log = self->services->log;
    if (log == NULL)
        return;
    if (outcome->page != NULL)
        fprintf(log, "      -> frame 0x%" PRIx64 "\n", outcome->page->frame.number);
    else if (outcome->due == VM_DUE_TRAP)
        fprintf(log, "      -> trap: %s\n", self->services->trap.words);
    else
        fprintf(log, "      -> %s\n", pl_status_name(outcome->status));
}

/* A waiting call gives up only when nothing can be freed any more and what is free does not suffice; and who
 * sleeps lets the page daemon work. Called when what the daemon took is accounted for. */
static void check_wait(const struct vm_oracle *self, const struct vm_wish *wish,
                       const struct vm_before *before, const struct vm_outcome *outcome,
                       struct finding *finding)
{
    uint64_t free_frames = vm_free_frames(self);
    bool for_ever = outcome->status == PL_WOULD_SLEEP;
    bool enough = !wish->run && free_frames >= wish->floor + wish->frames &&
                  self->node->instance->caps & PL_CAP_ALL_FRAMES &&
                  self->node->gate.injected == before->injected;
    if (finding->found || outcome->page != NULL || outcome->slept == 0)
        return;
    if (for_ever && enough) {
        finding_set(finding, "F-19 F-3", "a call that waits is granted once a frame came free");
        finding_actual(finding, "%s, with %" PRIu64 " frames free", pl_status_name(outcome->status),
                       free_frames);
    } else if ((for_ever || self->node->gate.pageout->freed == before->daemon_freed) && vm_has_idle(self)) {
        finding_set(finding, "F-19 F-20", "a sleep lasts until the page daemon took an idle page");
        finding_actual(finding, "%s, and there is one that it left", pl_status_name(outcome->status));
    }
}

void vm_run_alloc(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct vm_view_slot *slot = &self->slots[op->slot % VM_SLOT_COUNT];
    struct vm_wish wish = wish_of(self, op);
    struct vm_outcome outcome;
    char rules[64];
    if (slot->count != 0 || (wish.object != NULL && wish.object->object == NULL) ||
        (wish.frames > VM_RUN_LIMIT && wish.frames <= self->node->machine->frame_count))
        return;
    struct vm_before before = vm_look(self, cpu);
    vm_broken_rules(self, &wish, cpu, rules);
    outcome.due = vm_due_of(self, &wish, rules);
    call(self, cpu, &wish, &before, &outcome, finding);
    log_outcome(self, &outcome);
    (void)vm_check_trap(self, &before, rules, ids_of(rules, &wish), finding);
    vm_check_sleep(self, &wish, cpu, &before, &outcome, finding);
    vm_check_admission(self, &wish, &before, &outcome, finding);
    vm_check_effects(self, &wish, &before, &outcome, finding);
    vm_resync(self, finding);
    check_wait(self, &wish, &before, &outcome, finding);
    if (outcome.page != NULL && !finding->found)
        receive(self, cpu, &wish, &outcome, slot, finding);
    vm_check_sets(self, &before, finding);
    vm_check_sums(self, finding);
}
