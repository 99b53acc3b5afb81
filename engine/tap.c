/* See tap.h: one function a hook, and nothing between the two calls but the hook itself. */
#include "engine/tap.h"

#include <pagelab/check.h>

const char *const tap_hook_names[TAP_HOOK_COUNT] = {"alloc", "free", "split", "run", "drain"};

static void enter(struct tap *tap, struct pl_cpu *cpu, enum tap_hook hook)
{
    tap->listener.enter(tap->listener.argument, cpu, hook);
}

static enum pl_status leave(struct tap *tap, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    tap->listener.leave(tap->listener.argument, cpu, hook, status);
    return status;
}

static enum pl_status tap_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run)
{
    struct tap *tap = self;
    enter(tap, cpu, TAP_ALLOC);
    return leave(tap, cpu, TAP_ALLOC, tap->inner.ops->alloc(tap->inner.self, cpu, request, run));
}

static enum pl_status tap_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct tap *tap = self;
    enter(tap, cpu, TAP_FREE);
    return leave(tap, cpu, TAP_FREE, tap->inner.ops->free(tap->inner.self, cpu, run));
}

static enum pl_status tap_split(void *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct tap *tap = self;
    enter(tap, cpu, TAP_SPLIT);
    return leave(tap, cpu, TAP_SPLIT, tap->inner.ops->split(tap->inner.self, cpu, run, order));
}

static enum pl_status tap_alloc_run(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                    const struct pl_constraints *constraints, struct pl_run *run)
{
    struct tap *tap = self;
    enter(tap, cpu, TAP_ALLOC_RUN);
    return leave(tap, cpu, TAP_ALLOC_RUN,
                 tap->inner.ops->alloc_run(tap->inner.self, cpu, request, constraints, run));
}

static void tap_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct tap *tap = self;
    enter(tap, cpu, TAP_DRAIN);
    tap->inner.ops->drain(tap->inner.self, cpu, of);
    leave(tap, cpu, TAP_DRAIN, PL_OK);
}

static void tap_count(const void *self, struct pl_page_counts *counts)
{
    const struct tap *tap = self;
    tap->inner.ops->count(tap->inner.self, counts);
}

static uint64_t tap_audit(const void *self, struct pl_visitor *visitor)
{
    const struct tap *tap = self;
    return tap->inner.ops->audit(tap->inner.self, visitor);
}

static void tap_settings(const void *self, char *text, size_t bytes)
{
    const struct tap *tap = self;
    tap->inner.ops->settings(tap->inner.self, text, bytes);
}

struct pl_page tap_page(struct tap *tap, struct pl_page inner, const struct tap_listener *listener)
{
    PL_ASSERT(inner.ops != NULL);
    PL_ASSERT(listener->enter != NULL && listener->leave != NULL);
    tap->inner = inner;
    tap->listener = *listener;
    tap->ops = *inner.ops;
    tap->ops.meta_bytes = NULL; /* it is made already, and ended by whoever made it */
    tap->ops.init = NULL;
    tap->ops.fini = NULL;
    tap->ops.alloc = tap_alloc;
    tap->ops.free = tap_free;
    tap->ops.split = inner.ops->split == NULL ? NULL : tap_split;
    tap->ops.alloc_run = inner.ops->alloc_run == NULL ? NULL : tap_alloc_run;
    tap->ops.drain = inner.ops->drain == NULL ? NULL : tap_drain;
    tap->ops.count = inner.ops->count == NULL ? NULL : tap_count;
    tap->ops.audit = inner.ops->audit == NULL ? NULL : tap_audit;
    tap->ops.settings = inner.ops->settings == NULL ? NULL : tap_settings;
    return (struct pl_page){.ops = &tap->ops, .self = tap};
}

uintptr_t tap_entry(const struct tap *tap, enum tap_hook hook)
{
    const struct pl_page_ops *ops = tap->inner.ops;
    switch (hook) {
    case TAP_ALLOC:
        return (uintptr_t)ops->alloc;
    case TAP_FREE:
        return (uintptr_t)ops->free;
    case TAP_SPLIT:
        return (uintptr_t)ops->split;
    case TAP_ALLOC_RUN:
        return (uintptr_t)ops->alloc_run;
    default:
        return (uintptr_t)ops->drain;
    }
}
