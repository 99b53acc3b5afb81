/* What can be asked of a buffer beyond what every descriptor can: length, direction, appending, addresses,
 * and the state machine of purgeable memory. */
#include <pagelab/check.h>

#include <string.h>

#include "systems/iokit/iokit_internal.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

bool iokit_buffer_is(const struct iokit_memory *memory)
{
    return memory->ops == &iokit_buffer_ops;
}

/* What only a buffer can be asked is trapped on a descriptor over ranges. */
static bool must_be_buffer(const struct iokit_memory *memory, const char *call)
{
    if (iokit_buffer_is(memory))
        return true;
    trap_take(memory->system->config.trap, call, "X-10", "the descriptor is not a buffer");
    return false;
}

uint64_t iokit_buffer_capacity(const struct iokit_memory *memory)
{
    if (!must_be_buffer(memory, "getCapacity"))
        return 0;
    return buffer_of_const(memory)->capacity;
}

uint64_t iokit_buffer_address(const struct iokit_memory *memory)
{
    if (!must_be_buffer(memory, "getBytesNoCopy"))
        return 0;
    return buffer_of_const(memory)->addr;
}

uint64_t iokit_buffer_address_at(const struct iokit_memory *memory, uint64_t start, uint64_t bytes)
{
    const struct iokit_buffer *buffer = buffer_of_const(memory);
    if (!must_be_buffer(memory, "getBytesNoCopy"))
        return 0;
    if (PL_MUTANT("iokit-address-wraps") && buffer->addr != 0 && start + bytes <= memory->length) {
        PL_MUTANT_TRIGGERED("iokit-address-wraps", start >= memory->length || bytes > memory->length - start);
        return buffer->addr + start;
    }
    if (buffer->addr == 0 || start >= memory->length || bytes > memory->length - start)
        return 0;
    return buffer->addr + start;
}

uint64_t iokit_buffer_backing_bytes(const struct iokit_memory *memory)
{
    return iokit_buffer_is(memory) ? buffer_seen_bytes(buffer_of_const(memory)) : 0;
}

pl_frame iokit_buffer_frame(const struct iokit_memory *memory, uint64_t page)
{
    const struct iokit_buffer *buffer = buffer_of_const(memory);
    uint64_t bytes = 0;
    if (!iokit_buffer_is(memory) || page >= pages_of(buffer->capacity))
        return pl_frame_none();
    uint64_t addr = buffer_physical(buffer, page * PL_FRAME_BYTES, 1, &bytes);
    return bytes == 0 ? pl_frame_none() : pl_frame_at(addr / PL_FRAME_BYTES);
}

void iokit_buffer_set_length(struct iokit_memory *memory, uint64_t length)
{
    if (!must_be_buffer(memory, "setLength"))
        return;
    if (length > buffer_of(memory)->capacity && PL_MUTANT("iokit-length-any")) {
        PL_MUTANT_TRIGGERED("iokit-length-any", true);
        memory->length = length;
        return;
    }
    if (length <= buffer_of(memory)->capacity || LIE("B-14"))
        memory->length = length;
    else if (memory->system->config.contract == CONTRACT_DOC)
        trap_take(memory->system->config.trap, "setLength", "R-21", "beyond the capacity");
}

/* The release kernel ORs what else is in `direction` into the descriptor's flags, which this system reads
 * nowhere: what it decided at the creation it keeps in fields of its own. So there is nothing to do for them.
 */
void iokit_buffer_set_direction(struct iokit_memory *memory, uint32_t direction)
{
    if (must_be_buffer(memory, "setDirection"))
        memory->direction = direction & IOKIT_DIRECTION_MASK;
}

/* All pages first, so that there is no half of it. */
static bool copy_behind(struct iokit_buffer *buffer, struct pl_cpu *cpu, const unsigned char *from,
                        uint64_t bytes)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint64_t done = 0, here = 0; done < bytes; done += here) {
            unsigned char *to = buffer_touch(buffer, cpu, buffer->memory.length + done, &here);
            if (to == NULL)
                return false;
            here = here < bytes - done ? here : bytes - done;
            if (pass == 1)
                memcpy(to, from + done, here);
        }
    }
    return true;
}

/* Written through the buffer's address, not through writeBytes: being wired read-only does not matter. */
bool iokit_buffer_append(struct iokit_memory *memory, struct pl_cpu *cpu, const void *from, uint64_t bytes)
{
    struct iokit_buffer *buffer = buffer_of(memory);
    if (!must_be_buffer(memory, "appendBytes"))
        return false;
    uint64_t room = buffer->capacity > memory->length ? buffer->capacity - memory->length : 0;
    uint64_t fits = bytes < room ? bytes : room;
    if (!iokit_may_sleep(memory->system, cpu, "appendBytes"))
        return false;
    iokit_transfer_begin(memory->system);
    bool resident = copy_behind(buffer, cpu, from, fits);
    iokit_transfer_end(memory->system);
    if (!resident)
        return false;
    memory->length += fits;
    return memory->system->config.contract == CONTRACT_REAL || fits == bytes;
}

static bool state_is_known(uint32_t state)
{
    return state >= IOKIT_PURGE_KEEP && state <= IOKIT_PURGE_EMPTY;
}

/* Moves the state machine; contents go when it enters Empty and, if somebody wrote meanwhile, when it leaves.
 */
static void change_state(struct iokit_buffer *buffer, struct pl_cpu *cpu, uint32_t state)
{
    bool was_empty = buffer->purge_state == IOKIT_PURGE_EMPTY;
    if (state == IOKIT_PURGE_KEEP)
        return;
    if (state == IOKIT_PURGE_VOLATILE && was_empty && !LIE("B-12"))
        return;
    if (state == IOKIT_PURGE_EMPTY || (state == IOKIT_PURGE_NON_VOLATILE && was_empty))
        pages_drop(buffer->memory.system, cpu, buffer);
    buffer->purge_state = state;
}

uint32_t iokit_buffer_set_purgeable(struct iokit_memory *memory, struct pl_cpu *cpu, uint32_t state,
                                    uint32_t *old)
{
    struct iokit_buffer *buffer = buffer_of(memory);
    uint32_t code = state & IOKIT_PURGE_STATE_MASK;
    uint32_t modifiers = state & ~IOKIT_PURGE_STATE_MASK;
    if (!iokit_may_sleep(memory->system, cpu, "setPurgeable"))
        return IOKIT_NOT_PERMITTED;
    if (!iokit_buffer_is(memory))
        return IOKIT_NOT_READY; /* 5.7: no memory entry of its own */
    if (!state_is_known(code))
        return IOKIT_BAD_ARGUMENT;
    if (code == IOKIT_PURGE_KEEP || code == IOKIT_PURGE_NON_VOLATILE)
        modifiers = 0; /* dropped, as the original does, before anybody looks at them */
    bool foreign = !buffer->purgeable && PL_MUTANT("iokit-purge-foreign");
    PL_MUTANT_TRIGGERED("iokit-purge-foreign", foreign);
    if ((modifiers & ~IOKIT_PURGE_MODIFIERS) != 0 || (!buffer->purgeable && !foreign))
        return KERN_INVALID_ARGUMENT;
    if (old != NULL)
        *old = buffer->purge_state;
    change_state(buffer, cpu, code);
    return IOKIT_SUCCESS;
}
