/* The Debian library mimalloc 2.0 as a page allocator: its arenas are the machine's frames, and nothing else.
 * Here: from pl_page calls to mi_malloc and mi_free.
 *
 * Its heaps belong to threads, not to CPUs. A thread that calls is given its own on its first call, takes
 * segments of 32 MiB for it, and gives them up when it ends; what another thread frees waits for the owner. A
 * virtual CPU needs no state for that: whatever thread runs it uses that thread's heap.
 *
 * mimalloc knows no interrupts; each call is masked. A byte a frame remembers what was granted, so that a
 * wrong free does not reach the library, which would believe it. */
#include <stdio.h>

#include "mimalloc_library.h"
#include <pagelab/candidate.h>
#include <pagelab/check.h>

#define MIMALLOC_MAX_ORDER 10u

/* Blocks of up to 64 KiB lie at multiples of their size, as the library lays out its pages: blocks of a size
 * side by side from a multiple of 64 KiB on. Larger ones have to be asked for with their alignment, and then
 * take twice their size. */
#define MIMALLOC_NATURAL_ORDER 4u

extern const struct pl_candidate pl_candidate_mimalloc;

/* Counters: written by their own CPU only, masked. */
struct mimalloc_cpu {
    PL_CPU_ALIGNED _Atomic int64_t granted; /* frames granted here minus frames freed here */
    _Atomic int64_t padding;                /* frames spent beside those on alignment, likewise */
};

struct mimalloc_state {
    struct mimalloc_cpu cpus[PL_CPU_LIMIT];
    struct mimalloc_library library;
    const struct pl_machine *machine;
    uintptr_t addr_of_frame_0; /* outside the contents unless the machine begins at 0 */
    uint64_t segments;
    _Atomic uint8_t *grant; /* [span]: order + 1 at the first frame of a grant, else 0 */
};

PL_INLINE void mimalloc_add(_Atomic int64_t *counter, int64_t amount)
{
    int64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

/* Notes that a block was granted (sign 1) or freed (sign -1). Caller masks. */
PL_INLINE void mimalloc_account(struct mimalloc_cpu *line, uint32_t order, int64_t sign)
{
    int64_t frames = (int64_t)1 << order;
    PL_ASSERT(order <= MIMALLOC_MAX_ORDER);
    mimalloc_add(&line->granted, sign * frames);
    if (order > MIMALLOC_NATURAL_ORDER)
        mimalloc_add(&line->padding, sign * frames);
}

PL_INLINE void *mimalloc_ask(const struct mimalloc_state *state, uint32_t order)
{
    size_t bytes = (size_t)PL_FRAME_BYTES << order;
    if (order <= MIMALLOC_NATURAL_ORDER)
        return state->library.malloc(bytes);
    return state->library.malloc_aligned(bytes, bytes);
}

/* A second try. Pages of other sizes that are empty, and segments without pages, come back only when they are
 * collected. Caller masks. */
static PL_COLD void *mimalloc_ask_again(const struct mimalloc_state *state, uint32_t order)
{
    state->library.collect(true);
    return mimalloc_ask(state, order);
}

static enum pl_status mimalloc_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                     struct pl_run *run)
{
    struct mimalloc_state *state = self;
    uint32_t order = request->order;
    if (PL_UNLIKELY(order > MIMALLOC_MAX_ORDER))
        return PL_UNSUPPORTED;
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    uint32_t before = pl_mask(cpu);
    void *block = mimalloc_ask(state, order);
    if (PL_UNLIKELY(block == NULL))
        block = mimalloc_ask_again(state, order);
    if (PL_LIKELY(block != NULL)) {
        uint64_t number = ((uintptr_t)block - state->addr_of_frame_0) / PL_FRAME_BYTES;
        uint64_t offset = number - state->machine->first.number;
        PL_ASSERT(offset < state->machine->span);
        PL_ASSERT(number % ((uint64_t)1 << order) == 0);
        PL_ASSERT(atomic_load_explicit(&state->grant[offset], memory_order_relaxed) == 0);
        atomic_store_explicit(&state->grant[offset], (uint8_t)(order + 1), memory_order_relaxed);
        mimalloc_account(&state->cpus[cpu->id], order, 1);
        *run = (struct pl_run){
            .first = pl_frame_at(number), .frame_count = (uint64_t)1 << order, .order = order};
    }
    pl_unmask(cpu, before);
    return block != NULL ? PL_OK : PL_NO_MEMORY;
}

/* True for one caller only, if `run` is exactly a grant: it is none any more. */
PL_INLINE bool mimalloc_ungrant(struct mimalloc_state *state, const struct pl_run *run)
{
    uint64_t offset = run->first.number - state->machine->first.number; /* wraps below the first frame */
    if (offset >= state->machine->span || run->order > MIMALLOC_MAX_ORDER ||
        run->frame_count != (uint64_t)1 << run->order)
        return false;
    uint8_t granted = (uint8_t)(run->order + 1);
    return atomic_compare_exchange_strong_explicit(&state->grant[offset], &granted, 0, memory_order_relaxed,
                                                   memory_order_relaxed);
}

