/* Programs for FreeBSD's admission: the machine is brought to the edge of a floor, and each class asks on
 * both sides of it. What is due is the oracle's affair; see check_freebsd.h. */
#include "engine/checks/check_freebsd.h"

#define MACHINE "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/42\n"
#define DO      "cpu0 task "

/* One class at floor - 1, floor, floor + 1 and floor + 2, with the object and without. */
#define EDGE(class, flags)                                                                                   \
    DO "starve class=" class " leave=floor+0\n" DO "vm-noobj s0" flags "\n" DO                               \
                             "vm-alloc s1 o0 pindex=1" flags "\n" DO "feed\n" DO "vm-free s0\n" DO           \
                             "vm-free s1\n" DO                                                               \
                             "starve class=" class " leave=floor+1\n" DO "vm-noobj s0" flags "\n" DO         \
                                                   "vm-noobj s1" flags "\n" DO "feed\n" DO "vm-free s0\n" DO \
                                                   "vm-free s1\n" DO "starve class=" class                   \
        " leave=floor+1\n" DO "vm-alloc s0 o0 pindex=2" flags "\n" DO "vm-alloc s1 o0 pindex=3" flags        \
        "\n" DO "feed\n" DO "vm-free s0\n" DO "vm-free s1\n" DO                                              \
        "starve class=" class " leave=floor+2\n" DO "vm-noobj s0" flags "\n" DO "vm-noobj s1" flags "\n" DO  \
                              "vm-noobj s2" flags "\n" DO "feed\n" DO "vm-free s0\n" DO "vm-free s1\n" DO    \
                              "vm-free s2\n" DO "starve class=" class " leave=floor-1\n" DO                  \
                                                                      "vm-noobj s0" flags "\n" DO            \
                                                                      "feed\n" DO "vm-free s0\n"

#define OBJECT DO "vm-object o0\n"

void check_F_2(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-noobj s0\n" DO "vm-alloc s1 o0 pindex=7\n" DO "vm-noobj s2 mode=nofree\n" DO
                        "vm-noobj-run s3 frames=4 align=4096\n" DO "audit\n" DO "vm-free s0\n" DO
                        "vm-free s3 at=2\n" DO "audit\n" DO "vm-free s1\n" DO "vm-free s3\n" DO
                        "vm-object-free o0\n");
}

void check_F_3(struct check *check)
{
    (void)(check_program(check, MACHINE OBJECT EDGE("normal", "")) &&
           check_program(check, MACHINE OBJECT EDGE("system", " flags=system")) &&
           check_program(check, MACHINE OBJECT EDGE("interrupt", " flags=interrupt")));
}

void check_F_3a(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT EDGE("interrupt", " flags=interrupt"));
}

void check_F_3b(struct check *check)
{
    /* Descriptors of objects are SYSTEM's, too. */
    (void)(check_program(check, MACHINE OBJECT EDGE("system", " flags=system")) &&
           check_program(check, MACHINE DO "starve class=system leave=floor+0\n" OBJECT DO "feed\n" DO
                                           "starve class=system leave=floor+1\n" OBJECT));
}

void check_F_3c(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT EDGE("normal", ""));
}

void check_F_4(struct check *check)
{
    /* Where NORMAL would get the last one above its floor, SYSTEM and INTERRUPT ask for it. */
    (void)(check_program(check, MACHINE DO
                         "starve class=normal leave=floor+1\n" DO "vm-noobj s0 flags=system\n" DO
                         "vm-noobj s1 flags=system\n" DO "feed\n" DO "vm-free s0\n" DO "vm-free s1\n" DO
                         "starve class=normal leave=floor+1\n" DO "vm-noobj s0 flags=interrupt\n") &&
           check_program(check, MACHINE DO "starve class=system leave=floor+1\n" DO
                                           "vm-noobj s0 flags=interrupt\n" DO "vm-noobj s1 flags=system\n" DO
                                           "vm-noobj s2\n"));
}

void check_F_5(struct check *check)
{
    (void)(check_program(check,
                         MACHINE DO "starve class=normal leave=floor+0\n" DO "vm-noobj s0\n" DO
                                    "vm-noobj s0 flags=daemon\n" DO "vm-noobj s1 flags=system,daemon\n") &&
           check_program(check, MACHINE DO
                         "starve class=system leave=floor+0\n" DO "vm-noobj s0 flags=daemon\n" DO
                         "vm-noobj s1 flags=system,daemon\n" DO "vm-noobj s2 flags=interrupt,daemon\n" DO
                         "vm-noobj s3 flags=interrupt,daemon\n" DO "vm-noobj s4 flags=interrupt,daemon\n"));
}

