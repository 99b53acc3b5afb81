/* The upper level: which CPU allocates from which tree. A reservation keeps CPUs apart and keeps most calls
 * off the trees' numbers; it excludes nobody: when nothing else is left, any CPU takes from any tree.
 *
 * Orders: a number that goes up is a release, one that goes down an acquire, so that the frames it stands for
 * are seen to be free below. The entries carry nothing else from CPU to CPU. */
#include "llfree_internal.h"

/* What a search for a tree is content with, in turn. */
enum llfree_phase {
    LLFREE_PARTIAL, /* used, but not nearly full: keeps free trees whole */
    LLFREE_FREE,    /* hardly used */
    LLFREE_FULL,    /* nearly full */
    LLFREE_TAKEN,   /* reserved by somebody; stays his */
};

/* The passes of a search: far trees are asked only when near ones do not serve. */
static const struct llfree_pass {
    enum llfree_phase phase;
    bool is_near;
} llfree_passes[] = {
    {LLFREE_PARTIAL, true}, {LLFREE_FREE, true},  {LLFREE_PARTIAL, false},
    {LLFREE_FREE, false},   {LLFREE_FULL, false}, {LLFREE_TAKEN, false},
};

/* ---- moving numbers ----
 *
 * Interrupts are held off, so that none of this CPU finds frames in no number; for other CPUs and for NMIs
 * there is `moves`. Nobody waits for either. */

PL_INLINE uint32_t llfree_move_begin(struct llfree *self, struct pl_cpu *cpu)
{
    uint32_t before = pl_mask(cpu);
    atomic_fetch_add_explicit(&self->moves.begun, 1, memory_order_acq_rel);
    return before;
}

PL_INLINE void llfree_move_end(struct llfree *self, struct pl_cpu *cpu, uint32_t before)
{
    atomic_fetch_add_explicit(&self->moves.ended, 1, memory_order_acq_rel);
    pl_unmask(cpu, before);
}

void llfree_move(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                 const struct pl_cpu *of, uint64_t entry)
{
    PL_ASSERT(of->id < zone->cpu_count);
    PL_ASSERT((entry & LLFREE_LOCAL_FREE) == 0);
    uint32_t before = llfree_move_begin(self, cpu);
    if (entry != 0) {
        _Atomic uint32_t *tree = &zone->tree[entry >> LLFREE_TREE_SHIFT].entry;
        entry |= atomic_fetch_and_explicit(tree, LLFREE_RESERVED, memory_order_acq_rel) & LLFREE_TREE_FREE;
    }
    pl_point(cpu, self);
    uint64_t old = atomic_exchange_explicit(&zone->local[of->id].entry, entry, memory_order_acq_rel);
    pl_point(cpu, self);
    if ((old & LLFREE_LOCAL_PRESENT) != 0) {
        uint32_t back = (uint32_t)(old & LLFREE_LOCAL_FREE) - LLFREE_RESERVED; /* and the flag goes */
        atomic_fetch_add_explicit(&zone->tree[old >> LLFREE_TREE_SHIFT].entry, back, memory_order_release);
    }
    llfree_move_end(self, cpu, before);
}

/* What others freed into this CPU's tree becomes this CPU's. */
static void llfree_gather(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                          uint64_t tree)
{
    PL_ASSERT(tree < zone->tree_count);
    uint32_t before = llfree_move_begin(self, cpu);
    uint32_t old = atomic_load_explicit(&zone->tree[tree].entry, memory_order_relaxed);
    while ((old & LLFREE_RESERVED) != 0 && (old & LLFREE_TREE_FREE) != 0) {
        if (atomic_compare_exchange_weak_explicit(&zone->tree[tree].entry, &old, LLFREE_RESERVED,
                                                  memory_order_acquire, memory_order_relaxed)) {
            pl_point(cpu, self);
            if (!llfree_number_give(zone, cpu, tree, old & LLFREE_TREE_FREE))
                atomic_fetch_add_explicit(&zone->tree[tree].entry, old & LLFREE_TREE_FREE,
                                          memory_order_release);
            break;
        }
    }
    llfree_move_end(self, cpu, before);
}

/* ---- taking and giving ---- */

void llfree_number_undo(const struct llfree_zone *zone, const struct pl_cpu *cpu, uint64_t tree,
                        uint64_t frame_count)
{
    PL_ASSERT(frame_count > 0);
    if (!llfree_number_give(zone, cpu, tree, frame_count))
        atomic_fetch_add_explicit(&zone->tree[tree].entry, (uint32_t)frame_count, memory_order_release);
}

