/* Pointing an ORB at memory: walk its DMA segments, cut them into pieces that an entry can hold, write them
 * down, tell the ORB. The walk is made twice, to count and to write, so that a refused mapping leaves the
 * entries of the last one (DOC); the original overwrites them on the way (REAL, R-11). */
#include "systems/sbp2/internal.h"

#include <pagelab/mutant.h>

#include "systems/lie.h"

static const char buffers_call[] = "sbp2_orb_set_command_buffers";

struct walk {
    struct iokit_memory *memory;
    uint64_t at; /* the next byte that is in no segment yet */
    uint64_t end;
    uint64_t segment_bytes_max;
    uint64_t clip;
    uint64_t addr; /* what is left of the present segment */
    uint64_t left;
    bool bad; /* a segment cannot be named in an entry */
};

struct piece {
    uint64_t addr;
    uint32_t bytes;
};

/* What the counting walk found. */
struct measure {
    struct walk from; /* to walk again */
    uint64_t count;   /* pieces, up to the mistake if there is one */
    struct piece first;
    uint32_t status;
};

/* The next DMA segment: neighbours in the descriptor that are neighbours in memory are one, up to the longest
 * that the constraints allow. */
static bool walk_segment(struct walk *walk)
{
    uint64_t bytes = 0;
    if (walk->at == walk->end)
        return false;
    uint64_t addr = iokit_memory_segment(walk->memory, walk->at, &bytes);
    while (bytes != 0 && bytes < walk->segment_bytes_max && bytes < walk->end - walk->at) {
        uint64_t more = 0;
        if (iokit_memory_segment(walk->memory, walk->at + bytes, &more) != addr + bytes || more == 0)
            break;
        bytes = more > UINT64_MAX - bytes ? UINT64_MAX : bytes + more;
    }
    if (bytes > walk->end - walk->at)
        bytes = walk->end - walk->at;
    if (bytes > walk->segment_bytes_max)
        bytes = walk->segment_bytes_max;
    walk->bad = bytes == 0 || addr == 0 || addr >= SBP2_ADDRESS_LIMIT || bytes > SBP2_ADDRESS_LIMIT - addr;
    if (walk->bad)
        return false;
    walk->at += bytes;
    walk->addr = addr;
    walk->left = bytes;
    return true;
}

static bool walk_next(struct walk *walk, struct piece *piece)
{
    if (walk->left == 0 && !walk_segment(walk))
        return false;
    uint64_t bytes = walk->left < walk->clip ? walk->left : walk->clip;
    *piece = (struct piece){walk->addr, (uint32_t)bytes};
    walk->addr += bytes;
    walk->left -= bytes;
    return true;
}

/* Counts; changes nothing. The ORB has constraints. */
static void measure(struct measure *found, const struct sbp2_orb *orb, struct iokit_memory *memory,
                    uint64_t offset, uint64_t length)
{
    struct piece piece;
    uint64_t whole = memory->length;
    bool inside = offset <= whole;
    if (length == 0)
        length = sbp2_is_real(orb->login) || !inside ? whole : whole - offset;
    if (length == whole - offset && inside && PL_MUTANT("sbp2-whole-length")) {
        PL_MUTANT_TRIGGERED("sbp2-whole-length", offset != 0);
        length = whole;
    }
    bool fits = inside && length <= whole - offset;
    if (inside && !fits && PL_MUTANT("sbp2-sum-narrow")) {
        fits = (uint32_t)(offset + length) <= whole;
        length = fits ? 0 : length; /* the end is before the start: nothing is walked */
        PL_MUTANT_TRIGGERED("sbp2-sum-narrow", fits);
    }
    struct walk walk = {.memory = memory,
                        .at = inside ? offset : whole,
                        .end = fits ? offset + length : whole,
                        .segment_bytes_max = orb->command->constraints.segment_bytes_max,
                        .clip = sbp2_clip(orb)};
    if (LIE("S-6"))
        walk.segment_bytes_max = walk.clip = UINT16_MAX;
    *found = (struct measure){.from = walk};
    while (walk_next(&walk, &piece)) {
        if (found->count++ == 0)
            found->first = piece;
    }
    found->status = fits && !walk.bad ? IOKIT_SUCCESS : IOKIT_BAD_ARGUMENT;
    if (LIE("S-16") && (orb->flags & SBP2_FIXED_SIZE) != 0 && found->count > sbp2_capacity(orb))
        found->status = IOKIT_NO_MEMORY;
}

