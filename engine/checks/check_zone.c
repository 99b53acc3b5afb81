/* L-15 to L-20: to the edge of each watermark, on the candidate and, where the promise is about numbers, over
 * all of them. The programs are judged by the zone oracle. */
#include "engine/checks/check_zone.h"

#include <inttypes.h>
#include <string.h>

#include "engine/oracle/zone.h"

#define MACHINE "pagelab program 1\nmachine 256@0x0 cpus=2 floors=0/2/42\n"

/* --- L-15 --- */

static const char exact_sizes[] = MACHINE "cpu0 task zone-exact s0 gfp=kernel bytes=1\n"
                                          "cpu0 task zone-exact s1 gfp=kernel bytes=4096\n"
                                          "cpu0 task zone-exact s2 gfp=kernel bytes=4097\n"
                                          "cpu0 task zone-exact s3 gfp=kernel,zero bytes=12288\n"
                                          "cpu1 task zone-exact s4 gfp=atomic bytes=20480 node=1\n"
                                          "cpu1 hardirq zone-exact s5 gfp=nowait bytes=36865\n"
                                          "cpu0 task zone-exact s6 gfp=kernel bytes=0\n"
                                          "cpu0 task zone-exact s6 gfp=kernel bytes=0xffffffffffffffff\n"
                                          "cpu0 task zone-exact s6 gfp=kernel bytes=0x20000000000000\n"
                                          "cpu0 task zone-exact s6 gfp=kernel,comp bytes=8192\n"
                                          "cpu0 task zone-exact s6 gfp=kernel,highmem bytes=8192\n"
                                          "cpu0 task zone-exact s6 gfp=nowait bytes=1048576\n"
                                          "cpu0 task audit\n"
                                          "cpu0 task zone-page-free s3 page=1\n"
                                          "cpu0 task zone-bad-free s3 mistake=twice\n"
                                          "cpu0 task zone-page-free s3 page=0\n"
                                          "cpu1 task zone-page-free s3 page=2\n"
                                          "cpu0 task zone-bad-free s4 mistake=too-large\n"
                                          "cpu0 task zone-free s4\n"
                                          "cpu0 task zone-bad-free s4 mistake=twice\n"
                                          "cpu0 task audit\n";

/* A grant that fails half-way, and one with no room for the surplus to stay. */
static const char exact_edges[] = MACHINE "cpu0 task zone-starve level=kernel leave=edge+2\n"
                                          "cpu0 task zone-exact s0 gfp=nowait,thisnode bytes=8193\n"
                                          "cpu0 task zone-exact s1 gfp=atomic,thisnode bytes=8193\n"
                                          "cpu0 task fail-nth grant=1\n"
                                          "cpu0 task zone-exact s2 gfp=atomic,thisnode bytes=8193\n"
                                          "cpu0 task zone-feed\n"
                                          "cpu0 task zone-exact s3 gfp=kernel bytes=20480\n";

void check_L_15(struct check *check)
{
    (void)(check_program(check, exact_sizes) && check_program(check, exact_edges));
}

/* --- L-16 --- */

/* Every level at its edge: one frame short, and just enough; with a boost, and for larger blocks. */
static const char levels[] = MACHINE "cpu0 task zone-starve level=low leave=edge-1\n"
                                     "cpu0 task zone-probe\n"
                                     "cpu0 task zone-alloc s0 gfp=kernel,thisnode\n"
                                     "cpu0 task zone-starve level=kernel leave=edge+0\n"
                                     "cpu0 task zone-alloc s1 gfp=nowait,thisnode\n"
                                     "cpu0 task zone-probe order=1\n"
                                     "cpu0 task zone-alloc s2 gfp=nowait,thisnode\n"
                                     "cpu1 task zone-alloc s2 gfp=kernel,thisnode\n"
                                     "cpu0 task zone-alloc s2 gfp=high,thisnode,nomemalloc\n"
                                     "cpu0 task zone-starve level=high leave=edge+0\n"
                                     "cpu0 task zone-alloc s3 gfp=kernel,thisnode task=realtime\n"
                                     "cpu0 task zone-alloc s4 gfp=kernel,thisnode task=realtime\n"
                                     "cpu0 hardirq zone-alloc s4 gfp=atomic,thisnode\n"
                                     "cpu0 task zone-starve level=atomic leave=edge+0\n"
                                     "cpu1 softirq zone-alloc s5 gfp=atomic,thisnode\n"
                                     "cpu1 softirq zone-alloc s6 gfp=atomic,thisnode\n"
                                     "cpu1 task zone-alloc s6 gfp=atomic,thisnode task=oom\n"
                                     "cpu0 task zone-starve level=atomic-oom leave=edge-1\n"
                                     "cpu1 task zone-alloc s7 gfp=atomic,thisnode task=oom\n"
                                     "cpu1 task zone-alloc s7 gfp=atomic,thisnode,memalloc\n"
                                     "cpu0 task zone-starve level=zero leave=edge-2\n"
                                     "cpu1 task zone-alloc s8 gfp=atomic,thisnode,memalloc\n"
                                     "cpu1 task zone-alloc s8 gfp=atomic\n"
                                     "cpu0 task zone-feed\n";

