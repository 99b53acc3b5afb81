/* all systems at once: areas, FreeBSD's pages, zones, ORBs, buffers and bare frames interleaved
 * on one machine, so that what one gives up another gets. Judged by the shadow and by every system's oracle.
 */
#include "engine/checks/check_cross.h"
#include "engine/checks/check_sweep.h"
#include "engine/nosleep/nosleep.h"

#include <stdio.h>

#define SCENARIO_LIMIT_S 8u /* of X-5, which has six */

#define MACHINE "pagelab program 1\nmachine 1024@0x0 cpus=2 floors=0/2/43\n"

/* One of everything, alive. */
#define EVERYTHING                                                                                           \
    "cpu0 task vm-object o0\n"                                                                               \
    "cpu0 task vm-alloc s0 o0 pindex=0 flags=wired\n"                                                        \
    "cpu1 task vm-alloc s1 o0 pindex=4096 flags=system\n"                                                    \
    "cpu0 task area-alloc s0 bytes=16384\n"                                                                  \
    "cpu0 task area-page o0\n"                                                                               \
    "cpu0 task area-map s0 o0 page=1\n"                                                                      \
    "cpu0 task area-user s7 bytes=12288 node=1\n"                                                            \
    "cpu0 task area-touch s7 page=2\n"                                                                       \
    "cpu1 task zone-alloc s7 gfp=kernel order=1 node=1\n"                                                    \
    "cpu1 task zone-alloc s0 gfp=kernel order=1\n"                                                           \
    "cpu1 task zone-exact s1 gfp=kernel,zero bytes=12288\n"                                                  \
    "cpu0 task buf-create s0 options=in,out capacity=8192 alignment=1\n"                                     \
    "cpu0 task buf-create s1 options=in,out,pageable capacity=12288 alignment=1\n"                           \
    "cpu0 task buf-prepare s1\n"                                                                             \
    "cpu1 task orb-new s0\n"                                                                                 \
    "cpu1 task orb-memory o0 make=gaps pieces=3 bytes=8192\n"                                                \
    "cpu1 task orb-table s0 entries=8\n"                                                                     \
    "cpu1 task orb-buffers s0 o0\n"                                                                          \
    "cpu0 task alloc s0 order=2 class=normal\n"                                                              \
    "cpu1 hardirq zone-alloc s2 gfp=atomic\n"                                                                \
    "cpu1 hardirq alloc s1 class=interrupt\n"

/* All of it gone again, in another order. */
#define NOTHING                                                                                              \
    "cpu1 task free s0\n"                                                                                    \
    "cpu0 task buf-complete s1\n"                                                                            \
    "cpu0 task buf-release s0\n"                                                                             \
    "cpu0 task orb-release s0\n"                                                                             \
    "cpu1 task zone-free s0\n"                                                                               \
    "cpu0 task area-unmap s0 page=1\n"                                                                       \
    "cpu0 task area-page-free o0\n"                                                                          \
    "cpu0 task area-free s0\n"                                                                               \
    "cpu0 task area-free s7\n"                                                                               \
    "cpu0 task zone-free s7\n"                                                                               \
    "cpu0 task vm-free s0\n"                                                                                 \
    "cpu0 task vm-free s1\n"                                                                                 \
    "cpu0 task vm-object-free o0\n"                                                                          \
    "cpu1 task buf-release s1\n"                                                                             \
    "cpu0 task zone-free s1\n"                                                                               \
    "cpu0 task zone-free s2\n"                                                                               \
    "cpu0 task free s1\n"

/* --- every frame is somewhere, once --- */

/* Plain owners first: each finds its frames as it left them. */
static const char owners[] = MACHINE "cpu0 task zone-alloc s0 gfp=kernel\n"
                                     "cpu1 task zone-alloc s1 gfp=kernel order=2\n"
                                     "cpu0 task alloc s0 order=1\n"
                                     "cpu0 task zone-exact s2 gfp=kernel bytes=4096\n"
                                     "cpu1 task alloc s1\n"
                                     "cpu1 task zone-free s0\n"
                                     "cpu0 task zone-free s1\n"
                                     "cpu0 task free s0\n"
                                     "cpu0 task zone-alloc s3 gfp=nowait\n"
                                     "cpu0 task zone-free s2\n";

static const char everything[] =
    MACHINE EVERYTHING "cpu0 task audit\n" NOTHING "cpu0 task audit\n" EVERYTHING "cpu0 task drain\n"
                       "cpu0 task audit\n";

/* The same when nearly nothing is left for them. */
static const char crowded[] = MACHINE "cpu0 task zone-starve level=low leave=edge+2\n"
                                      "cpu0 task zone-starve level=low leave=edge+2 node=1\n" EVERYTHING
                                      "cpu0 task audit\n" NOTHING "cpu0 task audit\n";

