/* Checks of Linux's zones and watermarks; listed in list_linux.c. */
#ifndef ENGINE_CHECKS_CHECK_ZONE_H
#define ENGINE_CHECKS_CHECK_ZONE_H

#include "engine/checks/check.h"

check_function check_L_15;
check_function check_L_16;
check_function check_L_17;
check_function check_L_18;
check_function check_L_19;
check_function check_L_20;

#endif
