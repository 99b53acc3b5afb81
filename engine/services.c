/* See services.h. The observers are the heart: every frame that passes a gate is entered in that node's
 * shadow under a tag of its own, so that no system can hold what another one has. */
#include "engine/services.h"

#include <pagelab/check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op_common.h"
#include "engine/oracle/oracle.h"
#include "engine/runner.h"

#define GATE_TAG UINT32_C(0x40000000) /* a tag with this bit is a grant through a gate */

/* By enum services_oracle. */
static const struct {
    const struct oracle_ops *ops;
    enum op_family family;
    unsigned first_kind;
    unsigned end_kind;
} oracles[SERVICES_ORACLE_COUNT] = {
    [SERVICES_VM] = {&oracle_vm, OP_FAMILY_VM, OP_VM, OP_AREA},
    [SERVICES_AREA] = {&oracle_area, OP_FAMILY_AREA, OP_AREA, OP_ZONE},
    [SERVICES_ZONE] = {&oracle_zone, OP_FAMILY_AREA, OP_ZONE, OP_ORB},
    [SERVICES_ORB] = {&oracle_orb, OP_FAMILY_ORB, OP_ORB, OP_BUFFER},
    [SERVICES_BUFFER] = {&oracle_buffer, OP_FAMILY_BUFFER, OP_BUFFER, OP_KIND_COUNT},
};

/* --- what the gates see --- */

static void observe_grant(struct services *services, struct shadow *shadow, const struct pl_run *run)
{
    services->next_tag = (services->next_tag + 1) & (GATE_TAG - 1);
    shadow_grant(shadow, run, GATE_TAG | services->next_tag, services->finding);
}

static void observe_release(struct services *services, struct shadow *shadow, const struct pl_run *run)
{
    if (services->finding->found)
        return;
    bool inside = run->frame_count != 0 && shadow_in_machine(shadow, run->first, run->frame_count);
    const uint32_t *owner = shadow->owner + (run->first.number - shadow->machine->first.number);
    for (uint64_t i = 0; inside && i < run->frame_count; i++)
        inside = owner[i] == owner[0] && (owner[i] & GATE_TAG) != 0 && owner[i] != SHADOW_HOLE;
    if (!inside) {
        finding_set(services->finding, "X-10 F-1", "a system gives back what it was granted, once");
        finding_actual(services->finding, "it gives back 0x%" PRIx64 "+%" PRIu64, run->first.number,
                       run->frame_count);
        return;
    }
    shadow_release(shadow, run, owner[0]);
}

static void granted_first(void *self, const struct pl_run *run)
{
    struct services *services = self;
    observe_grant(services, services->nodes[0].shadow, run);
}

static void releasing_first(void *self, const struct pl_run *run)
{
    struct services *services = self;
    observe_release(services, services->nodes[0].shadow, run);
}

static void granted_second(void *self, const struct pl_run *run)
{
    struct services *services = self;
    observe_grant(services, services->nodes[1].shadow, run);
}

static void releasing_second(void *self, const struct pl_run *run)
{
    struct services *services = self;
    observe_release(services, services->nodes[1].shadow, run);
}

/* --- making --- */

static bool wants(const struct services *services, unsigned oracle)
{
    return services->family == OP_FAMILY_ALL || services->family == oracles[oracle].family;
}

/* A second machine of the same shape, at frame 0 of its own numbers. */
static enum pl_status make_second(struct services *services, const struct runner *runner,
                                  struct spec_error *error)
{
    struct services_node *node = &services->nodes[1];
    struct native_shape shape = runner->shape;
    node->native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (node->native == NULL)
        return PL_NO_MEMORY;
    node->machine = native_machine_view(node->native);
    enum pl_status status =
        instance_init(&services->second_instance, &runner->instance.spec, node->machine, true, error);
    if (status != PL_OK)
        return status;
    node->instance = &services->second_instance;
    node->admission = &services->second_admission;
    if (shadow_init(&services->second_shadow, node->machine) != 0) {
        snprintf(error->text, sizeof(error->text), "services: out of memory for the second node");
        return PL_NO_MEMORY;
    }
    node->shadow = &services->second_shadow;
    gate_init(&node->gate, node->admission, node->machine, &services->pageout, SERVICES_NODE_FRAMES);
    services->node_count = 2;
    return PL_OK;
}

static enum pl_status make_oracles(struct services *services, struct spec_error *error)
{
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT; i++) {
        if (wants(services, i) && oracles[i].ops->init(services, &services->oracles[i]) != 0) {
            services->oracles[i] = NULL;
            snprintf(error->text, sizeof(error->text), "services: out of memory for the %s oracle",
                     oracles[i].ops->name);
            return PL_NO_MEMORY;
        }
    }
    return PL_OK;
}

