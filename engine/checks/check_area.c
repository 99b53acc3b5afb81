/* Programs for the promises on areas; see check_area.h. Machines have frames to spare: what is short is said
 * by fail-nth, so that a program means the same whatever the candidate can give. */
#include "engine/checks/check_area.h"
#include "engine/checks/check_sweep.h"

#include <stdio.h>

#define MACHINE "pagelab program 1\nmachine 512@0x0 cpus=1\n"

void check_L_1(struct check *check)
{
    (void)(check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=4096\n"
                                        "cpu0 task area-alloc s1 bytes=4096\n"
                                        "cpu0 task area-alloc s2 bytes=12288\n"
                                        "cpu0 task area-alloc s3 bytes=1048576\n"
                                        "cpu0 task area-alloc s4 bytes=1048576\n"
                                        "cpu0 task area-alloc s5 bytes=2101248\n"
                                        "cpu0 task area-user s6 bytes=5000\n"
                                        "cpu0 task area-free s1\n"
                                        "cpu0 task area-free s3\n"
                                        "cpu0 task area-alloc s1 bytes=8192\n"
                                        "cpu0 task area-alloc s3 bytes=524288\n"
                                        "cpu0 task audit\n") &&
           /* The whole window is one area; then there is no room for a page. */
           check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=0x3fff000\n"
                                        "cpu0 task area-alloc s1 bytes=4096\n"
                                        "cpu0 task area-alloc s2 bytes=0x4000000\n"
                                        "cpu0 task area-free s0\n"
                                        "cpu0 task area-alloc s1 bytes=4096\n"
                                        "cpu0 task area-alloc s0 bytes=0x3fff000\n"));
}

void check_L_2(struct check *check)
{
    (void)check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=8192\n"
                                       "cpu0 task area-alloc s1 bytes=4096\n"
                                       "cpu0 task area-user s2 bytes=8192\n"
                                       "cpu0 task area-page o0\n"
                                       "cpu0 task area-map s0 o0 page=1\n"
                                       "cpu0 task area-map s1 o0 page=0\n"
                                       "cpu0 task area-touch s0 page=1\n"
                                       "cpu0 task area-touch s0 page=2\n"
                                       "cpu0 task area-touch s1 page=1\n"
                                       "cpu0 task area-touch s2 page=2\n"
                                       "cpu0 task audit\n");
}

void check_L_3(struct check *check)
{
    (void)check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=8192\n"
                                       "cpu0 task area-page o0\n"
                                       "cpu0 task area-map s0 o0 page=1\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-alloc s0 bytes=8192\n"
                                       "cpu0 task area-touch s0 page=1\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-user s0 bytes=16384\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-alloc s0 bytes=16384\n");
}

/* Sizes around those of a leaf table, which also lie across two. */
#define SIZES                                                                                                \
    MACHINE "cpu0 task area-alloc s0 bytes=4096\n"                                                           \
            "cpu0 task area-alloc s1 bytes=2093056\n"                                                        \
            "cpu0 task area-alloc s2 bytes=2097152\n"                                                        \
            "cpu0 task area-alloc s3 bytes=2101248\n"                                                        \
            "cpu0 task area-alloc s4 bytes=12288\n"                                                          \
            "cpu0 task area-alloc s5 bytes=4198400\n"                                                        \
            "cpu0 task area-alloc s6 bytes=8192 ptes=no\n"                                                   \
            "cpu0 task area-page o0\n"                                                                       \
            "cpu0 task area-map s5 o0 page=511\n"                                                            \
            "cpu0 task area-map s5 o0 page=512\n"                                                            \
            "cpu0 task area-map s5 o0 page=1024\n"                                                           \
            "cpu0 task area-touch s5 page=512\n"                                                             \
            "cpu0 task area-free s3\n"                                                                       \
            "cpu0 task area-alloc s3 bytes=2101248\n"                                                        \
            "cpu0 task audit\n"

void check_L_4(struct check *check)
{
    (void)check_program(check, SIZES);
}

void check_L_5(struct check *check)
{
    (void)check_program(check, SIZES);
}

void check_L_6(struct check *check)
{
    (void)check_program(check, SIZES);
}

void check_L_7(struct check *check)
{
    (void)(check_program(check, SIZES) && check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=4096\n"
                                                                       "cpu0 task area-alloc s1 bytes=4096\n"
                                                                       "cpu0 task area-page o0\n"
                                                                       "cpu0 task area-map s0 o0 page=0\n"
                                                                       "cpu0 task area-touch s1 page=0\n"
                                                                       "cpu0 task area-free s1\n"
                                                                       "cpu0 task area-alloc s2 bytes=4096\n"
                                                                       "cpu0 task area-touch s2 page=0\n"
                                                                       "cpu0 task area-touch s0 page=0\n"));
}

