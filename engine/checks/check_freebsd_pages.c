/* Programs for the pages themselves: what a fresh one is like, where it is found, what must not be freed. A
 * page's second life is forced by leaving few frames; see check_freebsd.h. */
#include "engine/checks/check_freebsd.h"

#include <stdio.h>

#define MACHINE    "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/42\n"
#define SUPERPAGES "pagelab program 1\nmachine 2048@0x0 cpus=1 floors=0/2/42\n"
#define TWO_CPUS   "pagelab program 1\nmachine 256@0x0 cpus=2 floors=0/2/42\n"
#define DO         "cpu0 task "
#define OTHER      "cpu1 task "
#define OBJECT     DO "vm-object o0\n"

/* Two pages live and leave what `past` says; the next two are the same frames, where every frame is given,
 * once few are left. A candidate that cannot give every frame is likely to give those again that came back
 * last. */
#define TWO_LIVES(start, past, then)                                                                         \
    MACHINE OBJECT start DO "vm-noobj s0" past "\n" DO "vm-noobj s1" past "\n" DO                            \
                            "vm-state s0 what=dirty\n" DO "vm-state s1 what=dirty\n" DO "vm-free s0\n" DO    \
                            "vm-free s1\n" DO "vm-noobj s0" then "\n" DO "vm-noobj s1" then "\n" DO          \
                            "vm-free s0\n" DO "vm-free s1 how=zero\n" DO "vm-alloc s0 o0 pindex=1" then      \
                            "\n" DO "vm-alloc s1 o0 pindex=2" then "\n"

/* The same where a frame that came back waits until all others are gone: the last two, which are not
 * neighbours, for a block of both would be taken before. `last` asks for them. */
#define LAST_TWO(past, last)                                                                                 \
    MACHINE DO "vm-noobj s0" past "\n" DO "vm-noobj s1\n" DO "vm-noobj s2" past "\n" DO                      \
               "vm-state s0 what=dirty\n" DO "vm-state s2 what=dirty\n" DO "vm-free s0\n" DO                 \
               "vm-free s2\n" DO "starve class=interrupt leave=floor+2\n" DO "vm-noobj s0" last "\n" DO      \
               "vm-noobj s2" last "\n"

static void two_lives(struct check *check, const char *few, const char *many, const char *last)
{
    (void)(check_program(check, few) && check_program(check, many) && check_program(check, last));
}

/* `then` and `last` are the flags of the second life, `last` with interrupt. */
#define CHECK_TWO_LIVES(check, past, then, last)                                                             \
    two_lives(check, TWO_LIVES(DO "starve class=normal leave=floor+2\n", past, then),                        \
              TWO_LIVES("", past, then), LAST_TWO(past, last))

void check_F_1(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-noobj s0\n" DO "vm-noobj s1\n" DO "vm-alloc s2 o0 pindex=1\n" DO "vm-free s1\n" DO
                        "vm-noobj s3\n" DO "vm-noobj s4\n" DO "vm-noobj s5 mode=nofree\n" DO
                        "vm-noobj s6 mode=nofree\n" DO "vm-noobj-run s7 frames=8 align=4096\n" DO
                        "vm-free s7 at=3\n" DO "vm-noobj s8\n" DO "audit\n");
}

void check_F_9(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-alloc s0 o0 pindex=1\n" DO "vm-alloc s1 o0 pindex=2 mode=nobusy\n" DO
                        "vm-alloc s2 o0 pindex=3 mode=sbusy\n" DO "vm-noobj s3\n" DO
                        "vm-run s4 o0 pindex=8 mode=sbusy frames=4 align=4096\n" DO
                        "vm-alloc s5 o0 pindex=20 mode=nobusy+sbusy\n" DO "vm-noobj s5 mode=sbusy\n" DO
                        "vm-state s0 what=xbusy\n" DO "vm-state s0 what=sunbusy\n" DO
                        "vm-state s0 what=sbusy\n" DO "vm-state s0 what=xunbusy\n" DO
                        "vm-state s0 what=sbusy\n" DO "vm-state s2 what=sbusy\n" DO
                        "vm-state s2 what=xbusy\n" DO "vm-state s2 what=sunbusy\n");
    /* What one CPU has busied, the other cannot share, take or let go. */
    (void)check_program(check,
                        TWO_CPUS OBJECT OTHER "vm-alloc s0 o0 pindex=1\n" DO "vm-state s0 what=xunbusy\n" DO
                                              "vm-state s0 what=sbusy\n" DO "vm-state s0 what=xbusy\n" OTHER
                                              "vm-state s0 what=xunbusy\n" DO "vm-state s0 what=xbusy\n" OTHER
                                              "vm-state s0 what=xunbusy\n" OTHER "vm-state s0 what=sbusy\n");
}