void check_X_1(struct check *check)
{
    (void)(check_program(check, owners) && check_program(check, everything) && check_program(check, crowded));
}

static const char many[] = MACHINE EVERYTHING "cpu0 task zone-alloc s3 gfp=kernel order=4\n"
                                              "cpu1 task zone-alloc s4 gfp=kernel order=3\n"
                                              "cpu0 task alloc s3 order=5 class=system\n"
                                              "cpu0 task zone-free s3\n"
                                              "cpu1 task area-alloc s1 bytes=4096\n"
                                              "cpu1 task area-alloc s2 bytes=4096\n"
                                              "cpu0 task zone-alloc s5 gfp=kernel order=2\n"
                                              "cpu0 task buf-create s2 options=in,contiguous capacity=65536\n"
                                              "cpu0 task alloc s4 order=1\n";

void check_X_2(struct check *check)
{
    (void)check_program(check, many);
}

/* --- the nth grant fails, whoever asks for it --- */

void check_X_3(struct check *check)
{
    static const char refused[] = MACHINE "cpu0 task zone-starve level=kernel leave=edge+0\n"
                                          "cpu0 task fail-nth grant=1\n"
                                          "cpu0 task zone-alloc s0 gfp=nowait,thisnode\n"
                                          "cpu0 task zone-alloc s1 gfp=nowait,thisnode order=3\n"
                                          "cpu0 task zone-exact s2 gfp=nowait,thisnode bytes=8193\n"
                                          "cpu0 task alloc s0 order=6\n";
    (void)(check_program(check, refused) &&
           check_each_grant(check, MACHINE,
                            EVERYTHING "cpu0 task area-alloc s3 bytes=2101248\n"
                                       "cpu0 task orb-table s0 entries=1024\n"
                                       "cpu0 task audit\n"));
}

/* --- there and back --- */

static const char there_and_back[] = MACHINE EVERYTHING NOTHING EVERYTHING NOTHING "cpu0 task audit\n";

void check_X_4(struct check *check)
{
    (void)check_program(check, there_and_back);
}

/* --- who may not sleep does not, who needs nothing asks nobody --- */

static const char awake[] = MACHINE EVERYTHING "cpu0 task zone-cache pages=30\n"
                                               "cpu0 task zone-starve level=zero leave=edge-2\n"
                                               "cpu0 task zone-starve level=zero leave=edge-2 node=1\n"
                                               "cpu0 task vm-noobj s3\n"
                                               "cpu0 task vm-noobj s3 flags=interrupt mode=nowait\n"
                                               "cpu1 hardirq zone-alloc s4 gfp=atomic\n"
                                               "cpu0 task zone-alloc s4 gfp=nowait\n"
                                               "cpu1 hardirq alloc s4 class=interrupt\n"
                                               "cpu0 task area-map s0 o0 page=2\n"
                                               "cpu0 task area-unmap s0 page=2\n"
                                               "cpu0 task orb-flags s0 flags=fixed\n"
                                               "cpu0 task orb-buffers s0 o0\n"
                                               "cpu0 task buf-segments s0\n"
                                               "cpu0 task zone-feed\n";

/* And by every call that it makes of the host, in each scenario of engine/nosleep. */
static void sees_no_sleeper(struct check *check)
{
    bool finished = true;
    for (unsigned i = 0; i < NOSLEEP_SCENARIO_COUNT && check->verdict == CHECK_HOLDS; i++) {
        struct nosleep_row row;
        if (nosleep_run(check->spec, (enum nosleep_scenario)i, SCENARIO_LIMIT_S, NULL, &row) != 0)
            continue;
        if (row.refuted)
            check_broken(check, "%s: %s", nosleep_scenario_names[i], row.words);
        finished = finished && row.verdict != NOSLEEP_NOT_FINISHED;
    }
    if (!finished && check->verdict == CHECK_HOLDS)
        check_na(check, "time: a scenario did not finish");
}

void check_X_5(struct check *check)
{
    if (check_program(check, awake))
        sees_no_sleeper(check);
}

/* --- sizes that wrap --- */

