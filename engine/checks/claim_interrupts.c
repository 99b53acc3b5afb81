/* May it be entered by an interrupt? One call an interrupt: raised when the call first unmasks, or at its
 * k-th labelled point, with the mask honoured (irq-safe) or ignored (nmi-safe). The handler allocates and
 * frees with class INTERRUPT; the shadow looks at both calls' grants. What lies between these points is not
 * tried here. Before that the handler's work comes between the calls: what breaks then, no interrupt broke.
 */
#include "engine/checks/claim_rig.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>

enum { STEPS = 1800, POINTS = 9, KEPT = 3 };

struct visit {
    struct claim_rig *rig;
    struct pl_platform platform; /* the machine's, with a hook at the labelled points */
    bool raises;                 /* else the handler is called behind each call, inside none */
    bool ignores_mask;
    bool inside;     /* the handler runs */
    unsigned aim;    /* at which labelled point of the call; 0: at the first unmask */
    unsigned passed; /* labelled points of the call */
    unsigned raised; /* handlers that ran inside a call */
};

/* The hook has no argument. In a process of its own, and on one CPU. */
static struct visit the_visit;

/* What the handler got is told to the shadow at once; what it keeps is given back after the call. */
static void serve(struct pl_cpu *cpu, void *argument)
{
    struct visit *visit = argument;
    struct claim_rig *rig = visit->rig;
    const struct pl_page *page = &rig->instance.page;
    const struct pl_request request = claim_request(0);
    if (visit->inside || rig->check->verdict != CHECK_HOLDS)
        return;
    visit->inside = true;
    visit->raised++;
    for (unsigned i = 0; i < KEPT; i++) {
        struct pl_run run = {0};
        if (page->ops->alloc(page->self, cpu, &request, &run) != PL_OK || !claim_enter(rig, &run))
            break;
    }
    if (rig->check->verdict == CHECK_HOLDS && rig->run_count > 0)
        (void)claim_give(rig, cpu->id, rig->run_count - 1);
    visit->inside = false;
}

static void at_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct visit *visit = &the_visit;
    (void)object;
    if (kind != PL_POINT_LABEL || visit->inside || ++visit->passed != visit->aim)
        return;
    if (!visit->ignores_mask) {
        native_raise(cpu);
        return;
    }
    uint32_t context = cpu->context;
    uint32_t masked = atomic_exchange_explicit(&cpu->masked, 1, memory_order_relaxed);
    cpu->context = PL_CONTEXT_NMI;
    serve(cpu, visit);
    cpu->context = context;
    atomic_store_explicit(&cpu->masked, masked, memory_order_relaxed);
}

static void set_pending(struct claim_rig *rig, unsigned pending)
{
    for (uint32_t i = 0; i < rig->machine->cpu_count; i++)
        atomic_store_explicit(&native_cpu(rig->native, i)->pending, pending, memory_order_relaxed);
}

static void step(struct visit *visit, unsigned number)
{
    struct claim_rig *rig = visit->rig;
    visit->passed = 0;
    visit->aim = visit->raises ? number % POINTS : UINT_MAX;
    if (visit->aim == 0 && !visit->ignores_mask)
        set_pending(rig, 1);
    claim_step(rig, rig->instance.max_order < 2 ? rig->instance.max_order : 2);
    set_pending(rig, 0);
    if (!visit->raises)
        serve(native_cpu(rig->native, number % rig->machine->cpu_count), visit);
    while (rig->check->verdict == CHECK_HOLDS && rig->run_count > 120)
        (void)claim_give(rig, 0, check_number(&rig->seed) % rig->run_count);
}

/* Many calls, then all is freed. */
static void pass(struct visit *visit, bool raises)
{
    struct claim_rig *rig = visit->rig;
    struct check *check = rig->check;
    visit->raises = raises;
    visit->raised = 0;
    for (unsigned i = 0; i < STEPS && check->verdict == CHECK_HOLDS; i++) {
        step(visit, i);
        if (i % 64 == 63 && check->verdict == CHECK_HOLDS)
            (void)claim_audit(rig);
    }
    if (check->verdict == CHECK_HOLDS && claim_give_all(rig)) {
        claim_drain(rig);
        (void)claim_audit(rig);
    }
    if (check->verdict == CHECK_BROKEN && raises && visit->raised > 0)
        snprintf(check->ids, sizeof(check->ids), "%s", check->id);
}

static void visit_all(struct check *check, bool ignores_mask)
{
    struct visit *visit = &the_visit;
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    visit->rig = &rig;
    visit->ignores_mask = ignores_mask;
    visit->platform = *native_cpu(rig.native, 0)->platform;
    visit->platform.point = at_point;
    for (uint32_t i = 0; i < rig.machine->cpu_count; i++) {
        native_cpu(rig.native, i)->platform = &visit->platform;
        native_set_handler(native_cpu(rig.native, i), serve, visit);
    }
    pass(visit, false);
    pass(visit, true);
    if (check->verdict == CHECK_HOLDS && visit->raised == 0)
        check_na(check,
                 "it has no labelled point and never unmasks, so no interrupt could be raised inside a call");
    claim_close(&rig);
}

void claim_irq_safe(struct check *check)
{
    visit_all(check, false);
}

void claim_nmi_safe(struct check *check)
{
    visit_all(check, true);
}
