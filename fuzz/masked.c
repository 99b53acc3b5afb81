/* See masked.h. */
#include "fuzz/masked_internal.h"

#include <stdlib.h>
#include <string.h>

#define LARGE_RIGS    1u /* a library may have one instance in a process */
#define FIRST_RUNS    1u
#define MORE_RUNS     4u
#define SEARCH_SHARE  0.85 /* of the time; the rest is for making the result smaller */
#define IN_VAIN       1.04 /* so much longer must be what is stepped next, when a step was in vain */
#define FORGIVEN      0.9999
#define CROSS_ONE_IN  3u
#define BEST_ONE_IN   2u
#define NS_PER_SECOND 1e9
#define LOOK_AT_CALLS 3u /* by cell: those that are longest by the clock */

const struct masked_program *masked_best(const struct masked_worst *worst)
{
    return &worst->kept[atomic_load(&worst->current) & 1u];
}

void masked_keep(struct masked_worst *worst, const struct masked_program *program)
{
    unsigned other = (atomic_load(&worst->current) & 1u) ^ 1u;
    worst->kept[other] = *program;
    atomic_store(&worst->current, other);
}

bool masked_over(const struct masked_hunt *hunt, double share)
{
    const struct masked_search *search = hunt->search;
    return (search->stop != NULL && *search->stop) ||
           (double)masked_cpu_ns() > share * (double)search->seconds * NS_PER_SECOND;
}

/* --- machines --- */

static void drop_rig(struct masked_hunt *hunt, uint32_t at)
{
    if (hunt->rigs[at].rig != NULL) {
        masked_fini(hunt->rigs[at].rig);
        free(hunt->rigs[at].rig);
    }
    memset(&hunt->rigs[at], 0, sizeof(hunt->rigs[at]));
}

/* Equal numbers are equal machines: the header's choices, as the decoder takes them. */
static uint32_t machine_of(const uint8_t *bytes)
{
    return (bytes[2] % PROGRAM_SHAPE_COUNT) << 16 | (bytes[3] % PROGRAM_FLOORS_COUNT) << 8 | (bytes[4] & 3u);
}

struct masked_rig *masked_rig_for(struct masked_hunt *hunt, const uint8_t *bytes,
                                  const struct program *program)
{
    struct spec_error error;
    uint32_t machine = machine_of(bytes);
    for (uint32_t i = 0; i < hunt->rig_count; i++) {
        if (hunt->rigs[i].made && hunt->rigs[i].machine == machine)
            return hunt->rigs[i].rig;
    }
    uint32_t at = hunt->rig_next;
    hunt->rig_next = (at + 1) % hunt->rig_count;
    drop_rig(hunt, at);
    hunt->rigs[at].made = true;
    hunt->rigs[at].machine = machine;
    struct masked_rig *rig = aligned_alloc(_Alignof(struct masked_rig), sizeof(*rig));
    if (rig != NULL && masked_init(rig, hunt->search->spec, &program->shape, &error) != PL_OK) {
        free(rig);
        rig = NULL;
        memcpy(hunt->worst->error, error.text, sizeof(hunt->worst->error) - 1);
    }
    hunt->rigs[at].rig = rig;
    return rig;
}

/* --- one program --- */

static unsigned cell_of(const struct masked_call *call)
{
    return 2u * (unsigned)call->hook + (call->granted ? 1u : 0u);
}

/* A call that is worth stepping; the longest one first. MASKED_NONE. */
static uint32_t promising(const struct masked_hunt *hunt, const struct masked_rig *rig)
{
    uint32_t best = MASKED_NONE;
    for (uint32_t i = 0; i < rig->call_count; i++) {
        const struct masked_call *call = &rig->calls[i];
        if (call->stepped || call->ns == 0 || (double)call->ns < hunt->champions[cell_of(call)].threshold_ns)
            continue;
        if (best == MASKED_NONE || call->ns > rig->calls[best].ns)
            best = i;
    }
    return best;
}

