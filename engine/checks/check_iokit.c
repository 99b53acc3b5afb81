/* Checks of what a buffer is when it was made, and of its bytes: B-1 to B-7, B-10, B-13 to B-15, B-23, B-24.
 */
#include "engine/checks/check_iokit.h"

/* B-1: small, by the page, pageable, guarded, in a user's task; each is written and read to its last byte. */
void check_iokit_b1(struct check *check)
{
    (void)check_program(
        check, IOKIT_MACHINE
        "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
        "cpu0 task    buf-create s1 options=in,out capacity=10000 alignment=1\n"
        "cpu0 task    buf-create s2 options=in,out,pageable capacity=10000 alignment=1 how=user\n"
        "cpu0 task    buf-create s3 options=in,out capacity=5000 how=guarded\n"
        "cpu0 task    buf-create s4 options=in capacity=300 how=bytes\n"
        "cpu0 task    buf-write s0 offset=0 bytes=100 pattern=1\n"
        "cpu0 task    buf-read s0 offset=0 bytes=100\n"
        "cpu0 task    buf-write s1 offset=0 bytes=10000 pattern=2\n"
        "cpu0 task    buf-read s1 offset=0 bytes=10000\n"
        "cpu0 task    buf-write s2 offset=0 bytes=10000 pattern=3\n"
        "cpu0 task    buf-read s2 offset=0 bytes=10000\n"
        "cpu0 task    buf-nocopy s1 offset=4000 bytes=6000 pattern=4\n"
        "cpu0 task    buf-nocopy s2 offset=9999 bytes=1 pattern=5\n"
        "cpu0 task    buf-nocopy s3 offset=0 bytes=5000 pattern=6\n"
        "cpu0 task    buf-nocopy s3 offset=0 bytes=5000\n"
        "cpu0 task    buf-read s1 offset=0 bytes=10000\n"
        "cpu0 task    buf-read s2 offset=0 bytes=10000\n"
        "cpu0 task    audit\n");
}

/* B-2: each of these numbers must not wrap into a small one. */
void check_iokit_b2(struct check *check)
{
    (void)check_program(
        check, IOKIT_MACHINE
        "cpu0 task    buf-create s0 options=in,out capacity=0 alignment=1\n"
        "cpu0 task    buf-create s0 options=in,out,pageable capacity=0 alignment=1\n"
        "cpu0 task    buf-create s1 options=in,out capacity=0xffffffff alignment=1\n"
        "cpu0 task    buf-create s2 options=in,out capacity=0x100000000 alignment=4096\n"
        "cpu0 task    buf-create s3 options=in,out capacity=0x100000064 alignment=1\n"
        "cpu0 task    buf-create s3 options=in,out,pageable capacity=0x100000064 alignment=1 how=user\n"
        "cpu0 task    buf-create s4 options=in,out capacity=0xffffffffffffffff alignment=1\n"
        "cpu0 task    buf-create s5 options=in,out capacity=0xfffffffffffff001 alignment=4096\n"
        "cpu0 task    buf-create s6 options=in,out,pageable capacity=0xfffffffffffff001 alignment=4096\n"
        "cpu0 task    buf-create s7 options=in,out,contiguous capacity=0xffffffffffffffff "
        "alignment=0x80000000\n"
        "cpu0 task    buf-create s8 options=in,out capacity=0x8000000000000000 alignment=0x80000000 "
        "how=wide\n"
        "cpu0 task    buf-mask s9 options=in,out capacity=0xfffffffffffffff8 bits=32\n"
        "cpu0 task    buf-create s10 options=in,out,pageable capacity=100 alignment=4294967295 how=wide\n"
        "cpu0 task    buf-create s11 options=in,out capacity=100 alignment=4294967295 how=wide\n");
}

