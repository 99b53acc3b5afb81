/* See interrupt.h: where interrupts come from, and what the runner asks about them. What one does is in
 * handler.c. */
#include "engine/interrupt/interrupt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/expect.h"
#include "engine/interrupt/handler.h"
#include "engine/runner.h"

#define MASK_TAG (INTERRUPT_TAG | UINT32_C(1)) /* in the shadow, for the length of a question */

const char *const interrupt_level_names[INTERRUPT_LEVEL_COUNT] = {"irq", "nmi"};

bool interrupts_claimed(const struct instance *instance, enum interrupt_level level)
{
    return (instance->caps & (level == INTERRUPT_NMI ? PL_CAP_NMI_SAFE : PL_CAP_IRQ_SAFE)) != 0;
}

/* --- where they come from --- */

static void disarm(struct interrupts *self)
{
    self->armed_in = 0;
    if (self->watch == NULL)
        self->platform.point = NULL;
}

static void on_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct interrupts *self = interrupts_of_cpu(cpu);
    (void)object;
    if (kind != PL_POINT_LABEL || !self->open || self->inside)
        return;
    if (self->watch != NULL) {
        self->watch(self->argument, cpu, PL_CALLER());
        return;
    }
    if (cpu->id != self->armed_cpu || self->armed_in == 0)
        return;
    self->armed_in--;
    if (self->armed_in == 0) {
        disarm(self);
        interrupts_raise(self, cpu, self->armed_level, PL_CALLER());
    }
}

/* What was held off comes when the backend unmasks: the interrupted place is there. */
static void on_deliver(struct pl_cpu *cpu)
{
    struct interrupts *self = interrupts_of_cpu(cpu);
    self->resume = PL_CALLER();
    self->before->deliver(cpu);
}

void interrupts_raise(struct interrupts *self, struct pl_cpu *cpu, enum interrupt_level level,
                      const void *resume)
{
    self->resume = resume;
    if (level == INTERRUPT_NMI)
        native_raise_nmi(cpu);
    else
        native_raise(cpu);
}

void interrupts_arm(struct runner *runner, const struct op *op)
{
    enum interrupt_level level = op->context == PL_CONTEXT_NMI ? INTERRUPT_NMI : INTERRUPT_IRQ;
    if (!interrupts_claimed(&runner->instance, level))
        return;
    struct interrupts *self = interrupts_of(runner);
    if (self == NULL || self->swept)
        return;
    self->armed_in = op->count;
    self->armed_cpu = op->cpu;
    self->armed_level = level;
    self->doing = (enum op_interrupt)(op->flags % OP_INTERRUPT_COUNT);
    self->order = op->order <= runner->instance.max_order ? op->order : 0;
    self->platform.point = on_point;
}

void interrupts_watch(struct interrupts *self, interrupt_watch *watch, void *argument)
{
    self->watch = watch;
    self->argument = argument;
    self->platform.point = on_point;
}

/* --- life --- */

struct interrupts *interrupts_of(struct runner *runner)
{
    if (runner->interrupts != NULL)
        return runner->interrupts;
    struct interrupts *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return NULL;
    self->runner = runner;
    self->before = native_cpu(runner->native, 0)->platform;
    self->platform = *self->before;
    self->platform.deliver = on_deliver;
    for (uint32_t i = 0; i < runner->machine->cpu_count; i++) {
        native_cpu(runner->native, i)->platform = &self->platform;
        native_set_handler(native_cpu(runner->native, i), interrupt_handler, self);
    }
    runner->interrupts = self;
    return self;
}

void interrupts_delete(struct interrupts *self)
{
    free(self);
}

void interrupts_reset(struct interrupts *self)
{
    if (self == NULL)
        return;
    disarm(self);
    self->open = false;
    self->inside = false;
    self->taken_now = false;
    self->taken = 0;
    self->calls = 0;
    self->denied = 0;
    self->resume = NULL;
    self->kept_count = 0;
    self->touched_count = 0;
    memset(&self->finding, 0, sizeof(self->finding));
}

/* --- what the runner asks --- */

void interrupts_open(struct interrupts *self)
{
    if (self != NULL)
        self->open = true;
}

void interrupts_close(struct interrupts *self)
{
    if (self != NULL)
        self->open = false;
}

/* Takes what interrupts touched and is free out of the shadow's sight, or back. Returns the frames. */
static uint64_t hide_touched(struct interrupts *self, uint32_t from, uint32_t to)
{
    struct shadow *shadow = &self->runner->shadow;
    uint64_t frames = 0;
    for (uint32_t i = 0; i < self->touched_count; i++) {
        uint32_t *owner = shadow->owner + (self->touched[i].first.number - shadow->machine->first.number);
        for (uint64_t at = 0; at < self->touched[i].frame_count; at++) {
            if (owner[at] != from)
                continue;
            owner[at] = to;
            frames++;
        }
    }
    return frames;
}

/* Who caches nothing has no excuse but the frames that were touched; who caches may have any of them at hand
 * for this CPU only. */
bool interrupts_explain(struct interrupts *self, const struct expectation *expected)
{
    if (!interrupts_taken(self) || self->touched_count == 0)
        return false;
    const struct runner *runner = self->runner;
    if (!(runner->instance.caps & PL_CAP_EXACT_COUNT))
        return true;
    uint64_t hidden = hide_touched(self, 0, MASK_TAG);
    bool found = shadow_free_frames(&runner->shadow) >= hidden + expected->frames &&
                 expect_must_find(expected, &runner->shadow, &runner->instance);
    hide_touched(self, MASK_TAG, 0);
    return !found;
}

void interrupts_settle(struct interrupts *self, const struct pl_cpu *cpu, struct finding *finding)
{
    if (self == NULL)
        return;
    self->touched_count = 0;
    if (self->finding.found && self->taken_now)
        *finding = self->finding; /* came first */
    self->taken_now = false;
    if (!finding->found && atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0) {
        finding_set(finding, "X-4",
                    "an interrupt that was held off is delivered by the unmask that ends that");
        finding_actual(finding, "it is still pending when the call has returned");
    }
}

void interrupts_end(struct interrupts *self, struct pl_cpu *cpu, struct finding *finding)
{
    if (self == NULL || finding->found)
        return;
    disarm(self);
    while (!self->finding.found && interrupt_free_kept(self, cpu))
        ;
    if (self->finding.found)
        *finding = self->finding;
}