/* From a CPU's entry, if it is of that tree. */
static bool llfree_entry_take(_Atomic uint64_t *local, uint64_t tree, uint64_t frame_count)
{
    uint64_t entry = atomic_load_explicit(local, memory_order_relaxed);
    PL_ASSERT(frame_count > 0);
    while (llfree_entry_is_of(entry, tree) && (entry & LLFREE_LOCAL_FREE) >= frame_count)
        if (atomic_compare_exchange_weak_explicit(local, &entry, entry - frame_count, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* From the tree's own number, reserved or not; `flag` becomes set with it. */
static bool llfree_tree_take(_Atomic uint32_t *tree, uint64_t frame_count, uint32_t flag)
{
    uint32_t old = atomic_load_explicit(tree, memory_order_relaxed);
    PL_ASSERT(frame_count > 0);
    while ((old & LLFREE_TREE_FREE) >= frame_count && (old & flag) == 0)
        if (atomic_compare_exchange_weak_explicit(tree, &old, (old - (uint32_t)frame_count) | flag,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

bool llfree_number_take(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                        uint64_t tree, uint64_t frame_count)
{
    PL_ASSERT(tree < zone->tree_count);
    PL_ASSERT(frame_count <= llfree_tree_frames(zone));
    for (uint32_t round = 0; round < LLFREE_ROUNDS; round++) {
        uint64_t ended = atomic_load_explicit(&self->moves.ended, memory_order_acquire);
        if (llfree_tree_take(&zone->tree[tree].entry, frame_count, 0))
            return true;
        for (uint32_t i = 0; i < zone->cpu_count; i++) {
            uint64_t entry = atomic_load_explicit(&zone->local[i].entry, memory_order_acquire);
            if (llfree_entry_is_of(entry, tree))
                llfree_move(self, zone, cpu, self->machine->cpus[i], 0);
        }
        if (atomic_load_explicit(&self->moves.begun, memory_order_acquire) == ended)
            return false;
    }
    return false;
}

/* ---- where to take from ---- */

/* The CPU's own tree, with what others freed into it. */
static uint64_t llfree_take_own(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                uint32_t order)
{
    _Atomic uint64_t *local = &zone->local[cpu->id].entry;
    uint64_t entry = atomic_load_explicit(local, memory_order_acquire);
    uint64_t frame_count = UINT64_C(1) << order;
    uint64_t tree = entry >> LLFREE_TREE_SHIFT;
    if ((entry & LLFREE_LOCAL_PRESENT) == 0)
        return LLFREE_NONE;
    PL_ASSERT(tree < zone->tree_count);
    if ((entry & LLFREE_LOCAL_FREE) < frame_count) {
        uint32_t freed =
            atomic_load_explicit(&zone->tree[tree].entry, memory_order_acquire) & LLFREE_TREE_FREE;
        if ((entry & LLFREE_LOCAL_FREE) + freed < frame_count)
            return LLFREE_NONE;
        llfree_gather(self, zone, cpu, tree);
    }
    if (!llfree_entry_take(local, tree, frame_count))
        return LLFREE_NONE;
    uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu, tree), order);
    if (found == LLFREE_NONE)
        llfree_number_undo(zone, cpu, tree, frame_count);
    return found;
}

/* A tree that nobody has: the CPU moves there if the block is there. */
static uint64_t llfree_take_reserving(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                      uint64_t tree, uint32_t order)
{
    uint64_t frame_count = UINT64_C(1) << order;
    PL_ASSERT(tree < zone->tree_count);
    if (!llfree_tree_take(&zone->tree[tree].entry, frame_count, LLFREE_RESERVED))
        return LLFREE_NONE;
    /* The rest of the number stays in the tree for everybody until the block is found. */
    uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu, tree), order);
    if (found == LLFREE_NONE) {
        uint32_t back = (uint32_t)frame_count - LLFREE_RESERVED;
        atomic_fetch_add_explicit(&zone->tree[tree].entry, back, memory_order_release);
        return LLFREE_NONE;
    }
    llfree_row_set(zone, cpu, found);
    llfree_move(self, zone, cpu, cpu, llfree_entry(tree));
    return found;
}

static uint64_t llfree_take_taken(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t tree,
                                  uint32_t order)
{
    PL_ASSERT(tree < zone->tree_count);
    if (!llfree_tree_take(&zone->tree[tree].entry, UINT64_C(1) << order, 0))
        return LLFREE_NONE;
    uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu, tree), order);
    if (found == LLFREE_NONE)
        llfree_number_undo(zone, cpu, tree, UINT64_C(1) << order);
    return found;
}

static enum llfree_phase llfree_phase_of(const struct llfree_zone *zone, uint32_t tree)
{
    uint64_t frames = llfree_tree_frames(zone);
    uint64_t free = tree & LLFREE_TREE_FREE;
    PL_ASSERT(free <= frames);
    if ((tree & LLFREE_RESERVED) != 0)
        return LLFREE_TAKEN;
    if (free < frames / 16)
        return LLFREE_FULL;
    return free <= frames - frames / 16 ? LLFREE_PARTIAL : LLFREE_FREE;
}

/* Walks away from the old tree to both sides, so that the near one is taken. A CPU without a tree begins
 * where its share of the trees does. */
