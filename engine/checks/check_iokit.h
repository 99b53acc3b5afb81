/* The checks of B-1 to B-24, and what their programs have in common. */
#ifndef ENGINE_CHECKS_CHECK_IOKIT_H
#define ENGINE_CHECKS_CHECK_IOKIT_H

#include "engine/checks/check.h"

check_function check_iokit_b1;
check_function check_iokit_b2;
check_function check_iokit_b3;
check_function check_iokit_b4;
check_function check_iokit_b5;
check_function check_iokit_b6;
check_function check_iokit_b7;
check_function check_iokit_b8;
check_function check_iokit_b9;
check_function check_iokit_b10;
check_function check_iokit_b11;
check_function check_iokit_b12;
check_function check_iokit_b13;
check_function check_iokit_b14;
check_function check_iokit_b15;
check_function check_iokit_b16;
check_function check_iokit_b17;
check_function check_iokit_b18;
check_function check_iokit_b19;
check_function check_iokit_b20;
check_function check_iokit_b21;
check_function check_iokit_b22;
check_function check_iokit_b23;
check_function check_iokit_b24;

#define IOKIT_MACHINE                                                                                        \
    "pagelab program 1\n"                                                                                    \
    "machine 256@0x0 cpus=1 floors=0/2/42\n"

/* One operation by a task on CPU 0. */
#define DO(text) "cpu0 task    " text "\n"

/* Every second one of sixteen frames stays taken, so that memory is in pieces. */
#define TAKE(slot) DO("alloc s" #slot " order=0")
#define FREE(slot) DO("free s" #slot)
#define IN_PIECES  TAKE_16 FREE(1) FREE(3) FREE(5) FREE(7) FREE(9) FREE(11) FREE(13)
#define TAKE_16    TAKE_8 TAKE(8) TAKE(9) TAKE(10) TAKE(11) TAKE(12) TAKE(13) TAKE(14) TAKE(15)
#define TAKE_8     TAKE(0) TAKE(1) TAKE(2) TAKE(3) TAKE(4) TAKE(5) TAKE(6) TAKE(7)

/* In pieces also for who hands out in turn what was freed first: all of 256 frames is gone but the pieces,
 * what CPU 0 keeps, and eight at the end. CPU 1 is the one to ask. */
#define IOKIT_TWO_CPUS                                                                                       \
    "pagelab program 1\n"                                                                                    \
    "machine 256@0x0 cpus=2 floors=0/2/42\n"
#define FEW_PIECES                                                                                           \
    IN_PIECES DO("alloc s20 order=6") DO("alloc s21 order=5") DO("alloc s22 order=4") DO("alloc s23 "        \
                                                                                         "order=3")

#endif