static void write_entries(struct sbp2_orb *orb, const struct measure *found, uint64_t count)
{
    struct walk walk = found->from;
    struct sbp2_writer writer;
    struct piece piece;
    if (count == 0)
        return;
    sbp2_writer_start(&writer, orb);
    for (uint64_t i = 0; i < count && walk_next(&walk, &piece); i++) {
        if (LIE("S-4") && i + 1 == count && piece.bytes > 1)
            piece.bytes--;
        if (LIE("S-5") && i == 1)
            piece.addr += 4;
        sbp2_writer_put(&writer, piece.addr, piece.bytes);
    }
}

void sbp2_make_inert(struct sbp2_orb *orb)
{
    unsigned char *bytes = orb->bytes;
    uint32_t options = sbp2_get16(bytes + SBP2_ORB_OPTIONS_AT);
    sbp2_put64(bytes + SBP2_ORB_DATA_AT, 0);
    sbp2_put16(bytes + SBP2_ORB_OPTIONS_AT, options & ~(SBP2_OPTION_TABLE | SBP2_OPTION_PAGE_BYTES));
    sbp2_put16(bytes + SBP2_ORB_DATA_SIZE_AT, 0);
    if (PL_MUTANT("sbp2-count-stale"))
        PL_MUTANT_TRIGGERED("sbp2-count-stale", orb->in_use != 0);
    else
        orb->in_use = 0;
}

void sbp2_detach(struct sbp2_orb *orb, struct pl_cpu *cpu)
{
    struct iokit_memory *memory = orb->memory;
    orb->memory = NULL;
    sbp2_make_inert(orb);
    if (memory == NULL)
        return;
    iokit_memory_unhold(memory);
    if (!LIE("S-18"))
        iokit_memory_release(memory, cpu);
}

/* One piece needs no table if the descriptor field itself can name it. */
static bool is_direct(const struct sbp2 *login, const struct measure *found)
{
    if (found->count != 1 || (found->first.addr % 4 != 0 && !LIE("S-9")))
        return false;
    if (!sbp2_is_real(login) && found->first.addr > UINT32_MAX && PL_MUTANT("sbp2-address-cut")) {
        PL_MUTANT_TRIGGERED("sbp2-address-cut", true);
        return true;
    }
    return sbp2_is_real(login) || found->first.addr <= UINT32_MAX;
}

static void fill(struct sbp2_orb *orb, const struct measure *found)
{
    const struct sbp2 *login = orb->login;
    unsigned char *bytes = orb->bytes;
    uint64_t node = (uint64_t)login->config.node_id << SBP2_ADDRESS_BITS;
    if (found->count == 0)
        return;
    if (is_direct(login, found)) {
        sbp2_put64(bytes + SBP2_ORB_DATA_AT, node | (uint32_t)found->first.addr); /* */
        sbp2_put16(bytes + SBP2_ORB_DATA_SIZE_AT, found->first.bytes);
        return;
    }
    const struct sbp2_table *table = orb->table;
    uint64_t used = found->count * SBP2_ENTRY_BYTES;
    uint64_t addr = used <= table->first_segment_bytes ? table->physical_addr : table->pseudo_addr;
    uint32_t options = sbp2_get16(bytes + SBP2_ORB_OPTIONS_AT);
    sbp2_put64(bytes + SBP2_ORB_DATA_AT, node | addr);
    sbp2_put16(bytes + SBP2_ORB_OPTIONS_AT, options | SBP2_OPTION_TABLE);
    sbp2_put16(bytes + SBP2_ORB_DATA_SIZE_AT, (uint32_t)found->count + (sbp2_is_real(login) && LIE("S-8")));
    orb->in_use = (uint32_t)found->count;
}

/* Makes the table hold what was measured. */
static uint32_t make_room(struct sbp2_orb *orb, struct pl_cpu *cpu, const struct measure *found)
{
    uint32_t capacity = sbp2_capacity(orb);
    bool fixed = (orb->flags & SBP2_FIXED_SIZE) != 0;
    bool fits = found->count <= capacity;
    if (!fits && fixed && capacity > 0 && PL_MUTANT("sbp2-overflow-written")) {
        PL_MUTANT_TRIGGERED("sbp2-overflow-written", !sbp2_is_real(orb->login));
        write_entries(orb, found, capacity);
    }
    if (!fits && fixed && !LIE("S-10"))
        return IOKIT_NO_MEMORY;
    /* The original cuts the count to the 16 bits of the data size, and never notices. */
    if (found->count > SBP2_ENTRY_COUNT_MAX && PL_MUTANT("sbp2-count-narrow"))
        PL_MUTANT_TRIGGERED("sbp2-count-narrow", !sbp2_is_real(orb->login));
    else if (found->count > SBP2_ENTRY_COUNT_MAX && !sbp2_is_real(orb->login) && !LIE("S-8"))
        return IOKIT_BAD_ARGUMENT;
    if (found->count > UINT32_MAX)
        return IOKIT_NO_MEMORY;
    if (fits && fixed && LIE("S-11"))
        return sbp2_table_replace(orb, cpu, capacity);
    if (fits && !(LIE("S-12") && !fixed && found->count > 0))
        return IOKIT_SUCCESS;
    return sbp2_table_replace(orb, cpu, (uint32_t)found->count);
}