void check_F_10(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-alloc s0 o0 pindex=1 flags=wired\n" DO "vm-alloc s1 o0 pindex=2\n" DO
                        "vm-noobj s2 flags=wired\n" DO "vm-noobj-run s3 flags=wired frames=4 align=4096\n" DO
                        "vm-state s0 what=wire\n" DO "vm-state s1 what=wire\n" DO
                        "vm-state s0 what=unwire\n" DO "vm-state s0 what=unwire\n" DO
                        "vm-state s0 what=unwire\n" DO "vm-state s2 what=unwire\n" DO
                        "vm-state s3 at=1 what=unwire\n" DO "audit\n" DO "vm-state s1 what=xunbusy\n" DO
                        "vm-state s0 what=xunbusy\n" DO "vm-object-free o0\n" DO "vm-state s1 what=unwire\n");
}

void check_F_11(struct check *check)
{
    CHECK_TWO_LIVES(check, "", " flags=zero", " flags=zero,interrupt");
}

void check_F_12(struct check *check)
{
    CHECK_TWO_LIVES(check, "", " flags=zero", " flags=zero,interrupt");
    (void)(check_program(check, MACHINE DO "vm-noobj-run s0 frames=64 align=4096\n" DO "vm-free s0\n" DO
                                           "vm-noobj-run s1 flags=zero frames=64 align=4096\n"));
    /* Dirty frames go back, and the arena makes its next block of them. */
    char text[4096];
    int used = snprintf(text, sizeof(text), "%s", MACHINE DO "vm-noobj-run s0 frames=64 align=4096\n");
    for (unsigned i = 0; i < 64; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, DO "vm-free s0 at=%u\n", i);
    snprintf(text + used, sizeof(text) - (size_t)used, "%s",
             DO "vm-noobj s2 flags=zero mode=nofree\n" DO "vm-noobj s3 flags=zero mode=nofree\n");
    (void)check_program(check, text);
}

void check_F_13(struct check *check)
{
    CHECK_TWO_LIVES(check, " flags=nodump", "", " flags=interrupt");
    CHECK_TWO_LIVES(check, "", " flags=nodump", " flags=nodump,interrupt");
    (void)check_program(check,
                        MACHINE OBJECT DO "vm-noobj-run s0 flags=nodump frames=4 align=4096\n" DO
                                          "vm-run s1 o0 pindex=8 flags=nodump frames=4 align=4096\n" DO
                                          "vm-free s0\n" DO "vm-free s0 at=1\n" DO "vm-free s0 at=2\n" DO
                                          "vm-free s0 at=3\n" DO "vm-noobj-run s0 frames=4 align=4096\n");
}

void check_F_14(struct check *check)
{
    CHECK_TWO_LIVES(check, " flags=nodump,wired", "", " flags=interrupt");
    (void)(check_program(check,
                         MACHINE DO "vm-object o1 kind=unmanaged\n" DO "vm-object o2 kind=fictitious\n" DO
                                    "vm-alloc s0 o1 pindex=1\n" DO "vm-alloc s1 o2 pindex=1\n" DO
                                    "vm-state s0 what=map\n" DO "vm-state s1 what=map\n" DO "vm-free s0\n" DO
                                    "vm-free s1\n" DO "vm-noobj s0\n" DO "vm-noobj s1\n"));
}

void check_F_15(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-object o1\n" DO "vm-alloc s0 o0 pindex=0\n" DO "vm-alloc s1 o0 pindex=1\n" DO
                        "vm-alloc s2 o1 pindex=1\n" DO "vm-alloc s3 o0 pindex=0xffffffffffffffff\n" DO
                        "vm-alloc s4 o0 pindex=0x8000000000000000\n" DO "vm-alloc s5 o0 pindex=17\n" DO
                        "vm-noobj s6\n" DO "vm-lookup o0 pindex=1\n" DO "vm-lookup o1 pindex=0\n" DO
                        "vm-lookup o0 pindex=0xdeadc0dedeadc0de\n" DO
                        "vm-lookup o0 pindex=0xffffffffffffffff\n" DO
                        "vm-lookup o0 pindex=0x7fffffffffffffff\n" DO "audit\n" DO "vm-free s1\n" DO
                        "vm-lookup o0 pindex=1\n" DO "vm-lookup o0 pindex=17\n" DO "audit\n");
}