enum pl_status services_init(struct services *services, struct runner *runner, enum op_family family,
                             struct spec_error *error)
{
    memset(services, 0, sizeof(*services));
    services->family = family;
    struct services_node *node = &services->nodes[0];
    node->native = runner->native;
    node->machine = runner->machine;
    node->instance = &runner->instance;
    node->admission = &runner->admission;
    node->shadow = &runner->shadow;
    services->node_count = 1;
    gate_init(&node->gate, node->admission, node->machine, &services->pageout, 0);
    enum pl_status status = PL_OK;
    bool linux_too = family == OP_FAMILY_AREA || family == OP_FAMILY_ALL;
    /* From there on a number would name a frame of the second node. */
    if (linux_too && (node->machine->first.number >= SERVICES_NODE_FRAMES ||
                      node->machine->span > SERVICES_NODE_FRAMES - node->machine->first.number)) {
        snprintf(error->text, sizeof(error->text), "services: areas and zones need frames below 0x%" PRIx64,
                 SERVICES_NODE_FRAMES);
        return PL_UNSUPPORTED;
    }
    if (linux_too && !(runner->instance.caps & PL_CAP_ONE_INSTANCE))
        status = make_second(services, runner, error);
    if (status == PL_OK)
        status = lent_init(&services->lent, &runner->instance.spec, node->machine, gate_page(&node->gate),
                           SERVICES_WINDOW_ADDR, SERVICES_WINDOW_BYTES, error);
    if (status == PL_OK)
        status = make_oracles(services, error);
    if (status != PL_OK)
        services_fini(services);
    return status;
}

void services_fini(struct services *services)
{
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT; i++) {
        if (services->oracles[i] != NULL)
            oracles[i].ops->fini(services->oracles[i]);
    }
    if (services->lent.live)
        lent_fini(&services->lent);
    if (services->second_shadow.owner != NULL)
        shadow_fini(&services->second_shadow);
    instance_fini(&services->second_instance);
    native_machine_delete(services->nodes[1].native);
    memset(services, 0, sizeof(*services));
}

/* --- a program --- */

/* The page daemon asks the lent services as well, where they keep something that is there to be asked for. */
static uint64_t shrink_lent(void *client, struct pl_cpu *cpu, uint64_t wanted)
{
    struct services *services = client;
    (void)wanted;
    uint64_t freed = lent_shrink(&services->lent, cpu);
    services->shrunk += freed;
    return freed;
}

enum pl_status services_reset(struct services *services, struct finding *finding)
{
    services->finding = finding;
    services->next_tag = 0;
    services->shrunk = 0;
    pageout_init(&services->pageout);
    services->trap.count = 0;
    services->trap.call = NULL;
    services->trap.rule = NULL;
    services->trap.words[0] = '\0';
    if (services->node_count == 2) {
        struct services_node *node = &services->nodes[1];
        enum pl_status status = instance_reset(node->instance);
        if (status != PL_OK)
            return status;
        native_machine_reset(node->native);
        admission_init(node->admission, node->instance->page, node->machine, ADMISSION_EXACT);
        shadow_reset(node->shadow);
    }
    for (uint32_t i = 0; i < services->node_count; i++) {
        struct services_node *node = &services->nodes[i];
        gate_init(&node->gate, node->admission, node->machine, &services->pageout, i * SERVICES_NODE_FRAMES);
        node->gate.observer = (struct gate_observer){
            .granted = i == 0 ? granted_first : granted_second,
            .releasing = i == 0 ? releasing_first : releasing_second,
            .self = services,
        };
        node->page = gate_page(&node->gate);
    }
    enum pl_status status = lent_reset(&services->lent);
    if (status == PL_OK)
        lent_start(&services->lent, native_cpu(services->nodes[0].native, 0));
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT && status == PL_OK; i++) {
        if (services->oracles[i] != NULL)
            oracles[i].ops->reset(services->oracles[i]);
    }
    if (lent_can_shrink(&services->lent))
        pageout_join(&services->pageout, shrink_lent, services);
    return status;
}

static void run_common(struct services *services, struct pl_cpu *cpu, const struct op *op)
{
    if (op->kind == OP_FAIL_NTH) {
        for (uint32_t i = 0; i < services->node_count; i++)
            services->nodes[i].gate.fail_in = op->count;
    } else if (op->kind == OP_PAGEOUT && cpu->context == PL_CONTEXT_TASK) {
        (void)pageout_step(&services->pageout, cpu, op->count);
    }
}