static const char wraps[] =
    MACHINE EVERYTHING "cpu0 task run s9 frames=4294967295\n"
                       "cpu0 task run s9 frames=2147483648 class=interrupt\n"
                       "cpu0 task zone-exact s9 gfp=kernel bytes=0xffffffffffffffff\n"
                       "cpu0 task zone-exact s9 gfp=kernel bytes=0xfffffffffffff001\n"
                       "cpu0 task zone-exact s9 gfp=kernel bytes=0x8000000000000000\n"
                       "cpu0 task zone-alloc s9 gfp=atomic,memalloc order=25\n"
                       "cpu0 task zone-alloc s9 gfp=kernel,memalloc order=64\n"
                       "cpu0 task zone-bad-free s1 mistake=wraps\n"
                       "cpu0 task vm-run s9 o0 frames=255 align=0x100000000\n"
                       "cpu0 task vm-noobj-run s9 frames=255 align=0x8000000000000000\n"
                       "cpu0 task vm-alloc s9 o0 pindex=0xffffffffffffffff\n"
                       "cpu0 task area-alloc s9 bytes=0xfffffffffffff000\n"
                       "cpu0 task area-alloc s9 bytes=0xffffffffffffffff\n"
                       "cpu0 task area-user s9 bytes=8192\n"
                       "cpu0 task area-remap s9 o1 bytes=4096 pgoff=0x10000000000000\n"
                       "cpu0 task area-remap s9 o1 bytes=4294967295 pgoff=1\n"
                       "cpu0 task orb-table s0 entries=0x20000000\n"
                       "cpu0 task orb-table s0 entries=0x20000001\n"
                       "cpu0 task orb-table s0 entries=0xffffffff\n"
                       "cpu0 task orb-buffers s0 o0 offset=0xffffffffffffffff length=4096\n"
                       "cpu0 task buf-create s9 options=in capacity=0xffffffffffffffff\n"
                       "cpu0 task buf-create s9 options=in capacity=0xfffffffffffff001 alignment=4096\n"
                       "cpu0 task buf-create s9 options=in capacity=0xffffffff alignment=0x80000000\n"
                       "cpu0 task buf-read s0 offset=0xffffffffffffffff bytes=2\n"
                       "cpu0 task buf-write s0 offset=0xfffffffffffff000 bytes=8192 pattern=7\n"
                       "cpu0 task audit\n";

void check_X_6(struct check *check)
{
    (void)check_program(check, wraps);
}

/* --- one frame below the edge, at it, above it --- */

/* Who cannot give every frame gets floors near the top of its machine, which may be many times as large. */
static void machine_for(const struct check *check, char *text, size_t bytes)
{
    struct native_shape shape = {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 2};
    runner_fit_shape(check->spec, &shape);
    unsigned long long top = shape.ranges[0].frame_count - 64;
    if (spec_base(check->spec)->page->caps & PL_CAP_ALL_FRAMES)
        snprintf(text, bytes, "%s", MACHINE);
    else
        snprintf(text, bytes, "pagelab program 1\nmachine 1024@0x0 cpus=2 floors=%llu/%llu/%llu\n", top - 8,
                 top - 6, top);
}

static bool edges_of(struct check *check, const char *alloc_class, const char *vm_flags)
{
    static const char *const leaves[] = {"floor-1", "floor+0", "floor+1"};
    char machine[128];
    char text[1024];
    machine_for(check, machine, sizeof(machine));
    for (size_t i = 0; i < PL_COUNT_OF(leaves) && check->verdict == CHECK_HOLDS; i++) {
        snprintf(text, sizeof(text),
                 "%scpu0 task starve class=%s leave=%s\ncpu0 task alloc s0 class=%s\n"
                 "cpu0 task vm-noobj s0%s\ncpu1 task alloc s1 class=%s\ncpu0 task alloc s2 order=1 class=%s\n"
                 "cpu0 task run s3 frames=3 class=%s\ncpu0 task feed\n",
                 machine, alloc_class, leaves[i], alloc_class, vm_flags, alloc_class, alloc_class,
                 alloc_class);
        (void)check_program(check, text);
    }
    return check->verdict == CHECK_HOLDS;
}

void check_X_7(struct check *check)
{
    static const char *const levels[] = {"low", "kernel", "high", "atomic", "oom", "atomic-oom", "zero"};
    static const char *const edges[] = {"edge-1", "edge+0", "edge+1"};
    char text[1024];
    if (!edges_of(check, "interrupt", " flags=interrupt") || !edges_of(check, "system", " flags=system") ||
        !edges_of(check, "normal", ""))
        return;
    for (size_t i = 0; i < PL_COUNT_OF(levels) * PL_COUNT_OF(edges); i++) {
        snprintf(
            text, sizeof(text),
            "%scpu0 task zone-starve level=%s leave=%s\ncpu0 task zone-alloc s0 gfp=kernel,thisnode\n"
            "cpu0 task zone-alloc s1 gfp=nowait,thisnode\ncpu0 task zone-alloc s2 gfp=high,thisnode,noio\n"
            "cpu0 task zone-alloc s3 gfp=atomic,thisnode\ncpu0 task zone-alloc s4 gfp=kernel,thisnode "
            "task=oom\ncpu0 task zone-alloc s5 gfp=atomic,thisnode task=oom\n"
            "cpu0 task zone-alloc s6 gfp=atomic,memalloc,thisnode\n",
            MACHINE, levels[i / PL_COUNT_OF(edges)], edges[i % PL_COUNT_OF(edges)]);
        if (!check_program(check, text))
            return;
    }
}
