/* What an interrupt does: it allocates and frees by the same gate as everybody, and whatever it is granted
 * must be nobody's. It may be refused memory (the interrupted call may hold the last frame); it may not be
 * answered anything else. No lock, no heap, no output: it may have interrupted any instruction. */
#include "engine/interrupt/handler.h"

#include <inttypes.h>
#include <string.h>

#include "engine/expect.h"
#include "engine/runner_internal.h"

static void touch(struct interrupts *self, const struct pl_run *run)
{
    if (self->touched_count < INTERRUPT_TOUCHED_LIMIT)
        self->touched[self->touched_count++] = *run;
}

/* A nested call leaves the interrupted one's mask and locks alone. */
static void check_left(struct interrupts *self, const struct pl_cpu *cpu, uint32_t masked, uint32_t locks)
{
    uint32_t now = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    if (self->finding.found || (now == masked && cpu->lock_depth == locks))
        return;
    finding_set(&self->finding, "X-4", "");
    finding_expected(&self->finding,
                     "a call at interrupt level leaves masked %" PRIu32 ", %" PRIu32 " locks held", masked,
                     locks);
    finding_actual(&self->finding, "masked %" PRIu32 ", %" PRIu32 " locks held", now, cpu->lock_depth);
}

static bool take(struct interrupts *self, struct pl_cpu *cpu, struct pl_run *run)
{
    struct runner *runner = self->runner;
    struct finding *finding = &self->finding;
    struct pl_request request = {
        .order = (uint8_t)self->order, .alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
    uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    uint32_t locks = cpu->lock_depth;
    struct expectation expected =
        expect_order(&runner->shadow, &runner->instance, PL_CLASS_INTERRUPT, self->order);
    memset(run, 0, sizeof(*run));
    self->calls++;
    cpu->no_sleep_depth++;
    enum pl_status status = admission_alloc(&runner->admission, cpu, &request, run);
    cpu->no_sleep_depth--;
    check_left(self, cpu, masked, locks);
    if (status == PL_NO_MEMORY || finding->found) {
        self->denied++;
        return false;
    }
    expect_check(&expected, &runner->shadow, &runner->instance, status, run, finding);
    if (finding->found || status != PL_OK)
        return false;
    shadow_grant(&runner->shadow, run, INTERRUPT_TAG, finding);
    if (!finding->found)
        contents_granted(runner->machine, run, finding);
    touch(self, run);
    return !finding->found;
}

static void give(struct interrupts *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t tag)
{
    struct runner *runner = self->runner;
    struct finding *finding = &self->finding;
    uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    uint32_t locks = cpu->lock_depth;
    struct pl_run back = *run;
    back.flags &= ~PL_RUN_ZERO;
    contents_released(runner->machine, &back, finding);
    if (finding->found)
        return;
    shadow_release(&runner->shadow, &back, tag);
    touch(self, &back);
    self->calls++;
    cpu->no_sleep_depth++;
    enum pl_status status = admission_free(&runner->admission, cpu, &back);
    cpu->no_sleep_depth--;
    check_left(self, cpu, masked, locks);
    if (status == PL_OK || finding->found)
        return;
    finding_set(finding, "X-3 X-4", "");
    finding_expected(finding,
                     "at interrupt level, 0x%" PRIx64 "+%" PRIu64 " is granted, so its free succeeds",
                     back.first.number, back.frame_count);
    finding_actual(finding, "%s", pl_status_name(status));
}

static void keep(struct interrupts *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    if (self->kept_count < INTERRUPT_KEPT_LIMIT)
        self->kept[self->kept_count++] = *run;
    else
        give(self, cpu, run, INTERRUPT_TAG);
}

bool interrupt_free_kept(struct interrupts *self, struct pl_cpu *cpu)
{
    if (self->kept_count == 0)
        return false;
    struct pl_run oldest = self->kept[0];
    self->kept_count--;
    memmove(self->kept, self->kept + 1, self->kept_count * sizeof(*self->kept));
    give(self, cpu, &oldest, INTERRUPT_TAG);
    return true;
}

/* A grant from before: an interrupt's, else the program's in the lowest slot that the interrupted operation
 * does not work on. */
static void free_older(struct interrupts *self, struct pl_cpu *cpu)
{
    struct runner *runner = self->runner;
    if (interrupt_free_kept(self, cpu))
        return;
    for (uint32_t i = 0; i < runner->slot_top; i++) {
        struct runner_slot *slot = &runner->slots[i];
        if (!slot->live || (runner->op != NULL && runner->op->slot == i))
            continue;
        slot->live = false;
        give(self, cpu, &slot->run, i + 1);
        return;
    }
}

static void mixed(struct interrupts *self, struct pl_cpu *cpu)
{
    struct pl_run first;
    struct pl_run second;
    bool has_first = take(self, cpu, &first);
    bool has_second = take(self, cpu, &second);
    if (has_first)
        give(self, cpu, &first, INTERRUPT_TAG);
    if (!self->finding.found)
        free_older(self, cpu);
    if (has_second && !self->finding.found)
        keep(self, cpu, &second);
}

PL_NOINLINE void interrupt_handler(struct pl_cpu *cpu, void *argument)
{
    struct interrupts *self = argument;
    struct pl_run run;
    bool nested = self->runner->admission.nested;
    self->handler_end = PL_CALLER();
    self->inside = true;
    self->taken_now = true;
    self->taken++;
    self->runner->admission.nested = true;
    if (self->entered != NULL)
        self->entered(self->argument);
    switch (self->doing) {
    case OP_INTERRUPT_PAIR:
        if (take(self, cpu, &run))
            give(self, cpu, &run, INTERRUPT_TAG);
        break;
    case OP_INTERRUPT_KEEP:
        if (take(self, cpu, &run))
            keep(self, cpu, &run);
        break;
    case OP_INTERRUPT_FREE:
        free_older(self, cpu);
        break;
    default:
        mixed(self, cpu);
        break;
    }
    self->runner->admission.nested = nested;
    self->inside = false;
}
