/* Simulated physical memory and its CPUs. Contents are one mapping without swap reserve, private or of a file
 * in memory: a machine of any size costs what is touched. */
#define _GNU_SOURCE /* memfd_create() */
#include "platform/native/native_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct native_machine {
    struct pl_machine view;
    struct pl_range ranges[NATIVE_RANGE_LIMIT];
    struct pl_cpu *cpu_pointers[PL_CPU_LIMIT];
    struct pl_cpu *cpus;
    struct native_cpu_data *data;
    void *mapping;
    size_t mapping_bytes;
    int file; /* that the mapping is of; -1: none */
};

/* Ranges ascend, are not empty, do not touch, and stay below 2^52 frames; nodes are dense enough to index. */
static const char *shape_fault(const struct native_shape *shape)
{
    if (shape->range_count == 0 || shape->range_count > NATIVE_RANGE_LIMIT)
        return "a machine has 1 to 8 ranges";
    if (shape->cpu_count == 0 || shape->cpu_count > PL_CPU_LIMIT)
        return "a machine has 1 to 64 CPUs";
    uint64_t end = 0;
    for (uint32_t i = 0; i < shape->range_count; i++) {
        const struct pl_range *range = &shape->ranges[i];
        if (range->frame_count == 0 || range->frame_count > UINT64_C(1) << 40)
            return "a range has 1 to 2^40 frames";
        if (range->first.number > UINT64_C(1) << 51)
            return "a range starts below frame 2^51";
        if (i > 0 && range->first.number <= end)
            return "ranges ascend and do not touch";
        if (range->node >= PL_NODE_LIMIT)
            return "nodes are 0 to 7";
        end = range->first.number + range->frame_count;
    }
    return NULL;
}

static void fill_view(struct native_machine *native, const struct native_shape *shape)
{
    struct pl_machine *view = &native->view;
    const struct pl_range *last = &native->ranges[shape->range_count - 1];
    memcpy(native->ranges, shape->ranges, sizeof(native->ranges));
    view->bytes = sizeof(*view);
    view->abi = PL_ABI;
    view->ranges = native->ranges;
    view->range_count = shape->range_count;
    view->cpu_count = shape->cpu_count;
    view->cpus = native->cpu_pointers;
    view->first = native->ranges[0].first;
    view->span = last->first.number + last->frame_count - view->first.number;
    view->floors = shape->floors;
    for (uint32_t i = 0; i < shape->range_count; i++) {
        view->frame_count += native->ranges[i].frame_count;
        if (native->ranges[i].node >= view->node_count)
            view->node_count = native->ranges[i].node + 1;
    }
}

static int make_cpus(struct native_machine *native)
{
    uint32_t count = native->view.cpu_count;
    native->cpus = aligned_alloc(PL_CPU_LINE_BYTES, count * sizeof(*native->cpus));
    native->data = calloc(count, sizeof(*native->data));
    if (native->cpus == NULL || native->data == NULL)
        return -1;
    memset(native->cpus, 0, count * sizeof(*native->cpus));
    for (uint32_t i = 0; i < count; i++) {
        struct pl_cpu *cpu = &native->cpus[i];
        cpu->bytes = sizeof(*cpu);
        cpu->id = i;
        cpu->node = i % native->view.node_count;
        cpu->platform = &native_platform;
        cpu->platform_data = &native->data[i];
        native->cpu_pointers[i] = cpu;
    }
    return 0;
}

/* A file in memory as long as the mapping; -1 if the host has none to give: then contents are private. */
static int make_file(size_t bytes)
{
    int file = memfd_create("pagelab-contents", MFD_CLOEXEC);
    if (file >= 0 && ftruncate(file, (off_t)bytes) != 0) {
        close(file);
        return -1;
    }
    return file;
}

static void *map_bytes(struct native_machine *native)
{
    if (native->file >= 0) {
        void *mapping = mmap(NULL, native->mapping_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                             native->file, 0);
        if (mapping != MAP_FAILED)
            return mapping;
        close(native->file);
        native->file = -1;
    }
    return mmap(NULL, native->mapping_bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int native_contents_file(const struct native_machine *native, uint64_t *offset)
{
    if (native->file >= 0)
        *offset = (uint64_t)(native->view.contents - (unsigned char *)native->mapping);
    return native->file;
}

static int map_contents(struct native_machine *native, const struct native_shape *shape)
{
    uint64_t alignment =
        shape->contents_alignment > PL_FRAME_BYTES ? shape->contents_alignment : PL_FRAME_BYTES;
    if (native->view.span > (UINT64_C(1) << 46) / PL_FRAME_BYTES)
        return -1;
    size_t bytes = (size_t)(native->view.span * PL_FRAME_BYTES);
    native->mapping_bytes = bytes + (size_t)alignment;
    if (shape->shared_contents)
        native->file = make_file(native->mapping_bytes);
    void *mapping = map_bytes(native);
    if (mapping == MAP_FAILED)
        return -1;
    native->mapping = mapping;
    /* It is the address of frame 0 that is aligned, whether or not the machine has that frame. */
    uintptr_t first_bytes = (uintptr_t)(native->view.first.number * PL_FRAME_BYTES);
    uintptr_t slack = (alignment - ((uintptr_t)mapping - first_bytes) % alignment) % alignment;
    native->view.contents = (unsigned char *)mapping + slack;
    return 0;
}

struct native_machine *native_machine_new(const struct native_shape *shape, char *error, size_t error_bytes)
{
    const char *fault = shape_fault(shape);
    if (fault != NULL) {
        snprintf(error, error_bytes, "machine: illegal shape: %s", fault);
        return NULL;
    }
    struct native_machine *native = calloc(1, sizeof(*native));
    if (native == NULL) {
        snprintf(error, error_bytes, "machine: out of memory");
        return NULL;
    }
    native->file = -1;
    fill_view(native, shape);
    if (make_cpus(native) != 0 || (shape->contents && map_contents(native, shape) != 0)) {
        snprintf(error, error_bytes, "machine: no memory for %llu frames of contents",
                 (unsigned long long)native->view.span);
        native_machine_delete(native);
        return NULL;
    }
    return native;
}

void native_machine_delete(struct native_machine *native)
{
    if (native == NULL)
        return;
    if (native->mapping != NULL)
        munmap(native->mapping, native->mapping_bytes);
    if (native->file >= 0)
        close(native->file);
    free(native->data);
    free(native->cpus);
    free(native);
}

const struct pl_machine *native_machine_view(const struct native_machine *native)
{
    return &native->view;
}

struct pl_cpu *native_cpu(const struct native_machine *native, uint32_t id)
{
    return native->cpu_pointers[id];
}

void native_machine_reset(struct native_machine *native)
{
    for (uint32_t i = 0; i < native->view.cpu_count; i++) {
        struct pl_cpu *cpu = &native->cpus[i];
        atomic_store_explicit(&cpu->masked, 0, memory_order_relaxed);
        atomic_store_explicit(&cpu->pending, 0, memory_order_relaxed);
        cpu->context = PL_CONTEXT_TASK;
        cpu->lock_depth = 0;
        cpu->no_sleep_depth = 0;
        cpu->sleeps = 0;
    }
}
