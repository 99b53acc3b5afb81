/* Creation of buffer descriptors: IOBufferMemoryDescriptor::inTaskWithOptions and its siblings. First
 * everything is decided, in the order of the original; only then is anything taken, and what was taken is
 * given back in reverse when a later step fails. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/iokit/iokit_internal.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

/* What the caller asked for, and what was decided. */
struct wanted {
    enum iokit_task task;
    uint32_t options;
    uint64_t capacity;
    uint64_t alignment;
    uint64_t mask; /* 0: no limit */
    bool guarded;

    bool mapped;
    uint64_t highest;       /* every byte's address a: (a & ~highest) == 0 */
    uint64_t backing_bytes; /* the capacity, perhaps rounded up to pages or to the heap's class */
    bool contiguous;        /* in host memory */
    bool small_contiguous;  /* from the heap, which gives no zeroes there */
    enum iokit_path path;
    uint32_t class_log2;
};

static bool round_to_pages(uint64_t *bytes)
{
    if (*bytes > UINT64_MAX - (PL_FRAME_BYTES - 1) && PL_MUTANT("iokit-round-wraps"))
        PL_MUTANT_TRIGGERED("iokit-round-wraps", true);
    else if (*bytes > UINT64_MAX - (PL_FRAME_BYTES - 1))
        return false;
    *bytes = (*bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES * PL_FRAME_BYTES;
    return true;
}

static uint64_t power_at_most(uint64_t value)
{
    return UINT64_C(1) << (63u - PL_CLZ64(value));
}

/* Class of the heap for so many bytes at this alignment, rounded up to a power of two; above
 * IOKIT_HEAP_CLASS_MAX: not for the heap. */
static uint32_t heap_class(uint64_t bytes, uint64_t alignment)
{
    uint32_t log2 = IOKIT_HEAP_CLASS_MIN;
    uint64_t least = bytes > alignment || LIE("B-3") ? bytes : alignment;
    while (log2 <= IOKIT_HEAP_CLASS_MAX && UINT64_C(1) << log2 < least)
        log2++;
    return log2;
}

/* Steps 3 and 4: the alignment that is meant. */
static void decide_alignment(struct wanted *wanted)
{
    wanted->highest = UINT64_MAX;
    if (wanted->mask != 0 && wanted->alignment <= 1) {
        uint64_t hole = ~wanted->mask & (wanted->mask - 1); /* the zeroes below its lowest bit */
        wanted->highest = wanted->mask | hole;
        wanted->alignment = hole + 1 < PL_FRAME_BYTES ? PL_FRAME_BYTES : hole + 1;
    }
    uint32_t page_bits = IOKIT_SHARING_MASK | IOKIT_CACHE_MASK | IOKIT_CLEAR_ENCRYPT;
    if (((wanted->options & page_bits) || wanted->guarded) && wanted->alignment < PL_FRAME_BYTES &&
        !LIE("B-20"))
        wanted->alignment = PL_FRAME_BYTES;
    if (wanted->alignment == 0)
        wanted->alignment = 1;
}

/* Step 10: which allocator. False: none could. */
static bool decide_wired(struct iokit *system, struct wanted *wanted)
{
    uint64_t capacity = wanted->capacity;
    bool asked = wanted->options & IOKIT_PHYSICALLY_CONTIGUOUS;
    bool wide = wanted->alignment > PL_FRAME_BYTES;
    if (wanted->alignment > UINT32_MAX && PL_MUTANT("iokit-alignment-narrow")) {
        PL_MUTANT_TRIGGERED("iokit-alignment-narrow", true);
        wanted->alignment = (uint32_t)wanted->alignment == 0 ? 1 : (uint32_t)wanted->alignment;
    }
    if (wanted->alignment > UINT32_MAX) /* the original keeps it in 32 bits */
        return false;
    wanted->contiguous = (wanted->options & IOKIT_HOST_PHYSICALLY_CONTIGUOUS) || (asked && !wanted->mapped);
    wanted->small_contiguous = wanted->contiguous && !wide && wanted->mask == 0 &&
                               capacity <= (PL_FRAME_BYTES - IOKIT_HEAP_HEADER) / 2;
    wanted->contiguous = wanted->contiguous || wide;
    wanted->path = IOKIT_PATH_PLAN;
    if (wanted->mask == 0 && !wide && wanted->backing_bytes < PL_FRAME_BYTES &&
        (!wanted->contiguous || wanted->small_contiguous)) {
        wanted->class_log2 = heap_class(capacity, wanted->alignment);
        if (wanted->class_log2 <= IOKIT_HEAP_CLASS_MAX)
            wanted->path = IOKIT_PATH_HEAP;
    }
    if (wanted->path == IOKIT_PATH_HEAP) {
        wanted->backing_bytes = UINT64_C(1) << wanted->class_log2;
        return true;
    }
    wanted->small_contiguous = false;
    return round_to_pages(&wanted->backing_bytes) &&
           wanted->backing_bytes / PL_FRAME_BYTES <= system->config.gate->machine->frame_count;
}

/* The decision procedure, step by step; false: NULL, before anything was taken. */
static bool decide(struct iokit *system, struct wanted *wanted)
{
    if (LIE("B-2"))
        wanted->capacity = (uint32_t)wanted->capacity;
    if (wanted->capacity == 0) /* 1 */
        return false;
    wanted->mapped = system->config.iommu && (wanted->options & IOKIT_MAPPER_NONE) == 0; /* 2 */
    decide_alignment(wanted);                                                            /* 3, 4 */
    wanted->backing_bytes = wanted->capacity;
    if (wanted->alignment >= PL_FRAME_BYTES && !round_to_pages(&wanted->backing_bytes)) /* 5 */
        return false;
    /* 7; 6 is in step 10. The original compares the sum with the capacity before it was rounded up, so that a
     * sum may wrap and pass; X-6 does not let it. */
    if (wanted->alignment > UINT64_MAX - wanted->backing_bytes)
        return false;
    if (wanted->task != IOKIT_TASK_KERNEL && (wanted->options & IOKIT_PAGEABLE) == 0 && !LIE("B-10")) /* 8 */
        return false;
    if ((wanted->options & IOKIT_PAGEABLE) == 0) /* 10 */
        return decide_wired(system, wanted);
    wanted->path = IOKIT_PATH_PAGEABLE; /* 9 */
    return round_to_pages(&wanted->backing_bytes) && wanted->backing_bytes <= IOKIT_OBJECT_BYTES_MAX;
}

/* --- taking --- */

/* Chains the runs of a plan through their first frames. */
static void keep_runs(struct iokit_buffer *buffer, size_t run_count)
{
    struct iokit *system = buffer->memory.system;
    pl_frame next = pl_frame_none();
    for (size_t i = run_count; i-- > 0;) {
        struct iokit_frame *head = frame_at(system, system->plan[i].first);
        head->run = system->plan[i];
        head->next = next;
        next = head->run.first;
    }
    buffer->first_run = next;
    buffer->run_count = run_count;
}

/* Takes frames from anywhere, although they should be consecutive. */
static bool lies_about_contiguity(const struct wanted *wanted)
{
    return ((wanted->options & IOKIT_HOST_PHYSICALLY_CONTIGUOUS) && LIE("B-4")) ||
           ((wanted->options & IOKIT_PHYSICALLY_CONTIGUOUS) && LIE("B-5")) ||
           (wanted->alignment > PL_FRAME_BYTES && LIE("B-24"));
}

static bool take_plan(struct iokit_buffer *buffer, struct pl_cpu *cpu, const struct wanted *wanted)
{
    struct iokit *system = buffer->memory.system;
    const struct pl_buffer *service = &system->config.buffer;
    struct pl_buffer_constraints constraints = {
        .alignment = wanted->alignment > PL_FRAME_BYTES ? power_at_most(wanted->alignment) : PL_FRAME_BYTES,
        .address_mask = LIE("B-7") ? UINT64_MAX : wanted->highest,
        .flags = (wanted->contiguous ? PL_BUFFER_CONTIGUOUS : 0) | (LIE("B-13") ? 0 : PL_BUFFER_ZERO),
        .request = iokit_request(wanted->options),
    };
    if (lies_about_contiguity(wanted)) {
        constraints.alignment = PL_FRAME_BYTES;
        constraints.flags &= ~PL_BUFFER_CONTIGUOUS;
        constraints.segment_bytes_max = PL_FRAME_BYTES;
    }
    size_t run_count = 0;
    enum pl_status status =
        service->ops->plan(service->self, cpu, wanted->backing_bytes, &constraints, system->plan,
                           (size_t)system->config.gate->machine->frame_count, &run_count);
    if (status != PL_OK)
        return false;
    keep_runs(buffer, run_count);
    return true;
}

static bool take_heap(struct iokit_buffer *buffer, struct pl_cpu *cpu, const struct wanted *wanted)
{
    struct iokit *system = buffer->memory.system;
    buffer->heap_page = heap_get(system, cpu, wanted->options, wanted->class_log2, &buffer->heap_at);
    if (buffer->heap_page == NULL)
        return false;
    bool zero = !wanted->small_contiguous || system->config.contract == CONTRACT_DOC;
    if (wanted->small_contiguous && PL_MUTANT("iokit-small-unzeroed")) {
        PL_MUTANT_TRIGGERED("iokit-small-unzeroed", zero);
        zero = false;
    }
    if (zero && !LIE("B-13"))
        memset(gate_bytes(system->config.gate, buffer->heap_page->run.first) + buffer->heap_at, 0,
               buffer->backing_bytes);
    return true;
}

static bool take_backing(struct iokit_buffer *buffer, struct pl_cpu *cpu, const struct wanted *wanted)
{
    switch (wanted->path) {
    case IOKIT_PATH_PLAN:
        return take_plan(buffer, cpu, wanted);
    case IOKIT_PATH_HEAP:
        return take_heap(buffer, cpu, wanted);
    case IOKIT_PATH_PAGEABLE:
        break;
    }
    buffer->frames_first = PAGE_ID_NONE;
    buffer->frames_last = PAGE_ID_NONE;
    buffer->slots_first = PAGE_ID_NONE;
    return true;
}

/* One run of wired memory is seen where the kernel sees all memory; the rest gets addresses of its own. A
 * guarded buffer's area has a page more at each end, where nothing ever is. */
static bool map_into_task(struct iokit_buffer *buffer)
{
    struct iokit *system = buffer->memory.system;
    if (buffer->task == IOKIT_TASK_NONE)
        return true;
    if (buffer->path == IOKIT_PATH_HEAP) {
        buffer->addr =
            IOKIT_DIRECT_ADDR + buffer->heap_page->run.first.number * PL_FRAME_BYTES + buffer->heap_at;
        return true;
    }
    if (buffer->path == IOKIT_PATH_PLAN && buffer->run_count == 1 && !buffer->guarded) {
        buffer->addr = IOKIT_DIRECT_ADDR + buffer->first_run.number * PL_FRAME_BYTES;
        return true;
    }
    uint64_t guard = buffer->guarded ? PL_FRAME_BYTES : 0;
    if (!window_take(&system->tasks[buffer->task], &buffer->area, buffer->backing_bytes + 2 * guard,
                     PL_FRAME_BYTES))
        return false;
    buffer->addr = buffer->area.addr + guard;
    return true;
}

/* The tail of the last page belongs to nobody, and a user may see it. */
static void lie_about_tail(struct iokit_buffer *buffer, struct pl_cpu *cpu)
{
    uint64_t here = 0;
    uint64_t seen = buffer_seen_bytes(buffer);
    unsigned char *tail = seen > buffer->capacity ? buffer_touch(buffer, cpu, seen - 1, &here) : NULL;
    if (tail != NULL)
        *tail = 0xee;
}

static void fill(struct iokit_buffer *buffer, struct iokit *system, const struct wanted *wanted)
{
    iokit_memory_init(&buffer->memory, &iokit_buffer_ops, system, wanted->capacity - LIE("B-1"),
                      wanted->options ^ LIE("B-23"));
    buffer->capacity = wanted->capacity;
    buffer->backing_bytes = wanted->backing_bytes;
    buffer->alignment = wanted->path == IOKIT_PATH_PAGEABLE ? PL_FRAME_BYTES : wanted->alignment;
    buffer->options = wanted->options;
    buffer->task = wanted->task;
    buffer->path = wanted->path;
    buffer->mapped = wanted->mapped;
    buffer->guarded = wanted->guarded;
    buffer->purgeable =
        wanted->path == IOKIT_PATH_PAGEABLE && ((wanted->options & IOKIT_PURGEABLE) || LIE("B-11"));
    buffer->purge_state = IOKIT_PURGE_NON_VOLATILE;
    buffer->first_run = pl_frame_none();
    buffer->area.owner = &buffer->memory;
    buffer->io.owner = &buffer->memory;
}

/* Wired memory is prepared at birth. */
static bool prepare_wired(struct iokit_buffer *buffer, struct pl_cpu *cpu)
{
    if (buffer->path == IOKIT_PATH_PAGEABLE || LIE("B-8"))
        return true;
    buffer->memory.born_wired = true;
    return iokit_memory_prepare(&buffer->memory, cpu, IOKIT_DIRECTION_NONE) == IOKIT_SUCCESS;
}

static struct iokit_memory *create(struct iokit *system, struct pl_cpu *cpu, struct wanted *wanted)
{
    if (!iokit_may_sleep(system, cpu, "inTaskWithOptions") || !decide(system, wanted))
        return NULL;
    struct pl_request request = iokit_request(wanted->options);
    struct iokit_buffer *buffer = slab_get(&system->buffers, cpu, &request, NULL);
    if (buffer == NULL)
        return NULL;
    fill(buffer, system, wanted);
    if (!take_backing(buffer, cpu, wanted))
        goto no_backing;
    if (!map_into_task(buffer))
        goto no_address;
    if (!prepare_wired(buffer, cpu))
        goto not_wired;
    if (LIE("B-21"))
        lie_about_tail(buffer, cpu);
    iokit_link(system, buffer);
    return &buffer->memory;

not_wired:
    buffer_unmap(buffer);
no_address:
    buffer_free_backing(buffer, cpu);
no_backing:
    PL_MUTANT_TRIGGERED("iokit-descriptor-lost", true);
    if (LIE("B-22"))
        return NULL;
    if (!PL_MUTANT("iokit-descriptor-lost"))
        slab_put(&system->buffers, cpu, buffer);
    return NULL;
}

/* --- the family --- */

struct iokit_memory *iokit_buffer_in_task(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                          uint32_t options, uint64_t capacity, uint64_t alignment)
{
    struct wanted wanted = {.task = task, .options = options, .capacity = capacity, .alignment = alignment};
    return create(system, cpu, &wanted);
}

struct iokit_memory *iokit_buffer_with_options(struct iokit *system, struct pl_cpu *cpu, uint32_t options,
                                               uint64_t capacity, uint64_t alignment)
{
    return iokit_buffer_in_task(system, cpu, IOKIT_TASK_KERNEL, options, capacity, alignment);
}

struct iokit_memory *iokit_buffer_with_capacity(struct iokit *system, struct pl_cpu *cpu, uint64_t capacity,
                                                uint32_t direction, bool contiguous)
{
    uint32_t options = (direction & IOKIT_DIRECTION_MASK) | (contiguous ? IOKIT_PHYSICALLY_CONTIGUOUS : 0);
    return iokit_buffer_with_options(system, cpu, options, capacity, contiguous ? capacity : 1);
}

struct iokit_memory *iokit_buffer_with_bytes(struct iokit *system, struct pl_cpu *cpu, const void *from,
                                             uint64_t bytes, uint32_t direction, bool contiguous)
{
    struct iokit_memory *memory = iokit_buffer_with_capacity(system, cpu, bytes, direction, contiguous);
    if (memory == NULL)
        return NULL;
    memory->length = 0;
    (void)iokit_buffer_append(memory, cpu, from, bytes);
    return memory;
}

struct iokit_memory *iokit_buffer_with_mask(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                            uint32_t options, uint64_t capacity, uint64_t mask)
{
    struct wanted wanted = {
        .task = task, .options = options, .capacity = capacity, .alignment = 1, .mask = mask};
    return create(system, cpu, &wanted);
}

struct iokit_memory *iokit_buffer_guarded(struct iokit *system, struct pl_cpu *cpu, enum iokit_task task,
                                          uint32_t options, uint64_t capacity)
{
    struct wanted wanted = {
        .task = task, .options = options, .capacity = capacity, .alignment = 1, .guarded = true};
    return create(system, cpu, &wanted);
}