void check_L_8(struct check *check)
{
    (void)check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=16384\n"
                                       "cpu0 task area-alloc s1 bytes=8192\n"
                                       "cpu0 task area-page o0\n"
                                       "cpu0 task area-page o1 node=1\n"
                                       "cpu0 task area-map s0 o0 page=0\n"
                                       "cpu0 task area-map s0 o1 page=3\n"
                                       "cpu0 task area-map s1 o0 page=1\n"
                                       "cpu0 task area-touch s0 page=0\n"
                                       "cpu0 task area-touch s0 page=1\n"
                                       "cpu0 task area-touch s0 page=3\n"
                                       "cpu0 task area-touch s1 page=1\n"
                                       "cpu0 task area-map s0 o1 page=0\n"
                                       "cpu0 task area-touch s0 page=0\n"
                                       "cpu0 task area-unmap s0 page=3\n"
                                       "cpu0 task area-touch s0 page=3\n"
                                       "cpu0 task area-user s2 bytes=12288 node=1\n"
                                       "cpu0 task area-touch s2 page=2\n"
                                       "cpu0 task audit\n");
}

void check_L_9(struct check *check)
{
    (void)check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=2101248\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-alloc s0 bytes=2101248\n"
                                       "cpu0 task area-page o0\n"
                                       "cpu0 task area-map s0 o0 page=512\n"
                                       "cpu0 task area-map s0 page=7 entry=absent\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-page-free o0\n"
                                       "cpu0 task area-user s0 bytes=40960\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-alloc s0 bytes=2101248\n"
                                       "cpu0 task audit\n");
}

void check_L_10(struct check *check)
{
    char text[4000] = MACHINE;
    size_t at = sizeof(MACHINE) - 1;
    /* Sixteen times the same, with one area that stays in the same tables. */
    at += (size_t)snprintf(text + at, sizeof(text) - at, "cpu0 task area-alloc s1 bytes=4096\n");
    for (int i = 0; i < 16; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "cpu0 task area-alloc s0 bytes=1048576\ncpu0 task area-free s0\n");
    (void)(check_program(check, text) &&
           check_program(check, MACHINE "cpu0 task area-view s0\n"
                                        "cpu0 task area-user s0 bytes=61440\n"
                                        "cpu0 task area-remap s0 o0 view=s0 bytes=61440\n"
                                        "cpu0 task area-unremap o0\n"
                                        "cpu0 task area-remap s0 o0 view=s0 bytes=61440\n"
                                        "cpu0 task area-view-drop s0\n"
                                        "cpu0 task area-view s0\n"
                                        "cpu0 task area-remap s0 o0 view=s0 bytes=61440\n"));
}

/* Every grant of a call fails once: descriptor, three levels of tables, pages; then it works. */
#define AFTER(call, free)                                                                                    \
    "cpu0 task " call "\ncpu0 task audit\ncpu0 task fail-nth\ncpu0 task " call "\ncpu0 task " free "\n"

void check_L_11(struct check *check)
{
    (void)(check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=0\n"
                                        "cpu0 task area-alloc s0 bytes=1\n"
                                        "cpu0 task area-alloc s0 bytes=4095\n"
                                        "cpu0 task area-alloc s0 bytes=4097\n"
                                        "cpu0 task area-alloc s0 bytes=0x4000000\n"
                                        "cpu0 task area-alloc s0 bytes=0x80000000\n"
                                        "cpu0 task area-alloc s0 bytes=0x100001000\n"
                                        "cpu0 task area-alloc s0 bytes=0xfffffffffffff000\n"
                                        "cpu0 task area-user s0 bytes=0\n"
                                        "cpu0 task area-user s0 bytes=0xffffffffffffffff\n"
                                        "cpu0 task area-user s0 bytes=0x3fff000\n"
                                        "cpu0 task area-alloc s0 bytes=4096\n") &&
           check_each_grant(check, MACHINE, AFTER("area-alloc s0 bytes=4198400", "area-free s0")) &&
           check_each_grant(check, MACHINE, AFTER("area-user s0 bytes=20480", "area-free s0")) &&
           check_each_grant(check, MACHINE, AFTER("area-view s0", "area-view-drop s0")));
}

void check_L_12(struct check *check)
{
    (void)check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=8192\n"
                                       "cpu0 task area-user s1 bytes=8192\n"
                                       "cpu0 task area-bad s0 mistake=forged\n"
                                       "cpu0 task area-bad s0 mistake=foreign\n"
                                       "cpu0 task area-bad s0 mistake=null\n"
                                       "cpu0 task area-bad s0 mistake=kind\n"
                                       "cpu0 task area-bad s1 mistake=kind\n"
                                       "cpu0 task area-free s0\n"
                                       "cpu0 task area-free s1\n"
                                       "cpu0 task area-bad s0 mistake=twice\n"
                                       "cpu0 task area-bad s1 mistake=twice\n"
                                       "cpu0 task area-alloc s2 bytes=4096\n"
                                       "cpu0 task area-bad s0 mistake=twice\n"
                                       "cpu0 task area-bad s1 mistake=twice\n"
                                       "cpu0 task area-bad s0 mistake=view\n"
                                       "cpu0 task audit\n");
}