static enum pl_status mimalloc_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct mimalloc_state *state = self;
    PL_ASSERT(cpu->id < PL_CPU_LIMIT);
    uint32_t before = pl_mask(cpu);
    bool granted = mimalloc_ungrant(state, run);
    if (PL_LIKELY(granted)) {
        mimalloc_account(&state->cpus[cpu->id], run->order, -1);
        state->library.free((void *)(state->addr_of_frame_0 + run->first.number * PL_FRAME_BYTES));
    }
    pl_unmask(cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* Contents at fitting addresses, one node, and a whole segment somewhere. */
static bool mimalloc_takes(const struct pl_machine *machine)
{
    PL_ASSERT(machine != NULL);
    if (machine->contents == NULL || machine->node_count > 1)
        return false;
    uintptr_t addr_of_frame_0 = (uintptr_t)machine->contents - machine->first.number * PL_FRAME_BYTES;
    return addr_of_frame_0 % MIMALLOC_SEGMENT_BYTES == 0 && mimalloc_library_segments(machine) > 0;
}

static size_t mimalloc_meta_bytes(const struct pl_page_config *config)
{
    PL_ASSERT(config->machine != NULL);
    if (!mimalloc_takes(config->machine))
        return 0;
    return sizeof(struct mimalloc_state) + config->machine->span;
}

static enum pl_status mimalloc_init(void *self, const struct pl_page_config *config)
{
    struct mimalloc_state *state = self;
    const struct pl_machine *machine = config->machine;
    if (!mimalloc_takes(machine))
        return PL_UNSUPPORTED;
    PL_ASSERT(machine->cpu_count <= PL_CPU_LIMIT);
    state->machine = machine;
    state->addr_of_frame_0 = (uintptr_t)machine->contents - machine->first.number * PL_FRAME_BYTES;
    state->segments = mimalloc_library_segments(machine);
    state->grant = (void *)(state + 1);
    return mimalloc_library_open(&state->library, machine);
}

static void mimalloc_fini(void *self)
{
    struct mimalloc_state *state = self;
    PL_ASSERT(state != NULL);
    mimalloc_library_close(&state->library);
}

/* The caller's thread gives its empty pages and segments up. What other threads hold is out of reach. */
static void mimalloc_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct mimalloc_state *state = self;
    PL_ASSERT(of != NULL);
    uint32_t before = pl_mask(cpu);
    state->library.collect(true);
    pl_unmask(cpu, before);
}

/* As far as it can be known from outside: what threads keep in their segments is counted as free. */
static void mimalloc_count(const void *self, struct pl_page_counts *counts)
{
    const struct mimalloc_state *state = self;
    uint64_t managed = state->segments * (MIMALLOC_SEGMENT_BYTES / PL_FRAME_BYTES);
    uint64_t metadata = state->segments * (MIMALLOC_SEGMENT_META_BYTES / PL_FRAME_BYTES);
    int64_t granted = 0;
    int64_t padding = 0;
    for (uint32_t i = 0; i < state->machine->cpu_count; i++) {
        granted += atomic_load_explicit(&state->cpus[i].granted, memory_order_relaxed);
        padding += atomic_load_explicit(&state->cpus[i].padding, memory_order_relaxed);
    }
    PL_ASSERT(managed <= state->machine->frame_count);
    *counts = (struct pl_page_counts){
        .free = managed - metadata - (uint64_t)(granted + padding),
        .metadata = metadata,
        .lost = state->machine->frame_count - managed + (uint64_t)padding,
    };
}

static void mimalloc_settings(const void *self, char *text, size_t bytes)
{
    const struct mimalloc_state *state = self;
    int version = state->library.version;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes,
             "version=%d.%d.%d segments=%llux32MiB heaps=per-thread limit_os_alloc=1 allow_decommit=0 "
             "collect=on-failure natural-orders=0-%u",
             version / 100, version / 10 % 10, version % 10, (unsigned long long)state->segments,
             MIMALLOC_NATURAL_ORDER);
}

static const struct pl_page_ops mimalloc_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_MAY_SLEEP | PL_CAP_CHECKS_FREE |
            PL_CAP_META_IN_FRAMES | PL_CAP_NEEDS_CONTENTS | PL_CAP_OUTSIDE_STATE | PL_CAP_ONE_INSTANCE |
            PL_CAP_HOLES | PL_CAP_BASE,
    .max_order = MIMALLOC_MAX_ORDER,
    .meta_bytes = mimalloc_meta_bytes,
    .init = mimalloc_init,
    .fini = mimalloc_fini,
    .alloc = mimalloc_alloc,
    .free = mimalloc_free,
    .drain = mimalloc_drain,
    .count = mimalloc_count,
    .settings = mimalloc_settings,
};

const struct pl_candidate pl_candidate_mimalloc = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "mimalloc",
    .summary = "mimalloc 2.0, bounded to the machine, a heap per thread",
    .kind = PL_KIND_CANDIDATE,
    .page = &mimalloc_ops,
    .arena_alignment = MIMALLOC_SEGMENT_BYTES,
};
