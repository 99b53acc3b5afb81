/* The four allocation calls: preconditions, a frame, the state of 2.6, the index. See vm.h. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/freebsd/vm_internal.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

/* What is asked for, once the words of it are known to be legal. */
struct wanted {
    const char *call;
    struct freebsd_object *object; /* NULL: the no-object forms */
    uint64_t pindex;
    uint64_t frame_count;
    const struct freebsd_bounds *bounds; /* NULL: one page */
    uint32_t req;
};

/* --- the state of the page returned (2.6) --- */

static uint32_t busy_of(const struct wanted *wanted, const struct pl_cpu *cpu)
{
    uint32_t req = LIE("F-9") ? wanted->req & ~FREEBSD_ALLOC_SBUSY : wanted->req;
    if (wanted->object == NULL || req & FREEBSD_ALLOC_NOBUSY)
        return FREEBSD_BUSY_UNBUSIED;
    return req & FREEBSD_ALLOC_SBUSY ? FREEBSD_BUSY_SHARERS(1) : FREEBSD_BUSY_BY(cpu->id);
}

static void set_up(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct wanted *wanted,
                   struct freebsd_page *page, uint64_t at)
{
    struct freebsd_object *object = wanted->object;
    bool unmanaged = object == NULL || object->kind == FREEBSD_OBJECT_UNMANAGED;
    bool attributed = object != NULL && object->kind != FREEBSD_OBJECT_FICTITIOUS;
    bool wired = (wanted->req & FREEBSD_ALLOC_WIRED) != 0;
    page->object = object;
    page->pindex = object == NULL ? FREEBSD_PINDEX_POISON : wanted->pindex + at;
    page->busy = busy_of(wanted, cpu);
    page->ref = (object == NULL ? 0 : FREEBSD_REF_OBJECT) | (wired && !LIE("F-10") ? 1u : 0u);
    page->oflags = unmanaged ? FREEBSD_VPO_UNMANAGED : 0;
    page->attribute = attributed ? (uint8_t)object->attribute : 0;
    page->maps = 0;
    page->queue = FREEBSD_PQ_NONE;
    if (!LIE("F-14")) {
        page->valid = 0;
        page->dirty = 0;
    }
    if (wanted->req & FREEBSD_ALLOC_NODUMP)
        page->flags |= FREEBSD_PG_NODUMP;
    if (wanted->req & FREEBSD_ALLOC_NOFREE && wanted->bounds == NULL && PL_MUTANT("freebsd-nofree-unnoted"))
        PL_MUTANT_TRIGGERED("freebsd-nofree-unnoted", true);
    else if (wanted->req & FREEBSD_ALLOC_NOFREE && wanted->bounds == NULL)
        page->flags |= FREEBSD_PG_NOFREE;
    vm->wired += wired;
    vm_page_enlist(vm, page);
}

/* The frame was known to be zero, or is made so; the flag says only what was known. */
static void make_zero(struct freebsd_vm *vm, struct freebsd_page *page)
{
    if (!(page->flags & FREEBSD_PG_ZERO) && !LIE("F-12"))
        memset(freebsd_page_bytes(vm, page), 0, PL_FRAME_BYTES);
}

/* --- into the index --- */

/* Takes the pages from `at` on, back to first, out again and gives them back, known zeros as known zeros. */
static void undo(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct wanted *wanted,
                 struct freebsd_page *first, uint64_t filed)
{
    for (uint64_t i = 0; i < wanted->frame_count; i++) {
        struct freebsd_page *page = &first[i];
        if (PL_MUTANT("freebsd-undo-wired"))
            PL_MUTANT_TRIGGERED("freebsd-undo-wired", (wanted->req & FREEBSD_ALLOC_WIRED) != 0);
        else
            vm->wired -= (wanted->req & FREEBSD_ALLOC_WIRED) != 0;
        if (i < filed)
            vm_page_remove(vm, cpu, page);
        page->object = NULL;
        page->ref = 0;
        vm_page_release(vm, cpu, page);
    }
}

static bool file_all(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct wanted *wanted,
                     struct freebsd_page *first)
{
    struct freebsd_object *object = wanted->object;
    struct pl_request request = {
        .alloc_class = vm_class_of(vm, freebsd_malloc_to_alloc(vm->trap, FREEBSD_M_NOWAIT)),
        .node = PL_NODE_ANY,
    };
    for (uint64_t i = 0; i < wanted->frame_count; i++) {
        uint64_t before = gate_free_frames(vm->gate);
        vm->status = freebsd_index_insert(&object->index, &vm->nodes, cpu, &request, &first[i]);
        if (vm->status != PL_OK) {
            vm->node_failures++;
            undo(vm, cpu, wanted, first, i);
            return false;
        }
        object->resident += LIE("F-16") ? 2 : 1;
        vm_count_fell(vm, before);
    }
    return true;
}

/* --- the whole call --- */

static struct freebsd_page *attempt(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct wanted *wanted)
{
    uint32_t hint = wanted->req >> FREEBSD_ALLOC_COUNT_SHIFT;
    struct freebsd_page *first = NULL;
    vm->status = PL_NO_MEMORY;
    if (hint == 0 || !LIE("F-26"))
        first = vm_take(vm, cpu, wanted->req, wanted->object, wanted->pindex, wanted->frame_count,
                        wanted->bounds);
    if (first == NULL) {
        if (vm->status == PL_NO_MEMORY)
            vm->deficit += hint > 1 ? hint : 1;
        return NULL;
    }
    for (uint64_t i = 0; i < wanted->frame_count; i++)
        set_up(vm, cpu, wanted, &first[i], i);
    if (wanted->object != NULL)
        return file_all(vm, cpu, wanted, first) ? first : NULL;
    for (uint64_t i = 0; i < wanted->frame_count && wanted->req & FREEBSD_ALLOC_ZERO; i++)
        make_zero(vm, &first[i]);
    return first;
}

