/* Every failure on the way, for checks: a program is run again and again, and each time one grant later
 * fails. */
#ifndef ENGINE_CHECKS_CHECK_SWEEP_H
#define ENGINE_CHECKS_CHECK_SWEEP_H

#include "engine/checks/check.h"

/* Runs `head`, fail-nth with n = 1, 2 ..., `tail`, until a run in which no grant was failed. True while
 * nothing is broken. */
bool check_each_grant(struct check *check, const char *head, const char *tail);

#endif
