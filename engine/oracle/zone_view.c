/* The oracle's arithmetic of watermarks. Written from the specification's table and turned round: not "does
 * it pass?", but "how many free frames does it take?", so that no line is the system's. */
#include <inttypes.h>

#include "engine/oracle/zone.h"

struct zone_numbers zone_numbers_of(uint64_t managed_frames)
{
    /* The largest number of KiB whose square is at most 16 times the zone's KiB; a frame is 4 KiB. */
    uint64_t kib = 128;
    while (kib < 262144 && (kib + 1) * (kib + 1) <= 64 * managed_frames)
        kib++;
    uint64_t min = kib / 4;
    if (min > managed_frames / 8)
        min = managed_frames / 8;
    if (min == 0)
        min = 1;
    uint64_t quarter = min / 4;
    uint64_t thousandth = managed_frames / 1000;
    uint64_t gap = quarter > thousandth ? quarter : thousandth;
    return (struct zone_numbers){
        .min = min, .low = min + gap, .high = min + gap + gap, .highmem = managed_frames / 32};
}

struct zone_right zone_right_of(uint32_t gfp, const struct pl_cpu *cpu, const struct linux_task *task,
                                bool first)
{
    bool in_task = cpu->context == PL_CONTEXT_TASK;
    bool waits = (gfp & LINUX_GFP_DIRECT_RECLAIM) != 0;
    bool refuses_reserve = (gfp & LINUX_GFP_NOMEMALLOC) != 0;
    struct zone_right right = {.first = first, .highmem = (gfp & 3u) == LINUX_GFP_HIGHMEM};
    if (first)
        return right;
    right.high = (gfp & LINUX_GFP_HIGH) || (waits && task->realtime && in_task);
    right.atomic = !waits && !refuses_reserve;
    right.everything = (gfp & LINUX_GFP_MEMALLOC) && !refuses_reserve;
    right.dying = in_task && task->oom_victim && !refuses_reserve && !right.everything;
    return right;
}

struct zone_right zone_right_of_level(unsigned level)
{
    return (struct zone_right){
        .first = level == OP_ZONE_LEVEL_LOW,
        .high =
            level == OP_ZONE_LEVEL_HIGH || level == OP_ZONE_LEVEL_ATOMIC || level == OP_ZONE_LEVEL_ATOMIC_OOM,
        .atomic = level == OP_ZONE_LEVEL_ATOMIC || level == OP_ZONE_LEVEL_ATOMIC_OOM,
        .dying = level == OP_ZONE_LEVEL_OOM || level == OP_ZONE_LEVEL_ATOMIC_OOM,
        .everything = level == OP_ZONE_LEVEL_ZERO,
    };
}

/* What is kept of a mark: halves and quarters are rounded so that the caller gets less. */
static uint64_t kept(uint64_t mark, const struct zone_right *right)
{
    if (right->high)
        mark = (mark + 1) / 2;
    if (right->high && right->atomic)
        mark = (3 * mark + 3) / 4;
    if (right->dying)
        mark = (mark + 1) / 2;
    return mark;
}

uint64_t zone_needs(const struct zone_numbers *zone, uint32_t order, const struct zone_right *right)
{
    if (right->everything)
        return 0;
    uint64_t mark = right->first ? zone->low : zone->min;
    bool forgets_boost = order == 0 && right->high && !right->first;
    uint64_t needs = kept(mark + (forgets_boost ? 0 : zone->boost), right) + 1;
    needs += (UINT64_C(1) << order) - 1 + zone->cma;
    if (right->highmem)
        needs += zone->highmem;
    if (!right->high && !right->atomic && !right->dying)
        needs += zone->highatomic;
    return needs;
}

/* --- before and after --- */

struct zone_before zone_look(const struct zone_oracle *oracle, const struct pl_cpu *cpu)
{
    const struct services *services = oracle->services;
    struct zone_before before = {
        .frames = oracle->frames,
        .cpu_sleeps = cpu->sleeps,
        .steps = services->pageout.steps,
        .traps = services->trap.count,
    };
    for (uint32_t i = 0; i < services->node_count; i++) {
        const struct gate *gate = &services->nodes[i].gate;
        before.free[i] = shadow_free_frames(services->nodes[i].shadow);
        before.held[i] = gate->held;
        before.allocated[i] = oracle->zones.nodes[i].allocated;
        before.sleeps += gate->sleeps;
        before.failing = before.failing || gate->fail_in != 0;
    }
    return before;
}

