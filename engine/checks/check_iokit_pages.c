/* Checks of where a buffer's pages are, who counts them, and what remains: B-8, B-9, B-11, B-12, B-16 to
 * B-22. */
#include "engine/checks/check_iokit.h"

/* B-8: the page daemon may pass as often as it likes, and complete() may be called once too often. */
void check_iokit_b8(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE "cpu0 task    buf-create s0 options=in,out capacity=20000 alignment=1\n"
                                      "cpu0 task    buf-create s1 options=in,out capacity=50 alignment=1\n"
                                      "cpu0 task    buf-write s0 offset=0 bytes=20000 pattern=1\n"
                                      "cpu0 task    pageout frames=200\n"
                                      "cpu0 task    buf-segments s0 offset=0\n"
                                      "cpu0 task    buf-complete s0\n"
                                      "cpu0 task    pageout frames=200\n"
                                      "cpu0 task    audit\n"
                                      "cpu0 task    buf-prepare s0\n"
                                      "cpu0 task    buf-segments s0 offset=1\n"
                                      "cpu0 task    buf-read s0 offset=0 bytes=20000\n");
}

/* B-9: pinned, the pages stay; completed, they go to the swap store and come back with what was in them. */
void check_iokit_b9(struct check *check)
{
    (void)(check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-create s0 options=in,out,pageable capacity=20000 how=user\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=20000 pattern=1\n"
                         "cpu0 task    pageout frames=2\n"
                         "cpu0 task    buf-prepare s0\n"
                         "cpu0 task    pageout frames=200\n"
                         "cpu0 task    buf-segments s0 offset=0\n"
                         "cpu0 task    audit\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=20000\n"
                         "cpu0 task    buf-complete s0\n"
                         "cpu0 task    pageout frames=200\n"
                         "cpu0 task    buf-segments s0 offset=0\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=20000\n"
                         "cpu0 task    buf-prepare s0\n"
                         "cpu0 task    buf-segments s0 offset=19999\n") &&
           check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-create s0 options=in,out,pageable capacity=20000 how=user\n"
                         "cpu0 task    buf-create s1 options=in,out,pageable capacity=9000 how=other\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=20000 pattern=1\n"
                         "cpu0 task    buf-write s1 offset=0 bytes=9000 pattern=2\n"
                         "cpu0 task    buf-ranges s0 o1 offset=5 bytes=8000\n"
                         "cpu0 task    buf-prepare s1\n"
                         "cpu0 task    pageout frames=3\n"
                         "cpu0 task    buf-ranges s1 o0 offset=5 bytes=8000\n"
                         "cpu0 task    buf-complete s1\n"
                         "cpu0 task    pageout frames=100\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=20000\n"
                         "cpu0 task    buf-read s1 offset=0 bytes=9000\n"));
}

/* B-11: one bit without the other, both, and what each may do then. */
void check_iokit_b11(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE "cpu0 task    buf-create s0 options=in,out,purgeable capacity=5000 alignment=1\n"
                      "cpu0 task    buf-create s1 options=in,out,pageable capacity=5000 how=user\n"
                      "cpu0 task    buf-create s2 options=in,out,pageable,purgeable capacity=5000 how=user\n"
                      "cpu0 task    buf-purge s0 state=1\n"
                      "cpu0 task    buf-purge s1 state=1\n"
                      "cpu0 task    buf-purge s2 state=1\n"
                      "cpu0 task    buf-purge s0 state=3\n"
                      "cpu0 task    buf-purge s1 state=4\n"
                      "cpu0 task    buf-purge s2 state=3\n");
}

/* B-12: all moves of the state machine; codes and bits that are none; emptied by hand and by the page daemon.
 */
