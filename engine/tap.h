/* A tap on a page backend: stands between whoever calls and the outermost layer, and tells a listener before
 * and after each call that could run at interrupt level. What must happen inside a candidate's own
 * instructions (an interrupt before the n-th of them, a trap of its system calls) is armed in `enter` and
 * disarmed in `leave`. */
#ifndef ENGINE_TAP_H
#define ENGINE_TAP_H

#include <pagelab/page.h>

struct instance;

enum tap_hook { TAP_ALLOC, TAP_FREE, TAP_SPLIT, TAP_ALLOC_RUN, TAP_DRAIN, TAP_HOOK_COUNT };

/* Calls nest: what `enter` or an interrupt in between calls through the tap is told, too. */
struct tap_listener {
    void (*enter)(void *argument, struct pl_cpu *cpu, enum tap_hook hook);
    void (*leave)(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status);
    void *argument;
};

struct tap {
    struct pl_page inner;
    struct pl_page_ops ops; /* the inner one's table, with the hooks above replaced */
    struct tap_listener listener;
};

extern const char *const tap_hook_names[TAP_HOOK_COUNT];

/* The page to call instead of `inner`: the same capabilities and hooks. `tap` is borrowed as long as it is
 * used. */
struct pl_page tap_page(struct tap *tap, struct pl_page inner, const struct tap_listener *listener);

/* Where the inner hook's code begins, for single step. */
uintptr_t tap_entry(const struct tap *tap, enum tap_hook hook);

#endif
