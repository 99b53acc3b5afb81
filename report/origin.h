/*
 * Where a stored document is from: the day, the commit and the machine. evidence.json of its folder, a list
 * of objects, one a file, says it of documents that do not say it themselves, and has the last word.
 */
#ifndef REPORT_ORIGIN_H
#define REPORT_ORIGIN_H

#include <cjson/cJSON.h>

#include <stdbool.h>

/* Never NULL; "" where nobody wrote it down. The texts belong to the documents. */
struct origin {
    const char *date;
    const char *commit;
    char machine[256]; /* its processor, and how many */
};

/* `origins`: evidence.json, or NULL. False: neither says anything, and all is "". */
bool origin_find(const cJSON *origins, const char *file, const cJSON *document, struct origin *origin);

/* Of a result's or document's `context`, which may be NULL. */
void origin_of_context(const cJSON *context, struct origin *origin);

/* As "date", "commit" and "machine". False: no memory. */
bool origin_add(cJSON *into, const struct origin *origin);

#endif