static const char boosts[] =
    MACHINE "cpu0 task zone-tune boost=20 highatomic=1 cma=3\n"
            "cpu0 task zone-starve level=kernel leave=edge-1\n"
            "cpu0 task zone-probe\n"
            "cpu0 task zone-alloc s0 gfp=kernel,thisnode\n"
            "cpu0 task zone-alloc s1 gfp=kernel,thisnode,movable,highmem task=realtime\n"
            "cpu0 task zone-starve level=high leave=edge+0\n"
            "cpu0 task zone-alloc s2 gfp=kernel,high,thisnode\n"
            "cpu0 task zone-alloc s3 gfp=kernel,high,thisnode order=1\n"
            "cpu0 task zone-alloc s4 gfp=kernel,thisnode task=oom\n"
            "cpu0 task zone-probe order=3\n";

/* Three rules by which flags come from masks: NOMEMALLOC takes ATOMIC's discount, a victim of the killer is
 * none at interrupt level, and who could use high memory leaves some. */
static const char derived[] = MACHINE "cpu0 task zone-starve level=atomic leave=edge+2\n"
                                      "cpu0 task zone-alloc s0 gfp=atomic,nomemalloc,thisnode\n"
                                      "cpu0 task zone-starve level=atomic-oom leave=edge+2\n"
                                      "cpu0 hardirq zone-alloc s1 gfp=atomic,thisnode task=oom\n"
                                      "cpu0 task zone-feed\n"
                                      "cpu0 task zone-starve level=kernel leave=edge+2\n"
                                      "cpu0 task zone-alloc s2 gfp=nowait,highmem,thisnode\n";

/* The kernel's own frames pass the watermarks, too: its tables on the first node, its pages on both. */
static const char kernels[] = MACHINE "cpu0 task zone-starve level=kernel leave=edge-1\n"
                                      "cpu0 task area-alloc s0 bytes=4096\n"
                                      "cpu0 task area-user s1 bytes=40960 node=1\n"
                                      "cpu0 task area-view s0\n"
                                      "cpu0 task zone-feed\n"
                                      "cpu0 task area-alloc s0 bytes=4096\n"
                                      "cpu0 task area-user s1 bytes=40960 node=1\n"
                                      "cpu0 task zone-starve level=low leave=edge+1\n"
                                      "cpu0 task area-user s2 bytes=40960\n"
                                      "cpu0 task zone-starve level=kernel leave=edge+1 node=1\n"
                                      "cpu0 task zone-starve level=kernel leave=edge+1\n"
                                      "cpu0 task area-user s3 bytes=40960 node=1\n"
                                      "cpu0 task area-user s3 bytes=4096\n"
                                      "cpu0 task zone-feed\n"
                                      "cpu0 task zone-cache pages=150\n"
                                      "cpu0 task zone-starve level=kernel leave=edge-1\n"
                                      "cpu0 task zone-starve level=kernel leave=edge-1 node=1\n"
                                      "cpu0 task area-user s4 bytes=40960\n"
                                      "cpu0 task audit\n";

/* All numbers of free frames, marks, orders and reserves, against the oracle's own arithmetic. */
static void grid_of(struct check *check, uint64_t mark, uint64_t reserve, uint32_t order)
{
    static const struct {
        uint32_t flags;
        struct zone_right right;
    } callers[] = {
        {LINUX_ALLOC_MIN, {.first = false}},
        {LINUX_ALLOC_MIN | LINUX_ALLOC_NON_BLOCK, {.atomic = true}},
        {LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE, {.high = true}},
        {LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_NON_BLOCK, {.high = true, .atomic = true}},
        {LINUX_ALLOC_MIN | LINUX_ALLOC_OOM, {.dying = true}},
        {LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_OOM,
         {.high = true, .atomic = true, .dying = true}},
    };
    struct linux_watermarks zone;
    struct zone_numbers numbers = {.min = mark, .low = mark, .high = mark, .highatomic = reserve};
    memset(&zone, 0, sizeof(zone));
    memset(zone.blocks, 0xff, sizeof(zone.blocks));
    zone.mark[LINUX_ALLOC_MIN] = mark;
    zone.reserved_highatomic = reserve;
    for (size_t i = 0; i < PL_COUNT_OF(callers); i++) {
        uint64_t needs = zone_needs(&numbers, order, &callers[i].right);
        for (uint64_t free_frames = 0; free_frames <= needs + 2; free_frames++) {
            bool passes = linux_watermark_ok(&zone, free_frames, order, callers[i].flags, LINUX_ZONE_NORMAL);
            if (passes == (free_frames >= needs))
                continue;
            check_broken(check,
                         "%" PRIu64 " free, mark %" PRIu64 ", order %" PRIu32 ", reserve %" PRIu64
                         ": %" PRIu64 " are enough for flags 0x%" PRIx32 ", but the test says %d",
                         free_frames, mark, order, reserve, needs, callers[i].flags, passes);
            return;
        }
    }
}

