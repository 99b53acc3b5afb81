/* Execution, as far as memory is concerned: while the target works on an ORB, its table and its buffers stay.
 * What the target does, and the chain of ORBs that it follows, is not modelled. */
#include "systems/sbp2/internal.h"

bool sbp2_is_idle(const struct sbp2 *login, const struct sbp2_orb *orb, const char *call)
{
    if (!orb->executing)
        return true;
    trap_take(login->config.trap, call, "4.4", "the ORB is executing");
    return false;
}

void sbp2_set_bus_generation(struct sbp2 *login, uint32_t generation)
{
    login->bus_generation = generation;
}

uint32_t sbp2_submit(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    static const char call[] = "sbp2_submit";
    if (!sbp2_check(login, orb, call))
        return IOKIT_BAD_ARGUMENT;
    if (!sbp2_may_sleep(login, cpu, call))
        return IOKIT_NOT_PERMITTED;
    if (orb->executing)
        return IOKIT_BUSY;
    if ((orb->flags & SBP2_CHECK_GENERATION) != 0 && orb->generation != login->bus_generation)
        return SBP2_BUS_RESET;
    sbp2_gate_close(login);
    sbp2_orb_prepare(login, orb);
    orb->executing = true;
    orb->appended = (orb->flags & SBP2_IMMEDIATE) == 0;
    orb->references++;
    sbp2_gate_open(login);
    return IOKIT_SUCCESS;
}

void sbp2_complete(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    static const char call[] = "sbp2_complete";
    if (!sbp2_check(login, orb, call) || !sbp2_may_sleep(login, cpu, call))
        return;
    if (!orb->executing) {
        trap_take(login->config.trap, call, "X-10", "the ORB is not executing");
        return;
    }
    orb->executing = false;
    sbp2_orb_release(login, cpu, orb);
}

struct sbp2_execution sbp2_orb_execution(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_execution") || !orb->executing)
        return (struct sbp2_execution){0};
    return (struct sbp2_execution){
        .executing = true, .appended = orb->appended, .timer_armed = orb->timer_us != 0};
}
