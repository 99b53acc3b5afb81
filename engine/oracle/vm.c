/* The FreeBSD oracle: makes the system, keeps the view in step with it, ends it. See vm_view.h; the
 * operations are in vm_alloc.c, vm_expect.c and vm_free.c, the walks in vm_audit.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oracle/vm_view.h"

/* --- life --- */

/* Section 2.5 once more, by hand: integer division, pages of 4096 bytes. */
static struct vm_thresholds thresholds_of(uint64_t frames)
{
    uint64_t extra = frames > 1024 ? 4 + (frames - 1024) / 200 : 4;
    uint64_t reserved = (frames < 2000 ? UINT64_C(8) : UINT64_C(32)) + 34 + frames / 768;
    return (struct vm_thresholds){
        .severe = reserved + extra / 2, .min = reserved + extra, .wakeup = (reserved + 4 * extra) / 10 * 9};
}

static void vm_fini(void *instance)
{
    struct vm_oracle *self = instance;
    free(self->memory);
    free(self);
}

static int vm_init(struct services *services, void **instance)
{
    struct vm_oracle *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return -1;
    self->services = services;
    self->node = &services->nodes[0];
    self->memory = calloc(1, freebsd_vm_bytes(self->node->machine));
    if (self->memory == NULL) {
        vm_fini(self);
        return -1;
    }
    freebsd_vm_init(&self->vm, self->memory, &self->node->gate, &services->trap);
    self->thresholds = thresholds_of(self->node->machine->frame_count);
    *instance = self;
    return 0;
}

static void vm_reset(void *instance)
{
    struct vm_oracle *self = instance;
    freebsd_vm_reset(&self->vm, self->services->contract);
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        self->slots[i].count = 0;
        self->slots[i].live = 0;
    }
    memset(self->objects, 0, sizeof(self->objects));
    self->bounds = FREEBSD_ANYWHERE;
    self->wired = 0;
    self->frames = 0;
    self->arena_left = 0;
    self->reclaimed = 0;
    self->stamps = 0;
    self->broken = false;
}

/* --- the view --- */

uint64_t vm_free_frames(const struct vm_oracle *self)
{
    return shadow_free_frames(self->node->shadow);
}

struct vm_before vm_look(const struct vm_oracle *self, const struct pl_cpu *cpu)
{
    return (struct vm_before){
        .free_frames = vm_free_frames(self),
        .node_pages = self->vm.nodes.pages,
        .object_pages = self->vm.objects.pages,
        .node_failures = self->vm.node_failures,
        .deficit = self->vm.deficit,
        .wakeups = self->vm.wakeups,
        .traps = self->services->trap.count,
        .gate_sleeps = self->node->gate.sleeps,
        .cpu_sleeps = cpu->sleeps,
        .injected = self->node->gate.injected,
        .daemon_freed = self->node->gate.pageout->freed,
        .in_min_set = self->vm.in_min_set,
        .in_severe_set = self->vm.in_severe_set,
    };
}

struct vm_view_object *vm_object_of(struct vm_oracle *self, const struct op *op)
{
    return &self->objects[op->other % VM_OBJECT_COUNT];
}

struct vm_view_page *vm_page_at(struct vm_oracle *self, const struct op *op)
{
    struct vm_view_slot *slot = &self->slots[op->slot % VM_SLOT_COUNT];
    if (slot->count == 0)
        return NULL;
    struct vm_view_page *page = &slot->pages[op->count % slot->count];
    return page->live ? page : NULL;
}

struct vm_view_slot *vm_slot_of(struct vm_oracle *self, const struct vm_view_page *page)
{
    size_t at = (size_t)((const unsigned char *)page - (const unsigned char *)self->slots);
    return &self->slots[at / sizeof(self->slots[0])];
}

void vm_view_forget(struct vm_oracle *self, struct vm_view_slot *slot, struct vm_view_page *page)
{
    if (page->object != NULL)
        page->object->resident--;
    self->wired -= page->wires;
    page->live = false;
    slot->live--;
    if (!page->in_run)
        self->frames--;
    else if (slot->live == 0)
        self->frames -= slot->count;
    if (slot->live == 0)
        slot->count = 0;
}