void check_F_6(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-noobj s0\n" DO "vm-noobj-run s1 frames=8 align=4096\n" DO
                        "vm-alloc s2 o0 pindex=1\n" DO "vm-alloc s3 o0 pindex=0x100000\n" DO
                        "vm-run s4 o0 pindex=2 frames=4 align=4096\n" DO "vm-quota o0 pages=1\n" DO
                        "vm-alloc s5 o0 pindex=9\n" DO "vm-quota o0\n" DO "fail-nth grant=1\n" DO
                        "vm-alloc s5 o0 pindex=9\n" DO "starve class=normal leave=floor+0\n" DO
                        "vm-noobj s6\n" DO "vm-noobj-run s6 frames=4 align=4096\n");
}

void check_F_7(struct check *check)
{
    (void)(check_program(check,
                         MACHINE DO "starve class=normal leave=floor+1\n" DO "vm-noobj s0\n" DO
                                    "vm-noobj s1\n" DO "vm-noobj s2 flags=system\n" DO "vm-noobj s3\n") &&
           check_program(check, MACHINE DO "starve class=system leave=floor+1\n" DO
                                           "vm-noobj s0 flags=system\n" DO "vm-noobj s1 flags=system\n"));
}

void check_F_8(struct check *check)
{
    /* The last one renounces what is set aside, and nothing is. */
    (void)check_program(check, MACHINE OBJECT DO
                        "starve class=normal leave=floor+2\n" DO "vm-noobj-run s0 frames=4 align=4096\n" DO
                        "vm-run s1 o0 pindex=1 frames=4 align=4096\n" DO
                        "vm-noobj-run s2 frames=2 align=4096\n" DO "feed\n" DO
                        "starve class=system leave=floor+2\n" DO
                        "vm-noobj-run s3 flags=system frames=4 align=4096\n" DO
                        "vm-noobj-run s4 flags=interrupt frames=8 align=4096\n" DO "feed\n" DO
                        "vm-noobj-run s5 mode=noreclaim frames=4 align=4096\n");
}

void check_F_25(struct check *check)
{
    /* The daemon is woken below 45, the sets begin below 46 and 44: each crossed twice, one frame at a time.
     */
    (void)check_program(check, "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/45\n" DO
                               "starve class=normal leave=floor+2\n" DO "vm-noobj s0\n" DO "vm-noobj s1\n" DO
                               "vm-noobj s2 flags=system\n" DO "vm-noobj s3 flags=system\n" DO
                               "vm-noobj s4 flags=system\n" DO "vm-free s3\n" DO "vm-free s4\n" DO
                               "vm-noobj s3 flags=system\n" DO "vm-free s2\n" DO "vm-free s3\n" DO
                               "vm-noobj s2 flags=system\n" DO "vm-noobj s3 flags=system\n" DO "feed\n" DO
                               "vm-noobj s5\n");
    /* The crossing frame is an index node's, an object's, one of a block for the arena. */
#define AT_45 "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/45\n"
    (void)(check_program(check, AT_45 OBJECT DO
                         "vm-alloc s0 o0 pindex=1\n" DO "starve class=normal leave=floor+1\n" DO
                         "vm-alloc s1 o0 pindex=2\n" DO "vm-free s1\n" DO "vm-alloc s1 o0 pindex=2\n" DO
                         "vm-object-free o0\n") &&
           check_program(check, AT_45 DO "starve class=normal leave=floor+0\n" OBJECT DO
                                         "vm-object-free o0\n" OBJECT DO "vm-object-free o0\n") &&
           check_program(check, AT_45 DO "starve class=normal leave=floor+1\n" DO
                                         "vm-noobj s0 flags=system mode=nofree\n" DO
                                         "vm-noobj s1 flags=system mode=nofree\n"));
#undef AT_45
}

void check_F_26(struct check *check)
{
    (void)check_program(check, MACHINE OBJECT DO
                        "starve class=normal leave=floor+2\n" DO "vm-noobj s0 count=255\n" DO
                        "vm-noobj s1 count=1\n" DO "vm-noobj s2 count=255\n" DO "vm-noobj s2\n" DO
                        "vm-noobj s2 count=65535\n" DO "vm-alloc s3 o0 pindex=1 mode=waitfail count=9\n");
}

void check_F_27(struct check *check)
{
    /* Where NORMAL can never be had, whatever the machine's size, the nameless class cannot either. */
    if (!check_program(check,
                       "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/100000\n" DO "vm-noobj s0\n" DO
                       "vm-noobj s0 flags=system,interrupt\n" DO "vm-noobj s1 flags=interrupt\n"))
        return;
    (void)check_program(check, MACHINE OBJECT DO
                        "vm-noobj s0 flags=system,interrupt\n" DO
                        "vm-alloc s1 o0 pindex=1 flags=system,interrupt\n" DO
                        "starve class=normal leave=floor+0\n" DO "vm-noobj s2 flags=system,interrupt\n" DO
                        "feed\n" DO "starve class=normal leave=floor+1\n" DO
                        "vm-noobj s3 flags=system,interrupt\n" DO "vm-noobj s4 flags=system,interrupt\n");
}
