/* The half in C: the bodies through libbench. overhead_native.cc is the same, function by function. */
#include "bodies.h"

#include <libbench/libbench.h>

static void empty(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        body_empty();
    }
}

static void call(struct lb_state *state, void *user)
{
    uint64_t value = 1;
    (void)user;
    LB_LOOP(state)
    {
        value = body_call(value);
    }
    lb_do_not_optimize(value);
}

static void atomic(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        body_atomic();
    }
}

static void batch(struct lb_state *state, void *user)
{
    (void)user;
    while (lb_keep_running_batch(state, 1)) {
        body_empty();
    }
}

static void pause(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_pause(state);
        lb_resume(state);
    }
}

void overhead_register_libbench(void)
{
    lb_register("empty/libbench", empty, NULL);
    lb_register("call/libbench", call, NULL);
    lb_register("atomic/libbench", atomic, NULL);
    lb_register("batch_of_1/libbench", batch, NULL);
    lb_register("pause_resume/libbench", pause, NULL);
}
