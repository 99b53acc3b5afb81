/* Frames for pages: the request's rules (2.2), the sources (2.7), the thresholds (2.5), and what follows a
 * failure (2.4). See vm.h. */
#include <pagelab/check.h>

#include "systems/freebsd/vm_internal.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

/* --- the request --- */

uint8_t vm_class_of(const struct freebsd_vm *vm, uint32_t req)
{
    uint32_t alloc_class = req & FREEBSD_ALLOC_CLASS_MASK;
    bool daemon = vm->daemon || (vm->gate->pageout != NULL && vm->gate->pageout->running);
    /* The value 3 has no name; the code treats it as NORMAL (F-27). */
    if (alloc_class == FREEBSD_ALLOC_CLASS_MASK)
        alloc_class = LIE("F-27") ? FREEBSD_ALLOC_INTERRUPT : FREEBSD_ALLOC_NORMAL;
    if (daemon && PL_MUTANT("freebsd-upgrade-all")) {
        PL_MUTANT_TRIGGERED("freebsd-upgrade-all", alloc_class == FREEBSD_ALLOC_INTERRUPT);
        alloc_class = FREEBSD_ALLOC_SYSTEM;
    }
    if (daemon && alloc_class == FREEBSD_ALLOC_NORMAL && !LIE("F-5"))
        alloc_class = FREEBSD_ALLOC_SYSTEM;
    return (uint8_t)alloc_class;
}

/* NULL, or the rule that the request breaks, and how. */
static const char *broken_rule(const struct freebsd_vm *vm, const struct pl_cpu *cpu, uint32_t req,
                               uint32_t accepted, const char **words)
{
    uint32_t waits = FREEBSD_ALLOC_WAIT_FLAGS | FREEBSD_ALLOC_NOWAIT;
    uint32_t busy = FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_SBUSY;
    *words = "a class that does not exist";
    if ((req & FREEBSD_ALLOC_CLASS_MASK) == FREEBSD_ALLOC_CLASS_MASK && vm->contract == CONTRACT_DOC &&
        !LIE("F-27"))
        return "2.2.1";
    *words = "NOBUSY and SBUSY together";
    if ((req & busy) == busy)
        return "2.2.2";
    *words = "NORECLAIM and WAITOK together";
    if (req & FREEBSD_ALLOC_NORECLAIM && req & FREEBSD_ALLOC_WAITOK)
        return "2.2.4";
    *words = "SBUSY for a page of no object";
    if (req & FREEBSD_ALLOC_SBUSY & ~accepted)
        return "2.2.4";
    *words = "a bit that this call does not accept";
    if ((req & ~accepted) != 0)
        return "2.2.3";
    /* The manual has them exclude each other; the code looks for WAITOK first, then for WAITFAIL. */
    *words = "more than one of WAITOK, WAITFAIL, NOWAIT";
    if (((req & waits) & ((req & waits) - 1)) != 0 && vm->contract == CONTRACT_DOC)
        return "2.4";
    *words = "a call that may sleep, at interrupt level";
    if (req & FREEBSD_ALLOC_WAIT_FLAGS && cpu->context != PL_CONTEXT_TASK)
        return "2.4";
    return NULL;
}

bool vm_check_request(struct freebsd_vm *vm, const struct pl_cpu *cpu, uint32_t req, uint32_t accepted,
                      const char *call)
{
    const char *words;
    const char *rule = broken_rule(vm, cpu, req, accepted, &words);
    if (rule == NULL)
        return true;
    vm->status = PL_INVALID;
    trap_take(vm->trap, call, rule, "%s", words);
    return false;
}

/* --- the thresholds: edges, not levels --- */

static bool falls_below(uint64_t before, uint64_t after, uint64_t threshold)
{
    return before >= threshold && after < threshold;
}

void vm_count_fell(struct freebsd_vm *vm, uint64_t before)
{
    uint64_t after = gate_free_frames(vm->gate);
    if (LIE("F-25") && after < vm->reserve.wakeup_threshold)
        before = UINT64_MAX;
    if (falls_below(before, after, vm->reserve.wakeup_threshold))
        vm->wakeups++;
    if (falls_below(before, after, vm->reserve.free_min))
        vm->in_min_set = true;
    if (falls_below(before, after, vm->reserve.free_severe))
        vm->in_severe_set = true;
}