/* B-3: two of each, so that the second cannot be aligned by luck; frame 0, which any alignment would fit. */
void check_iokit_b3(struct check *check)
{
    (void)(check_program(
               check, IOKIT_MACHINE
               "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=512\n"
               "cpu0 task    buf-create s1 options=in,out capacity=100 alignment=512\n"
               "cpu0 task    buf-create s2 options=in,out capacity=1 alignment=64\n"
               "cpu0 task    buf-create s3 options=in,out capacity=20 alignment=256\n"
               "cpu0 task    buf-create s4 options=in,out capacity=20 alignment=2048\n"
               "cpu0 task    buf-create s5 options=in,out capacity=20 alignment=2048\n"
               "cpu0 task    buf-create s6 options=in,out capacity=5000 alignment=4096\n"
               "cpu0 task    buf-create s7 options=in,out capacity=5000 alignment=16384\n"
               "cpu0 task    buf-create s8 options=in,out,contiguous capacity=100 alignment=1024\n"
               "cpu0 task    buf-create s9 options=in,out,contiguous capacity=100 alignment=1024\n"
               "cpu0 task    buf-create s10 options=in,out capacity=100\n"
               "cpu0 task    buf-create s11 options=in,out capacity=7 alignment=3\n"
               "cpu0 task    buf-create s12 options=in,out capacity=7 alignment=1 how=wide\n"
               "cpu0 task    buf-create s13 options=in,out capacity=7 alignment=2147483648 how=wide\n") &&
           check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-iommu\n"
                         "cpu0 task    buf-create s0 options=in,out capacity=4096 alignment=4096\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=4096 alignment=16384\n"
                         "cpu0 task    buf-create s2 options=in,out capacity=4096 alignment=65536\n"
                         "cpu0 task    buf-create s3 options=in,out capacity=100 alignment=512\n") &&
           check_program(check, IOKIT_MACHINE
                         "cpu0 task    alloc s0 order=0\n"
                         "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
                         "cpu0 task    free s0\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=4096 alignment=1 how=wide\n"));
}

/* B-4: memory is in pieces, so contiguity must be looked for; with an IOMMU, too. */
void check_iokit_b4(struct check *check)
{
    (void)(check_program(
               check, IOKIT_MACHINE IN_PIECES
               "cpu0 task    buf-create s0 options=in,out,host-contiguous capacity=16384 alignment=1\n"
               "cpu0 task    buf-create s1 options=in,out,host-contiguous capacity=5000 alignment=1\n"
               "cpu0 task    buf-create s2 options=in,out,host-contiguous capacity=100 alignment=1\n"
               "cpu0 task    buf-segments s0 offset=8192\n"
               "cpu0 task    buf-write s0 offset=0 bytes=16384 pattern=1\n") &&
           check_program(
               check, IOKIT_MACHINE
               "cpu0 task    buf-iommu\n" IN_PIECES
               "cpu0 task    buf-create s0 options=in,out,host-contiguous capacity=16384 alignment=1\n"
               "cpu0 task    buf-segments s0 offset=1\n") &&
           check_program(
               check, IOKIT_TWO_CPUS FEW_PIECES
               "cpu1 task    buf-create s0 options=in,out,host-contiguous capacity=16384 alignment=1\n"));
}

/* B-5: without an IOMMU as B-4; with one the frames may be anywhere. */
void check_iokit_b5(struct check *check)
{
    (void)(check_program(check, IOKIT_MACHINE IN_PIECES
                         "cpu0 task    buf-create s0 options=in,out,contiguous capacity=16384 alignment=1\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=12288 how=capacity-contiguous\n"
                         "cpu0 task    buf-create s2 options=in,out capacity=12288 alignment=1\n"
                         "cpu0 task    buf-segments s0 offset=4095\n") &&
           check_program(
               check, IOKIT_MACHINE
               "cpu0 task    buf-iommu\n" IN_PIECES
               "cpu0 task    buf-create s0 options=in,out,contiguous capacity=65536 alignment=1\n"
               "cpu0 task    buf-create s1 options=in,out,contiguous capacity=100 alignment=1\n"
               "cpu0 task    buf-create s2 options=in,out,contiguous,pageable capacity=20000 how=user\n"
               "cpu0 task    buf-prepare s2\n"
               "cpu0 task    buf-segments s0 offset=65535\n"
               "cpu0 task    buf-segments s2 offset=4096\n"
               "cpu0 task    buf-create s3 options=in,out,contiguous capacity=16384 with=cache8\n"
               "cpu0 task    buf-segments s3 offset=1\n") &&
           check_program(
               check, IOKIT_TWO_CPUS FEW_PIECES
               "cpu1 task    buf-create s0 options=in,out,contiguous capacity=16384 alignment=1\n"));
}

