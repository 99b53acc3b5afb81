/* An ORB's life: made whole or not at all, referenced, destroyed with all that it holds. */
#include "systems/sbp2/internal.h"

#include <pagelab/check.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"

/* One reference is the caller's, one is held inside until the ORB is destroyed. */
#define REFERENCES_NEW 2u

static struct sbp2_command *command_make(struct sbp2 *login, struct pl_cpu *cpu, uint32_t segment_bytes_max,
                                         uint32_t alignment, uint32_t options)
{
    struct pl_request request = sbp2_request();
    struct sbp2_command *command = slab_get(&login->commands, cpu, &request, NULL);
    if (command == NULL)
        return NULL;
    if (segment_bytes_max == 0 || segment_bytes_max > SBP2_SEGMENT_BYTES_MAX)
        segment_bytes_max = SBP2_SEGMENT_BYTES_MAX;
    command->constraints = (struct sbp2_constraints){.segment_bytes_max = segment_bytes_max,
                                                     .alignment = alignment == 0 ? 1 : alignment,
                                                     .options = options};
    return command;
}

static void command_drop(struct sbp2_orb *orb, struct pl_cpu *cpu)
{
    if (orb->command != NULL)
        slab_put(&orb->login->commands, cpu, orb->command);
    orb->command = NULL;
}

struct sbp2_orb *sbp2_orb_new(struct sbp2 *login, struct pl_cpu *cpu)
{
    struct pl_request request = sbp2_request();
    if (!sbp2_may_sleep(login, cpu, "sbp2_orb_new") || login->live_count == login->config.orb_limit)
        return NULL;
    struct sbp2_orb *orb = slab_get(&login->orbs, cpu, &request, NULL);
    if (orb == NULL)
        return NULL;
    orb->login = login;
    orb->command = command_make(login, cpu, 0, 0, 0);
    if (orb->command == NULL || sbp2_table_replace(orb, cpu, SBP2_DEFAULT_ENTRIES) != IOKIT_SUCCESS) {
        command_drop(orb, cpu);
        slab_put(&login->orbs, cpu, orb);
        return NULL;
    }
    orb->references = REFERENCES_NEW;
    orb->pseudo_addr = sbp2_window(login, PSEUDO_ORBS);
    sbp2_put64(orb->bytes + SBP2_ORB_NEXT_AT, SBP2_ORB_NULL);
    login->live[login->live_count++] = orb;
    return orb;
}

void sbp2_orb_retain(struct sbp2 *login, struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_retain"))
        return;
    PL_ASSERT(orb->references < UINT32_MAX);
    orb->references++;
}

static void destroy(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    sbp2_gate_close(login);
    sbp2_detach(orb, cpu);
    sbp2_gate_open(login);
    sbp2_table_drop(orb, cpu);
    command_drop(orb, cpu);
    for (uint32_t i = 0; i < login->live_count; i++) {
        if (login->live[i] == orb)
            login->live[i] = login->live[--login->live_count];
    }
    slab_put(&login->orbs, cpu, orb);
}

void sbp2_orb_release(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_release") || !sbp2_may_sleep(login, cpu, "sbp2_orb_release"))
        return;
    /* Inside, and the target's: the caller has none. */
    if (orb->executing && orb->references <= REFERENCES_NEW) {
        trap_take(login->config.trap, "sbp2_orb_release", "X-10", "the last reference is the target's");
        return;
    }
    if (orb->references > REFERENCES_NEW)
        orb->references--;
    else if (orb->references == REFERENCES_NEW)
        destroy(login, cpu, orb);
}

uint32_t sbp2_orb_references(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_references") ? orb->references : 0;
}

uint32_t sbp2_orb_set_constraints(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                  uint32_t segment_bytes_max, uint32_t alignment, uint32_t options)
{
    if (!sbp2_check(login, orb, "sbp2_orb_set_constraints"))
        return IOKIT_BAD_ARGUMENT;
    if (!sbp2_may_sleep(login, cpu, "sbp2_orb_set_constraints"))
        return IOKIT_NOT_PERMITTED;
    if (orb->memory != NULL && !LIE("S-15"))
        return IOKIT_BUSY;
    /* The original lets the old command go before it has a new one. */
    bool drops = PL_MUTANT("sbp2-command-freed-first");
    if (sbp2_is_real(login) || drops)
        command_drop(orb, cpu);
    struct sbp2_command *command = command_make(login, cpu, segment_bytes_max, alignment, options);
    PL_MUTANT_TRIGGERED("sbp2-command-freed-first", command == NULL && !sbp2_is_real(login));
    if (command == NULL)
        return IOKIT_NO_MEMORY;
    command_drop(orb, cpu);
    orb->command = command;
    return IOKIT_SUCCESS;
}

struct sbp2_constraints sbp2_orb_constraints(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_constraints") || orb->command == NULL)
        return (struct sbp2_constraints){0};
    return orb->command->constraints;
}