void vm_count_rose(struct freebsd_vm *vm)
{
    if (!vm->in_min_set && !vm->in_severe_set)
        return;
    uint64_t now = gate_free_frames(vm->gate);
    if (now >= vm->reserve.free_min)
        vm->in_min_set = false;
    if (now >= vm->reserve.free_severe)
        vm->in_severe_set = false;
}

/* --- the sources --- */

static struct pl_request request_of(const struct freebsd_vm *vm, uint32_t req,
                                    const struct freebsd_object *object, uint64_t pindex)
{
    bool movable = object != NULL && object->kind == FREEBSD_OBJECT_MANAGED;
    struct pl_request request = {
        .alloc_class = vm_class_of(vm, req),
        .mobility = movable ? PL_MOBILITY_MOVABLE : PL_MOBILITY_UNMOVABLE,
        .node = PL_NODE_ANY,
        .count_hint = req >> FREEBSD_ALLOC_COUNT_SHIFT,
        .owner = object == NULL ? 0 : object->serial,
        .index = object == NULL ? 0 : pindex,
    };
    if (req & FREEBSD_ALLOC_ZERO)
        request.flags |= PL_REQUEST_ZERO;
    if (req & FREEBSD_ALLOC_NORECLAIM)
        request.flags |= PL_REQUEST_NO_RECLAIM;
    if (req & FREEBSD_ALLOC_NODUMP)
        request.flags |= PL_REQUEST_NO_DUMP;
    return request;
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* A run by the candidate's runs; where it has none, by a block, if a block is as good. */
static enum pl_status take_run(struct freebsd_vm *vm, struct pl_cpu *cpu, struct pl_request *request,
                               uint64_t frame_count, const struct freebsd_bounds *bounds, struct pl_run *run)
{
    struct pl_page from = gate_page(vm->gate);
    struct pl_constraints constraints = {
        .frame_count = frame_count,
        .low = {bounds->low / PL_FRAME_BYTES + (bounds->low % PL_FRAME_BYTES != 0)},
        .high = {bounds->high == UINT64_MAX ? UINT64_MAX : bounds->high / PL_FRAME_BYTES},
        .alignment = bounds->alignment < PL_FRAME_BYTES ? 1 : bounds->alignment / PL_FRAME_BYTES,
        .boundary = LIE("F-24") ? 0 : bounds->boundary / PL_FRAME_BYTES,
    };
    /* A window smaller than a frame, or than the run, is crossed by every run. */
    if (frame_count > vm->gate->machine->frame_count ||
        (bounds->boundary != 0 && bounds->boundary / PL_FRAME_BYTES < frame_count))
        return PL_NEVER;
    enum pl_status status = from.ops->alloc_run(from.self, cpu, request, &constraints, run);
    bool as_block = is_power_of_two(frame_count) && constraints.alignment <= frame_count &&
                    bounds->low == 0 && bounds->high == UINT64_MAX;
    if (status != PL_UNSUPPORTED || !as_block)
        return status;
    request->order = (uint8_t)PL_CTZ64(frame_count);
    if (request->order > PL_ORDER_LIMIT)
        return PL_NEVER;
    return from.ops->alloc(from.self, cpu, request, run);
}

/* A new block for the arena. The older ones are used up. */
static bool import_block(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req)
{
    struct pl_run run;
    struct pl_page from = gate_page(vm->gate);
    struct pl_request request = request_of(vm, req, NULL, 0);
    uint64_t before = gate_free_frames(vm->gate);
    request.order = FREEBSD_NOFREE_ORDER;
    if (PL_MUTANT("freebsd-import-order")) {
        PL_MUTANT_TRIGGERED("freebsd-import-order", true);
        request.order--;
    }
    request.flags |= PL_REQUEST_NEVER_FREE;
    if (from.ops->alloc(from.self, cpu, &request, &run) != PL_OK)
        return false;
    vm_count_fell(vm, before);
    struct freebsd_page *block = vm_page_of(vm, run.first);
    block->next_block = vm->arena;
    block->run_left = run.flags & PL_RUN_ZERO ? 1 : 0;
    vm->arena = block;
    vm->arena_left = UINT32_C(1) << FREEBSD_NOFREE_ORDER;
    return true;
}

static struct freebsd_page *carve(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req)
{
    if (vm->arena_left == 0 && !import_block(vm, cpu, req))
        return NULL;
    uint32_t at = (UINT32_C(1) << FREEBSD_NOFREE_ORDER) - vm->arena_left--;
    struct freebsd_page *page = vm_page_of(vm, pl_frame_at(vm->arena->frame.number + at));
    /* Whether it is zero was said of the whole block, and noted in its first page's run_left. */
    page->flags = vm->arena->run_left != 0 ? FREEBSD_PG_ZERO : 0;
    page->run_leader = NULL;
    page->run_frames = FREEBSD_RUN_CARVED;
    return page;
}

void vm_uncarve(struct freebsd_vm *vm, struct pl_cpu *cpu)
{
    struct pl_run run = {
        .first = vm->arena->frame,
        .frame_count = UINT64_C(1) << FREEBSD_NOFREE_ORDER,
        .order = FREEBSD_NOFREE_ORDER,
    };
    if (++vm->arena_left < run.frame_count)
        return;
    struct pl_page to = gate_page(vm->gate);
    vm->arena = vm->arena->next_block;
    vm->arena_left = 0;
    enum pl_status status = to.ops->free(to.self, cpu, &run);
    PL_ASSERT(status == PL_OK);
    (void)status;
    vm_count_rose(vm);
}

/* The pages of a run, each of which can go back alone if the candidate can split. */
static struct freebsd_page *pages_of(struct freebsd_vm *vm, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct pl_page to = gate_page(vm->gate);
    struct freebsd_page *first = vm_page_of(vm, run->first);
    bool alone = run->frame_count == 1 || to.ops->split(to.self, cpu, run, 0) == PL_OK;
    for (uint64_t i = 0; i < run->frame_count; i++) {
        struct freebsd_page *page = vm_page_of(vm, pl_frame_at(run->first.number + i));
        uint32_t kept = LIE("F-13") ? page->flags & FREEBSD_PG_NODUMP : 0u;
        page->flags = (uint16_t)((run->flags & PL_RUN_ZERO ? FREEBSD_PG_ZERO : 0u) |
                                 (run->flags & PL_RUN_FROM_CACHE ? FREEBSD_PG_PCPU_CACHE : 0u) | kept);
        page->run_leader = alone ? NULL : first;
        page->run_frames = 1;
    }
    if (!alone) {
        first->run_frames = (uint32_t)run->frame_count;
        first->run_left = first->run_frames;
    }
    return first;
}

struct freebsd_page *vm_take(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req,
                             const struct freebsd_object *object, uint64_t pindex, uint64_t frame_count,
                             const struct freebsd_bounds *bounds)
{
    struct pl_run run;
    struct pl_page from = gate_page(vm->gate);
    if (req & FREEBSD_ALLOC_NOFREE && bounds == NULL) {
        struct freebsd_page *page = carve(vm, cpu, req);
        if (page != NULL)
            return page;
    }
    struct pl_request request = request_of(vm, req, object, pindex);
    uint64_t before = gate_free_frames(vm->gate);
    if (bounds == NULL)
        vm->status = from.ops->alloc(from.self, cpu, &request, &run);
    else
        vm->status = take_run(vm, cpu, &request, frame_count, bounds, &run);
    if (vm->status != PL_OK)
        return NULL;
    vm_count_fell(vm, before);
    return pages_of(vm, cpu, &run);
}

/* --- failure --- */

bool vm_failed(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object, uint32_t req,
               uint64_t frame_count)
{
    /* Only a shortage is slept on and counted as a deficit. A run that no state of this machine has
     * (PL_NEVER) and one that the candidate cannot look for (PL_UNSUPPORTED) fail at once in every wait mode:
     * no page that the daemon could free would help. The kernel has no such answers; it would sleep for ever.
     */
    bool may_sleep = (req & FREEBSD_ALLOC_WAIT_FLAGS) != 0 || LIE("F-18");
    if (vm->status != PL_NO_MEMORY || !may_sleep)
        return false;
    if (object != NULL)
        object->locked = 0;
    uint64_t freed = gate_sleep(vm->gate, cpu, "vm_wait", frame_count);
    vm_count_rose(vm); /* the daemon may have taken what is not ours */
    if (object != NULL && !LIE("F-17"))
        object->locked = cpu->id + 1;
    if ((req & FREEBSD_ALLOC_WAITOK) == 0 && !LIE("F-19"))
        return false;
    if (freed == 0) {
        vm->gate->would_sleep++;
        vm->status = PL_WOULD_SLEEP;
        return false;
    }
    return true;
}
