/* The upper level: which CPU allocates from which tree. A reservation keeps CPUs apart and keeps most calls
 * off the trees' numbers; it excludes nobody: when nothing else is left, any CPU takes from any tree.
 *
 * Orders: a number that goes up is a release, one that goes down an acquire, so that the frames it stands for
 * are seen to be free below. The entries carry nothing else from CPU to CPU. */
#include "llfree_internal.h"

/* What a search for a tree is content with, in turn. */
enum llfree_phase {
    LLFREE_HALF,    /* of the kind, more than half used, but not nearly full: others may become free */
    LLFREE_PARTIAL, /* of the kind, used: keeps free trees whole */
    LLFREE_FREE,    /* hardly used: of the kind, or of any if wholly free */
    LLFREE_FULL,    /* of the kind, nearly full */
    LLFREE_OTHER,   /* of another kind of small blocks */
    LLFREE_BROKEN,  /* of whole children, for small blocks from now on */
    LLFREE_TAKEN,   /* reserved by somebody; stays his */
};

/* The passes of a search: far trees are asked only when near ones do not serve, and trees of another kind
 * only when the kind has none. */
struct llfree_pass {
    enum llfree_phase phase;
    bool is_near;
};

static const struct llfree_pass llfree_passes[] = {
    {LLFREE_HALF, true},     {LLFREE_PARTIAL, true}, {LLFREE_FREE, true},  {LLFREE_HALF, false},
    {LLFREE_PARTIAL, false}, {LLFREE_FREE, false},   {LLFREE_FULL, false}, {LLFREE_OTHER, false},
};

