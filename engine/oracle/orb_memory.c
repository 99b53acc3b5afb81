/* Memory descriptors of the SBP-2 oracle: synthetic ones, whose segments are a formula that no frames could
 * give, and real buffers. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <string.h>

#define LOW_BASE   UINT64_C(0x10000)
#define HIGH_BASE  UINT64_C(0x123400001000)
#define GAP_BYTES  UINT64_C(0x1000)
#define MANY_SHIFT 3u
#define MANY_BYTES (UINT64_C(1) << MANY_SHIFT)
#define EDGE32     (UINT64_C(1) << 32)
#define EDGE48     (UINT64_C(1) << 48)

/* Which piece a byte is in. Long walks ask often, and dividing would be most of their time. */
static uint64_t piece_of(const struct orb_memory *memory, uint64_t offset)
{
    return memory->piece_shift != 0 ? offset >> memory->piece_shift : offset / memory->piece_bytes;
}

static uint32_t synthetic_wire(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction)
{
    (void)self;
    (void)cpu;
    (void)direction;
    return IOKIT_SUCCESS;
}

static void synthetic_unwire(struct iokit_memory *self, struct pl_cpu *cpu)
{
    (void)self;
    (void)cpu;
}

static uint64_t synthetic_segment(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes)
{
    const struct orb_memory *memory = (const struct orb_memory *)self;
    uint64_t index = piece_of(memory, offset);
    uint64_t inside = offset - index * memory->piece_bytes;
    *bytes = memory->piece_bytes - inside;
    return memory->base + index * memory->stride + inside;
}

static unsigned char *synthetic_touch(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset,
                                      bool write, uint64_t *bytes)
{
    (void)self;
    (void)cpu;
    (void)offset;
    (void)write;
    *bytes = 0;
    return NULL;
}

static void synthetic_destroy(struct iokit_memory *self, struct pl_cpu *cpu)
{
    struct orb_memory *memory = (struct orb_memory *)self;
    (void)cpu;
    memory->memory = NULL;
}

static const struct iokit_memory_ops synthetic_ops = {
    .kind = "synthetic",
    .wire = synthetic_wire,
    .unwire = synthetic_unwire,
    .segment = synthetic_segment,
    .touch = synthetic_touch,
    .destroy = synthetic_destroy,
};

struct orb_piece orb_memory_at(const struct orb_memory *memory, uint64_t offset)
{
    struct orb_piece piece = {0};
    if (!memory->real) {
        uint64_t index = piece_of(memory, offset);
        uint64_t inside = offset - index * memory->piece_bytes;
        piece.addr = memory->base + index * memory->stride + inside;
        piece.bytes = memory->piece_bytes - inside;
        return piece;
    }
    /* Never more than a frame, so that what joins is joined here. */
    piece.addr = iokit_memory_segment(memory->memory, offset, &piece.bytes);
    uint64_t to_end = PL_FRAME_BYTES - piece.addr % PL_FRAME_BYTES;
    if (piece.bytes > to_end)
        piece.bytes = to_end;
    return piece;
}

static void lay_out(struct orb_memory *memory, unsigned make, uint64_t count, uint64_t bytes)
{
    memory->piece_count = count;
    memory->piece_bytes = bytes;
    memory->stride = (bytes + 3) / 4 * 4 + GAP_BYTES;
    memory->base = LOW_BASE;
    uint64_t reach = (count - 1) * memory->stride + bytes;
    switch (make) {
    case OP_ORB_MAKE_TOUCHING:
        memory->stride = bytes;
        break;
    case OP_ORB_MAKE_ODD1:
    case OP_ORB_MAKE_ODD2:
    case OP_ORB_MAKE_ODD3:
        memory->base = LOW_BASE + (make - OP_ORB_MAKE_ODD1) + 1;
        break;
    case OP_ORB_MAKE_HIGH:
        memory->base = HIGH_BASE;
        break;
    case OP_ORB_MAKE_EDGE32:
        memory->base = (EDGE32 - bytes / 2) / 4 * 4;
        break;
    case OP_ORB_MAKE_EDGE48:
        memory->base = EDGE48 - reach;
        break;
    case OP_ORB_MAKE_ABOVE48:
        memory->base = EDGE48 - reach + (bytes + 1) / 2;
        break;
    case OP_ORB_MAKE_NULL:
        memory->base = 0;
        break;
    case OP_ORB_MAKE_MANY_65535:
    case OP_ORB_MAKE_MANY_65536:
        memory->piece_count = make == OP_ORB_MAKE_MANY_65535 ? 65535 : 65536;
        memory->piece_bytes = MANY_BYTES;
        memory->piece_shift = MANY_SHIFT;
        memory->stride = MANY_BYTES * 2;
        break;
    default:
        break;
    }
}