void check_F_16(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO "vm-alloc s0 o0 pindex=5\n" DO "vm-alloc s1 o0 pindex=5\n" DO
                                                 "vm-run s2 o0 pindex=2 frames=4 align=4096\n" DO
                                                 "vm-run s2 o0 pindex=6 frames=4 align=4096\n" DO
                                                 "vm-alloc s3 o0 pindex=7\n" DO "vm-free s2 at=1\n" DO
                                                 "vm-alloc s3 o0 pindex=7\n" DO "vm-alloc s4 o0 pindex=7\n" DO
                                                 "audit\n");
}

void check_F_17(struct check *check)
{
    /* No frame; a frame but no index node; a veto; a trap; a run of which one insertion fails. */
    (void)(check_program(check, MACHINE OBJECT DO
                         "vm-alloc s0 o0 pindex=1\n" DO "starve class=normal leave=floor+0\n" DO
                         "vm-alloc s1 o0 pindex=2\n" DO "vm-alloc s1 o0 pindex=2 mode=waitfail\n" DO
                         "audit\n") &&
           check_program(check, MACHINE OBJECT DO
                         "vm-alloc s0 o0 pindex=1\n" DO "fail-nth grant=2\n" DO
                         "vm-alloc s1 o0 pindex=2 flags=wired\n" DO "audit\n" DO "fail-nth grant=2\n" DO
                         "vm-alloc s1 o0 pindex=2 mode=waitfail\n" DO "fail-nth grant=2\n" DO
                         "vm-run s2 o0 pindex=16 frames=4 align=4096\n" DO "audit\n" DO
                         "vm-quota o0 pages=1\n" DO "vm-alloc s3 o0 pindex=3\n" DO
                         "vm-alloc s3 o0 pindex=1\n" DO "vm-alloc s3 o0 pindex=4 mode=waitok\n" DO
                         "audit\n") &&
           check_program(check, MACHINE OBJECT DO "vm-alloc s0 o0 pindex=1\n" DO
                                                  "starve class=system leave=floor+1\n" DO
                                                  "vm-alloc s1 o0 pindex=2 flags=system\n" DO
                                                  "vm-alloc s2 o0 pindex=2 flags=interrupt\n" DO "audit\n"));
}

void check_F_18(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-alloc s0 o0 pindex=1 mode=nobusy\n" DO "starve class=normal leave=floor+0\n" DO
                        "vm-noobj s1\n" DO "vm-noobj s1 mode=nowait\n" DO "vm-alloc s1 o0 pindex=2\n" DO
                        "vm-noobj-run s1 frames=4 align=4096\n" DO
                        "vm-run s1 o0 pindex=2 frames=4 align=4096\n" DO "vm-free s0\n"
                        "cpu0 softirq vm-noobj s1 mode=waitfail\n" DO "vm-noobj s2 mode=waitok+nowait\n" DO
                        "vm-noobj s3 mode=waitfail+nowait\n" DO "vm-noobj s4 mode=waitok+waitfail\n");
}

void check_F_19(struct check *check)
{
    /* The sleep makes room each time; WAITFAIL still fails, WAITOK succeeds, and once nothing is left to take
     * it would sleep for ever. */
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-alloc s0 o0 pindex=1 mode=nobusy\n" DO "vm-alloc s1 o0 pindex=2 mode=nobusy\n" DO
                        "vm-alloc s2 o0 pindex=3 mode=nobusy\n" DO "starve class=normal leave=floor+0\n" DO
                        "vm-alloc s3 o0 pindex=9 mode=waitfail\n" DO "vm-noobj s3 mode=waitfail\n" DO
                        "starve class=normal leave=floor+0\n" DO "vm-noobj s3 mode=waitfail\n" DO
                        "starve class=normal leave=floor+0\n" DO "vm-noobj s4 mode=waitok\n" DO
                        "vm-noobj s5 mode=waitok\n" DO "vm-noobj s6 mode=waitok\n" DO
                        "vm-noobj s7 mode=waitok\n");
}