static void step_call(struct masked_hunt *hunt, struct masked_rig *rig, const struct program *program,
                      uint32_t at, struct masked_program *candidate)
{
    struct masked_call *call = &rig->calls[at];
    struct masked_champion *champion = &hunt->champions[cell_of(call)];
    struct masked_section section;
    call->stepped = true;
    if (!masked_step(rig, program, at, MASKED_STEP_LIMIT, &section))
        return;
    candidate->instructions = section.instructions;
    if (candidate->instructions < champion->program.instructions ||
        (candidate->instructions == champion->program.instructions &&
         candidate->byte_count >= champion->program.byte_count)) {
        champion->threshold_ns =
            (champion->threshold_ns > (double)call->ns ? champion->threshold_ns : (double)call->ns) * IN_VAIN;
        return;
    }
    champion->program = *candidate;
    champion->threshold_ns = (double)call->ns;
    if (candidate->instructions > masked_best(hunt->worst)->instructions)
        masked_keep(hunt->worst, candidate);
}

static void try_program(struct masked_hunt *hunt, struct masked_program *candidate)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    program_decode(candidate->bytes, candidate->byte_count, ops, &program);
    struct masked_rig *rig = masked_rig_for(hunt, candidate->bytes, &program);
    if (rig == NULL || masked_time(rig, &program, FIRST_RUNS, false) != PL_OK)
        return;
    atomic_fetch_add(&hunt->worst->programs, 1);
    if (promising(hunt, rig) == MASKED_NONE || masked_time(rig, &program, MORE_RUNS, true) != PL_OK)
        return;
    for (unsigned i = 0; i < LOOK_AT_CALLS; i++) {
        uint32_t call = promising(hunt, rig);
        if (call == MASKED_NONE)
            return;
        step_call(hunt, rig, &program, call, candidate);
    }
}

/* --- the search --- */

static const struct masked_program *parent(struct masked_hunt *hunt)
{
    const struct masked_program *best = masked_best(hunt->worst);
    if (best->byte_count != 0 && mutator_below(&hunt->random, BEST_ONE_IN) == 0)
        return best;
    for (unsigned tries = 0; tries < 2 * MASKED_CELLS; tries++) {
        const struct masked_program *program =
            &hunt->champions[mutator_below(&hunt->random, MASKED_CELLS)].program;
        if (program->byte_count != 0)
            return program;
    }
    return &hunt->search->starts[mutator_below(&hunt->random, hunt->search->start_count)];
}

static void try_next(struct masked_hunt *hunt)
{
    struct masked_program candidate = *parent(hunt);
    bool cross = mutator_below(&hunt->random, CROSS_ONE_IN) == 0;
    const struct masked_program *other =
        mutator_below(&hunt->random, 2) == 0
            ? parent(hunt)
            : &hunt->search->starts[mutator_below(&hunt->random, hunt->search->start_count)];
    candidate.byte_count =
        mutator_cross(OP_FAMILY_PAGE, candidate.bytes, candidate.byte_count, sizeof(candidate.bytes),
                      other->bytes, cross ? other->byte_count : 0, mutator_next(&hunt->random), NULL);
    try_program(hunt, &candidate);
    for (unsigned i = 0; i < MASKED_CELLS; i++)
        hunt->champions[i].threshold_ns *= FORGIVEN;
}

void masked_search(const struct masked_search *search, struct masked_worst *worst)
{
    if (!masked_supported(worst->error, sizeof(worst->error)) || search->start_count == 0)
        return;
    struct masked_hunt *hunt = calloc(1, sizeof(*hunt));
    if (hunt == NULL)
        return;
    hunt->search = search;
    hunt->worst = worst;
    hunt->random.state = search->seed;
    hunt->rig_count = spec_needs_large_machine(search->spec) ? LARGE_RIGS : MASKED_RIGS;
    for (uint32_t i = 0; i < search->start_count && !masked_over(hunt, SEARCH_SHARE); i++) {
        struct masked_program start = search->starts[i];
        try_program(hunt, &start);
    }
    while (!masked_over(hunt, SEARCH_SHARE))
        try_next(hunt);
    masked_shrink(hunt);
    for (uint32_t i = 0; i < hunt->rig_count; i++)
        drop_rig(hunt, i);
    free(hunt);
}
