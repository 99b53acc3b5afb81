/* The checks of the SBP-2 promises; listed in list_sbp2.c. */
#ifndef ENGINE_CHECKS_CHECK_SBP2_H
#define ENGINE_CHECKS_CHECK_SBP2_H

#include "engine/checks/check.h"

check_function check_S_1, check_S_2, check_S_3, check_S_4, check_S_5, check_S_6, check_S_7, check_S_8,
    check_S_9, check_S_10, check_S_11, check_S_12, check_S_13, check_S_14, check_S_15, check_S_16, check_S_17,
    check_S_18, check_S_19, check_S_20;

/* Runs these operations, one a line, each by a task on CPU 0 of a machine of so many frames. */
bool check_orb(struct check *check, unsigned frame_count, const char *operations);

#endif