void check_L_13(struct check *check)
{
    (void)(check_program(check, MACHINE "cpu0 hardirq area-alloc s0 bytes=4096\n"
                                        "cpu0 softirq area-alloc s0 bytes=0\n"
                                        "cpu0 hardirq area-user s0 bytes=4096\n"
                                        "cpu0 hardirq area-view s0\n"
                                        "cpu0 task area-alloc s0 bytes=16384\n"
                                        "cpu0 task area-bad s0 mistake=interrupt\n"
                                        "cpu0 hardirq area-free s0\n") &&
           /* With not a frame left, pages are put into the area at interrupt level. */
           check_program(check, MACHINE "cpu0 task area-alloc s0 bytes=16384\n"
                                        "cpu0 task area-page o0\n"
                                        "cpu0 task area-page o1\n"
                                        "cpu0 task starve class=interrupt leave=floor+0\n"
                                        "cpu0 hardirq area-map s0 o0 page=0\n"
                                        "cpu0 hardirq area-map s0 o1 page=3\n"
                                        "cpu0 softirq area-touch s0 page=3\n"
                                        "cpu0 hardirq area-unmap s0 page=0\n"
                                        "cpu0 task area-free s0\n"
                                        "cpu0 task feed\n"));
}

void check_L_14(struct check *check)
{
    (void)(check_program(check,
                         MACHINE "cpu0 task area-view s0\n"
                                 "cpu0 task area-view s1\n"
                                 "cpu0 task area-user s0 bytes=61440\n"
                                 "cpu0 task area-user s1 bytes=8192\n"
                                 "cpu0 task area-alloc s2 bytes=8192\n"
                                 "cpu0 task area-remap s0 o0 view=s0 bytes=61440\n"
                                 "cpu0 task area-remap s0 o1 view=s1 bytes=4096 pgoff=14\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=8192 pgoff=14\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 pgoff=15\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=61441\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 pgoff=0x10000000000000\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 pgoff=0xfffffffffffff\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=8192 "
                                 "pgoff=0xffffffffffffffff\n"
                                 "cpu0 task area-remap s1 o2 view=s1 bytes=8192 pgoff=0xffffffffffffe\n"
                                 "cpu0 task area-page o0\n"
                                 "cpu0 task area-map s2 o0 page=0\n"
                                 "cpu0 task area-remap s2 o2 view=s1 bytes=4096\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 mistake=user-addr\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 mistake=addr\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 mistake=inside\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=4096 mistake=unknown\n"
                                 "cpu0 task area-remap s0 o2 view=s1 bytes=0\n"
                                 "cpu0 task area-remap s0 o2 view=kernel bytes=4096\n"
                                 "cpu0 hardirq area-remap s0 o2 view=s1 bytes=4096\n"
                                 "cpu0 task area-remap s1 o2 view=s1 bytes=1\n"
                                 "cpu0 task area-free s1\n"
                                 "cpu0 task area-bad s1 mistake=vma\n"
                                 "cpu0 task area-unremap o2\n"
                                 "cpu0 task area-bad s1 mistake=vma\n"
                                 "cpu0 task area-free s1\n") &&
           /* Across another vma's pages: those before stay. Without memory for a table: likewise. */
           check_program(check, MACHINE "cpu0 task area-view s0\n"
                                        "cpu0 task area-user s0 bytes=61440\n"
                                        "cpu0 task area-remap s0 o15 view=s0 bytes=8192\n"
                                        "cpu0 task area-remap s0 o14 view=s0 bytes=61440\n"
                                        "cpu0 task area-unremap o14\n"
                                        "cpu0 task area-remap s0 o0 view=s0 bytes=4096\n"
                                        "cpu0 task fail-nth grant=1\n"
                                        "cpu0 task area-remap s0 o1 view=s0 bytes=61440\n"
                                        "cpu0 task fail-nth grant=2\n"
                                        "cpu0 task area-remap s0 o2 view=s0 bytes=61440\n"
                                        "cpu0 task fail-nth\n"
                                        "cpu0 task audit\n"
                                        "cpu0 task area-view-drop s0\n"));
}

void check_L_21(struct check *check)
{
    (void)(check_program(check, MACHINE "cpu0 task area-view s0\n"
                                        "cpu0 task area-alloc s0 bytes=16384\n"
                                        "cpu0 task area-view s1\n"
                                        "cpu0 task area-page o0\n"
                                        "cpu0 task area-map s0 o0 page=2\n"
                                        "cpu0 task area-touch s0 page=2 store=s0 load=s1\n"
                                        "cpu0 task area-touch s0 page=2 store=kernel load=s0\n"
                                        "cpu0 task area-touch s0 page=1 store=s0 load=s1\n"
                                        "cpu0 task area-user s1 bytes=4194304\n"
                                        "cpu0 task area-user s2 bytes=40960\n"
                                        "cpu0 task area-touch s2 page=9 store=s1 load=s0\n"
                                        "cpu0 task area-view-drop s0\n"
                                        "cpu0 task area-touch s2 page=9 store=s1 load=kernel\n"
                                        "cpu0 task audit\n") &&
           check_area_alias(check));
}
