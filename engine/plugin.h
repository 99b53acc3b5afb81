/* Foreign candidates: a shared object that exports `pl_candidate_export`, named by its path (a name with a
 * '/').
 *
 * It is tried in a child first, so that a constructor that crashes or hangs is a line, not the end. What was
 * opened stays open to the end of the process. */
#ifndef ENGINE_PLUGIN_H
#define ENGINE_PLUGIN_H

#include <pagelab/candidate.h>

#define PLUGIN_LIMIT 16u /* open at once */

/* Is this the name of a plug-in? `name` need not end after `bytes`. */
bool plugin_is_path(const char *name, size_t bytes);

/* The candidate, or NULL with one line in `error`: what, where, what was expected. */
const struct pl_candidate *plugin_open(const char *path, size_t path_bytes, char *error, size_t error_bytes);

/* What is wrong with a candidate or hooks that were built elsewhere, or NULL: seen before any call. */
const char *plugin_fault(const struct pl_candidate *candidate);
const char *plugin_page_fault(const struct pl_page_ops *ops);

#endif