static bool may_be_reclaimed(const struct vm_view_page *page)
{
    return page->live && page->object != NULL && page->managed && page->wires == 0 && page->maps == 0 &&
           page->busy == FREEBSD_BUSY_UNBUSIED && !page->nofree;
}

bool vm_has_idle(const struct vm_oracle *self)
{
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            if (may_be_reclaimed(&self->slots[i].pages[j]))
                return true;
        }
    }
    return false;
}

void vm_resync(struct vm_oracle *self, struct finding *finding)
{
    if (self->reclaimed == self->vm.reclaimed || finding->found)
        return;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        struct vm_view_slot *slot = &self->slots[i];
        for (unsigned j = 0, count = slot->count; j < count; j++) {
            struct vm_view_page *page = &slot->pages[j];
            if (!may_be_reclaimed(page) ||
                freebsd_index_lookup(&page->object->object->index, page->pindex) == page->page)
                continue;
            vm_view_forget(self, slot, page);
            self->reclaimed++;
        }
    }
    if (self->reclaimed != self->vm.reclaimed) {
        finding_set(finding, "F-20 F-21", "");
        finding_expected(finding, "the page daemon took %" PRIu64 " idle pages so far", self->reclaimed);
        finding_actual(finding, "it says that it took %" PRIu64, self->vm.reclaimed);
    }
}

/* --- contents --- */

void vm_stamp(struct vm_oracle *self, struct vm_view_page *page)
{
    unsigned char *bytes = freebsd_page_bytes(&self->vm, page->page);
    page->stamp = (++self->stamps * UINT64_C(0x9e3779b97f4a7c15)) | 1;
    memcpy(bytes, &page->stamp, sizeof(page->stamp));
    memcpy(bytes + PL_FRAME_BYTES - sizeof(page->stamp), &page->stamp, sizeof(page->stamp));
}

bool vm_is_stamped(const struct vm_oracle *self, const struct vm_view_page *page)
{
    const unsigned char *bytes = freebsd_page_bytes(&self->vm, page->page);
    return memcmp(bytes, &page->stamp, sizeof(page->stamp)) == 0 &&
           memcmp(bytes + PL_FRAME_BYTES - sizeof(page->stamp), &page->stamp, sizeof(page->stamp)) == 0;
}

/* --- what is compared after operations --- */

void vm_check_page(struct vm_oracle *self, const struct vm_view_page *view, struct finding *finding)
{
    const struct freebsd_page *page = view->page;
    const struct freebsd_object *object = view->object == NULL ? NULL : view->object->object;
    uint32_t nodump = page->flags & FREEBSD_PG_NODUMP;
    (void)self;
    if (finding->found)
        return;
    if (page->busy != view->busy) {
        finding_set(finding, "F-9", "");
        finding_expected(finding, "busy word 0x%" PRIx32, view->busy);
        finding_actual(finding, "frame 0x%" PRIx64 ": 0x%" PRIx32, view->frame, page->busy);
    } else if (freebsd_page_wires(page) != view->wires) {
        finding_set(finding, "F-10", "");
        finding_expected(finding, "%" PRIu32 " wirings", view->wires);
        finding_actual(finding, "frame 0x%" PRIx64 ": %" PRIu32, view->frame, freebsd_page_wires(page));
    } else if ((nodump != 0) != view->nodump) {
        finding_set(finding, "F-13", "NODUMP is as this allocation asked for, whatever the last one did");
        finding_actual(finding, "frame 0x%" PRIx64 ": %s", view->frame, nodump ? "set" : "clear");
    } else if (page->object != object ||
               (page->ref & FREEBSD_REF_OBJECT) != (object ? FREEBSD_REF_OBJECT : 0)) {
        finding_set(finding, "F-15", "the page's object and reference word are those of its allocation");
        finding_actual(finding, "frame 0x%" PRIx64 ": object %s, reference 0x%" PRIx32, view->frame,
                       page->object == NULL ? "null" : "another", page->ref);
    } else if (page->pindex != (object == NULL ? FREEBSD_PINDEX_POISON : view->pindex) ||
               page->frame.number != view->frame) {
        finding_set(finding, "F-15", "the page's index and frame stay what they were");
        finding_actual(finding, "frame 0x%" PRIx64 ": index 0x%" PRIx64 ", frame 0x%" PRIx64, view->frame,
                       page->pindex, page->frame.number);
    } else if (page->maps != view->maps || freebsd_page_is_managed(page) != view->managed) {
        finding_set(finding, "F-14", "");
        finding_expected(finding, "%" PRIu32 " mappings, managed %d", view->maps, view->managed);
        finding_actual(finding, "%" PRIu32 " mappings, managed %d", page->maps,
                       freebsd_page_is_managed(page));
    }
}