void zone_check_unchanged(const struct zone_oracle *oracle, const struct zone_before *before, const char *ids,
                          struct finding *finding)
{
    const struct services *services = oracle->services;
    for (uint32_t i = 0; i < services->node_count && !finding->found; i++) {
        const struct gate *gate = &services->nodes[i].gate;
        uint64_t now = gate_free_frames(gate);
        if (now == before->free[i] && gate->held == before->held[i] &&
            oracle->zones.nodes[i].allocated == before->allocated[i])
            continue;
        finding_set(finding, ids, "");
        finding_expected(finding,
                         "a call that failed changes nothing: node %" PRIu32 " has %" PRIu64 " free, %" PRIu64
                         " held, %" PRIu64 " of them by the zone",
                         i, before->free[i], before->held[i], before->allocated[i]);
        finding_actual(finding, "%" PRIu64 " free, %" PRIu64 " held, %" PRIu64 " by the zone", now,
                       gate->held, oracle->zones.nodes[i].allocated);
    }
}

void zone_check_awake(const struct zone_oracle *oracle, const struct pl_cpu *cpu,
                      const struct zone_before *before, struct finding *finding)
{
    struct zone_before now = zone_look(oracle, cpu);
    if (now.sleeps == before->sleeps && now.cpu_sleeps == before->cpu_sleeps && now.steps == before->steps)
        return;
    finding_set(finding, "L-17 X-5", "a call that must not or need not sleep does not");
    finding_actual(finding, "slept %" PRIu64 " times, the page daemon ran %" PRIu64 " times",
                   now.sleeps - before->sleeps + (now.cpu_sleeps - before->cpu_sleeps),
                   now.steps - before->steps);
}

/* --- the system's test, asked for everybody --- */

static bool asks(const struct linux_zone *zone, uint64_t free_frames, uint32_t order, uint32_t flags)
{
    return linux_watermark_ok(&zone->marks, free_frames, order, flags, LINUX_ZONE_NORMAL);
}

static void check_ladder(const struct zone_oracle *oracle, uint32_t node, uint32_t order,
                         struct finding *finding)
{
    const struct linux_zone *zone = &oracle->zones.nodes[node];
    uint64_t f = gate_free_frames(zone->gate);
    uint32_t some = order > 0 ? LINUX_ALLOC_HIGHATOMIC : 0;
    bool kernel = asks(zone, f, order, LINUX_ALLOC_MIN);
    bool nowait = asks(zone, f, order, LINUX_ALLOC_MIN | LINUX_ALLOC_NON_BLOCK | some);
    bool high = asks(zone, f, order, LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE);
    bool atomic =
        asks(zone, f, order, LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_NON_BLOCK | some);
    /* NOWAIT is spared the pageblocks kept for atomic requests, and only in that differs from KERNEL. */
    bool equal = zone->marks.reserved_highatomic != 0 || kernel == nowait;
    if ((!kernel || nowait) && (!kernel || high) && (!high || atomic) && equal)
        return;
    finding_set(finding, "L-16 X-7", "who passes with fewer rights passes with more; NOWAIT is as KERNEL");
    finding_actual(finding, "%" PRIu64 " free, order %" PRIu32 ": kernel %d, nowait %d, high %d, atomic %d",
                   f, order, kernel, nowait, high, atomic);
}

static void check_shortcut(const struct zone_oracle *oracle, uint32_t node, struct finding *finding)
{
    static const uint32_t flags[] = {LINUX_ALLOC_LOW, LINUX_ALLOC_MIN,
                                     LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE};
    const struct linux_zone *zone = &oracle->zones.nodes[node];
    uint64_t free_frames = gate_free_frames(zone->gate);
    for (size_t i = 0; i < PL_COUNT_OF(flags); i++) {
        struct zone_right right = {.first = flags[i] == LINUX_ALLOC_LOW, .high = flags[i] > LINUX_ALLOC_LOW};
        if (!linux_watermark_shortcut(&zone->marks, free_frames, flags[i], LINUX_ZONE_NORMAL) ||
            free_frames >= zone_needs(&oracle->numbers[node], 0, &right))
            continue;
        finding_set(finding, "L-20", "what passes the shortcut passes the full test");
        finding_actual(finding,
                       "%" PRIu64 " free, %" PRIu64 " needed, and the shortcut lets flags 0x%" PRIx32
                       " through",
                       free_frames, zone_needs(&oracle->numbers[node], 0, &right), flags[i]);
        return;
    }
}

void zone_check_marks(const struct zone_oracle *oracle, uint32_t node, uint32_t order,
                      struct finding *finding)
{
    check_ladder(oracle, node, order > PL_ORDER_LIMIT ? PL_ORDER_LIMIT : order, finding);
    if (!finding->found)
        check_shortcut(oracle, node, finding);
}
