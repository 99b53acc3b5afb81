/* Checks of where a buffer's pages are, who counts them, and what remains: B-8, B-9, B-11, B-12, B-16 to
 * B-22. */
#include "engine/checks/check_iokit.h"

/* B-8: the page daemon may pass as often as it likes, and complete() may be called once too often. */
void check_iokit_b8(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE DO("buf-create s0 options=in,out capacity=20000 alignment=1")
                                   DO("buf-create s1 options=in,out capacity=50 alignment=1")
                                       DO("buf-write s0 offset=0 bytes=20000 pattern=1")
                                           DO("pageout frames=200") DO("buf-segments s0 offset=0")
                                               DO("buf-complete s0") DO("pageout frames=200") DO("audit")
                                                   DO("buf-prepare s0") DO("buf-segments s0 offset=1")
                                                       DO("buf-read s0 offset=0 bytes=20000"));
}

/* B-9: pinned, the pages stay; completed, they go to the swap store and come back with what was in them. */
void check_iokit_b9(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE DO("buf-create s0 options=in,out,pageable capacity=20000 how=user")
                            DO("buf-write s0 offset=0 bytes=20000 pattern=1") DO("pageout frames=2")
                                DO("buf-prepare s0") DO("pageout frames=200") DO("buf-segments s0 offset=0")
                                    DO("audit") DO("buf-read s0 offset=0 bytes=20000") DO("buf-complete s0")
                                        DO("pageout frames=200") DO("buf-segments s0 offset=0")
                                            DO("buf-read s0 offset=0 bytes=20000") DO("buf-prepare s0")
                                                DO("buf-segments s0 offset=19999"));
}

/* B-11: one bit without the other, both, and what each may do then. */
void check_iokit_b11(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE DO("buf-create s0 options=in,out,purgeable capacity=5000 alignment=1")
                            DO("buf-create s1 options=in,out,pageable capacity=5000 how=user")
                                DO("buf-create s2 options=in,out,pageable,purgeable capacity=5000 how=user")
                                    DO("buf-purge s0 state=1") DO("buf-purge s1 state=1")
                                        DO("buf-purge s2 state=1") DO("buf-purge s0 state=3")
                                            DO("buf-purge s1 state=4") DO("buf-purge s2 state=3"));
}

/* B-12: all moves of the state machine; codes and bits that are none; emptied by hand and by the page daemon.
 */
void check_iokit_b12(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE DO("buf-create s0 options=in,out,pageable,purgeable capacity=9000 how=user")
            DO("buf-write s0 offset=0 bytes=9000 pattern=1") DO("buf-purge s0 state=0") DO(
                "buf-purge s0 state=5") DO("buf-purge s0 state=15") DO("buf-purge s0 state=3 modifiers=bit4")
                DO("buf-purge s0 state=4 modifiers=bit16") DO("buf-purge s0 state=2 modifiers=bit7")
                    DO("buf-purge s0 state=3 modifiers=group2,lifo") DO("buf-read s0 offset=0 bytes=9000")
                        DO("buf-purge s0 state=2") DO("buf-read s0 offset=0 bytes=9000")
                            DO("buf-purge s0 state=4") DO("buf-purge s0 state=3") DO("buf-purge s0 state=1")
                                DO("buf-purge s0 state=2") DO("buf-read s0 offset=0 bytes=9000") DO(
                                    "buf-write s0 offset=10 bytes=8000 pattern=2") DO("buf-purge s0 state=3")
                                    DO("pageout frames=1") DO("buf-purge s0 state=1")
                                        DO("buf-purge s0 state=2") DO("buf-read s0 offset=0 bytes=9000")
                                            DO("buf-write s0 offset=0 bytes=100 pattern=3")
                                                DO("buf-prepare s0") DO("buf-purge s0 state=3")
                                                    DO("pageout frames=100") DO("buf-purge s0 state=2")
                                                        DO("buf-read s0 offset=0 bytes=9000"));
}

