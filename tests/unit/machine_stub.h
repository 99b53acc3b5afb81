/* A machine and an instance for tests of one backend: a platform that can do nothing but relax and panic, up
 * to four CPUs, metadata only. Everything is in one struct that the test owns. */
#ifndef MACHINE_STUB_H
#define MACHINE_STUB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/candidate.h>

#define STUB_CPU_COUNT   4u
#define STUB_RANGE_LIMIT 8u

struct stub {
    struct pl_platform platform;
    struct pl_cpu cpu[STUB_CPU_COUNT];
    struct pl_cpu *cpus[STUB_CPU_COUNT];
    struct pl_range ranges[STUB_RANGE_LIMIT];
    struct pl_machine machine;
    struct pl_page_config config;
    const struct pl_page_ops *ops;
    void *self;
    size_t meta_bytes;
};

/* What an audit said: free frames by block order, and the first thing that was wrong. */
struct stub_audit {
    struct pl_visitor visitor;
    uint64_t frames;
    uint64_t blocks[PL_ORDER_LIMIT + 1];
    uint64_t broken;
    char words[200];
};

PL_UNUSED static void stub_relax(struct pl_cpu *cpu)
{
    (void)cpu;
    PL_PAUSE();
}

PL_UNUSED static PL_NORETURN void stub_panic(struct pl_cpu *cpu, const char *words)
{
    fprintf(stderr, "panic on CPU %u: %s\n", cpu->id, words);
    abort();
}

/* Describes the machine; no instance yet. Ranges must be legal for it to be of use. */
PL_UNUSED static void stub_machine(struct stub *stub, const struct pl_range *ranges, uint32_t range_count)
{
    memset(stub, 0, sizeof(*stub));
    if (range_count == 0 || range_count > STUB_RANGE_LIMIT)
        abort();
    stub->platform.bytes = sizeof(stub->platform);
    stub->platform.abi = PL_ABI;
    stub->platform.name = "stub";
    stub->platform.relax = stub_relax;
    stub->platform.panic = stub_panic;
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
        stub->cpu[i].bytes = sizeof(stub->cpu[i]);
        stub->cpu[i].id = i;
        stub->cpu[i].platform = &stub->platform;
        stub->cpus[i] = &stub->cpu[i];
    }
    struct pl_machine *machine = &stub->machine;
    machine->bytes = sizeof(*machine);
    machine->abi = PL_ABI;
    machine->ranges = stub->ranges;
    machine->range_count = range_count;
    machine->cpu_count = STUB_CPU_COUNT;
    machine->cpus = stub->cpus;
    machine->first = ranges[0].first;
    for (uint32_t i = 0; i < range_count; i++) {
        stub->ranges[i] = ranges[i];
        machine->frame_count += ranges[i].frame_count;
        machine->span = ranges[i].first.number + ranges[i].frame_count - machine->first.number;
        if (ranges[i].node >= machine->node_count)
            machine->node_count = ranges[i].node + 1;
    }
    stub->config.bytes = sizeof(stub->config);
    stub->config.machine = machine;
}

/* Makes an instance. stub_close gives it back. */
PL_UNUSED static enum pl_status stub_open(struct stub *stub, const struct pl_candidate *candidate,
                                          const struct pl_range *ranges, uint32_t range_count)
{
    stub_machine(stub, ranges, range_count);
    stub->ops = candidate->page;
    stub->meta_bytes = stub->ops->meta_bytes(&stub->config);
    if (stub->meta_bytes == 0)
        return PL_UNSUPPORTED;
    size_t bytes = (stub->meta_bytes + 4095) & ~(size_t)4095;
    stub->self = aligned_alloc(4096, bytes);
    if (stub->self == NULL)
        abort();
    memset(stub->self, 0, bytes);
    return stub->ops->init(stub->self, &stub->config);
}

PL_UNUSED static void stub_close(struct stub *stub)
{
    if (stub->ops != NULL && stub->self != NULL)
        stub->ops->fini(stub->self);
    free(stub->self);
    stub->self = NULL;
}

PL_UNUSED static enum pl_status stub_alloc(struct stub *stub, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[0], &request, run);
}

PL_UNUSED static enum pl_status stub_free(struct stub *stub, const struct pl_run *run)
{
    return stub->ops->free(stub->self, stub->cpus[0], run);
}

/* Frees what these words describe, granted or not. */
PL_UNUSED static enum pl_status stub_free_at(struct stub *stub, uint64_t first, uint64_t frame_count,
                                             uint32_t order)
{
    struct pl_run run = {.first = pl_frame_at(first), .frame_count = frame_count, .order = order};
    return stub_free(stub, &run);
}

/* A run from anywhere; no boundary. */
PL_UNUSED static enum pl_status stub_alloc_run(struct stub *stub, uint64_t frame_count, uint64_t low,
                                               uint64_t high, uint64_t alignment, struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_constraints constraints = {.frame_count = frame_count,
                                         .low = pl_frame_at(low),
                                         .high = pl_frame_at(high),
                                         .alignment = alignment};
    return stub->ops->alloc_run(stub->self, stub->cpus[0], &request, &constraints, run);
}

PL_UNUSED static uint64_t stub_free_frames(const struct stub *stub)
{
    struct pl_page_counts counts;
    stub->ops->count(stub->self, &counts);
    return counts.free;
}

PL_UNUSED static void stub_hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct stub_audit *audit = (struct stub_audit *)visitor;
    audit->frames += UINT64_C(1) << block->order;
    audit->blocks[block->order]++;
}

PL_UNUSED static void stub_hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct stub_audit *audit = (struct stub_audit *)visitor;
    if (audit->broken++ == 0)
        snprintf(audit->words, sizeof(audit->words), "%s", words);
}

/* Fills `audit`; returns the number of broken things. */
PL_UNUSED static uint64_t stub_audit(const struct stub *stub, struct stub_audit *audit)
{
    memset(audit, 0, sizeof(*audit));
    audit->visitor.bytes = sizeof(audit->visitor);
    audit->visitor.block = stub_hear_block;
    audit->visitor.broken = stub_hear_broken;
    return stub->ops->audit(stub->self, &audit->visitor);
}

/* Machines that break what was only thought of for one range at 0. */
struct stub_shape {
    const char *name;
    uint32_t range_count;
    struct pl_range ranges[STUB_RANGE_LIMIT];
};

PL_UNUSED static const struct stub_shape stub_shapes[] = {
    {"one frame", 1, {{.first = {0}, .frame_count = 1}}},
    {"one frame, high", 1, {{.first = {0x1234567}, .frame_count = 1}}},
    {"three frames with holes",
     3,
     {{.first = {63}, .frame_count = 1},
      {.first = {65}, .frame_count = 1},
      {.first = {1024}, .frame_count = 1}}},
    {"odd base", 1, {{.first = {0x1234567}, .frame_count = 5000}}},
    {"two nodes in one word",
     2,
     {{.first = {7}, .frame_count = 20}, {.first = {28}, .frame_count = 3000, .node = 1}}},
    {"a whole group and a bit", 1, {{.first = {0}, .frame_count = 4097}}},
};

/* Allocates blocks of one order until that fails; returns their number. */
PL_UNUSED static uint64_t stub_drain(struct stub *stub, uint32_t order, struct pl_run *runs, uint64_t limit)
{
    uint64_t count = 0;
    while (count < limit && stub_alloc(stub, order, &runs[count]) == PL_OK)
        count++;
    return count;
}

/* A small generator (splitmix64, public domain algorithm by S. Vigna), seeded by the test. */
PL_UNUSED static uint64_t stub_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
