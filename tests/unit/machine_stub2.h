/* A machine, CPUs and a platform for the tests of wrappers, rods and libraries: any ranges, contents if
 * wanted, a handler that runs when interrupts are delivered, and a list of grants that objects to overlaps.
 */
#ifndef MACHINE_STUB2_H
#define MACHINE_STUB2_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

#define STUB2_CPU_MAX 4u

struct stub2 {
    struct pl_cpu cpus[STUB2_CPU_MAX];
    struct pl_cpu *cpu_pointers[STUB2_CPU_MAX];
    struct pl_platform platform;
    struct pl_machine machine;
    unsigned char *owned; /* a byte for each frame of the span: 1 in a hole, 2 granted */
    void *mapped;
    size_t mapped_bytes;
};

/* What an interrupt does. Set in cpu->platform_data by the test, or NULL. */
struct stub2_handler {
    void (*run)(struct stub2_handler *handler, struct pl_cpu *cpu, unsigned bits);
};

PL_INLINE void stub2_relax(struct pl_cpu *cpu)
{
    (void)cpu;
    PL_PAUSE();
}

PL_INLINE void stub2_deliver(struct pl_cpu *cpu)
{
    unsigned bits;
    while ((bits = atomic_exchange(&cpu->pending, 0)) != 0) {
        struct stub2_handler *handler = cpu->platform_data;
        if (handler != NULL)
            handler->run(handler, cpu, bits);
    }
}

PL_INLINE void stub2_wait(struct pl_cpu *cpu, const atomic_uint *word, uint32_t expected)
{
    (void)word, (void)expected;
    cpu->sleeps++;
}

PL_INLINE void stub2_wake(struct pl_cpu *cpu, const atomic_uint *word, uint32_t count)
{
    (void)cpu, (void)word, (void)count;
}

PL_INLINE void stub2_might_sleep(struct pl_cpu *cpu, const char *where)
{
    (void)cpu, (void)where;
}

PL_INLINE PL_NORETURN void stub2_panic(struct pl_cpu *cpu, const char *words)
{
    fprintf(stderr, "cpu %u: %s\n", cpu->id, words);
    abort();
}

/* Mapped, not allocated: a jemalloc that replaces malloc would know these pages as its own already. At a
 * multiple of 4 MiB minus the first frame's place in it, so that frame numbers and addresses are aligned
 * alike. */