/* B-16: completes too many, prepares left over at release. */
void check_iokit_b16(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE DO("buf-create s0 options=in,out,pageable capacity=9000 how=user")
                            DO("buf-create s1 options=in,out capacity=9000 alignment=1") DO("buf-complete s0")
                                DO("buf-prepare s0") DO("buf-prepare s0 direction=1") DO("buf-complete s0")
                                    DO("buf-segments s0 offset=0") DO("buf-complete s0") DO("buf-complete s0")
                                        DO("buf-segments s0 offset=0") DO("buf-prepare s1")
                                            DO("buf-complete s1") DO("buf-complete s1") DO("buf-complete s1")
                                                DO("buf-prepare s1") DO("buf-prepare s0") DO("buf-prepare s0")
                                                    DO("buf-release s0") DO("buf-release s1"));
}

/* B-17: for reading first, then for anything that writes; and born so. */
void check_iokit_b17(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE DO("buf-create s0 options=in,out,pageable capacity=9000 how=user")
            DO("buf-write s0 offset=0 bytes=9000 pattern=1") DO("buf-prepare s0 direction=2")
                DO("buf-prepare s0 direction=1") DO("buf-prepare s0 direction=3") DO("buf-prepare s0")
                    DO("buf-write s0 offset=0 bytes=10 pattern=2") DO("buf-read s0 offset=0 bytes=9000")
                        DO("buf-prepare s0 direction=2") DO("buf-complete s0") DO("buf-complete s0")
                            DO("buf-write s0 offset=0 bytes=10 pattern=3") DO("buf-prepare s0 direction=1")
                                DO("buf-prepare s0 direction=2")
                                    DO("buf-write s0 offset=0 bytes=10 pattern=4")
                                        DO("buf-create s1 options=out capacity=100 alignment=1")
                                            DO("buf-write s1 offset=0 bytes=10 pattern=5")
                                                DO("buf-append s1 bytes=1 pattern=5"));
}

/* B-18: in one task, in the kernel's, behind an IOMMU; small ones in one page. */
void check_iokit_b18(struct check *check)
{
    (void)(check_program(
               check,
               IOKIT_MACHINE IN_PIECES DO("buf-create s0 options=in,out,pageable capacity=9000 how=user")
                   DO("buf-create s1 options=in,out,pageable capacity=9000 how=user")
                       DO("buf-create s2 options=in,out,pageable capacity=9000 how=other")
                           DO("buf-create s3 options=in,out capacity=30000 alignment=1")
                               DO("buf-create s4 options=in,out capacity=30000 alignment=1")
                                   DO("buf-create s5 options=in,out capacity=30 alignment=1")
                                       DO("buf-create s6 options=in,out capacity=30 alignment=1")
                                           DO("buf-create s7 options=in,out capacity=100 how=guarded")
                                               DO("buf-create s8 options=in,out capacity=100 how=guarded") DO(
                                                   "buf-prepare s0") DO("buf-prepare s1")
                                                   DO("buf-write s0 offset=0 bytes=9000 pattern=1") DO(
                                                       "buf-write s1 offset=0 bytes=9000 pattern=2")
                                                       DO("buf-write s3 offset=0 bytes=30000 pattern=3") DO(
                                                           "buf-write s4 offset=0 bytes=30000 pattern=4")
                                                           DO("buf-write s5 offset=0 bytes=30 pattern=5")
                                                               DO("buf-write s6 offset=0 bytes=30 pattern=6")
                                                                   DO("audit")) &&
           check_program(check, IOKIT_MACHINE DO("buf-iommu")
                                    DO("buf-create s0 options=in,out capacity=9000 alignment=1")
                                        DO("buf-create s1 options=in,out capacity=9000 alignment=1")
                                            DO("buf-create s2 options=in,out capacity=90 alignment=1")));
}