void vm_check_sums(struct vm_oracle *self, struct finding *finding)
{
    if (finding->found)
        return;
    if (self->vm.wired != self->wired) {
        finding_set(finding, "F-10 F-21", "");
        finding_expected(finding, "%" PRIu64 " wirings in all", self->wired);
        finding_actual(finding, "the global counter says %" PRIu64, self->vm.wired);
        return;
    }
    for (unsigned i = 0; i < VM_OBJECT_COUNT; i++) {
        const struct vm_view_object *view = &self->objects[i];
        if (view->object == NULL)
            continue;
        if (view->object->locked != 0) {
            finding_set(finding, "F-17", "the object's lock is what it was before the call");
            finding_actual(finding, "o%u is locked by CPU %" PRIu32, i, view->object->locked - 1);
            return;
        }
        if (view->object->resident != view->resident || view->object->index.entries != view->resident) {
            finding_set(finding, "F-16 F-17 F-21", "");
            finding_expected(finding, "o%u has %" PRIu64 " pages", i, view->resident);
            finding_actual(finding, "resident %" PRIu64 ", index entries %" PRIu64, view->object->resident,
                           view->object->index.entries);
            return;
        }
    }
}

/* Is `rule` one of the words of `rules`? */
static bool is_among(const char *rules, const char *rule)
{
    size_t bytes = strlen(rule);
    for (const char *at = strstr(rules, rule); at != NULL; at = strstr(at + 1, rule)) {
        if ((at == rules || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0'))
            return true;
    }
    return false;
}

bool vm_check_trap(struct vm_oracle *self, const struct vm_before *before, const char *rules, const char *ids,
                   struct finding *finding)
{
    const struct trap *trap = &self->services->trap;
    bool trapped = trap->count != before->traps;
    if (finding->found || (!trapped && rules[0] == '\0') || (trapped && is_among(rules, trap->rule)))
        return trapped;
    finding_set(finding, ids, "");
    finding_expected(finding, "%s%s", rules[0] == '\0' ? "no trap" : "a trap by rule ", rules);
    finding_actual(finding, "%s", trapped ? trap->words : "none");
    return trapped;
}

static bool is_set_wrong(uint64_t from, uint64_t to, uint64_t threshold, bool was, bool is)
{
    bool fell = from >= threshold && to < threshold;
    bool rose = to > from && to >= threshold;
    if (is == (to < threshold))
        return false;
    return is != was || fell || rose;
}

void vm_check_sets(struct vm_oracle *self, const struct vm_before *before, struct finding *finding)
{
    const struct vm_thresholds *at = &self->thresholds;
    uint64_t from = before->free_frames;
    uint64_t to = vm_free_frames(self);
    if (finding->found ||
        (!is_set_wrong(from, to, at->min, before->in_min_set, self->vm.in_min_set) &&
         !is_set_wrong(from, to, at->severe, before->in_severe_set, self->vm.in_severe_set)))
        return;
    finding_set(finding, "F-25", "");
    finding_expected(finding,
                     "free went from %" PRIu64 " to %" PRIu64 ": the min set is for less than %" PRIu64
                     ", the severe set for less than %" PRIu64,
                     from, to, at->min, at->severe);
    finding_actual(finding, "min %d, severe %d", self->vm.in_min_set, self->vm.in_severe_set);
}

void vm_check_no_sleep(struct vm_oracle *self, const struct pl_cpu *cpu, const struct vm_before *before,
                       struct finding *finding)
{
    if (finding->found ||
        (self->node->gate.sleeps == before->gate_sleeps && cpu->sleeps == before->cpu_sleeps))
        return;
    finding_set(finding, "F-18 X-5", "a call without WAITOK and WAITFAIL does not sleep");
    finding_actual(finding, "it slept %" PRIu64 " times", self->node->gate.sleeps - before->gate_sleeps);
}

/* --- operations --- */

static void run_lookup(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    struct vm_view_object *object = vm_object_of(self, op);
    const struct freebsd_page *expected = NULL;
    if (object->object == NULL)
        return;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            const struct vm_view_page *page = &self->slots[i].pages[j];
            if (page->live && page->object == object && page->pindex == op->value)
                expected = page->page;
        }
    }
    freebsd_object_lock(&self->vm, cpu, object->object);
    const struct freebsd_page *found = freebsd_page_lookup(&self->vm, cpu, object->object, op->value);
    freebsd_object_unlock(&self->vm, cpu, object->object);
    if (found == expected)
        return;
    finding_set(finding, "F-15 F-21", expected == NULL ? "nobody at this index" : "the page filed there");
    finding_actual(finding, "%s", found == NULL ? "nobody" : "a page");
}