static uint64_t llfree_take_near(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                 uint32_t order, const struct llfree_pass *pass)
{
    uint64_t entry = atomic_load_explicit(&zone->local[cpu->id].entry, memory_order_relaxed);
    uint64_t from = (entry & LLFREE_LOCAL_PRESENT) != 0 ? entry >> LLFREE_TREE_SHIFT
                                                        : zone->tree_count * cpu->id / zone->cpu_count;
    PL_ASSERT(from < zone->tree_count);
    PL_ASSERT(pass->phase <= LLFREE_TAKEN);
    uint64_t limit = pass->is_near && zone->tree_count > LLFREE_NEAR ? LLFREE_NEAR : zone->tree_count;
    for (uint64_t i = 0; i < limit; i++) {
        uint64_t away = (i + 1) / 2;
        uint64_t tree = (i % 2 != 0 ? from + away : from + zone->tree_count - away) % zone->tree_count;
        uint32_t seen = atomic_load_explicit(&zone->tree[tree].entry, memory_order_acquire);
        if ((seen & LLFREE_TREE_FREE) < UINT64_C(1) << order || llfree_phase_of(zone, seen) != pass->phase)
            continue;
        uint64_t found = pass->phase == LLFREE_TAKEN ? llfree_take_taken(zone, cpu, tree, order)
                                                     : llfree_take_reserving(self, zone, cpu, tree, order);
        if (found != LLFREE_NONE)
            return found;
    }
    return LLFREE_NONE;
}

/* What other CPUs hold of their trees' numbers. Only if it takes both of what a CPU holds and what was freed
 * into its tree does the CPU lose its reservation. */
static uint64_t llfree_take_stealing(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                     uint32_t order)
{
    uint64_t frame_count = UINT64_C(1) << order;
    PL_ASSERT(zone->cpu_count > cpu->id);
    for (uint32_t i = 1; i < zone->cpu_count; i++) {
        _Atomic uint64_t *local = &zone->local[(cpu->id + i) % zone->cpu_count].entry;
        uint64_t entry = atomic_load_explicit(local, memory_order_acquire);
        uint64_t tree = entry >> LLFREE_TREE_SHIFT;
        if ((entry & LLFREE_LOCAL_PRESENT) == 0)
            continue;
        uint32_t freed =
            atomic_load_explicit(&zone->tree[tree].entry, memory_order_acquire) & LLFREE_TREE_FREE;
        if ((entry & LLFREE_LOCAL_FREE) + freed < frame_count)
            continue;
        if (!llfree_entry_take(local, tree, frame_count) &&
            !llfree_number_take(self, zone, cpu, tree, frame_count))
            continue;
        uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu, tree), order);
        if (found != LLFREE_NONE)
            return found;
        llfree_number_undo(zone, cpu, tree, frame_count);
    }
    return LLFREE_NONE;
}

uint64_t llfree_take_slow(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                          uint32_t order)
{
    PL_ASSERT(order <= LLFREE_MAX_ORDER);
    PL_ASSERT(cpu->id < zone->cpu_count);
    /* A larger block may not be there however often one looks, and looking costs more. */
    uint32_t rounds = order == 0 ? LLFREE_ROUNDS : 2;
    while (rounds-- > 0) {
        uint64_t ended = atomic_load_explicit(&self->moves.ended, memory_order_acquire);
        uint64_t found = llfree_take_own(self, zone, cpu, order);
        for (size_t i = 0; i < PL_COUNT_OF(llfree_passes) && found == LLFREE_NONE; i++)
            found = llfree_take_near(self, zone, cpu, order, &llfree_passes[i]);
        if (found == LLFREE_NONE)
            found = llfree_take_stealing(self, zone, cpu, order);
        if (found != LLFREE_NONE)
            return found;
        if (atomic_load_explicit(&self->moves.begun, memory_order_acquire) == ended)
            return LLFREE_NONE;
        pl_relax(cpu);
    }
    return LLFREE_NONE;
}

void llfree_follow(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t index,
                   uint64_t frame_count)
{
    uint64_t tree = index >> zone->tree_order;
    _Atomic uint64_t *hint = &zone->local[cpu->id].last;
    uint64_t last = atomic_load_explicit(hint, memory_order_relaxed);
    PL_ASSERT(tree < zone->tree_count);
    PL_ASSERT(frame_count > 0);
    last = last >> 8 == tree ? last : tree << 8;
    last += (last & 0xff) < LLFREE_FOLLOW;
    atomic_store_explicit(hint, last, memory_order_relaxed);
    uint32_t old =
        atomic_fetch_add_explicit(&zone->tree[tree].entry, (uint32_t)frame_count, memory_order_release);
    if ((last & 0xff) < LLFREE_FOLLOW || (old & LLFREE_RESERVED) != 0 ||
        llfree_phase_of(zone, old) == LLFREE_FULL)
        return;
    old = atomic_fetch_or_explicit(&zone->tree[tree].entry, LLFREE_RESERVED, memory_order_acq_rel);
    if ((old & LLFREE_RESERVED) != 0)
        return; /* somebody was faster */
    llfree_row_set(zone, cpu, index);
    llfree_move(self, zone, cpu, cpu, llfree_entry(tree));
}
