/* See counted.h. */
#define _POSIX_C_SOURCE 200809L /* write */
#include "bench/cost/counted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "bench/cost/program_image.h"
#include "bench/workloads/workload.h"

/* Around the frame that says where the stack is: more than the loops and the hooks use. */
#define STACK_BELOW (UINT64_C(1) << 22)
#define STACK_ABOVE (UINT64_C(1) << 20)

/* Between admission and the candidate. */
struct gate {
    struct admission_hooks inner;
    uint64_t allocs;
    uint64_t frees;
    uint64_t failures;
};

/* 1 as long as a hook runs. Nothing else is ever stored at this address. */
static volatile uint64_t mark;

/* The grant is a copy on the stack, so that the workload's own list of grants is not counted. What is read
 * for the call is read before the mark. */
PL_NOINLINE enum pl_status cost_counted_alloc(void *self, struct pl_cpu *cpu,
                                              const struct pl_request *request, struct pl_run *run)
{
    struct gate *gate = self;
    const struct admission_hooks inner = gate->inner;
    const struct pl_request own_request = *request;
    struct pl_run own_run = {0};
    PL_COMPILER_BARRIER();
    mark = 1;
    enum pl_status status = inner.alloc(inner.self, cpu, &own_request, &own_run);
    mark = 0;
    gate->allocs++;
    if (status == PL_OK)
        *run = own_run;
    else
        gate->failures++;
    return status;
}

PL_NOINLINE enum pl_status cost_counted_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct gate *gate = self;
    const struct admission_hooks inner = gate->inner;
    const struct pl_run own_run = *run;
    PL_COMPILER_BARRIER();
    mark = 1;
    enum pl_status status = inner.free(inner.self, cpu, &own_run);
    mark = 0;
    gate->frees++;
    if (status != PL_OK)
        gate->failures++;
    return status;
}

/* Returns 0, or -1: the reader is gone. */
static int tell_marks(int marks_fd)
{
    char line[160];
    struct program_image image = program_image();
    uint64_t here = (uint64_t)(uintptr_t)line;
    int bytes = snprintf(line, sizeof(line),
                         COST_MARK_WORDS " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
                         (uint64_t)(uintptr_t)&mark, here - STACK_BELOW, here + STACK_ABOVE,
                         (uint64_t)image.begin, (uint64_t)image.end);
    return write(marks_fd, line, (size_t)bytes) == bytes ? 0 : -1;
}

/* False: libbench gave nothing, or the cell says why. */
static bool go(struct cell *cell, uint64_t operations)
{
    cell->iterations = operations;
    cJSON *row = cell_measure(cell);
    bool good = row != NULL && !cJSON_IsTrue(cJSON_GetObjectItem(row, "error_occurred"));
    if (!good)
        (void)workload_cannot(cell, "%.150s",
                              row == NULL ? "libbench gave no result"
                                          : cJSON_GetStringValue(cJSON_GetObjectItem(row, "error_message")));
    cJSON_Delete(row);
    return good;
}

static void count(struct cell *cell, struct gate *gate, int marks_fd)
{
    /* A recording's one pass is long, and prepare has made one already. */
    if (!cell->workload->is_replay && !go(cell, COST_WARM_OPERATIONS))
        return;
    gate->inner = cell->admission.hooks;
    if (marks_fd >= 0 && tell_marks(marks_fd) != 0) {
        (void)workload_cannot(cell, "the trace has no reader");
        return;
    }
    cell->admission.hooks = (struct admission_hooks){gate, cost_counted_alloc, cost_counted_free};
    (void)go(cell, cell->params.operations);
    cell->admission.hooks = gate->inner;
}

bool cost_can_count(const struct workload *workload)
{
    return workload == &workload_repeat || workload == &workload_bulk || workload == &workload_replace ||
           workload == &workload_remote || workload == &workload_replay;
}

cJSON *cost_counted_run(const struct cell_params *params, int marks_fd, struct spec_error *error)
{
    struct spec spec;
    struct gate gate = {0};
    if (spec_parse(params->backend, &spec, error) != 0)
        return NULL;
    struct cell *cell = cell_open(params, &spec, error);
    if (cell == NULL)
        return NULL;
    if (!cell->cannot)
        count(cell, &gate, marks_fd);
    int nonsense = atomic_load_explicit(&cell->admission.nonsense, memory_order_relaxed);
    if (nonsense != 0)
        snprintf(cell->broken, sizeof(cell->broken), "broke X-3: a hook returned %d, which is no status",
                 nonsense);
    bool broken = cell->broken[0] != '\0';
    const char *cannot = strncmp(cell->reason, "n/a", 3) == 0 ? "n/a" : "failed";
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "status", broken ? "broken" : cell->cannot ? cannot : "ok");
    cJSON_AddStringToObject(row, "reason", broken ? cell->broken : cell->reason);
    cJSON_AddNumberToObject(row, "allocs", (double)gate.allocs);
    cJSON_AddNumberToObject(row, "frees", (double)gate.frees);
    cJSON_AddNumberToObject(row, "failures", (double)gate.failures);
    cJSON_AddNumberToObject(row, "memory_bytes",
                            cell->machine == NULL ? 0 : (double)cell->machine->frame_count * PL_FRAME_BYTES);
    cell_close(cell);
    return row;
}