PL_INLINE void stub2_map_contents(struct stub2 *stub)
{
    size_t block = (size_t)4 << 20;
    size_t skew = (stub->machine.first.number * PL_FRAME_BYTES) % block;
    stub->mapped_bytes = stub->machine.span * PL_FRAME_BYTES + 2 * block;
    int zero = open("/dev/zero", O_RDWR); /* MAP_ANONYMOUS is not in POSIX */
    stub->mapped = mmap(NULL, stub->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    close(zero);
    if (stub->mapped == MAP_FAILED)
        abort();
    uintptr_t aligned = ((uintptr_t)stub->mapped + block - 1) / block * block;
    stub->machine.contents = (unsigned char *)aligned + skew;
}

PL_INLINE void stub2_make(struct stub2 *stub, const struct pl_range *ranges, uint32_t range_count,
                          uint32_t cpu_count, bool with_contents)
{
    memset(stub, 0, sizeof(*stub));
    stub->platform = (struct pl_platform){.bytes = sizeof(struct pl_platform),
                                          .abi = PL_ABI,
                                          .name = "stub2",
                                          .relax = stub2_relax,
                                          .deliver = stub2_deliver,
                                          .wait = stub2_wait,
                                          .wake = stub2_wake,
                                          .might_sleep = stub2_might_sleep,
                                          .panic = stub2_panic};
    const struct pl_range *last = &ranges[range_count - 1];
    stub->machine = (struct pl_machine){.bytes = sizeof(struct pl_machine),
                                        .abi = PL_ABI,
                                        .ranges = ranges,
                                        .range_count = range_count,
                                        .node_count = last->node + 1,
                                        .cpu_count = cpu_count,
                                        .first = ranges[0].first,
                                        .cpus = stub->cpu_pointers};
    stub->machine.span = last->first.number + last->frame_count - ranges[0].first.number;
    for (uint32_t i = 0; i < cpu_count; i++) {
        stub->cpu_pointers[i] = &stub->cpus[i];
        stub->cpus[i].bytes = sizeof(struct pl_cpu);
        stub->cpus[i].id = i;
        stub->cpus[i].platform = &stub->platform;
    }
    stub->owned = malloc(stub->machine.span);
    if (stub->owned == NULL)
        abort();
    memset(stub->owned, 1, stub->machine.span);
    for (uint32_t i = 0; i < range_count; i++) {
        stub->machine.frame_count += ranges[i].frame_count;
        memset(stub->owned + (ranges[i].first.number - ranges[0].first.number), 0, ranges[i].frame_count);
    }
    if (with_contents)
        stub2_map_contents(stub);
}

PL_INLINE void stub2_destroy(struct stub2 *stub)
{
    free(stub->owned);
    if (stub->mapped != NULL)
        munmap(stub->mapped, stub->mapped_bytes);
}

/* Notes a grant. False if it is misaligned, outside the ranges, or overlaps another. */
PL_INLINE bool stub2_grant(struct stub2 *stub, const struct pl_run *run)
{
    uint64_t at = run->first.number - stub->machine.first.number;
    if (at >= stub->machine.span || run->frame_count > stub->machine.span - at)
        return false;
    if (run->order != PL_ORDER_NONE &&
        (run->frame_count != (uint64_t)1 << run->order || run->first.number % run->frame_count != 0))
        return false;
    for (uint64_t i = 0; i < run->frame_count; i++) {
        if (stub->owned[at + i] != 0)
            return false;
        stub->owned[at + i] = 2;
    }
    return true;
}

PL_INLINE void stub2_ungrant(struct stub2 *stub, const struct pl_run *run)
{
    memset(stub->owned + (run->first.number - stub->machine.first.number), 0, run->frame_count);
}

PL_INLINE struct pl_request stub2_request(uint32_t order)
{
    return (struct pl_request){.order = (uint8_t)order, .alloc_class = PL_CLASS_NORMAL, .node = PL_NODE_ANY};
}

/* An instance of `candidate` over `inner` (or NULL). Its metadata is page aligned, zero, and freed by
 * stub2_fini. NULL self if the machine is refused; *status says why. */
PL_INLINE struct pl_page stub2_init(struct stub2 *stub, const struct pl_candidate *candidate,
                                    const struct pl_page *inner, uint64_t inner_caps, const char *params,
                                    enum pl_status *status)
{
    struct pl_page_config config = {
        .bytes = sizeof(config), .machine = &stub->machine, .params = params, .inner_caps = inner_caps};
    if (inner != NULL)
        config.inner = *inner;
    struct pl_page page = {.ops = candidate->page, .self = NULL};
    size_t bytes = candidate->page->meta_bytes(&config);
    *status = PL_UNSUPPORTED;
    if (bytes == 0)
        return page;
    size_t rounded = (bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES * PL_FRAME_BYTES;
    page.self = aligned_alloc(PL_FRAME_BYTES, rounded);
    if (page.self == NULL)
        abort();
    memset(page.self, 0, rounded);
    *status = candidate->page->init(page.self, &config);
    if (*status != PL_OK) {
        free(page.self);
        page.self = NULL;
    }
    return page;
}

PL_INLINE void stub2_fini(struct pl_page *page)
{
    page->ops->fini(page->self);
    free(page->self);
    page->self = NULL;
}

/* Adds up what an audit says, checks it against the grants, and keeps the first thing broken. */
struct stub2_listener {
    struct pl_visitor visitor;
    struct stub2 *stub;
    uint64_t frames[5]; /* by enum pl_block_state */
    uint64_t overlaps;  /* with a grant, or with a block heard before */
    uint64_t broken;
    char first_broken[128];
};

PL_INLINE void stub2_hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct stub2_listener *listener = (struct stub2_listener *)visitor;
    uint64_t at = block->first.number - listener->stub->machine.first.number;
    for (uint64_t i = 0; i < (uint64_t)1 << block->order; i++) {
        if (at + i >= listener->stub->machine.span || listener->stub->owned[at + i] != 0) {
            listener->overlaps++;
            continue;
        }
        listener->stub->owned[at + i] = 3;
        listener->frames[block->state]++;
    }
}

PL_INLINE void stub2_hear_broken(struct pl_visitor *visitor, const char *words)
{
    struct stub2_listener *listener = (struct stub2_listener *)visitor;
    if (listener->broken++ == 0)
        snprintf(listener->first_broken, sizeof(listener->first_broken), "%s", words);
}

PL_INLINE uint64_t stub2_audit(struct stub2 *stub, const struct pl_page *page,
                               struct stub2_listener *listener)
{
    memset(listener, 0, sizeof(*listener));
    listener->visitor = (struct pl_visitor){
        .bytes = sizeof(struct pl_visitor), .block = stub2_hear_block, .broken = stub2_hear_broken};
    listener->stub = stub;
    uint64_t broken = page->ops->audit(page->self, &listener->visitor);
    for (uint64_t i = 0; i < stub->machine.span; i++)
        if (stub->owned[i] == 3)
            stub->owned[i] = 0;
    return broken;
}

#endif
