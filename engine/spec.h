/* A candidate as it is named on the command line and on every row:
 *
 *     wrapper(params)+page(params),va=NAME,tables=NAME(params),buf=NAME       e.g. percpu(batch=16)+buddy
 *
 * and lists of such names, where a part that begins va=, tables= or buf= belongs to the one before it, and
 * commas inside parentheses do not separate. The services may stand in any order, each once. */
#ifndef ENGINE_SPEC_H
#define ENGINE_SPEC_H

#include <pagelab/candidate.h>

#define SPEC_LAYER_LIMIT 4u
#define SPEC_NAME_BYTES  160u
#define SPEC_PARAM_BYTES 64u
#define SPEC_LIST_LIMIT  64u

/* What is lent where neither the name says so, nor the base brings its own or names others in its
 * pl_candidate.services. */
#define SPEC_DEFAULT_VA     "rbtree"
#define SPEC_DEFAULT_TABLES "direct"
#define SPEC_DEFAULT_BUF    "pages"

struct spec_part {
    const struct pl_candidate *candidate;
    char params[SPEC_PARAM_BYTES]; /* empty: none */
};

/* layers[0] is the outermost; the last one is the page backend. A service's candidate may be the page backend
 * itself, where that has the hooks. */
struct spec {
    char name[SPEC_NAME_BYTES]; /* as given */
    uint32_t layer_count;
    struct spec_part layers[SPEC_LAYER_LIMIT];
    struct spec_part va;     /* address space: reserve, release, lookup */
    struct spec_part tables; /* table memory: table_get, table_put */
    struct spec_part buf;    /* buffers: plan, release */
};

struct spec_error {
    char text[256]; /* one line: what, where, what was expected */
};

/* 0, or -1 with `error` filled. */
int spec_parse(const char *name, struct spec *spec, struct spec_error *error);

/* Parses a comma-separated list into at most SPEC_LIST_LIMIT specs; returns their number, -1 on error. */
int spec_parse_list(const char *list, struct spec *specs, struct spec_error *error);

/* Is what the candidate would be lent by itself (pl_candidate.services) well said? 0, or -1 with `error`
 * filled. Whoever takes a candidate into a registry asks; spec_parse asks again of those that it meets. */
int spec_check_services(const struct pl_candidate *candidate, struct spec_error *error);

/* What it is lent, whoever said so: "va=rbtree,tables=stack(keep=3),buf=pages". */
void spec_services(const struct spec *spec, char *text, size_t bytes);

/* The page backend at the bottom. */
const struct pl_candidate *spec_base(const struct spec *spec);

#endif
