/*
 * What the page's scripts get: the context, one object a cell, so that page and terminal show the same cells,
 * and what the run did not measure, from the reference folder (reference.h).
 */
#ifndef REPORT_PAGE_DATA_H
#define REPORT_PAGE_DATA_H

#include "report/report.h"

/* `result` is checked. Compact JSON, for cJSON_free. NULL: no memory. */
char *page_data(const cJSON *result, const struct report_places *places);

#endif
