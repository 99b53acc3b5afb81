/* Lays two-level segregated fit out in its metadata, and makes each range one free block. */
#include "tlsf_internal.h"

/* Fills index_count and shift. False if an index would not fit into 32 bits, or frame numbers would wrap. */
static bool tlsf_measure(struct tlsf *self, const struct pl_machine *machine)
{
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (machine->span == 0 || machine->span > TLSF_SPAN_MAX - 2 || machine->node_count > PL_NODE_LIMIT)
        return false;
    /* Aligning a frame number up must not wrap either. */
    if (machine->first.number > UINT64_MAX - 2 * TLSF_SPAN_MAX)
        return false;
    self->index_count = machine->span + 2;
    self->shift = machine->first.number - 1;
    return true;
}

static size_t tlsf_node_offset(void)
{
    return (size_t)tlsf_up(sizeof(struct tlsf), PL_CPU_LINE_BYTES);
}

static size_t tlsf_record_offset(const struct pl_machine *machine)
{
    PL_ASSERT(machine->node_count > 0);
    return (size_t)tlsf_up(tlsf_node_offset() + machine->node_count * sizeof(struct tlsf_node),
                           PL_CPU_LINE_BYTES);
}

size_t tlsf_meta_bytes(const struct pl_page_config *config)
{
    struct tlsf measured = {.record = NULL};
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    if (!tlsf_measure(&measured, config->machine))
        return 0;
    return tlsf_record_offset(config->machine) + measured.index_count * sizeof(struct tlsf_record);
}

enum pl_status tlsf_init(void *instance, const struct pl_page_config *config)
{
    struct tlsf *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!tlsf_measure(self, machine) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    self->machine = machine;
    self->node = (void *)((unsigned char *)instance + tlsf_node_offset());
    self->record = (void *)((unsigned char *)instance + tlsf_record_offset(machine));
    /* From the top down: of two ranges of a class, the lower one serves first. */
    for (uint32_t i = machine->range_count; i-- > 0;) {
        const struct pl_range *range = &machine->ranges[i];
        tlsf_insert(self, &self->node[range->node], range->first.number - self->shift, range->frame_count);
    }
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}

/* Ranges ascend: the last that does not begin above the number. */
const struct pl_range *tlsf_range_of(const struct pl_machine *machine, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = machine->range_count;
    PL_ASSERT(high > 0);
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (machine->ranges[middle].first.number <= number)
            low = middle;
        else
            high = middle;
    }
    const struct pl_range *range = &machine->ranges[low];
    PL_ASSERT(range->frame_count > 0);
    bool inside = number >= range->first.number && number - range->first.number < range->frame_count;
    return inside ? range : NULL;
}