/* B-19: one of each path, made and released. */
void check_iokit_b19(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE DO("buf-create s0 options=in,out capacity=100 alignment=1") DO("buf-release s0")
            DO("buf-create s0 options=in,out capacity=9000 alignment=1") DO("buf-release s0")
                DO("buf-create s0 options=in,out,contiguous capacity=9000 alignment=1") DO("buf-release s0")
                    DO("buf-create s0 options=in,out,pageable capacity=9000 how=user")
                        DO("buf-write s0 offset=0 bytes=9000 pattern=1") DO("pageout frames=2")
                            DO("buf-prepare s0") DO("buf-prepare s0") DO("buf-release s0")
                                DO("buf-bad s0 mistake=twice") DO("buf-bad s0 mistake=null")
                                    DO("buf-create s0 options=in,out capacity=100 alignment=1")
                                        DO("buf-bad s0 mistake=forged") DO("buf-bad s0 mistake=twice")
                                            DO("buf-release s0"));
}

/* B-20: two of a kind side by side, which a heap would put into one page. */
void check_iokit_b20(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE DO("buf-create s0 options=in,out capacity=100 alignment=1 with=shared")
            DO("buf-create s1 options=in,out capacity=100 alignment=1 with=shared")
                DO("buf-create s2 options=in,out capacity=100 alignment=1 with=inhibit") DO(
                    "buf-create s3 options=in,out capacity=100 alignment=1 with=cache8")
                    DO("buf-create s4 options=in,out capacity=100 alignment=1") DO(
                        "buf-create s5 options=in,out,contiguous capacity=100 alignment=1 with=write-combine")
                        DO("buf-create s6 options=in,out capacity=100 alignment=16 with=clear-encrypt"));
}

/* B-21: the frames hold other people's bytes when they are granted again. */
void check_iokit_b21(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE DO("buf-create s0 options=in,out capacity=16384 alignment=1")
                            DO("buf-write s0 offset=0 bytes=16384 pattern=7") DO("buf-release s0")
                                DO("buf-create s0 options=in,out capacity=5000 alignment=1 with=shared")
                                    DO("buf-create s1 options=in,out capacity=1 alignment=1 with=shared")
                                        DO("buf-create s2 options=in,out capacity=4095 alignment=4096")
                                            DO("buf-create s3 options=in,out capacity=5001 how=guarded"));
}

/* B-22: each grant of a creation fails in turn, of each path. */
void check_iokit_b22(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE DO("fail-nth grant=1") DO("buf-create s0 options=in,out capacity=9000 alignment=1")
            DO("fail-nth grant=2") DO("buf-create s0 options=in,out capacity=9000 alignment=1")
                DO("fail-nth grant=3") DO("buf-create s0 options=in,out capacity=9000 alignment=1")
                    DO("fail-nth grant=4") DO("buf-create s0 options=in,out capacity=9000 alignment=1")
                        DO("fail-nth grant=1") DO("buf-create s1 options=in,out capacity=90 alignment=1") DO(
                            "fail-nth grant=2") DO("buf-create s2 options=in,out capacity=90 alignment=1")
                            DO("fail-nth grant=3") DO("buf-create s3 options=in,out capacity=90 alignment=1")
                                DO("fail-nth grant=1") DO(
                                    "buf-create s4 options=in,out,contiguous capacity=9000 alignment=1")
                                    DO("fail-nth grant=0") DO(
                                        "buf-create s5 options=in,out,pageable capacity=20000 how=user")
                                        DO("fail-nth grant=1") DO("buf-prepare s5") DO("fail-nth grant=3")
                                            DO("buf-prepare s5") DO("fail-nth grant=0") DO(
                                                "buf-create s6 options=in,out capacity=1048576 alignment=1")
                                                DO("starve class=normal") DO(
                                                    "buf-create s7 options=in,out capacity=9000 alignment=1")
                                                    DO("buf-create s8 options=in,out capacity=9000 "
                                                       "alignment=1 with=shared") DO("feed"));
}