/* B-6: a scattered buffer, one in the middle of a page, one whose length was shortened. */
void check_iokit_b6(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE IN_PIECES
                        "cpu0 task    buf-create s0 options=in,out capacity=60000 alignment=1\n"
                        "cpu0 task    buf-create s1 options=in,out capacity=33 alignment=1\n"
                        "cpu0 task    buf-create s2 options=in,out,pageable capacity=50001 how=user\n"
                        "cpu0 task    buf-segments s0 offset=0\n"
                        "cpu0 task    buf-segments s0 offset=59999\n"
                        "cpu0 task    buf-segments s0 offset=60000\n"
                        "cpu0 task    buf-segments s0 offset=0xffffffffffffffff\n"
                        "cpu0 task    buf-segments s1 offset=32\n"
                        "cpu0 task    buf-length s0 length=4097\n"
                        "cpu0 task    buf-segments s0 offset=4096\n"
                        "cpu0 task    buf-prepare s2\n"
                        "cpu0 task    buf-segments s2 offset=50000\n"
                        "cpu0 task    buf-length s2 length=0\n"
                        "cpu0 task    buf-segments s2 offset=0\n"
                        "cpu0 task    buf-length s2 length=50001\n"
                        "cpu0 task    buf-ranges s0 o1 offset=1 bytes=32\n"
                        "cpu0 task    buf-ranges s0 o2 offset=4000 bytes=200\n");
}

/* B-7: more pages than lie below the limit cannot be had; fewer must lie below it. */
void check_iokit_b7(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-mask s0 options=in,out capacity=81920 bits=16\n"
                        "cpu0 task    buf-mask s1 options=in,out capacity=8192 bits=19\n"
                        "cpu0 task    buf-mask s2 options=in,out capacity=100 bits=18\n"
                        "cpu0 task    buf-mask s3 options=in,out,contiguous capacity=8192 bits=20 hole=14\n"
                        "cpu0 task    buf-mask s4 options=in,out capacity=4096 bits=32 hole=4\n"
                        "cpu0 task    buf-mask s5 options=in,out,pageable capacity=4096 bits=16\n"
                        "cpu0 task    buf-segments s1 offset=0\n");
}

/* B-10: every task but the kernel's, and no task at all. */
void check_iokit_b10(struct check *check)
{
    (void)check_program(
        check, IOKIT_MACHINE
        "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1 how=user\n"
        "cpu0 task    buf-create s1 options=in,out,contiguous capacity=4096 alignment=1 how=other\n"
        "cpu0 task    buf-create s2 options=in,out capacity=100 alignment=1 how=none\n"
        "cpu0 task    buf-create s3 options=in,out,pageable capacity=100 alignment=1 how=user\n"
        "cpu0 task    buf-create s4 options=in,out,pageable capacity=100 alignment=1 how=none\n"
        "cpu0 task    buf-nocopy s4 offset=0 bytes=1 pattern=1\n"
        "cpu0 task    buf-write s4 offset=0 bytes=100 pattern=1\n");
}

/* B-13: the memory was somebody's before. The small contiguous one is where the real code makes no promise.
 */
void check_iokit_b13(struct check *check)
{
    (void)check_program(
        check,
        IOKIT_MACHINE "cpu0 task    buf-create s0 options=in,out capacity=200 alignment=1\n"
                      "cpu0 task    buf-create s1 options=in,out capacity=200 alignment=1\n"
                      "cpu0 task    buf-write s0 offset=0 bytes=200 pattern=9\n"
                      "cpu0 task    buf-release s0\n"
                      "cpu0 task    buf-create s0 options=in,out capacity=200 alignment=1\n"
                      "cpu0 task    buf-write s1 offset=0 bytes=200 pattern=9\n"
                      "cpu0 task    buf-release s1\n"
                      "cpu0 task    buf-create s1 options=in,out,contiguous capacity=200 alignment=1\n"
                      "cpu0 task    buf-create s2 options=in,out capacity=40000 alignment=1\n"
                      "cpu0 task    buf-write s2 offset=0 bytes=40000 pattern=9\n"
                      "cpu0 task    buf-release s2\n"
                      "cpu0 task    buf-create s2 options=in,out,host-contiguous capacity=40000 alignment=1\n"
                      "cpu0 task    buf-release s2\n"
                      "cpu0 task    buf-create s3 options=in,out,pageable capacity=40000 how=user\n"
                      "cpu0 task    buf-prepare s3\n"
                      "cpu0 task    buf-read s3 offset=0 bytes=40000\n");
}