void check_L_16(struct check *check)
{
    if (!check_program(check, levels) || !check_program(check, boosts) || !check_program(check, derived) ||
        !check_program(check, kernels))
        return;
    for (uint64_t mark = 0; mark <= 101; mark++) {
        for (uint32_t order = 0; order <= 5 && check->verdict == CHECK_HOLDS; order++) {
            grid_of(check, mark, 0, order);
            grid_of(check, mark, 8, order);
        }
    }
}

/* --- L-17 --- */

/* NOFAIL wins over NORETRY, and gets all of the page cache; nobody gets any for what can never be granted. */
static const char forever[] = MACHINE "cpu0 task zone-cache pages=40\n"
                                      "cpu0 task zone-alloc s0 gfp=kernel order=20\n"
                                      "cpu0 task zone-alloc s0 gfp=kernel,nofail order=9\n"
                                      "cpu0 task zone-exact s0 gfp=kernel,thisnode bytes=2097152\n"
                                      "cpu0 task zone-cache pages=40\n"
                                      "cpu0 task zone-starve level=zero leave=edge-2\n"
                                      "cpu0 task zone-starve level=zero leave=edge-2 node=1\n"
                                      "cpu0 task zone-alloc s0 gfp=kernel,nofail,noretry,thisnode\n"
                                      "cpu0 task zone-alloc s1 gfp=kernel,nofail,noretry,thisnode\n"
                                      "cpu0 task zone-alloc s2 gfp=kernel,nofail,noretry,thisnode\n"
                                      "cpu0 task zone-alloc s3 gfp=kernel,noretry,thisnode\n";

/* A page cache is there to be taken back, so that sleeping would help; and the mask says no. */
static const char awake[] = MACHINE "cpu0 task zone-cache pages=40\n"
                                    "cpu0 task zone-starve level=zero leave=edge-2\n"
                                    "cpu0 task zone-starve level=zero leave=edge-2 node=1\n"
                                    "cpu0 task zone-alloc s0 gfp=nowait\n"
                                    "cpu0 task zone-alloc s0 gfp=atomic order=2\n"
                                    "cpu1 hardirq zone-alloc s0 gfp=atomic\n"
                                    "cpu1 softirq zone-alloc s0 gfp=nowait,zero\n"
                                    "cpu0 task zone-alloc s0 gfp=high,nofail\n"
                                    "cpu0 task zone-exact s0 gfp=atomic bytes=4096\n"
                                    "cpu1 hardirq zone-alloc s0 gfp=kernel\n"
                                    "cpu1 softirq zone-exact s0 gfp=noio bytes=4096\n"
                                    "cpu0 task zone-alloc s1 gfp=kernel,thisnode\n"
                                    "cpu0 task zone-alloc s2 gfp=kernel,nofail,thisnode\n"
                                    "cpu0 task pageout frames=200\n"
                                    "cpu0 task zone-alloc s3 gfp=kernel,nofail,thisnode\n"
                                    "cpu0 task zone-feed\n"
                                    "cpu0 task zone-alloc s4 gfp=kernel\n";

void check_L_17(struct check *check)
{
    (void)(check_program(check, awake) && check_program(check, forever));
}

/* --- L-18 --- */

static const char kept[] = MACHINE "cpu0 task zone-tune highatomic=1\n"
                                   "cpu0 task zone-alloc s0 gfp=kernel\n"
                                   "cpu0 task zone-tune highatomic=200\n"
                                   "cpu0 task zone-alloc s1 gfp=atomic order=1\n"
                                   "cpu0 task zone-tune highatomic=0\n"
                                   "cpu0 task audit\n";

/* A zone of 65536 frames keeps two pageblocks at most. Little is left, so that atomic requests reach below
 * the mark; blocks of several orders, so that one pageblock is not enough; then all goes back, and kernel
 * requests want the last. */
