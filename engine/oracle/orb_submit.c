/* Execution: given to the target, done, and the bus reset meanwhile. */
#include "engine/oracle/orb.h"

#define NEW_REFERENCES 2u

static void submit(struct orb_oracle *oracle, struct pl_cpu *cpu, struct orb_view *view,
                   struct finding *finding)
{
    struct orb_before before;
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    bool stale = (view->flags & SBP2_CHECK_GENERATION) != 0 && view->generation != oracle->bus_generation;
    uint32_t expected = IOKIT_SUCCESS;
    if (!may_sleep)
        expected = IOKIT_NOT_PERMITTED;
    else if (view->execution.executing)
        expected = IOKIT_BUSY;
    else if (stale)
        expected = SBP2_BUS_RESET;
    orb_note(oracle, &before);
    uint32_t status = sbp2_submit(oracle->login, cpu, view->orb);
    if (!orb_after(oracle, &before, may_sleep ? NULL : "6", finding) ||
        !orb_number(finding, "X-3", "status of submitORB", expected, status) ||
        !orb_number(finding, "X-5", "allocations of submitORB", before.calls, oracle->gate->calls))
        return;
    if (status == IOKIT_SUCCESS) {
        view->execution =
            (struct sbp2_execution){.executing = true, .appended = (view->flags & SBP2_IMMEDIATE) == 0};
        view->references++;
        orb_view_prepare(oracle, view);
    }
    orb_check(oracle, view, finding);
}

static void complete(struct orb_oracle *oracle, struct pl_cpu *cpu, uint32_t slot, struct finding *finding)
{
    struct orb_view *view = &oracle->views[slot];
    struct orb_before before;
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    bool executing = view->execution.executing;
    orb_note(oracle, &before);
    sbp2_complete(oracle->login, cpu, view->orb);
    if (!orb_after(oracle, &before, !may_sleep ? "6" : executing ? NULL : "X-10", finding))
        return;
    if (may_sleep && executing) {
        view->execution = (struct sbp2_execution){0};
        if (view->references == NEW_REFERENCES) {
            orb_view_gone(oracle, slot, finding);
            orb_check_all(oracle, finding);
            return;
        }
        view->references--;
    }
    orb_check(oracle, view, finding);
}

void orb_submit(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    uint32_t slot = op->slot % ORB_SLOTS;
    if (op->mobility == OP_ORB_STEP_RESET) {
        oracle->bus_generation = (uint32_t)op->value;
        sbp2_set_bus_generation(oracle->login, oracle->bus_generation);
        return;
    }
    if (oracle->views[slot].orb == NULL)
        return;
    if (op->mobility == OP_ORB_STEP_SUBMIT)
        submit(oracle, cpu, &oracle->views[slot], finding);
    else if (op->mobility == OP_ORB_STEP_COMPLETE)
        complete(oracle, cpu, slot, finding);
}