void check_F_20(struct check *check)
{
    (void)(check_program(check, MACHINE OBJECT DO
                         "vm-alloc s0 o0 pindex=1 flags=wired\n" DO "vm-free s0 how=raw\n" DO
                         "vm-state s0 what=unwire\n" DO "vm-state s0 what=map\n" DO "vm-free s0 how=raw\n" DO
                         "vm-state s0 what=unmap\n" DO "vm-free s0 how=unlocked\n" DO
                         "vm-state s0 what=xunbusy\n" DO "vm-free s0 how=raw\n" DO
                         "vm-state s0 what=sbusy\n" DO "vm-free s0 how=raw\n" DO
                         "vm-object-free o0 how=raw\n" DO "vm-state s0 what=sunbusy\n" DO
                         "vm-state s0 what=xbusy\n" DO "vm-free s0 how=raw\n" DO "vm-free s0 how=twice\n") &&
           check_program(check, MACHINE DO
                         "vm-noobj s0 flags=wired\n" DO "vm-free s0 how=raw\n" DO
                         "vm-state s0 what=xbusy\n" DO "vm-state s0 what=unwire\n" DO "vm-noobj s1\n" DO
                         "vm-state s1 what=xbusy\n" DO "vm-free s1 how=raw\n" DO
                         "vm-state s1 what=xunbusy\n" DO "vm-state s1 what=unwire\n" DO
                         "vm-state s1 what=unmap\n" DO "vm-free s1 how=raw\n" DO "vm-free s1 how=twice\n" DO
                         "vm-free s2 how=foreign\n" DO "vm-free s2 at=1 how=foreign\n" DO
                         "vm-noobj s3 mode=nofree\n" DO "vm-free s3 how=raw\n" DO
                         "vm-noobj s4 flags=wired mode=nofree\n" DO "vm-state s4 what=unwire\n") &&
           /* Another CPU's busy state and lock; objects that are none. */
           check_program(check, TWO_CPUS OBJECT OTHER
                         "vm-alloc s0 o0 pindex=1\n" DO "vm-free s0 how=raw\n" OTHER
                         "vm-free s0 how=others-lock\n" OTHER "vm-free s0 how=raw\n" DO
                         "vm-object-free o0 how=others-lock\n" DO "vm-object-free o0 how=foreign\n" DO
                         "vm-object-free o0\n" DO "vm-object-free o0 how=twice\n" DO
                         "vm-object-free o0 how=foreign\n"));
    /* The page daemon takes s5, and leaves what is wired, mapped, unmanaged, never to be freed or busy. */
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-object o1 kind=unmanaged\n" DO
                        "vm-alloc s0 o0 pindex=0 flags=wired mode=nobusy\n" DO
                        "vm-alloc s1 o0 pindex=1 mode=nobusy\n" DO "vm-state s1 what=map\n" DO
                        "vm-alloc s2 o1 pindex=2 mode=nobusy\n" DO
                        "vm-alloc s3 o0 pindex=3 mode=nobusy+nofree\n" DO "vm-alloc s4 o0 pindex=4\n" DO
                        "vm-alloc s5 o0 pindex=5 mode=nobusy\n" DO "starve class=normal leave=floor+0\n" DO
                        "vm-noobj s6 mode=waitok\n" DO "vm-noobj s7 mode=waitok\n" DO "audit\n");
}

void check_F_21(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-alloc s0 o0 pindex=1 flags=wired\n" DO "vm-alloc s1 o0 pindex=2\n" DO
                        "vm-alloc s2 o0 pindex=0x123456789\n" DO
                        "vm-run s3 o0 pindex=16 flags=wired frames=4 align=4096\n" DO "vm-free s1\n" DO
                        "vm-lookup o0 pindex=2\n" DO "vm-free s0\n" DO "vm-lookup o0 pindex=1\n" DO
                        "vm-free s3 at=2\n" DO "audit\n" DO "vm-free s3 at=0\n" DO "vm-free s3 at=1\n" DO
                        "vm-free s3 at=3\n" DO "vm-free s2\n" DO "vm-noobj s4 flags=wired\n" DO
                        "vm-state s4 what=unwire\n" DO "vm-object-free o0\n");
}

void check_F_22(struct check *check)
{
    (void)check_program(check,
                        MACHINE DO "audit\n" DO "vm-noobj-run s0 frames=5 align=4096\n" DO "vm-noobj s1\n" DO
                                   "vm-noobj s2\n" DO "vm-noobj s3\n" DO "vm-noobj s4\n" DO "audit\n" DO
                                   "vm-free s2\n" DO "audit\n" DO "vm-free s4\n" DO "audit\n" DO
                                   "vm-free s1\n" DO "audit\n" DO "vm-free s3\n" DO "audit\n" DO
                                   "vm-free s0 at=1\n" DO "vm-free s0 at=3\n" DO "vm-free s0 at=0\n" DO
                                   "audit\n" DO "vm-free s0 at=2\n" DO "vm-free s0 at=4\n" DO "audit\n");
}

