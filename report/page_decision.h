/*
 * The decision on a page: what `pagelab choose` says of the run, for each profile that is shipped.
 */
#ifndef REPORT_PAGE_DECISION_H
#define REPORT_PAGE_DECISION_H

#include <cjson/cJSON.h>

/* As decide_json, from the profiles below reference_root(), and from the checks in `folder` (NULL: none).
 * Where nobody remains by what the run measured, it is decided from the stored result (`stored` may be NULL),
 * and says so. {"missing": why} where there is no decision. NULL: no memory. */
cJSON *page_decision(const cJSON *result, const cJSON *stored, const char *folder);

#endif
