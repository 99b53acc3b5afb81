/* vm-alloc-*, vm-noobj-*: FreeBSD's vm_page_alloc of one page and its free, by class, for an object and for
 * none. The object has pages in 16 nodes of its index already, so that a page more takes no node: what is
 * timed is the frame and the filing of it. */
#include "bench/workloads/stand.h"
#include "systems/freebsd/vm.h"

#define NODES UINT64_C(16) /* of the index, with room for a page more in each */

struct vm_alloc {
    struct stand stand;
    struct freebsd_vm vm;
    struct freebsd_object *object;
    uint32_t req;
};

static bool fill_object(struct cell *cell, struct vm_alloc *bench)
{
    struct freebsd_vm *vm = &bench->vm;
    struct pl_cpu *cpu = bench->stand.cpu;
    bench->object = freebsd_object_new(vm, cpu, FREEBSD_OBJECT_MANAGED);
    if (bench->object == NULL || !freebsd_object_lock(vm, cpu, bench->object))
        return stand_cannot(cell, &bench->stand, "no memory for an object");
    /* A node stands where two pages part. */
    for (uint64_t i = 0; i < NODES * FREEBSD_INDEX_WIDTH; i++) {
        if (i % FREEBSD_INDEX_WIDTH < 2 &&
            freebsd_page_alloc(vm, cpu, bench->object, i, FREEBSD_ALLOC_NORMAL) == NULL)
            return stand_cannot(cell, &bench->stand, "no memory for the object's pages");
    }
    return true;
}

static bool vm_alloc_prepare(struct cell *cell)
{
    struct vm_alloc *bench = stand_new(cell, sizeof(*bench), freebsd_vm_bytes(cell->machine));
    if (bench == NULL)
        return false;
    bench->req = cell->workload->choice;
    freebsd_vm_init(&bench->vm, bench->stand.memory, &bench->stand.gate, &bench->stand.trap);
    freebsd_vm_reset(&bench->vm, CONTRACT_DOC);
    return fill_object(cell, bench) && stand_ready(cell, &bench->stand);
}

static void vm_alloc_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct vm_alloc *bench = cell->shared;
    struct freebsd_vm *vm = &bench->vm;
    uint64_t pindex = 2;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct freebsd_page *page =
            freebsd_page_alloc(vm, bench->stand.cpu, bench->object, pindex, bench->req);
        failures += page == NULL || !freebsd_page_free(vm, bench->stand.cpu, page);
        pindex = (pindex + FREEBSD_INDEX_WIDTH) % (NODES * FREEBSD_INDEX_WIDTH);
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

static void vm_noobj_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct vm_alloc *bench = cell->shared;
    struct freebsd_vm *vm = &bench->vm;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct freebsd_page *page = freebsd_page_alloc_noobj(vm, bench->stand.cpu, bench->req);
        failures += page == NULL || !freebsd_page_free(vm, bench->stand.cpu, page);
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

#define OF_CLASS(NAME, SUMMARY, BODY, CHOICE)                                                                \
    {.name = NAME,                                                                                           \
     .summary = SUMMARY,                                                                                     \
     .section = SECTION_SYSTEMS,                                                                             \
     .needs_contents = true,                                                                                 \
     .memory_bytes = STAND_MACHINE_BYTES,                                                                    \
     .choice = CHOICE,                                                                                       \
     .prepare = vm_alloc_prepare,                                                                            \
     .body = BODY,                                                                                           \
     .drop = stand_drop}

#define OBJECT_WORDS "FreeBSD: vm_page_alloc for an object, and vm_page_free; class "
#define NOOBJ_WORDS  "FreeBSD: vm_page_alloc_noobj and vm_page_free; class "

const struct workload workloads_vm_alloc[WORKLOADS_VM_ALLOC] = {
    OF_CLASS("vm-alloc-normal", OBJECT_WORDS "NORMAL", vm_alloc_body, FREEBSD_ALLOC_NORMAL),
    OF_CLASS("vm-alloc-system", OBJECT_WORDS "SYSTEM", vm_alloc_body, FREEBSD_ALLOC_SYSTEM),
    OF_CLASS("vm-alloc-interrupt", OBJECT_WORDS "INTERRUPT", vm_alloc_body, FREEBSD_ALLOC_INTERRUPT),
    OF_CLASS("vm-noobj-normal", NOOBJ_WORDS "NORMAL", vm_noobj_body, FREEBSD_ALLOC_NORMAL),
    OF_CLASS("vm-noobj-system", NOOBJ_WORDS "SYSTEM", vm_noobj_body, FREEBSD_ALLOC_SYSTEM),
    OF_CLASS("vm-noobj-interrupt", NOOBJ_WORDS "INTERRUPT", vm_noobj_body, FREEBSD_ALLOC_INTERRUPT),
};
