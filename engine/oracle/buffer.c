/* The IOKit system on a runner's machine: runs the operations of op_buffer.h and asserts B-1 to B-24. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oracle/buffer.h"

#define SCRATCH_BYTES (BUFFER_BYTES_MAX + 2 * PL_FRAME_BYTES)
#define SWAP_PART     4u /* of the machine is room in the swap store ... */
#define SWAP_MAX      256u
#define FRAMES_MIN    (BUFFER_BYTES_MAX / PL_FRAME_BYTES)

static void oracle_fini(void *self)
{
    struct buffer_oracle *oracle = self;
    free(oracle->host);
    free(oracle->owner);
    free(oracle->scratch);
    free(oracle->frames);
    free(oracle->bytes);
    free(oracle);
}

static int oracle_init(struct services *services, void **self)
{
    const struct pl_machine *machine = services->nodes[0].machine;
    struct buffer_oracle *oracle = calloc(1, sizeof(*oracle));
    if (oracle == NULL)
        return -1;
    uint64_t pages = machine->frame_count < FRAMES_MIN ? FRAMES_MIN : machine->frame_count;
    uint64_t swap = machine->frame_count / SWAP_PART;
    oracle->services = services;
    oracle->swap_pages = (uint32_t)(swap < SWAP_MAX ? swap : SWAP_MAX);
    oracle->host = aligned_alloc(64, iokit_bytes(machine, oracle->swap_pages));
    oracle->owner = calloc(machine->span, 1);
    oracle->scratch = malloc(SCRATCH_BYTES);
    oracle->frames = malloc(BUFFER_SLOTS * pages * sizeof(*oracle->frames));
    oracle->bytes = malloc(BUFFER_SLOTS * BUFFER_BYTES_MAX);
    if (oracle->host == NULL || oracle->owner == NULL || oracle->scratch == NULL || oracle->frames == NULL ||
        oracle->bytes == NULL) {
        oracle_fini(oracle);
        return -1;
    }
    for (uint32_t i = 0; i < BUFFER_SLOTS; i++) {
        oracle->slots[i].frames = oracle->frames + i * pages;
        oracle->slots[i].bytes = oracle->bytes + i * BUFFER_BYTES_MAX;
    }
    *self = oracle;
    return 0;
}

/* The page daemon's requests come through the oracle. */
static void stand_between(struct buffer_oracle *oracle)
{
    struct pageout *pageout = &oracle->services->pageout;
    for (uint32_t i = 0; i < pageout->client_count; i++) {
        if (pageout->clients[i].client != &oracle->iokit)
            continue;
        pageout->clients[i].client = oracle;
        pageout->clients[i].reclaim = buffer_reclaim;
    }
}

static void start_system(struct buffer_oracle *oracle)
{
    struct services *services = oracle->services;
    struct iokit_config config = {
        .contract = services->contract,
        .iommu = oracle->iommu,
        .gate = &services->nodes[0].gate,
        .buffer = services->lent.buffer,
        .trap = &services->trap,
        .swap_pages = oracle->swap_pages,
    };
    iokit_init(&oracle->iokit, &config, oracle->host);
    stand_between(oracle);
}

static void oracle_reset(void *self)
{
    struct buffer_oracle *oracle = self;
    oracle->iommu = false;
    oracle->live = 0;
    oracle->busy = 0;
    for (uint32_t i = 0; i < BUFFER_SLOTS; i++) {
        struct expected *expected = &oracle->slots[i];
        *expected = (struct expected){.frames = expected->frames, .bytes = expected->bytes};
    }
    memset(oracle->owner, 0, oracle->services->nodes[0].machine->span);
    start_system(oracle);
}

/* The IOMMU is there from the start or not at all. */
static void turn_on_iommu(struct buffer_oracle *oracle)
{
    if (oracle->iokit.serial != 0 || oracle->iommu)
        return;
    oracle->iommu = true;
    oracle->iokit.config.iommu = true;
}

