/* The checks of Linux's areas: L-1 to L-14, and L-21. */
#ifndef ENGINE_CHECKS_CHECK_AREA_H
#define ENGINE_CHECKS_CHECK_AREA_H

#include "engine/checks/check.h"

check_function check_L_1, check_L_2, check_L_3, check_L_4, check_L_5, check_L_6, check_L_7;
check_function check_L_8, check_L_9, check_L_10, check_L_11, check_L_12, check_L_13, check_L_14;
check_function check_L_21;

/* Part of L-21: the real processor sees an area's pages as the walk says, through a mapping made from the
 * leaf entries. */
bool check_area_alias(struct check *check);

#endif