/* B-14: beyond the capacity by one, by a page, by everything; the appends stop there. */
void check_iokit_b14(struct check *check)
{
    (void)check_program(check,
                        IOKIT_MACHINE "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
                                      "cpu0 task    buf-create s1 options=in,out capacity=5000 alignment=1\n"
                                      "cpu0 task    buf-length s0 length=101\n"
                                      "cpu0 task    buf-length s0 length=0\n"
                                      "cpu0 task    buf-length s0 length=100\n"
                                      "cpu0 task    buf-length s1 length=8192\n"
                                      "cpu0 task    buf-length s1 length=0xffffffffffffffff\n"
                                      "cpu0 task    buf-length s1 length=10\n"
                                      "cpu0 task    buf-append s1 bytes=100 pattern=1\n"
                                      "cpu0 task    buf-append s1 bytes=8192 pattern=2\n"
                                      "cpu0 task    buf-append s1 bytes=1 pattern=3\n"
                                      "cpu0 task    buf-read s1 offset=0 bytes=5000\n");
}

/* B-15: one byte too many, offsets at and past the end, sums that wrap; memory for half of it. */
void check_iokit_b15(struct check *check)
{
    (void)(check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-create s0 options=in,out capacity=100 alignment=1\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=8192 alignment=1\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=100 pattern=1\n"
                         "cpu0 task    buf-length s0 length=50\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=51 pattern=2\n"
                         "cpu0 task    buf-read s0 offset=50 bytes=1\n"
                         "cpu0 task    buf-write s0 offset=49 bytes=1 pattern=3\n"
                         "cpu0 task    buf-write s0 offset=50 bytes=0 pattern=3\n"
                         "cpu0 task    buf-write s1 offset=0xffffffffffffffff bytes=2 pattern=4\n"
                         "cpu0 task    buf-write s1 offset=8191 bytes=2 pattern=4\n"
                         "cpu0 task    buf-read s1 offset=8192 bytes=1\n"
                         "cpu0 task    buf-read s1 offset=0xfffffffffffff000 bytes=8192\n"
                         "cpu0 task    buf-nocopy s1 offset=8192 bytes=0\n"
                         "cpu0 task    buf-nocopy s1 offset=1 bytes=8192\n"
                         "cpu0 task    buf-nocopy s1 offset=0xffffffffffffffff bytes=1\n"
                         "cpu0 task    buf-length s0 length=100\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=100\n"
                         "cpu0 task    audit\n") &&
           check_program(check, IOKIT_MACHINE
                         "cpu0 task    buf-create s0 options=in,out,pageable capacity=20000 how=user\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=5000 pattern=1\n"
                         "cpu0 task    fail-nth grant=2\n"
                         "cpu0 task    buf-write s0 offset=100 bytes=19000 pattern=2\n"
                         "cpu0 task    fail-nth grant=0\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=20000\n"
                         "cpu0 task    fail-nth grant=1\n"
                         "cpu0 task    buf-append s0 bytes=1 pattern=3\n"
                         "cpu0 task    fail-nth grant=0\n"
                         "cpu0 task    buf-write s0 offset=0 bytes=20000 pattern=4\n"
                         "cpu0 task    buf-read s0 offset=0 bytes=20000\n"));
}

/* B-23: each direction at birth, and set later. */
void check_iokit_b23(struct check *check)
{
    (void)check_program(check, IOKIT_MACHINE
                        "cpu0 task    buf-create s0 capacity=100 alignment=1\n"
                        "cpu0 task    buf-create s1 options=in capacity=100 alignment=1\n"
                        "cpu0 task    buf-create s2 options=out capacity=100 alignment=1\n"
                        "cpu0 task    buf-create s3 options=in,out,pageable capacity=100 how=other\n"
                        "cpu0 task    buf-direction s0 direction=3\n"
                        "cpu0 task    buf-direction s1 direction=2\n"
                        "cpu0 task    buf-direction s2 direction=1\n"
                        "cpu0 task    buf-direction s3 direction=0\n"
                        "cpu0 task    buf-direction s3 direction=7\n");
}

/* B-24: memory is in pieces, and nobody asked for contiguity but by the alignment. */
void check_iokit_b24(struct check *check)
{
    (void)(check_program(check, IOKIT_MACHINE IN_PIECES
                         "cpu0 task    buf-create s0 options=in,out capacity=32768 alignment=8192\n"
                         "cpu0 task    buf-create s1 options=in,out capacity=32768 alignment=12288\n"
                         "cpu0 task    buf-create s2 options=in,out,pageable capacity=32768 alignment=65536 "
                         "how=user\n") &&
           check_program(check, IOKIT_TWO_CPUS FEW_PIECES
                         "cpu1 task    buf-create s0 options=in,out capacity=16384 alignment=8192\n"));
}