void check_iokit_b12(struct check *check)
{
    (void)(check_program(
               check, IOKIT_MACHINE
               "cpu0 task    buf-create s0 options=in,out,pageable,purgeable capacity=9000 how=user\n"
               "cpu0 task    buf-write s0 offset=0 bytes=9000 pattern=1\n"
               "cpu0 task    buf-purge s0 state=0\n"
               "cpu0 task    buf-purge s0 state=5\n"
               "cpu0 task    buf-purge s0 state=15\n"
               "cpu0 task    buf-purge s0 state=3 modifiers=bit4\n"
               "cpu0 task    buf-purge s0 state=4 modifiers=bit16\n"
               "cpu0 task    buf-purge s0 state=2 modifiers=bit7\n"
               "cpu0 task    buf-purge s0 state=3 modifiers=group2,lifo\n"
               "cpu0 task    buf-read s0 offset=0 bytes=9000\n"
               "cpu0 task    buf-purge s0 state=2\n"
               "cpu0 task    buf-read s0 offset=0 bytes=9000\n"
               "cpu0 task    buf-purge s0 state=4\n"
               "cpu0 task    buf-purge s0 state=3\n"
               "cpu0 task    buf-purge s0 state=1\n"
               "cpu0 task    buf-purge s0 state=2\n"
               "cpu0 task    buf-read s0 offset=0 bytes=9000\n"
               "cpu0 task    buf-write s0 offset=10 bytes=8000 pattern=2\n"
               "cpu0 task    buf-purge s0 state=3\n"
               "cpu0 task    pageout frames=1\n"
               "cpu0 task    buf-purge s0 state=1\n"
               "cpu0 task    buf-purge s0 state=2\n"
               "cpu0 task    buf-read s0 offset=0 bytes=9000\n"
               "cpu0 task    buf-write s0 offset=0 bytes=100 pattern=3\n"
               "cpu0 task    buf-prepare s0\n"
               "cpu0 task    buf-purge s0 state=3\n"
               "cpu0 task    pageout frames=100\n"
               "cpu0 task    buf-purge s0 state=2\n"
               "cpu0 task    buf-read s0 offset=0 bytes=9000\n") &&
           check_program(
               check, IOKIT_MACHINE
               "cpu0 task    buf-create s0 options=in,out,pageable capacity=40960 alignment=1 how=user\n"
               "cpu0 task    buf-create s1 options=in,out,pageable,purgeable capacity=40960 alignment=1 "
               "how=other\n"
               "cpu0 task    buf-create s2 options=in,out,pageable capacity=40960 alignment=1\n"
               "cpu0 task    buf-write s0 offset=0 bytes=40960 pattern=1\n"
               "cpu0 task    buf-write s1 offset=0 bytes=40960 pattern=2\n"
               "cpu0 task    buf-purge s1 state=3 modifiers=group1,lifo\n"
               "cpu0 task    starve class=normal\n"
               "cpu0 task    buf-write s2 offset=0 bytes=40960 pattern=3\n"
               "cpu0 task    buf-purge s1 state=1\n"
               "cpu0 task    buf-read s0 offset=0 bytes=40960\n"
               "cpu0 task    buf-prepare s0\n"
               "cpu0 task    buf-prepare s2\n"
               "cpu0 task    buf-create s3 options=in,out capacity=61440 alignment=1\n"
               "cpu0 task    feed\n"
               "cpu0 task    buf-prepare s2\n"
               "cpu0 task    buf-read s2 offset=0 bytes=40960\n"
               "cpu0 task    buf-read s0 offset=0 bytes=40960\n"
               "cpu0 task    audit\n"));
}

/* B-16: completes too many, prepares left over at release. */
void check_iokit_b16(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-create s0 options=in,out,pageable capacity=9000 how=user\n"
                        "cpu0 task    buf-create s1 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-prepare s0 direction=1\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-segments s0 offset=0\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-segments s0 offset=0\n"
                        "cpu0 task    buf-prepare s1\n"
                        "cpu0 task    buf-complete s1\n"
                        "cpu0 task    buf-complete s1\n"
                        "cpu0 task    buf-complete s1\n"
                        "cpu0 task    buf-prepare s1\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-release s1\n");
}

/* B-17: for reading first, then for anything that writes; and born so. */
void check_iokit_b17(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-create s0 options=in,out,pageable capacity=9000 how=user\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=9000 pattern=1\n"
                        "cpu0 task    buf-prepare s0 direction=2\n"
                        "cpu0 task    buf-prepare s0 direction=1\n"
                        "cpu0 task    buf-prepare s0 direction=3\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=10 pattern=2\n"
                        "cpu0 task    buf-read s0 offset=0 bytes=9000\n"
                        "cpu0 task    buf-prepare s0 direction=2\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-complete s0\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=10 pattern=3\n"
                        "cpu0 task    buf-prepare s0 direction=1\n"
                        "cpu0 task    buf-prepare s0 direction=2\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=10 pattern=4\n"
                        "cpu0 task    buf-create s1 options=out capacity=100 alignment=1\n"
                        "cpu0 task    buf-write s1 offset=0 bytes=10 pattern=5\n"
                        "cpu0 task    buf-append s1 bytes=1 pattern=5\n");
}

/* B-18: in one task, in the kernel's, behind an IOMMU; small ones in one page. */
void check_iokit_b18(struct check *check)
{
    (void)(check_program(check, IOKIT_MACHINE IN_PIECES
                         "cpu0 task    buf-create s0 options=in,out,pageable capacity=9000 how=user\n"
                         "cpu0 task    buf-create s1 options=in,out,pageable capacity=9000 how=user\n"
                         "cpu0 task    buf-create s2 options=in,out,pageable capacity=9000 how=other\n"
                         "cpu0 task    buf-create s3 options=in,out capacity=30000 alignment=1\n"
                         "cpu0 task    buf-create s4 options=in,out capacity=30000 alignment=1\n"
                         "cpu0 task    buf-create s5 options=in,out capacity=30 alignment=1\n"
                         "cpu0 task    buf-create s6 options=in,out capacity=30 alignment=1\n"
                         "cpu0 task    buf-create s7 options=in,out capacity=100 how=guarded\n"
                         "cpu0 task    buf-create s8 options=in,out capacity=100 how=guarded\n"
                         "cpu0 task    buf-prepare s0\n"
                         "cpu0 task    buf-prepare s1\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=9000 pattern=1\n"
                         "cpu0 task    buf-write s1 offset=0 bytes=9000 pattern=2\n"
                         "cpu0 task    buf-write s3 offset=0 bytes=30000 pattern=3\n"
                         "cpu0 task    buf-write s4 offset=0 bytes=30000 pattern=4\n"
                         "cpu0 task    buf-write s5 offset=0 bytes=30 pattern=5\n"
                         "cpu0 task    buf-write s6 offset=0 bytes=30 pattern=6\n"
                         "cpu0 task    audit\n") &&
           check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-iommu\n"
                         "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=9000 alignment=1\n"
                         "cpu0 task    buf-create s2 options=in,out capacity=90 alignment=1\n"));
}

