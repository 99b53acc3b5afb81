/* Release: the preconditions of 2.9, each one trapped, and the way of a frame back. See vm.h. */
#include <pagelab/check.h>

#include "systems/freebsd/vm_internal.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

void vm_page_remove(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    struct freebsd_object *object = page->object;
    if (!LIE("F-21")) {
        freebsd_index_remove(&object->index, &vm->nodes, cpu, page);
        object->resident--;
        vm_count_rose(vm); /* an index node, and a page of them, may have gone back */
    }
    page->object = NULL;
    page->pindex = FREEBSD_PINDEX_POISON;
    page->ref &= ~FREEBSD_REF_OBJECT;
}

static void unlist(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (page->previous == NULL)
        vm->oldest = page->next;
    else
        page->previous->next = page->next;
    if (page->next == NULL)
        vm->newest = page->previous;
    else
        page->next->previous = page->previous;
    vm->live--;
}

/* What goes back when this page does: its frame, the run that it was the last of, or nothing yet. */
static bool run_of(struct freebsd_page *page, struct pl_run *run)
{
    struct freebsd_page *leader = page->run_leader;
    *run = (struct pl_run){.first = page->frame, .frame_count = 1};
    if (leader == NULL) {
        run->flags = (page->flags & FREEBSD_PG_ZERO ? PL_RUN_ZERO : 0u) |
                     (page->flags & FREEBSD_PG_PCPU_CACHE ? PL_RUN_FROM_CACHE : 0u);
        return true;
    }
    page->run_leader = NULL;
    if (--leader->run_left != 0)
        return false;
    run->first = leader->frame;
    run->frame_count = leader->run_frames;
    run->order = PL_ORDER_NONE;
    if ((leader->run_frames & (leader->run_frames - 1)) == 0)
        run->order = PL_CTZ64(leader->run_frames);
    return true;
}

void vm_page_release(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    struct pl_run run;
    unlist(vm, page);
    bool carved = page->run_frames == FREEBSD_RUN_CARVED;
    page->busy = FREEBSD_BUSY_FREED;
    if (PL_MUTANT("freebsd-freed-unbusied")) {
        PL_MUTANT_TRIGGERED("freebsd-freed-unbusied", true);
        page->busy = FREEBSD_BUSY_UNBUSIED;
    }
    page->queue = FREEBSD_PQ_NONE;
    page->attribute = 0;
    page->maps = 0;
    if (!LIE("F-14")) {
        page->valid = 0;
        page->dirty = 0;
    }
    if (carved)
        vm_uncarve(vm, cpu); /* only a failed call and the end give such a page back */
    if (carved || !run_of(page, &run))
        return;
    struct pl_page to = gate_page(vm->gate);
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    PL_ASSERT(status == PL_OK);
    (void)status;
    vm_count_rose(vm);
}

/* The busy state and the lock that a page must have to be freed. */
static bool is_held_right(struct freebsd_vm *vm, const struct pl_cpu *cpu, const struct freebsd_page *page)
{
    if (page->object == NULL) {
        if (page->busy == FREEBSD_BUSY_UNBUSIED)
            return true;
        trap_take(vm->trap, "vm_page_free", "F-20", "a page of no object that is busy");
        return false;
    }
    if (!vm_object_is_locked(vm, cpu, page->object, "vm_page_free"))
        return false;
    if (page->busy == FREEBSD_BUSY_BY(cpu->id))
        return true;
    trap_take(vm->trap, "vm_page_free", "F-20", "a page that the caller has not busied exclusively");
    return false;
}

static bool free_with(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page, bool zero)
{
    if (!vm_page_is_ours(vm, page, "vm_page_free", "F-20"))
        return false;
    if (freebsd_page_wires(page) != 0 && !LIE("F-20")) {
        trap_take(vm->trap, "vm_page_free", "F-20", "page has references");
        return false;
    }
    if (page->maps != 0 && PL_MUTANT("freebsd-free-mapped")) {
        PL_MUTANT_TRIGGERED("freebsd-free-mapped", true);
    } else if (page->maps != 0) {
        trap_take(vm->trap, "vm_page_free", "F-20", "page is mapped");
        return false;
    }
    if (page->flags & FREEBSD_PG_NOFREE) {
        trap_take(vm->trap, "vm_page_free", "F-20", "page was promised never to be freed");
        return false;
    }
    if (!is_held_right(vm, cpu, page))
        return false;
    page->flags &= (uint16_t)~FREEBSD_PG_ZERO;
    if (zero)
        page->flags |= FREEBSD_PG_ZERO;
    if (page->object != NULL)
        vm_page_remove(vm, cpu, page);
    vm_page_release(vm, cpu, page);
    vm->status = PL_OK;
    return true;
}

bool freebsd_page_free(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    return free_with(vm, cpu, page, false);
}

bool freebsd_page_free_zero(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    return free_with(vm, cpu, page, true);
}

/* --- what the page daemon may take: pages of objects that nobody uses, oldest first --- */

static bool is_idle(const struct freebsd_page *page)
{
    return page->object != NULL && page->object->locked == 0 && freebsd_page_is_managed(page) &&
           freebsd_page_wires(page) == 0 && page->maps == 0 && page->busy == FREEBSD_BUSY_UNBUSIED &&
           !(page->flags & FREEBSD_PG_NOFREE);
}

uint64_t vm_reclaim(void *client, struct pl_cpu *cpu, uint64_t wanted)
{
    struct freebsd_vm *vm = client;
    struct freebsd_page *next;
    uint64_t before = gate_free_frames(vm->gate);
    uint64_t freed = 0;
    for (struct freebsd_page *page = vm->oldest; page != NULL && freed < wanted; page = next) {
        next = page->next;
        if (!is_idle(page))
            continue;
        page->flags &= (uint16_t)~FREEBSD_PG_ZERO;
        vm_page_remove(vm, cpu, page);
        vm_page_release(vm, cpu, page);
        vm->reclaimed++;
        freed = gate_free_frames(vm->gate) - before;
    }
    return freed;
}