static void make_synthetic(struct orb_oracle *oracle, struct pl_cpu *cpu, struct orb_memory *memory,
                           const struct op *op, uint64_t count, uint64_t bytes)
{
    lay_out(memory, op->mobility, count, bytes);
    iokit_memory_init(&memory->synthetic, &synthetic_ops, &oracle->iokit,
                      memory->piece_count * memory->piece_bytes, IOKIT_DIRECTION_INOUT);
    memory->memory = &memory->synthetic;
    if (op->mobility != OP_ORB_MAKE_UNPREPARED)
        (void)iokit_memory_prepare(memory->memory, cpu, IOKIT_DIRECTION_INOUT);
}

void orb_memory_make(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding)
{
    struct orb_memory *memory = &oracle->memories[op->other % ORB_SLOTS];
    uint64_t count = op->count == 0 ? 1 : op->count & 0xFFu;
    uint64_t bytes = op->extra == 0 ? 1 : op->extra;
    count = count == 0 ? 1 : count;
    if (op->mobility == OP_ORB_MAKE_NONE) {
        if (memory->memory != NULL && memory->owned && memory->range_uses == 0) {
            orb_memory_drop(oracle, cpu, memory);
            orb_memory_settle(oracle, op->other % ORB_SLOTS, finding);
        }
        return;
    }
    if (memory->memory != NULL || op->mobility >= OP_ORB_MAKE_COUNT)
        return;
    memset(memory, 0, sizeof(*memory));
    memory->real = op->mobility == OP_ORB_MAKE_BUFFER || op->mobility == OP_ORB_MAKE_CONTIGUOUS;
    if (memory->real) {
        uint32_t options = IOKIT_DIRECTION_INOUT;
        if (op->mobility == OP_ORB_MAKE_CONTIGUOUS)
            options |= IOKIT_HOST_PHYSICALLY_CONTIGUOUS;
        memory->memory =
            iokit_buffer_in_task(&oracle->iokit, cpu, IOKIT_TASK_KERNEL, options, count * bytes, 1);
    } else {
        make_synthetic(oracle, cpu, memory, op, count, bytes);
    }
    memory->owned = memory->memory != NULL;
    if (memory->owned && memory->real)
        orb_memory_mark(memory, cpu);
    memory->serial = memory->owned ? memory->memory->serial : 0;
}

void orb_memory_drop(struct orb_oracle *oracle, struct pl_cpu *cpu, struct orb_memory *memory)
{
    (void)oracle;
    memory->owned = false;
    iokit_memory_release(memory->memory, cpu);
}

void orb_memory_settle(struct orb_oracle *oracle, uint32_t slot, struct finding *finding)
{
    static const char ids[] = "S-18 S-13";
    struct orb_memory *memory = &oracle->memories[slot];
    uint32_t wanted = (memory->owned ? 1u : 0u) + memory->attached;
    bool alive = memory->memory != NULL;
    if (finding->found || memory->serial == 0)
        return;
    if (alive && memory->real)
        alive = iokit_buffer_alive(&oracle->iokit, memory->memory, memory->serial);
    uint32_t seen = alive ? memory->memory->references : 0;
    /* Prepared ranges over a buffer hold it too, as often as they like. */
    if (memory->range_uses != 0 && seen > wanted)
        return;
    if (!orb_number(finding, ids, "references of the descriptor", wanted, seen))
        return;
    if (wanted == 0) {
        memory->memory = NULL;
        memory->serial = 0;
    }
}