/* B-19: one of each path, made and released. */
void check_iokit_b19(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-create s0 options=in,out,contiguous capacity=9000 alignment=1\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-create s0 options=in,out,pageable capacity=9000 how=user\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=9000 pattern=1\n"
                        "cpu0 task    pageout frames=2\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-prepare s0\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-bad s0 mistake=twice\n"
                        "cpu0 task    buf-bad s0 mistake=null\n"
                        "cpu0 task    buf-bad s0 mistake=prepare\n"
                        "cpu0 task    buf-bad s0 mistake=read\n"
                        "cpu0 task    buf-bad s0 mistake=purge\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
                        "cpu0 task    buf-bad s0 mistake=forged\n"
                        "cpu0 task    buf-bad s0 mistake=twice\n"
                        "cpu0 task    buf-release s0\n");
}

/* B-20: two of a kind side by side, which a heap would put into one page. */
void check_iokit_b20(struct check *check)
{
    (void)check_program(
        check, IOKIT_MACHINE
        "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1 with=shared\n"
        "cpu0 task    buf-create s1 options=in,out capacity=100 alignment=1 with=shared\n"
        "cpu0 task    buf-create s2 options=in,out capacity=100 alignment=1 with=inhibit\n"
        "cpu0 task    buf-create s3 options=in,out capacity=100 alignment=1 with=cache8\n"
        "cpu0 task    buf-create s4 options=in,out capacity=100 alignment=1\n"
        "cpu0 task    buf-create s5 options=in,out,contiguous capacity=100 alignment=1 with=write-combine\n"
        "cpu0 task    buf-create s6 options=in,out capacity=100 alignment=16 with=clear-encrypt\n");
}

/* B-21: the frames hold other people's bytes when they are granted again. */
void check_iokit_b21(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-create s0 options=in,out capacity=16384 alignment=1\n"
                        "cpu0 task    buf-write s0 offset=0 bytes=16384 pattern=7\n"
                        "cpu0 task    buf-release s0\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=5000 alignment=1 with=shared\n"
                        "cpu0 task    buf-create s1 options=in,out capacity=1 alignment=1 with=shared\n"
                        "cpu0 task    buf-create s2 options=in,out capacity=4095 alignment=4096\n"
                        "cpu0 task    buf-create s3 options=in,out capacity=5001 how=guarded\n");
}

/* B-22: each grant of a creation fails in turn, of each path. */
void check_iokit_b22(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    fail-nth grant=1\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    fail-nth grant=2\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    fail-nth grant=3\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    fail-nth grant=4\n"
                        "cpu0 task    buf-create s0 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    fail-nth grant=1\n"
                        "cpu0 task    buf-create s1 options=in,out capacity=90 alignment=1\n"
                        "cpu0 task    fail-nth grant=2\n"
                        "cpu0 task    buf-create s2 options=in,out capacity=90 alignment=1\n"
                        "cpu0 task    fail-nth grant=3\n"
                        "cpu0 task    buf-create s3 options=in,out capacity=90 alignment=1\n"
                        "cpu0 task    fail-nth grant=1\n"
                        "cpu0 task    buf-create s4 options=in,out,contiguous capacity=9000 alignment=1\n"
                        "cpu0 task    fail-nth grant=0\n"
                        "cpu0 task    buf-create s5 options=in,out,pageable capacity=20000 how=user\n"
                        "cpu0 task    fail-nth grant=1\n"
                        "cpu0 task    buf-prepare s5\n"
                        "cpu0 task    fail-nth grant=3\n"
                        "cpu0 task    buf-prepare s5\n"
                        "cpu0 task    fail-nth grant=0\n"
                        "cpu0 task    buf-create s6 options=in,out capacity=1048576 alignment=1\n"
                        "cpu0 task    starve class=normal\n"
                        "cpu0 task    buf-create s7 options=in,out capacity=9000 alignment=1\n"
                        "cpu0 task    buf-create s8 options=in,out capacity=9000 alignment=1 with=shared\n"
                        "cpu0 task    feed\n");
}
