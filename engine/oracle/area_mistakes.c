/* Mistakes on purpose with areas: each traps, names its rule, and leaves everything as it was. */
#include "engine/oracle/area_internal.h"

/* A dead handle whose descriptor or address nobody has been given since: then, freeing it is a mistake. */
static bool is_stale(const struct area_oracle *oracle, const struct area_slot *slot)
{
    for (unsigned i = 0; i < AREA_SLOTS; i++) {
        const struct area_slot *other = &oracle->slots[i];
        if (other->live && (slot->user ? other->addr == slot->addr : other->area == slot->area))
            return false;
    }
    return slot->used && !slot->live;
}

static void free_by(struct area_oracle *oracle, struct pl_cpu *cpu, struct linux_area *descriptor,
                    struct finding *finding)
{
    struct area_before before = area_remember(oracle);
    linux_free_vm_area(&oracle->mm, cpu, descriptor);
    area_expect_trap(oracle, &before, "L-12 X-10", "L-12", finding);
}

static void bad_twice(struct area_oracle *oracle, struct pl_cpu *cpu, const struct area_slot *slot,
                      struct finding *finding)
{
    if (!is_stale(oracle, slot))
        return;
    struct area_before before = area_remember(oracle);
    if (slot->user)
        linux_vfree(&oracle->mm, cpu, slot->addr);
    else
        linux_free_vm_area(&oracle->mm, cpu, slot->area);
    area_expect_trap(oracle, &before, "L-12 X-10", "L-12", finding);
}

static void bad_forged(struct area_oracle *oracle, struct pl_cpu *cpu, const struct area_slot *slot,
                       uint64_t shift, struct finding *finding)
{
    if (!slot->live || slot->user)
        return;
    struct linux_area copy = *slot->area;
    copy.addr += shift;
    free_by(oracle, cpu, &copy, finding);
}

static void bad_kind(struct area_oracle *oracle, struct pl_cpu *cpu, const struct area_slot *slot,
                     struct finding *finding)
{
    if (!slot->live)
        return;
    struct area_before before = area_remember(oracle);
    if (slot->user)
        linux_free_vm_area(&oracle->mm, cpu, slot->area);
    else
        linux_vfree(&oracle->mm, cpu, slot->addr);
    area_expect_trap(oracle, &before, "L-12 X-10", "L-12", finding);
}

static void bad_interrupt(struct area_oracle *oracle, struct pl_cpu *cpu, struct area_slot *slot,
                          struct finding *finding)
{
    struct area_before before = area_remember(oracle);
    cpu->context = PL_CONTEXT_HARDIRQ;
    linux_alloc_vm_area(&oracle->mm, cpu, PL_FRAME_BYTES, NULL);
    area_expect_trap(oracle, &before, "L-13", "L-13", finding);
    before.traps++;
    if (!finding->found)
        linux_vmalloc_user(&oracle->mm, cpu, PL_FRAME_BYTES, 0);
    area_expect_trap(oracle, &before, "L-13", "L-13", finding);
    before.traps++;
    if (!finding->found)
        linux_view_new(&oracle->mm, cpu);
    area_expect_trap(oracle, &before, "L-13", "3.1", finding);
    before.traps++;
    if (slot->live && !finding->found) {
        if (slot->user)
            linux_vfree(&oracle->mm, cpu, slot->addr);
        else
            linux_free_vm_area(&oracle->mm, cpu, slot->area);
        area_expect_trap(oracle, &before, "L-13 L-12", "3.1", finding);
    }
    cpu->context = PL_CONTEXT_TASK;
}

static void bad_size(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding)
{
    struct area_before before = area_remember(oracle);
    linux_alloc_vm_area(&oracle->mm, cpu, (op->slot + 1) * PL_FRAME_BYTES - 1, NULL);
    area_expect_trap(oracle, &before, "R-7 L-11", "R-7", finding);
}

static void bad_view(struct area_oracle *oracle, struct pl_cpu *cpu, struct finding *finding)
{
    struct area_before before = area_remember(oracle);
    linux_view_drop(&oracle->mm, cpu, LINUX_VIEW_LIMIT);
    area_expect_trap(oracle, &before, "L-21 X-10", "L-21", finding);
}

void area_do_bad(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct area_slot *slot = &oracle->slots[op->slot];
    /* From interrupt level it is that which traps first. */
    if (cpu->context != PL_CONTEXT_TASK)
        return;
    switch (op->mobility) {
    case OP_AREA_BAD_TWICE:
        bad_twice(oracle, cpu, slot, finding);
        break;
    case OP_AREA_BAD_FORGED:
        bad_forged(oracle, cpu, slot, 0, finding);
        break;
    case OP_AREA_BAD_FOREIGN:
        bad_forged(oracle, cpu, slot, PL_FRAME_BYTES, finding);
        break;
    case OP_AREA_BAD_NULL:
        free_by(oracle, cpu, NULL, finding);
        break;
    case OP_AREA_BAD_KIND:
        bad_kind(oracle, cpu, slot, finding);
        break;
    case OP_AREA_BAD_INTERRUPT:
        bad_interrupt(oracle, cpu, slot, finding);
        break;
    case OP_AREA_BAD_SIZE:
        bad_size(oracle, cpu, op, finding);
        break;
    case OP_AREA_BAD_VIEW:
        bad_view(oracle, cpu, finding);
        break;
    case OP_AREA_BAD_VMA:
        area_unmap_copies(oracle, op->slot, finding);
        break;
    default:
        break;
    }
    area_check_tables(oracle, finding);
}