static void run_quota(struct vm_oracle *self, const struct op *op)
{
    struct vm_view_object *object = vm_object_of(self, op);
    if (object->object == NULL)
        return;
    object->quota = op->count == 0 ? UINT64_MAX : op->count;
    object->object->quota = object->quota;
}

static void run_bounds(struct vm_oracle *self, const struct op *op)
{
    uint64_t base = (self->node->machine->first.number + self->node->gate.frame_offset) * PL_FRAME_BYTES;
    bool wraps = op->value > UINT64_MAX - base;
    self->bounds.low = op->value == 0 ? 0 : wraps ? UINT64_MAX : base + op->value;
    self->bounds.high = op->extra == 0 ? UINT64_MAX : base + op->extra;
}

static void vm_run(void *instance, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct vm_oracle *self = instance;
    switch (op->kind) {
    case OP_VM_ALLOC:
    case OP_VM_NOOBJ:
    case OP_VM_RUN:
    case OP_VM_NOOBJ_RUN:
        vm_run_alloc(self, cpu, op, finding);
        break;
    case OP_VM_FREE:
        vm_run_free(self, cpu, op, finding);
        break;
    case OP_VM_STATE:
        vm_run_state(self, cpu, op, finding);
        break;
    case OP_VM_OBJECT:
        vm_run_object(self, cpu, op, finding);
        break;
    case OP_VM_OBJECT_FREE:
        vm_run_object_free(self, cpu, op, finding);
        break;
    case OP_VM_LOOKUP:
        run_lookup(self, cpu, op, finding);
        break;
    case OP_VM_QUOTA:
        run_quota(self, op);
        break;
    case OP_VM_BOUNDS:
        run_bounds(self, op);
        break;
    default:
        break;
    }
}

/* Others' waiting calls make the page daemon take our pages. */
static void vm_step(void *instance, struct finding *finding)
{
    struct vm_oracle *self = instance;
    vm_resync(self, finding);
    vm_check_sums(self, finding);
}

static void vm_audit_all(void *instance, struct finding *finding)
{
    struct vm_oracle *self = instance;
    vm_resync(self, finding);
    vm_audit(self, finding);
}

/* Properly, page by page; then the system itself, for what was promised never to be freed. */
static void vm_end(void *instance, struct pl_cpu *cpu, struct finding *finding)
{
    struct vm_oracle *self = instance;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count && !finding->found; j++) {
            struct op op = {.kind = OP_VM_FREE, .slot = i, .count = j, .mobility = OP_VM_HOW_PROPER};
            vm_run_free(self, cpu, &op, finding);
        }
    }
    if (finding->found)
        return;
    freebsd_vm_release(&self->vm, cpu);
    if (!finding->found && (self->vm.live != 0 || self->vm.wired != 0 || self->vm.nodes.pages != 0 ||
                            self->vm.objects.pages != 0)) {
        finding_set(finding, "X-4 F-2 F-21", "everything is released: no page, no wiring, no node");
        finding_actual(finding,
                       "%" PRIu64 " pages, %" PRIu64 " wirings, %" PRIu64 " pages of nodes, %" PRIu64
                       " of objects",
                       self->vm.live, self->vm.wired, self->vm.nodes.pages, self->vm.objects.pages);
    }
}

const struct oracle_ops oracle_vm = {
    .name = "vm",
    .init = vm_init,
    .fini = vm_fini,
    .reset = vm_reset,
    .run = vm_run,
    .step = vm_step,
    .audit = vm_audit_all,
    .end = vm_end,
};
