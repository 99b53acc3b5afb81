/* Checks of what holds across all systems; listed in list_cross.c. */
#ifndef ENGINE_CHECKS_CHECK_CROSS_H
#define ENGINE_CHECKS_CHECK_CROSS_H

#include "engine/checks/check.h"

check_function check_X_1;
check_function check_X_2;
check_function check_X_3;
check_function check_X_4;
check_function check_X_5;
check_function check_X_6;
check_function check_X_7;
check_function check_X_8;
check_function check_X_9;
check_function check_X_10;
check_function check_X_11;
check_function check_X_12;

#endif