void check_F_23(struct check *check)
{
    /* Needs a superpage's worth of frames above the floor. The second: two owners in turn; then nothing is
     * left but what is set aside, so that reservations are broken. */
    (void)(check_program(check, SUPERPAGES OBJECT DO
                         "vm-alloc s0 o0 pindex=0\n" DO "audit\n" DO "vm-alloc s1 o0 pindex=1\n" DO
                         "vm-alloc s2 o0 pindex=511\n" DO "audit\n" DO "vm-alloc s3 o0 pindex=512\n" DO
                         "audit\n" DO "vm-free s1\n" DO "audit\n" DO "vm-free s0\n" DO "vm-free s2\n" DO
                         "audit\n" DO "vm-noobj-run s4 frames=256 align=4096\n" DO "audit\n") &&
           check_program(check, SUPERPAGES OBJECT DO
                         "vm-object o1\n" DO "vm-alloc s0 o0 pindex=7\n" DO "vm-alloc s1 o1 pindex=8\n" DO
                         "vm-alloc s2 o0 pindex=9\n" DO "vm-alloc s3 o1 pindex=10\n" DO "audit\n" DO
                         "vm-alloc s4 o0 pindex=1030\n" DO "audit\n" DO "vm-free s4\n" DO "audit\n" DO
                         "starve class=normal leave=floor+2\n" DO "audit\n" DO "vm-free s0\n" DO
                         "vm-free s3\n" DO "audit\n" DO "vm-alloc s0 o0 pindex=11\n" DO "audit\n"));
}

void check_F_24(struct check *check)
{
    /* One frame first, so that the lowest free run begins where it must not. */
    (void)(check_program(check, MACHINE OBJECT DO
                         "vm-noobj s0\n" DO "vm-noobj-run s1 frames=2 align=4096 boundary=8192\n" DO
                         "vm-noobj-run s2 frames=3 align=4096 boundary=16384\n" DO
                         "vm-noobj-run s3 frames=3 align=4096 boundary=16384\n" DO
                         "vm-noobj-run s4 frames=7 align=4096 boundary=32768\n" DO
                         "vm-noobj-run s5 frames=5 align=65536\n" DO
                         "vm-run s6 o0 pindex=1 frames=6 align=8192 boundary=65536\n" DO
                         "vm-noobj-run s7 frames=8 align=32768 boundary=32768\n") &&
           check_program(check, MACHINE DO "vm-bounds low=200704 high=241664\n" DO
                                           "vm-noobj-run s0 frames=3 align=4096\n" DO
                                           "vm-noobj-run s1 frames=4 align=16384\n" DO
                                           "vm-noobj-run s2 frames=9 align=4096\n" DO
                                           "vm-noobj-run s2 frames=11 align=4096\n") &&
           /* Frames 50 to 57: who takes small blocks first never crosses a boundary but in a window. */
           check_program(check, MACHINE DO "vm-bounds low=204800 high=237568\n" DO
                                           "vm-noobj-run s0 frames=4 align=4096 boundary=16384\n") &&
           /* Frames 49 and 50 are free; each window has a byte too few for one of them, or for both. */
           check_program(check, MACHINE DO "vm-bounds low=200705 high=208895\n" DO
                                           "vm-noobj-run s0 frames=1 align=4096\n") &&
           check_program(check, MACHINE DO "vm-bounds low=200705 high=208896\n" DO
                                           "vm-noobj-run s0 frames=1 align=4096\n" DO
                                           "vm-noobj-run s1 frames=1 align=4096\n") &&
           check_program(check, MACHINE DO "vm-bounds low=200704 high=208895\n" DO
                                           "vm-noobj-run s0 frames=1 align=4096\n" DO
                                           "vm-noobj-run s1 frames=1 align=4096\n") &&
           check_program(check, MACHINE OBJECT DO
                         "vm-noobj-run s0 align=4096\n" DO "vm-noobj-run s0 frames=1\n" DO
                         "vm-noobj-run s0 frames=1 align=3\n" DO
                         "vm-noobj-run s0 frames=1 align=4096 boundary=4097\n" DO
                         "vm-noobj-run s0 frames=2 align=4096 boundary=4096\n" DO
                         "vm-noobj-run s1 frames=1 align=4096 boundary=4096\n" DO
                         "vm-noobj-run s2 frames=4294967295 align=4096\n" DO
                         "vm-noobj-run s2 frames=1 align=0x100000000\n" DO "vm-object o1 kind=fictitious\n" DO
                         "vm-run s3 o1 pindex=1 frames=2 align=4096\n"));
}