static void run_on_live(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                        struct expected *expected, struct finding *finding)
{
    switch (op->kind) {
    case OP_BUFFER_RELEASE:
        buffer_run_release(oracle, cpu, expected, finding);
        break;
    case OP_BUFFER_PREPARE:
        buffer_run_prepare(oracle, cpu, expected, op->flags, finding);
        break;
    case OP_BUFFER_COMPLETE:
        buffer_run_complete(oracle, cpu, expected, finding);
        break;
    case OP_BUFFER_WRITE:
        buffer_run_write(oracle, cpu, expected, op, finding);
        break;
    case OP_BUFFER_READ:
        buffer_run_read(oracle, cpu, expected, op->value, op->extra, finding);
        break;
    case OP_BUFFER_APPEND:
        buffer_run_append(oracle, cpu, expected, op, finding);
        break;
    case OP_BUFFER_LENGTH:
        buffer_run_length(oracle, expected, op->value, finding);
        break;
    case OP_BUFFER_PURGE:
        buffer_run_purge(oracle, cpu, expected, op->count | op->extra, finding);
        break;
    case OP_BUFFER_SEGMENTS:
        buffer_run_segments(oracle, expected, op->value, finding);
        break;
    case OP_BUFFER_DIRECTION:
        buffer_run_direction(oracle, expected, op->flags, finding);
        break;
    case OP_BUFFER_NOCOPY:
        buffer_run_nocopy(oracle, cpu, expected, op, finding);
        break;
    default:
        break;
    }
}

/* Whatever call may have stepped the page daemon, so volatile buffers are asked before anything is compared.
 */
static void sync_all(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct finding *finding)
{
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++)
        buffer_sync(oracle, cpu, &oracle->slots[i], finding);
}

static void oracle_run(void *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct buffer_oracle *oracle = self;
    struct expected *expected = &oracle->slots[op->slot % BUFFER_SLOTS];
    sync_all(oracle, cpu, finding);
    if (finding->found)
        return;
    oracle->busy = 1u << op->slot % BUFFER_SLOTS;
    if (op->kind == OP_BUFFER_RANGES)
        oracle->busy |= 1u << op->other % BUFFER_SLOTS;
    switch (op->kind) {
    case OP_BUFFER_CREATE:
    case OP_BUFFER_MASK:
        buffer_run_create(oracle, cpu, op, finding);
        break;
    case OP_BUFFER_IOMMU:
        turn_on_iommu(oracle);
        break;
    case OP_BUFFER_RANGES:
        buffer_run_ranges(oracle, cpu, op, finding);
        break;
    case OP_BUFFER_BAD:
        buffer_run_bad(oracle, cpu, expected, op->mobility, finding);
        break;
    default:
        if (expected->live)
            run_on_live(oracle, cpu, op, expected, finding);
        break;
    }
    oracle->busy = 0;
}

static void oracle_step(void *self, struct finding *finding)
{
    struct buffer_oracle *oracle = self;
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++) {
        const struct expected *expected = &oracle->slots[i];
        if (!expected->live)
            continue;
        if (expected->known)
            buffer_identity(oracle, expected, false, finding);
        if (!finding->found)
            buffer_fields(expected, finding);
    }
}

static void oracle_audit(void *self, struct finding *finding)
{
    struct buffer_oracle *oracle = self;
    sync_all(oracle, oracle->services->nodes[0].machine->cpus[0], finding);
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++) {
        const struct expected *expected = &oracle->slots[i];
        if (!expected->live)
            continue;
        if (expected->known)
            buffer_identity(oracle, expected, true, finding);
        if (!finding->found)
            buffer_compare(oracle, expected, 0, expected->capacity, "B-18 B-15 X-1", finding);
    }
}

/* What is in the swap store is seen when it is read, so all is read once more before it goes. */
static void oracle_end(void *self, struct pl_cpu *cpu, struct finding *finding)
{
    struct buffer_oracle *oracle = self;
    sync_all(oracle, cpu, finding);
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++) {
        struct expected *expected = &oracle->slots[i];
        if (!expected->live)
            continue;
        uint64_t bytes = expected->length < BUFFER_BYTES_MAX ? expected->length : BUFFER_BYTES_MAX;
        oracle->busy = 1u << i;
        buffer_run_read(oracle, cpu, expected, 0, bytes, finding);
        if (!finding->found)
            buffer_run_release(oracle, cpu, expected, finding);
        sync_all(oracle, cpu, finding);
    }
    struct services *services = oracle->services;
    if (finding->found || services->family != OP_FAMILY_BUFFER)
        return;
    lent_drain(&services->lent, cpu);
    if (services->nodes[0].gate.held != 0) {
        finding_set(finding, "B-19 X-4", "all buffers are released, so no frame is held");
        finding_actual(finding, "%" PRIu64 " frames are", services->nodes[0].gate.held);
    }
}

const struct oracle_ops oracle_buffer = {
    .name = "buffer",
    .init = oracle_init,
    .fini = oracle_fini,
    .reset = oracle_reset,
    .run = oracle_run,
    .step = oracle_step,
    .audit = oracle_audit,
    .end = oracle_end,
};