void services_run(struct services *services, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    if (op->kind < OP_VM) {
        run_common(services, cpu, op);
        return;
    }
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT; i++) {
        if (op->kind >= oracles[i].first_kind && op->kind < oracles[i].end_kind) {
            if (services->oracles[i] != NULL)
                oracles[i].ops->run(services->oracles[i], cpu, op, finding);
            return;
        }
    }
}

static void check_node(const struct services_node *node, struct finding *finding)
{
    int64_t budget = admission_free_frames(node->admission);
    if (finding->found || budget == (int64_t)shadow_free_frames(node->shadow))
        return;
    finding_set(finding, "F-6 F-2 X-3", "");
    finding_expected(finding, "%" PRIu64 " frames of the second node are not granted",
                     shadow_free_frames(node->shadow));
    finding_actual(finding, "admission's budget is %" PRId64, budget);
}

static void step_oracle(struct services *services, unsigned oracle, struct finding *finding)
{
    if (services->oracles[oracle] != NULL && oracles[oracle].ops->step != NULL)
        oracles[oracle].ops->step(services->oracles[oracle], finding);
}

void services_step(struct services *services, struct finding *finding)
{
    if (services->node_count == 2)
        check_node(&services->nodes[1], finding);
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT && !finding->found; i++)
        step_oracle(services, i, finding);
}

/* What a service says of itself. */
struct lent_ear {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    struct finding *finding;
};

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    (void)visitor;
    (void)block;
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct lent_ear *ear = (struct lent_ear *)visitor;
    finding_set(ear->finding, "X-1 X-2", "the lent services' own audits find nothing broken");
    finding_actual(ear->finding, "%s", words);
}

void services_audit(struct services *services, struct finding *finding)
{
    struct lent_ear ear = {
        .visitor = {.bytes = sizeof(ear.visitor), .block = hear_block, .broken = hear_broken},
        .finding = finding,
    };
    if (finding->found)
        return;
    if (services->node_count == 2)
        shadow_audit(services->nodes[1].shadow, services->nodes[1].instance, finding);
    (void)lent_audit(&services->lent, &ear.visitor);
    for (unsigned i = 0; i < SERVICES_ORACLE_COUNT && !finding->found; i++) {
        if (services->oracles[i] != NULL && oracles[i].ops->audit != NULL)
            oracles[i].ops->audit(services->oracles[i], finding);
    }
}

void services_end(struct services *services, struct pl_cpu *cpu, struct finding *finding)
{
    for (uint32_t i = 0; i < services->node_count; i++)
        services->nodes[i].gate.fail_in = 0;
    /* What stands on another system goes first: an ORB before the buffers that it holds. */
    static const unsigned order[] = {SERVICES_ORB, SERVICES_BUFFER, SERVICES_AREA, SERVICES_ZONE,
                                     SERVICES_VM};
    for (unsigned i = 0; i < PL_COUNT_OF(order) && !finding->found; i++) {
        if (services->oracles[order[i]] != NULL)
            oracles[order[i]].ops->end(services->oracles[order[i]], cpu, finding);
        /* Reading the last bytes of a pageable buffer may have moved the others' pages. */
        for (unsigned left = i + 1; left < PL_COUNT_OF(order) && !finding->found; left++)
            step_oracle(services, order[left], finding);
    }
    if (finding->found)
        return;
    lent_drain(&services->lent, cpu);
    for (uint32_t i = 0; i < services->node_count && !finding->found; i++) {
        const struct services_node *node = &services->nodes[i];
        if (node->gate.held != 0) {
            finding_set(finding, "X-4", "everything is released, so the systems hold no frame");
            finding_actual(finding, "%" PRIu64 " frames of node %" PRIu32 " are still held", node->gate.held,
                           i);
        }
    }
    if (services->node_count == 2 && !finding->found) {
        admission_drain_all(services->nodes[1].admission, native_cpu(services->nodes[1].native, 0));
        shadow_audit(services->nodes[1].shadow, services->nodes[1].instance, finding);
    }
}

uint64_t services_held(const struct services *services, uint32_t node)
{
    uint64_t kept = node == 0 ? lent_kept(&services->lent) : 0;
    PL_ASSERT(kept <= services->nodes[node].gate.held);
    return services->nodes[node].gate.held - kept;
}

uint64_t services_freed(const struct services *services)
{
    return services->pageout.freed - services->shrunk;
}

uint64_t services_calls(const struct services *services)
{
    uint64_t calls = 0;
    for (uint32_t i = 0; i < services->node_count; i++)
        calls += services->nodes[i].gate.calls + services->nodes[i].gate.frees;
    return calls;
}
