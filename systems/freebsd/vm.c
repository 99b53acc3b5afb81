/* Life of the system, objects, lookups; see vm.h. */
#include "systems/freebsd/vm.h"

#include <pagelab/check.h>

#include <string.h>

#include "systems/freebsd/vm_internal.h"
#include "systems/lie.h"

/* --- life --- */

size_t freebsd_vm_bytes(const struct pl_machine *machine)
{
    return (size_t)machine->span * sizeof(struct freebsd_page);
}

void freebsd_vm_init(struct freebsd_vm *vm, void *memory, struct gate *gate, struct trap *trap)
{
    memset(vm, 0, sizeof(*vm));
    vm->gate = gate;
    vm->trap = trap;
    vm->pages = memory;
    vm->reserve = freebsd_reserve_of(gate->machine->frame_count);
}

/* Pages are not touched: the epoch makes them as if all zero when they are used next. */
void freebsd_vm_reset(struct freebsd_vm *vm, enum contract contract)
{
    struct freebsd_vm fresh = {
        .gate = vm->gate,
        .trap = vm->trap,
        .contract = contract,
        .pages = vm->pages,
        .epoch = vm->epoch + 1,
        .reserve = vm->reserve,
    };
    *vm = fresh;
    slab_init(&vm->nodes, vm->gate, sizeof(struct freebsd_index_node));
    slab_init(&vm->objects, vm->gate, sizeof(struct freebsd_object));
    if (vm->gate->pageout != NULL)
        pageout_join(vm->gate->pageout, vm_reclaim, vm);
}

static void drop_object(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object)
{
    if (object->previous == NULL)
        vm->first_object = object->next;
    else
        object->previous->next = object->next;
    if (object->next != NULL)
        object->next->previous = object->previous;
    if (!LIE("X-4"))
        slab_put(&vm->objects, cpu, object);
    vm_count_rose(vm);
}

void freebsd_vm_release(struct freebsd_vm *vm, struct pl_cpu *cpu)
{
    struct freebsd_page *next;
    for (struct freebsd_page *page = vm->oldest; page != NULL; page = next) {
        next = page->next;
        if (page->object != NULL)
            vm_page_remove(vm, cpu, page);
        vm->wired -= freebsd_page_wires(page);
        page->ref = 0;
        vm_page_release(vm, cpu, page);
    }
    PL_ASSERT(vm->arena == NULL); /* its pages were among those */
    while (vm->first_object != NULL)
        drop_object(vm, cpu, vm->first_object);
}

/* --- objects --- */

struct freebsd_object *freebsd_object_new(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                          enum freebsd_object_kind kind)
{
    struct pl_request request = {
        .alloc_class = vm_class_of(vm, freebsd_malloc_to_alloc(vm->trap, FREEBSD_M_NOWAIT)),
        .node = PL_NODE_ANY,
    };
    uint64_t before = gate_free_frames(vm->gate);
    struct freebsd_object *object = slab_get(&vm->objects, cpu, &request, &vm->status);
    if (object == NULL)
        return NULL;
    vm_count_fell(vm, before);
    object->kind = (uint32_t)kind;
    object->quota = UINT64_MAX;
    object->serial = ++vm->serials;
    object->next = vm->first_object;
    if (object->next != NULL)
        object->next->previous = object;
    vm->first_object = object;
    return object;
}

/* Handles are compared with those given out before anything is read through one: a forged pointer, a foreign
 * one and one that was ended are all no object of ours. */
static bool is_object(const struct freebsd_vm *vm, const struct freebsd_object *object)
{
    const struct freebsd_object *known = vm->first_object;
    while (known != NULL && known != object)
        known = known->next;
    return known != NULL;
}

bool vm_object_is_locked(struct freebsd_vm *vm, const struct pl_cpu *cpu, const struct freebsd_object *object,
                         const char *call)
{
    vm->status = PL_INVALID;
    if (!is_object(vm, object)) {
        trap_take(vm->trap, call, "2.3.1", "no such object");
        return false;
    }
    if (object->locked != cpu->id + 1) {
        trap_take(vm->trap, call, "2.3.1", "the object is not locked by its caller");
        return false;
    }
    return true;
}

bool freebsd_object_lock(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object)
{
    vm->status = PL_INVALID;
    if (!is_object(vm, object) || object->locked != 0) {
        trap_take(vm->trap, "vm_object_lock", "2.3.1", "no such object, or it is locked already");
        return false;
    }
    object->locked = cpu->id + 1;
    return true;
}

bool freebsd_object_unlock(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object)
{
    if (!vm_object_is_locked(vm, cpu, object, "vm_object_unlock"))
        return false;
    object->locked = 0;
    return true;
}

static bool may_end(struct freebsd_vm *vm, const struct freebsd_object *object)
{
    for (const struct freebsd_page *page = vm->oldest; page != NULL; page = page->next) {
        if (page->object != object)
            continue;
        if (page->busy != FREEBSD_BUSY_UNBUSIED || page->maps != 0 || page->flags & FREEBSD_PG_NOFREE) {
            trap_take(vm->trap, "vm_object_terminate", "F-20",
                      "page %llx is busy, mapped or never to be freed", (unsigned long long)page->pindex);
            return false;
        }
    }
    return true;
}

bool freebsd_object_free(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object)
{
    struct freebsd_page *next;
    if (!vm_object_is_locked(vm, cpu, object, "vm_object_terminate") || !may_end(vm, object))
        return false;
    for (struct freebsd_page *page = vm->oldest; page != NULL; page = next) {
        next = page->next;
        if (page->object != object)
            continue;
        vm_page_remove(vm, cpu, page);
        if (page->ref == 0)
            vm_page_release(vm, cpu, page);
    }
    PL_ASSERT(object->index.root == 0);
    drop_object(vm, cpu, object);
    return true;
}

struct freebsd_page *freebsd_page_lookup(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                         struct freebsd_object *object, uint64_t pindex)
{
    if (!vm_object_is_locked(vm, cpu, object, "vm_page_lookup"))
        return NULL;
    vm->status = PL_OK;
    return freebsd_index_lookup(&object->index, LIE("F-15") ? pindex ^ 1 : pindex);
}
