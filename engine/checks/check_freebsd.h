/* The checks of FreeBSD's page allocation: F-1 to F-27. */
#ifndef ENGINE_CHECKS_CHECK_FREEBSD_H
#define ENGINE_CHECKS_CHECK_FREEBSD_H

#include "engine/checks/check.h"

/* check_freebsd.c: who is admitted, and what is counted. */
check_function check_F_2, check_F_3, check_F_3a, check_F_3b, check_F_3c, check_F_4, check_F_5, check_F_6;
check_function check_F_7, check_F_8, check_F_25, check_F_26, check_F_27;

/* check_freebsd_pages.c: the pages that come, stay and go. */
check_function check_F_1, check_F_9, check_F_10, check_F_11, check_F_12, check_F_13, check_F_14, check_F_15;
check_function check_F_16, check_F_17, check_F_18, check_F_19, check_F_20, check_F_21, check_F_22, check_F_23;
check_function check_F_24;

#endif
