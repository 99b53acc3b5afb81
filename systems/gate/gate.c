/* See gate.h. */
#include "systems/gate/gate.h"

#include <string.h>

#include "systems/lie.h"

#define WAIT_FLAGS (PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL)

void gate_init(struct gate *gate, struct admission *admission, const struct pl_machine *machine,
               struct pageout *pageout, uint64_t frame_offset)
{
    memset(gate, 0, sizeof(*gate));
    gate->admission = admission;
    gate->machine = machine;
    gate->pageout = pageout;
    gate->frame_offset = frame_offset;
    gate->last = pl_frame_none();
}

uint64_t gate_free_frames(const struct gate *gate)
{
    int64_t frames = admission_free_frames(gate->admission);
    return frames < 0 ? 0 : (uint64_t)frames;
}

uint64_t gate_sleep(struct gate *gate, struct pl_cpu *cpu, const char *where, uint64_t wanted)
{
    cpu->platform->might_sleep(cpu, where);
    gate->sleeps++;
    return gate->pageout == NULL ? 0 : pageout_step(gate->pageout, cpu, wanted);
}

static bool gate_fails_this(struct gate *gate)
{
    if (gate->fail_in == 0)
        return false;
    gate->fail_in--;
    if (gate->fail_in != 0)
        return false;
    gate->injected++;
    return true;
}

/* One attempt, no sleep. */
static enum pl_status gate_try(struct gate *gate, struct pl_cpu *cpu, const struct pl_request *request,
                               const struct pl_constraints *constraints, struct pl_run *run)
{
    struct pl_request plain = *request;
    plain.flags &= ~WAIT_FLAGS;
    gate->calls++;
    if (gate_fails_this(gate)) {
        if (LIE("X-3"))
            (void)admission_alloc(gate->admission, cpu, &plain, run);
        return PL_NO_MEMORY;
    }
    cpu->no_sleep_depth++;
    enum pl_status status = constraints == NULL
                                ? admission_alloc(gate->admission, cpu, &plain, run)
                                : admission_alloc_run(gate->admission, cpu, &plain, constraints, run);
    cpu->no_sleep_depth--;
    if (status != PL_OK)
        return status;
    if (LIE("X-1") && !pl_frame_is_none(gate->last) && gate->machine->contents != NULL)
        *pl_frame_address(gate->machine, gate->last) ^= 1;
    if ((LIE("F-1") || LIE("X-2")) && !pl_frame_is_none(gate->last))
        run->first = gate->last;
    gate->grants++;
    gate->held += run->frame_count;
    if (gate->observer.granted != NULL)
        gate->observer.granted(gate->observer.self, run);
    gate->last = run->first;
    run->first.number += gate->frame_offset;
    return PL_OK;
}

static enum pl_status gate_request(struct gate *gate, struct pl_cpu *cpu, const struct pl_request *request,
                                   const struct pl_constraints *constraints, struct pl_run *run)
{
    uint64_t wanted = constraints != NULL ? constraints->frame_count : UINT64_C(1) << (request->order & 63u);
    if ((request->flags & WAIT_FLAGS) == WAIT_FLAGS)
        return PL_INVALID;
    for (;;) {
        enum pl_status status = gate_try(gate, cpu, request, constraints, run);
        if (LIE("X-5") && (request->flags & WAIT_FLAGS) == 0)
            (void)gate_sleep(gate, cpu, "a lie", 0);
        if (status != PL_NO_MEMORY || (request->flags & WAIT_FLAGS) == 0)
            return status;
        uint64_t freed = gate_sleep(gate, cpu, "page allocation", wanted);
        if (request->flags & PL_REQUEST_WAIT_FAIL)
            return PL_NO_MEMORY;
        if (freed == 0) {
            gate->would_sleep++;
            return PL_WOULD_SLEEP;
        }
    }
}

static enum pl_status gate_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    return gate_request(self, cpu, request, NULL, run);
}

static enum pl_status gate_alloc_run(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                     const struct pl_constraints *constraints, struct pl_run *run)
{
    struct gate *gate = self;
    struct pl_constraints own = *constraints;
    uint64_t offset = gate->frame_offset;
    own.low.number = own.low.number < offset ? 0 : own.low.number - offset;
    if (own.high.number != UINT64_MAX)
        own.high.number = own.high.number < offset ? 0 : own.high.number - offset;
    return gate_request(gate, cpu, request, &own, run);
}

static enum pl_status gate_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct gate *gate = self;
    struct pl_run own = *run;
    own.first.number -= gate->frame_offset;
    gate->frees++;
    if (gate->observer.releasing != NULL)
        gate->observer.releasing(gate->observer.self, &own);
    cpu->no_sleep_depth++;
    enum pl_status status = LIE("F-2") ? PL_OK : admission_free(gate->admission, cpu, &own);
    cpu->no_sleep_depth--;
    if (status == PL_OK)
        gate->held -= run->frame_count;
    return status;
}

static enum pl_status gate_split(void *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct gate *gate = self;
    struct pl_page page = gate->admission->page;
    struct pl_run own = *run;
    own.first.number -= gate->frame_offset;
    return page.ops->split == NULL ? PL_UNSUPPORTED : page.ops->split(page.self, cpu, &own, order);
}

static void gate_count(const void *self, struct pl_page_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    counts->free = gate_free_frames(self);
}

/* It is nobody's candidate: what init would do is gate_init. */
static const struct pl_page_ops gate_ops = {
    .bytes = sizeof(gate_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT,
    .alloc = gate_alloc,
    .free = gate_free,
    .alloc_run = gate_alloc_run,
    .split = gate_split,
    .count = gate_count,
};

struct pl_page gate_page(struct gate *gate)
{
    return (struct pl_page){.ops = &gate_ops, .self = gate};
}