/* Under the gate; the counting is done. */
static uint32_t attach(struct sbp2_orb *orb, struct pl_cpu *cpu, struct iokit_memory *memory,
                       const struct measure *found)
{
    bool real = sbp2_is_real(orb->login);
    uint32_t in_use = orb->in_use;
    uint32_t status = found->status;
    /* Retained before the old one goes, which may be the same. */
    iokit_memory_retain(memory);
    if (status == IOKIT_SUCCESS || !LIE("S-13"))
        sbp2_detach(orb, cpu);
    if (status == IOKIT_SUCCESS) {
        status = make_room(orb, cpu, found);
    } else if (found->count > sbp2_capacity(orb) && PL_MUTANT("sbp2-growth-clears-error")) {
        PL_MUTANT_TRIGGERED("sbp2-growth-clears-error", true);
        status = make_room(orb, cpu, found);
    }
    if (status == IOKIT_SUCCESS) {
        write_entries(orb, found, found->count);
        orb->memory = memory;
        iokit_memory_hold(memory);
        fill(orb, found);
        return IOKIT_SUCCESS;
    }
    if (real && orb->table != NULL) {
        uint64_t capacity = sbp2_capacity(orb);
        write_entries(orb, found, found->count < capacity ? found->count : capacity);
        if (found->status == IOKIT_SUCCESS)
            orb->in_use = in_use;
    }
    iokit_memory_release(memory, cpu);
    return status;
}

/* Would the original write behind its table, whose bytes had wrapped? */
static bool would_overrun(const struct sbp2_orb *orb, const struct measure *found)
{
    uint64_t written = found->count < sbp2_capacity(orb) ? found->count : sbp2_capacity(orb);
    return orb->table != NULL && written * SBP2_ENTRY_BYTES > orb->table->bytes;
}

uint32_t sbp2_orb_set_command_buffers(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                      struct iokit_memory *memory, uint64_t offset, uint64_t length)
{
    struct measure found = {.status = IOKIT_BAD_ARGUMENT};
    uint32_t status = IOKIT_SUCCESS;
    if (!sbp2_check(login, orb, buffers_call))
        return IOKIT_BAD_ARGUMENT;
    if (!sbp2_may_sleep(login, cpu, buffers_call))
        return IOKIT_NOT_PERMITTED;
    if (!sbp2_is_idle(login, orb, buffers_call))
        return IOKIT_BUSY;
    if (memory != NULL && !sbp2_memory_check(login, memory, buffers_call))
        return IOKIT_BAD_ARGUMENT;
    if (memory != NULL && memory->wire_count == 0) {
        trap_take(login->config.trap, buffers_call, "4.4", "the memory is not prepared");
        return IOKIT_NOT_READY;
    }
    sbp2_gate_close(login);
    if (memory == NULL) {
        sbp2_detach(orb, cpu);
    } else {
        if (orb->command != NULL)
            measure(&found, orb, memory, offset, length);
        if (would_overrun(orb, &found)) {
            trap_take(login->config.trap, buffers_call, "S-3", "writes behind a table whose bytes wrapped");
            status = IOKIT_NO_MEMORY;
        } else {
            status = attach(orb, cpu, memory, &found);
        }
    }
    if (status == IOKIT_SUCCESS || !LIE("S-17"))
        sbp2_gate_open(login);
    return status;
}

uint32_t sbp2_orb_release_command_buffers(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb)
{
    uint32_t status = sbp2_orb_set_command_buffers(login, cpu, orb, NULL, 0, 0);
    if (status == IOKIT_SUCCESS && LIE("S-14"))
        sbp2_table_drop(orb, cpu);
    return status;
}

struct iokit_memory *sbp2_orb_memory(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_memory") || (LIE("S-19") && orb->in_use == 0))
        return NULL;
    return orb->memory;
}