static struct freebsd_page *allocate(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct wanted *wanted)
{
    for (;;) {
        struct freebsd_page *first = attempt(vm, cpu, wanted);
        if (first != NULL || !vm_failed(vm, cpu, wanted->object, wanted->req, wanted->frame_count))
            return first;
    }
}

/* The first resident page among the indexes wanted, or NULL. A run that is larger than the machine will not
 * be granted, but its mistakes are trapped all the same: then the pages are the shorter list. */
static const struct freebsd_page *find_resident(const struct freebsd_vm *vm, const struct wanted *wanted)
{
    if (wanted->frame_count > vm->gate->machine->frame_count) {
        const struct freebsd_page *page = vm->oldest;
        while (page != NULL &&
               (page->object != wanted->object || page->pindex - wanted->pindex >= wanted->frame_count))
            page = page->next;
        return page;
    }
    const struct freebsd_page *found = NULL;
    for (uint64_t i = 0; i < wanted->frame_count && found == NULL; i++)
        found = freebsd_index_lookup(&wanted->object->index, wanted->pindex + i);
    return found;
}

/* Traps where a page is resident already, or the indexes run past the last one. */
static bool is_vacant(struct freebsd_vm *vm, const struct wanted *wanted)
{
    vm->status = PL_INVALID;
    if (wanted->pindex > UINT64_MAX - (wanted->frame_count - 1)) {
        trap_take(vm->trap, wanted->call, "2.3.2", "page indexes beyond the last");
        return false;
    }
    const struct freebsd_page *found = find_resident(vm, wanted);
    if (found == NULL)
        return true;
    trap_take(vm->trap, wanted->call, "2.3.2", "a page is resident at %llx",
              (unsigned long long)found->pindex);
    return false;
}

/* A refusal of the pager comes before any accounting (2.3.4). */
static bool pager_vetoes(struct freebsd_vm *vm, const struct wanted *wanted)
{
    const struct freebsd_object *object = wanted->object;
    if (object->quota >= object->resident && object->quota - object->resident >= wanted->frame_count)
        return false;
    vm->status = PL_REFUSED;
    return true;
}

static bool are_bounds(struct freebsd_vm *vm, const struct wanted *wanted)
{
    const struct freebsd_bounds *bounds = wanted->bounds;
    bool aligned = bounds->alignment != 0 && (bounds->alignment & (bounds->alignment - 1)) == 0;
    bool bounded = (bounds->boundary & (bounds->boundary - 1)) == 0;
    vm->status = PL_INVALID;
    if (wanted->frame_count != 0 && aligned && bounded)
        return true;
    trap_take(vm->trap, wanted->call, "2.3.3", "%s",
              wanted->frame_count == 0 ? "no pages"
              : aligned                ? "boundary is not a power of two"
                                       : "alignment is not a power of two");
    return false;
}

struct freebsd_page *freebsd_page_alloc(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                        struct freebsd_object *object, uint64_t pindex, uint32_t req)
{
    struct wanted wanted = {"vm_page_alloc", object, pindex, 1, NULL, req};
    if (!vm_object_is_locked(vm, cpu, object, wanted.call) ||
        !vm_check_request(vm, cpu, req, FREEBSD_ALLOC_ACCEPTS_OBJECT, wanted.call) ||
        !is_vacant(vm, &wanted) || pager_vetoes(vm, &wanted))
        return NULL;
    return allocate(vm, cpu, &wanted);
}

struct freebsd_page *freebsd_page_alloc_contig(struct freebsd_vm *vm, struct pl_cpu *cpu,
                                               struct freebsd_object *object, uint64_t pindex, uint32_t req,
                                               uint64_t frame_count, const struct freebsd_bounds *bounds)
{
    struct wanted wanted = {"vm_page_alloc_contig", object, pindex, frame_count, bounds, req};
    if (!vm_object_is_locked(vm, cpu, object, wanted.call) ||
        !vm_check_request(vm, cpu, req, FREEBSD_ALLOC_ACCEPTS_CONTIG, wanted.call) ||
        !are_bounds(vm, &wanted))
        return NULL;
    if (object->kind == FREEBSD_OBJECT_FICTITIOUS) {
        trap_take(vm->trap, wanted.call, "2.3.3", "a run for a fictitious object");
        return NULL;
    }
    if (!is_vacant(vm, &wanted) || pager_vetoes(vm, &wanted))
        return NULL;
    return allocate(vm, cpu, &wanted);
}

struct freebsd_page *freebsd_page_alloc_noobj(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req)
{
    struct wanted wanted = {"vm_page_alloc_noobj", NULL, 0, 1, NULL, req};
    if (!vm_check_request(vm, cpu, req, FREEBSD_ALLOC_ACCEPTS_NOOBJ, wanted.call))
        return NULL;
    return allocate(vm, cpu, &wanted);
}

struct freebsd_page *freebsd_page_alloc_noobj_contig(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req,
                                                     uint64_t frame_count,
                                                     const struct freebsd_bounds *bounds)
{
    struct wanted wanted = {"vm_page_alloc_noobj_contig", NULL, 0, frame_count, bounds, req};
    if (!vm_check_request(vm, cpu, req, FREEBSD_ALLOC_ACCEPTS_NOOBJ_CONTIG, wanted.call) ||
        !are_bounds(vm, &wanted))
        return NULL;
    return allocate(vm, cpu, &wanted);
}