#define LARGE "pagelab program 1\nmachine 65536@0x100000 cpus=2\n"
static const char grown[] = LARGE "cpu0 task zone-alloc s0 gfp=kernel,movable,thisnode order=9\n"
                                  "cpu0 task zone-starve level=high leave=edge+2\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-alloc s1 gfp=atomic,thisnode order=1\n"
                                  "cpu0 task audit\n"
                                  "cpu1 hardirq zone-alloc s2 gfp=atomic,thisnode order=2\n"
                                  "cpu0 task zone-alloc s3 gfp=atomic,thisnode order=4\n"
                                  "cpu0 task zone-free s0\n"
                                  "cpu0 task zone-alloc s4 gfp=atomic,thisnode order=8\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-starve level=high leave=edge-2\n"
                                  "cpu1 softirq zone-alloc s5 gfp=atomic,thisnode order=5\n"
                                  "cpu1 softirq zone-alloc s6 gfp=atomic,thisnode order=3\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-free s2\n"
                                  "cpu0 task zone-feed\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-free s1\n"
                                  "cpu0 task zone-free s3\n"
                                  "cpu1 task zone-free s4\n"
                                  "cpu1 task zone-free s5\n"
                                  "cpu1 task zone-free s6\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-starve level=zero leave=edge-2\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task zone-feed\n"
                                  "cpu0 task audit\n"
                                  "cpu0 task drain\n"
                                  "cpu0 task audit\n";

void check_L_18(struct check *check)
{
    (void)(check_program(check, kept) && check_program(check, grown));
}

#undef LARGE

/* --- L-19 --- */

static const char sums[] = MACHINE "cpu0 task zone-alloc s0 gfp=kernel\n"
                                   "cpu1 task zone-alloc s1 gfp=kernel order=4\n"
                                   "cpu0 task zone-exact s2 gfp=kernel bytes=20480\n"
                                   "cpu0 task audit\n"
                                   "cpu0 task alloc s0 order=3 class=interrupt\n"
                                   "cpu1 task zone-free s0\n"
                                   "cpu0 task audit\n"
                                   "cpu1 task zone-free s1\n"
                                   "cpu0 task zone-page-free s2 page=3\n"
                                   "cpu0 task audit\n"
                                   "cpu0 task drain\n"
                                   "cpu0 task zone-alloc s3 gfp=kernel node=1\n"
                                   "cpu0 task zone-starve level=zero leave=edge-2 node=1\n"
                                   "cpu0 task audit\n"
                                   "cpu0 task zone-feed\n"
                                   "cpu0 task audit\n";

void check_L_19(struct check *check)
{
    /* Without an audit nobody says what lies in the lists: nothing would be summed. */
    for (uint32_t i = 0; i < check->spec->layer_count; i++) {
        if (check->spec->layers[i].candidate->page->audit == NULL) {
            check_na(check, "capability: audit");
            return;
        }
    }
    (void)check_program(check, sums);
}

/* --- L-20 --- */

/* Fewer frames free than are unusable: the shortcut's difference would be negative. */
static const char clamped[] = MACHINE "cpu0 task zone-tune highatomic=9 cma=250\n"
                                      "cpu0 task zone-probe\n"
                                      "cpu0 task zone-alloc s0 gfp=kernel,thisnode\n"
                                      "cpu0 task zone-starve level=zero leave=edge+2\n"
                                      "cpu0 task zone-probe\n"
                                      "cpu0 task zone-alloc s1 gfp=kernel,thisnode\n"
                                      "cpu0 task zone-alloc s2 gfp=atomic,thisnode\n"
                                      "cpu0 task zone-tune highatomic=9\n"
                                      "cpu0 task zone-probe\n"
                                      "cpu0 task zone-alloc s3 gfp=nowait,thisnode\n"
                                      "cpu0 task zone-alloc s4 gfp=nowait,highmem,thisnode\n";

/* All numbers of free and unusable frames around zero. */
static void shortcut_grid(struct check *check, uint64_t mark)
{
    struct linux_watermarks zone;
    memset(&zone, 0, sizeof(zone));
    zone.mark[LINUX_ALLOC_MIN] = mark;
    for (zone.reserved_highatomic = 0; zone.reserved_highatomic <= 12; zone.reserved_highatomic += 4) {
        for (zone.free_cma = 0; zone.free_cma <= 5; zone.free_cma++) {
            for (uint64_t f = 0; f <= mark + 20 && check->verdict == CHECK_HOLDS; f++) {
                if (linux_watermark_shortcut(&zone, f, LINUX_ALLOC_MIN, LINUX_ZONE_NORMAL) &&
                    !linux_watermark_ok(&zone, f, 0, LINUX_ALLOC_MIN, LINUX_ZONE_NORMAL))
                    check_broken(check,
                                 "%" PRIu64 " free, %" PRIu64 " unusable, mark %" PRIu64
                                 ": the shortcut says yes, the full test no",
                                 f, zone.reserved_highatomic + zone.free_cma, mark);
            }
        }
    }
}

void check_L_20(struct check *check)
{
    if (!check_program(check, clamped))
        return;
    for (uint64_t mark = 0; mark <= 16; mark++)
        shortcut_grid(check, mark);
}
