/* See antagonist.h. */
#include "bench/workloads/antagonist.h"

#include <stdlib.h>

#define MEMORY_BYTES ((size_t)16 << 20)
#define WRITES       256u /* a burst */

/* What is not granted is nothing to it: where memory is short it asks all the same. */
static void burst(struct antagonist *antagonist)
{
    struct admission *admission = &antagonist->cell->admission;
    const struct pl_page *page = &antagonist->cell->instance.page;
    struct pl_cpu *cpu = antagonist->cpu;
    struct pl_request request = {.node = PL_NODE_ANY};
    unsigned held = 0;
    for (unsigned i = 0; i < ANTAGONIST_BURST; i++) {
        struct pl_run *run = &antagonist->runs[held];
        enum pl_status status = antagonist->direct ? page->ops->alloc(page->self, cpu, &request, run)
                                                   : admission_alloc(admission, cpu, &request, run);
        held += status == PL_OK;
    }
    while (held-- > 0) {
        struct pl_run *run = &antagonist->runs[held];
        (void)(antagonist->direct ? page->ops->free(page->self, cpu, run)
                                  : admission_free(admission, cpu, run));
    }
}

static void *antagonist_main(void *argument)
{
    struct antagonist *antagonist = argument;
    uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
    (void)native_pin_self(antagonist->cpu->id);
    while (atomic_load_explicit(&antagonist->stop, memory_order_relaxed) == 0) {
        burst(antagonist);
        for (unsigned i = 0; i < WRITES; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            antagonist->memory[(x >> 32) * MEMORY_BYTES >> 32]++;
        }
    }
    return NULL;
}

bool antagonist_start(struct antagonist *antagonist, struct cell *cell, bool direct)
{
    antagonist->cell = cell;
    antagonist->cpu = native_cpu(cell->native, 1);
    antagonist->direct = direct;
    antagonist->memory = calloc(1, MEMORY_BYTES);
    atomic_store_explicit(&antagonist->stop, 0, memory_order_relaxed);
    if (antagonist->memory == NULL)
        return false;
    antagonist->running = pthread_create(&antagonist->thread, NULL, antagonist_main, antagonist) == 0;
    if (!antagonist->running)
        free(antagonist->memory);
    return antagonist->running;
}

void antagonist_stop(struct antagonist *antagonist)
{
    if (!antagonist->running)
        return;
    atomic_store_explicit(&antagonist->stop, 1, memory_order_relaxed);
    pthread_join(antagonist->thread, NULL);
    free(antagonist->memory);
    antagonist->running = false;
}