/* When the CPU's own trees of other kinds have none, either. */
static const struct llfree_pass llfree_last_passes[] = {{LLFREE_BROKEN, false}, {LLFREE_TAKEN, false}};

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
                 const struct pl_cpu *of, uint32_t kind, uint64_t entry)
{
    PL_ASSERT(of->id < zone->cpu_count);
    PL_ASSERT((entry & LLFREE_LOCAL_FREE) == 0);
    PL_ASSERT(!zone->is_shared || entry == 0);
    uint32_t before = llfree_move_begin(self, cpu);
    if (entry != 0) {
        _Atomic uint32_t *tree = &zone->tree[entry >> LLFREE_TREE_SHIFT].entry;
        entry |= atomic_fetch_and_explicit(tree, ~LLFREE_TREE_FREE, memory_order_acq_rel) & LLFREE_TREE_FREE;
    }
    pl_point(cpu, self);
    uint64_t old = atomic_exchange_explicit(&zone->local[of->id].entry[kind], entry, memory_order_acq_rel);
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
        if (atomic_compare_exchange_weak_explicit(&zone->tree[tree].entry, &old, old & ~LLFREE_TREE_FREE,
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
    if (PL_MUTANT("llfree-undo-forgotten")) {
        PL_MUTANT_TRIGGERED("llfree-undo-forgotten", true);
        return;
    }
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

/* The word of a tree that serves a kind from now on. Only a wholly free tree that nobody reserved becomes of
 * a laxer kind: its reserver's small blocks would be in a tree of large ones, and the tree would not say so.
 */
static uint32_t llfree_tree_joined(const struct llfree_zone *zone, uint32_t tree, uint32_t kind)
{
    PL_ASSERT(kind < zone->kind_count);
    bool is_anyones = (tree & (LLFREE_RESERVED | LLFREE_TREE_FREE)) == llfree_tree_frames(zone);
    if (!is_anyones && llfree_tree_kind(tree) < kind)
        return tree;
    return (tree & ~LLFREE_TREE_KIND) | kind * LLFREE_KIND_STEP;
}

/* From the tree's own number, reserved or not; `flag` becomes set with it. */
static bool llfree_tree_take(const struct llfree_zone *zone, uint64_t tree, uint64_t frame_count,
                             uint32_t flag, uint32_t kind)
{
    _Atomic uint32_t *word = &zone->tree[tree].entry;
    uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
    PL_ASSERT(tree < zone->tree_count);
    PL_ASSERT(frame_count > 0);
    while ((old & LLFREE_TREE_FREE) >= frame_count && (old & flag) == 0) {
        uint32_t left = (llfree_tree_joined(zone, old, kind) - (uint32_t)frame_count) | flag;
        if (atomic_compare_exchange_weak_explicit(word, &old, left, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

/* Some of another's number was taken for this kind. */
static void llfree_tree_join(const struct llfree_zone *zone, uint64_t tree, uint32_t kind)
{
    _Atomic uint32_t *word = &zone->tree[tree].entry;
    uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
    PL_ASSERT(tree < zone->tree_count);
    while (llfree_tree_kind(old) > kind &&
           !atomic_compare_exchange_weak_explicit(word, &old, llfree_tree_joined(zone, old, kind),
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

bool llfree_number_take(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                        uint64_t tree, uint64_t frame_count, uint32_t kind)
{
    PL_ASSERT(tree < zone->tree_count);
    PL_ASSERT(frame_count <= llfree_tree_frames(zone));
    for (uint32_t round = 0; round < LLFREE_ROUNDS; round++) {
        uint64_t ended = atomic_load_explicit(&self->moves.ended, memory_order_acquire);
        if (llfree_tree_take(zone, tree, frame_count, 0, kind))
            return true;
        for (uint32_t i = 0; i < zone->cpu_count; i++)
            for (uint32_t slot = 0; slot < zone->kind_count; slot++)
                if (llfree_entry_is_of(
                        atomic_load_explicit(&zone->local[i].entry[slot], memory_order_acquire), tree))
                    llfree_move(self, zone, cpu, self->machine->cpus[i], slot, 0);
        if (atomic_load_explicit(&self->moves.begun, memory_order_acquire) == ended)
            return false;
    }
    return false;
}

/* ---- where to take from ---- */

/* The CPU's own tree of that kind, with what others freed into it. */
static uint64_t llfree_take_own(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                uint32_t order, uint32_t kind)
{
    _Atomic uint64_t *local = &zone->local[cpu->id].entry[kind];
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
    uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu->id, kind, tree), order);
    if (found == LLFREE_NONE)
        llfree_number_undo(zone, cpu, tree, frame_count);
    return found;
}

/* A tree that nobody has: the CPU moves there if the block is there. */
static uint64_t llfree_take_reserving(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                      uint64_t tree, uint32_t order, uint32_t kind)
{
    uint64_t frame_count = UINT64_C(1) << order;
    PL_ASSERT(tree < zone->tree_count);
    if (!llfree_tree_take(zone, tree, frame_count, LLFREE_RESERVED, kind))
        return LLFREE_NONE;
    /* The rest of the number stays in the tree for everybody until the block is found. */
    uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, cpu->id, kind, tree), order);
    if (found == LLFREE_NONE) {
        uint32_t back = (uint32_t)frame_count - LLFREE_RESERVED;
        atomic_fetch_add_explicit(&zone->tree[tree].entry, back, memory_order_release);
        return LLFREE_NONE;
    }
    llfree_row_set(zone, cpu, kind, found);
    llfree_move(self, zone, cpu, cpu, kind, llfree_entry(tree));
    return found;
}

PL_INLINE uint64_t llfree_take_taken(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t tree,
                                     uint32_t order, uint32_t kind)
{
    PL_ASSERT(tree < zone->tree_count);
    if (!llfree_tree_take(zone, tree, UINT64_C(1) << order, 0, kind))
        return LLFREE_NONE;
    uint64_t found = llfree_lower_take_short(zone, cpu, llfree_row(zone, cpu->id, kind, tree), order);
    if (found == LLFREE_NONE)
        llfree_number_undo(zone, cpu, tree, UINT64_C(1) << order);
    return found;
}

/* What a tree is to somebody who wants a block of that kind. */
static enum llfree_phase llfree_phase_of(const struct llfree_zone *zone, uint32_t tree, uint32_t kind)
{
    uint64_t frames = llfree_tree_frames(zone);
    uint64_t free = tree & LLFREE_TREE_FREE;
    PL_ASSERT(free <= frames);
    PL_ASSERT(kind < zone->kind_count);
    if ((tree & LLFREE_RESERVED) != 0)
        return LLFREE_TAKEN;
    if (free == frames)
        return LLFREE_FREE;
    if (llfree_tree_kind(tree) != kind)
        return llfree_tree_kind(tree) == LLFREE_WHOLE ? LLFREE_BROKEN : LLFREE_OTHER;
    if (free < frames / 16)
        return LLFREE_FULL;
    if (free <= frames / 2)
        return LLFREE_HALF;
    return free <= frames - frames / 16 ? LLFREE_PARTIAL : LLFREE_FREE;
}

/* Trees away from one, to both sides: 0 is itself. */
PL_INLINE uint64_t llfree_neighbour(const struct llfree_zone *zone, uint64_t from, uint64_t i)
{
    uint64_t away = (i + 1) / 2;
    PL_ASSERT(from < zone->tree_count);
    PL_ASSERT(i < zone->tree_count);
    return (i % 2 != 0 ? from + away : from + zone->tree_count - away) % zone->tree_count;
}

/* Walks away to both sides from where the CPU was, or, if it was nowhere, from where its share of the trees
 * begins. Either is first rounded to the CPU's own place in that group of trees: so a CPU fills the same
 * trees again and again, and CPUs of one group (on a machine of up to 32 trees all there are) begin apart, as
 * far as there are trees, and stay out of one another's lines. The CPUs of all nodes count: any of them may
 * come here when its own node has nothing left. A tree of a stricter kind serves without being
 * reserved: it stays what it is. */
static uint64_t llfree_take_near(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                 uint32_t order, uint32_t kind, const struct llfree_pass *pass)
{
    uint64_t from = atomic_load_explicit(&zone->local[cpu->id].row[kind], memory_order_relaxed) >>
                    (zone->tree_order - LLFREE_WORD_ORDER);
    from -= from % LLFREE_GROUP;
    uint64_t group = zone->tree_count - from < LLFREE_GROUP ? zone->tree_count - from : LLFREE_GROUP;
    from += group * cpu->id / zone->cpu_count;
    PL_ASSERT(from < zone->tree_count);
    PL_ASSERT(pass->phase <= LLFREE_TAKEN);
    uint64_t limit = pass->is_near && zone->tree_count > LLFREE_NEAR ? LLFREE_NEAR : zone->tree_count;
    for (uint64_t i = 0; i < limit; i++) {
        uint64_t tree = llfree_neighbour(zone, from, i);
        uint32_t seen = atomic_load_explicit(&zone->tree[tree].entry, memory_order_acquire);
        if ((seen & LLFREE_TREE_FREE) < UINT64_C(1) << order ||
            llfree_phase_of(zone, seen, kind) != pass->phase)
            continue;
        bool stays =
            pass->phase == LLFREE_TAKEN || (pass->phase == LLFREE_OTHER && llfree_tree_kind(seen) < kind);
        uint64_t found = stays ? llfree_take_taken(zone, cpu, tree, order, kind)
                               : llfree_take_reserving(self, zone, cpu, tree, order, kind);
        if (found != LLFREE_NONE)
            return found;
    }
    return LLFREE_NONE;
}

/* What a CPU holds of its trees' numbers. Only if it takes both of what it holds and what was freed into the
 * tree does it lose its reservation. */
static uint64_t llfree_take_from(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                 uint32_t of, uint32_t order, uint32_t kind)
{
    uint64_t frame_count = UINT64_C(1) << order;
    PL_ASSERT(of < zone->cpu_count);
    for (uint32_t slot = 0; slot < zone->kind_count; slot++) {
        _Atomic uint64_t *local = &zone->local[of].entry[slot];
        uint64_t entry = atomic_load_explicit(local, memory_order_acquire);
        uint64_t tree = entry >> LLFREE_TREE_SHIFT;
        if ((entry & LLFREE_LOCAL_PRESENT) == 0)
            continue;
        uint32_t freed =
            atomic_load_explicit(&zone->tree[tree].entry, memory_order_acquire) & LLFREE_TREE_FREE;
        if ((entry & LLFREE_LOCAL_FREE) + freed < frame_count)
            continue;
        if (llfree_entry_take(local, tree, frame_count))
            llfree_tree_join(zone, tree, kind);
        else if (!llfree_number_take(self, zone, cpu, tree, frame_count, kind))
            continue;
        uint64_t found = llfree_lower_take(zone, cpu, llfree_row(zone, of, slot, tree), order);
        if (found != LLFREE_NONE)
            return found;
        llfree_number_undo(zone, cpu, tree, frame_count);
    }
    return LLFREE_NONE;
}

/* One search, over everything. */
static uint64_t llfree_search(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                              uint32_t order, uint32_t kind)
{
    uint64_t found = llfree_take_own(self, zone, cpu, order, kind);
    PL_ASSERT(!zone->is_shared);
    for (size_t i = 0; i < PL_COUNT_OF(llfree_passes) && found == LLFREE_NONE; i++)
        found = llfree_take_near(self, zone, cpu, order, kind, &llfree_passes[i]);
    if (found == LLFREE_NONE)
        found = llfree_take_from(self, zone, cpu, cpu->id, order, kind);
    for (size_t i = 0; i < PL_COUNT_OF(llfree_last_passes) && found == LLFREE_NONE; i++)
        found = llfree_take_near(self, zone, cpu, order, kind, &llfree_last_passes[i]);
    for (uint32_t i = 1; i < zone->cpu_count && found == LLFREE_NONE; i++)
        found = llfree_take_from(self, zone, cpu, (cpu->id + i) % zone->cpu_count, order, kind);
    return found;
}

/* With fewer trees than CPUs: from the tree where the CPU was, or its neighbours. No number ever moves, so
 * what is not found is not there. */
static uint64_t llfree_take_shared(const struct llfree_zone *zone, struct pl_cpu *cpu, uint32_t order)
{
    uint64_t from = atomic_load_explicit(&zone->local[cpu->id].row[0], memory_order_relaxed) >>
                    (zone->tree_order - LLFREE_WORD_ORDER);
    PL_ASSERT(zone->is_shared);
    for (uint64_t i = 0; i < zone->tree_count; i++) {
        uint64_t found = llfree_take_taken(zone, cpu, llfree_neighbour(zone, from, i), order, 0);
        if (found != LLFREE_NONE) {
            llfree_row_set(zone, cpu, 0, found);
            return found;
        }
    }
    return LLFREE_NONE;
}

uint64_t llfree_take_slow(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                          uint32_t order, uint32_t kind)
{
    PL_ASSERT(order <= LLFREE_MAX_ORDER);
    PL_ASSERT(cpu->id < zone->cpu_count);
    if (zone->is_shared)
        return llfree_take_shared(zone, cpu, order);
    /* A larger block may not be there however often one looks, and looking costs more. */
    uint32_t rounds = order == 0 ? LLFREE_ROUNDS : 2;
    while (rounds-- > 0) {
        uint64_t ended = atomic_load_explicit(&self->moves.ended, memory_order_acquire);
        uint64_t found = llfree_search(self, zone, cpu, order, kind);
        if (found != LLFREE_NONE)
            return found;
        bool has_moved = atomic_load_explicit(&self->moves.begun, memory_order_acquire) != ended;
        if (PL_MUTANT("llfree-endless-retry")) {
            PL_MUTANT_TRIGGERED("llfree-endless-retry", !has_moved || rounds == 0);
            has_moved = true;
            rounds++;
        }
        if (!has_moved)
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
    if ((last & 0xff) < LLFREE_FOLLOW || zone->is_shared)
        return;
    uint32_t kind;
    old += (uint32_t)frame_count;
    do { /* in one step, so that the tree is reserved for what it is: others may have made it another kind */
        kind = llfree_tree_kind(old);
        if ((old & LLFREE_RESERVED) != 0 || llfree_phase_of(zone, old, kind) == LLFREE_FULL)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&zone->tree[tree].entry, &old, old | LLFREE_RESERVED,
                                                    memory_order_acq_rel, memory_order_relaxed));
    llfree_row_set(zone, cpu, kind, index);
    llfree_move(self, zone, cpu, cpu, kind, llfree_entry(tree));
}
