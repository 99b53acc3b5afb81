/*
 * The decision on a page: what `pagelab choose` says of the run, for each profile that is shipped.
 */
#ifndef REPORT_PAGE_DECISION_H
#define REPORT_PAGE_DECISION_H

#include "report/report.h"

/* As decide_json of the run and of the checks beside it, as `choose --from` its folder. {"missing": why}
 * where there is no decision. NULL: no memory. */
cJSON *page_decision(const cJSON *result, const struct report_places *places);

/* Likewise of the stored result in the reference's folder. */
cJSON *page_decision_stored(const cJSON *stored, const struct report_places *places);

/* Does anybody remain for any profile? Else the run lacks what is decided by. */
bool page_decision_says_something(const cJSON *decision);

#endif
