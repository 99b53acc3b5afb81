/* The array of pages, and what changes the state of an allocated one: wiring, busying, mapping. See vm.h. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/freebsd/vm_internal.h"
#include "systems/lie.h"

struct freebsd_page *vm_page_of(struct freebsd_vm *vm, pl_frame frame)
{
    uint64_t at = frame.number - vm->gate->frame_offset - vm->gate->machine->first.number;
    PL_ASSERT(at < vm->gate->machine->span);
    struct freebsd_page *page = &vm->pages[at];
    if (page->epoch != vm->epoch) {
        memset(page, 0, sizeof(*page));
        page->epoch = vm->epoch;
        page->frame = frame;
        page->busy = FREEBSD_BUSY_FREED;
    }
    return page;
}

bool freebsd_page_is_live(const struct freebsd_vm *vm, const struct freebsd_page *page)
{
    uintptr_t at = (uintptr_t)page - (uintptr_t)vm->pages;
    if (at / sizeof(*page) >= vm->gate->machine->span || at % sizeof(*page) != 0)
        return false;
    return page->epoch == vm->epoch && page->busy != FREEBSD_BUSY_FREED;
}

bool vm_page_is_ours(struct freebsd_vm *vm, const struct freebsd_page *page, const char *call,
                     const char *rule)
{
    vm->status = PL_INVALID;
    if (freebsd_page_is_live(vm, page))
        return true;
    trap_take(vm->trap, call, rule, "not an allocated page");
    return false;
}

void vm_page_enlist(struct freebsd_vm *vm, struct freebsd_page *page)
{
    page->next = NULL;
    page->previous = vm->newest;
    if (vm->newest == NULL)
        vm->oldest = page;
    else
        vm->newest->next = page;
    vm->newest = page;
    vm->live++;
}

/* --- wiring --- */

bool freebsd_page_wire(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "vm_page_wire", "2.9"))
        return false;
    if (freebsd_page_wires(page) == FREEBSD_REF_WIRES) {
        trap_take(vm->trap, "vm_page_wire", "2.9", "too many wirings");
        return false;
    }
    page->ref++;
    vm->wired++;
    return true;
}

/* The last wiring of a page of no object: the page will be freed, so it must be free to go. */
static bool may_end_unwired(struct freebsd_vm *vm, const struct freebsd_page *page)
{
    if (page->busy == FREEBSD_BUSY_UNBUSIED && page->maps == 0 && !(page->flags & FREEBSD_PG_NOFREE))
        return true;
    trap_take(vm->trap, "vm_page_unwire", "F-20",
              "the last wiring of a page that is busy, mapped or never to be freed");
    return false;
}

bool freebsd_page_unwire(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "vm_page_unwire", "2.9"))
        return false;
    if (freebsd_page_wires(page) == 0) {
        trap_take(vm->trap, "vm_page_unwire", "2.9", "page %llx is not wired",
                  (unsigned long long)page->frame.number);
        return false;
    }
    bool last = page->ref == 1;
    if (last && !may_end_unwired(vm, page))
        return false;
    page->ref--;
    vm->wired--;
    if (last) {
        page->flags &= (uint16_t)~FREEBSD_PG_ZERO;
        vm_page_release(vm, cpu, page);
    }
    return true;
}

/* --- busying --- */

bool freebsd_page_try_xbusy(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    vm->status = PL_REFUSED;
    if (!freebsd_page_is_live(vm, page) || page->busy != FREEBSD_BUSY_UNBUSIED)
        return false;
    page->busy = FREEBSD_BUSY_BY(cpu->id);
    return true;
}

bool freebsd_page_try_sbusy(struct freebsd_vm *vm, struct freebsd_page *page)
{
    vm->status = PL_REFUSED;
    if (!freebsd_page_is_live(vm, page) || (page->busy & FREEBSD_BUSY_SHARED) == 0)
        return false;
    page->busy += FREEBSD_BUSY_SHARERS(1) - FREEBSD_BUSY_SHARED;
    return true;
}

bool freebsd_page_xunbusy(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "vm_page_xunbusy", "2.6"))
        return false;
    if (page->busy != FREEBSD_BUSY_BY(cpu->id)) {
        trap_take(vm->trap, "vm_page_xunbusy", "2.6", "the caller has not busied it");
        return false;
    }
    page->busy = FREEBSD_BUSY_UNBUSIED;
    return true;
}

bool freebsd_page_sunbusy(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "vm_page_sunbusy", "2.6"))
        return false;
    if ((page->busy & FREEBSD_BUSY_SHARED) == 0 || page->busy == FREEBSD_BUSY_UNBUSIED) {
        trap_take(vm->trap, "vm_page_sunbusy", "2.6", "nobody shares it");
        return false;
    }
    page->busy -= FREEBSD_BUSY_SHARERS(1) - FREEBSD_BUSY_SHARED;
    return true;
}

/* --- mapping --- */

bool freebsd_page_map(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "pmap_enter", "2.9"))
        return false;
    if (freebsd_page_is_managed(page))
        page->maps++;
    return true;
}

bool freebsd_page_unmap(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (!vm_page_is_ours(vm, page, "pmap_remove", "2.9"))
        return false;
    if (!freebsd_page_is_managed(page))
        return true;
    if (page->maps == 0) {
        trap_take(vm->trap, "pmap_remove", "2.9", "page %llx is not mapped",
                  (unsigned long long)page->frame.number);
        return false;
    }
    page->maps--;
    return true;
}
