/* The chooser that takes its answers from the program: OP_PREEMPT records behind the operation that they
 * interrupt. Whole operations follow one another in the list's order unless a record says otherwise, so that
 * a program means the same with one virtual CPU's record more or less. */
#include "engine/op_common.h"
#include "engine/schedule/schedule_internal.h"

uint32_t schedule_first_preempt(const struct schedule *schedule, uint32_t index)
{
    uint32_t at = index + 1;
    return at < schedule->op_count && schedule->ops[at].kind == OP_PREEMPT ? at : schedule->op_count;
}

static uint32_t preempt_after(const struct schedule *schedule, uint32_t at)
{
    return at + 1 < schedule->op_count && schedule->ops[at + 1].kind == OP_PREEMPT ? at + 1
                                                                                   : schedule->op_count;
}

static struct schedule_call *call_of(struct schedule *schedule, uint32_t cpu)
{
    struct schedule_cpu *self = &schedule->cpus[cpu];
    return self->depth == 0 ? NULL : &self->calls[self->depth - 1];
}

static uint64_t listed_arm(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    struct schedule *schedule = ((struct schedule_listed *)chooser)->schedule;
    struct schedule_call *call = call_of(schedule, cpu);
    if (call == NULL)
        return SIM_NO_EVENT;
    while (call->next < schedule->op_count && schedule->ops[call->next].count == 0)
        call->next = preempt_after(schedule, call->next); /* for the end: see at_boundary */
    if (call->next >= schedule->op_count)
        return SIM_NO_EVENT;
    uint64_t passed = own - call->begin;
    uint64_t wanted = schedule->ops[call->next].count;
    return wanted > passed ? wanted - passed : 1;
}

/* Whose turn it is by the list: that of the first operation that has not ended and can go on. */
static struct sim_choice by_list(struct schedule *schedule, const struct sim_moment *moment)
{
    while (schedule->first_open < schedule->op_count && schedule->done[schedule->first_open])
        schedule->first_open++;
    for (uint32_t i = schedule->first_open; i < schedule->op_count; i++) {
        uint32_t cpu = schedule->ops[i].cpu % schedule->cpu_count;
        if (!schedule->done[i] && (moment->runnable >> cpu & 1) != 0)
            return (struct sim_choice){SIM_SWITCH, cpu};
    }
    return sim_choose_round(moment);
}

static struct sim_choice take_over(struct schedule *schedule, const struct sim_moment *moment,
                                   const struct op *op)
{
    uint32_t cpu = op->cpu % schedule->cpu_count;
    if (cpu == moment->cpu || (moment->runnable >> cpu & 1) == 0)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    schedule->cpus[cpu].stay = op->extra == 0 ? 1 : op->extra;
    return (struct sim_choice){SIM_SWITCH, cpu};
}

static struct sim_choice at_point(struct schedule *schedule, const struct sim_moment *moment)
{
    struct schedule_call *call = call_of(schedule, moment->cpu);
    if (call == NULL || call->next >= schedule->op_count)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    const struct op *op = &schedule->ops[call->next];
    call->next = preempt_after(schedule, call->next);
    switch (op->mobility) {
    case OP_DO_SWITCH:
        return take_over(schedule, moment, op);
    case OP_DO_INTERRUPT:
        return (struct sim_choice){SIM_INTERRUPT, moment->cpu};
    case OP_DO_NMI: /* of who does not claim to be safe from them, the mask is honoured */
        return (struct sim_choice){schedule->nmis ? SIM_NMI : SIM_INTERRUPT, moment->cpu};
    case OP_DO_FLUSH:
        return (struct sim_choice){SIM_FLUSH, op->cpu % schedule->cpu_count};
    default:
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    }
}

static struct sim_choice at_boundary(struct schedule *schedule, const struct sim_moment *moment)
{
    struct schedule_cpu *self = &schedule->cpus[moment->cpu];
    uint32_t at = self->finished == SCHEDULE_NO_OP ? schedule->op_count
                                                   : schedule_first_preempt(schedule, self->finished);
    for (; at < schedule->op_count; at = preempt_after(schedule, at)) {
        if (schedule->ops[at].count == 0 && schedule->ops[at].mobility == OP_DO_SWITCH)
            return take_over(schedule, moment, &schedule->ops[at]);
    }
    self->stay -= self->stay > 0;
    if (self->stay > 0)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    return by_list(schedule, moment);
}

static struct sim_choice listed_choose(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    struct schedule *schedule = ((struct schedule_listed *)chooser)->schedule;
    switch (moment->place) {
    case SIM_AT_POINT:
        return at_point(schedule, moment);
    case SIM_AT_BOUNDARY:
        return at_boundary(schedule, moment);
    case SIM_AT_START:
    case SIM_AT_END:
        return by_list(schedule, moment);
    default:
        return sim_choose_round(moment);
    }
}

void schedule_listed_init(struct schedule *schedule)
{
    schedule->listed = (struct schedule_listed){{listed_arm, listed_choose}, schedule};
}
