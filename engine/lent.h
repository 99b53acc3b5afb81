/* The services lent to a candidate that only knows frames: an address space, table memory, buffers. Which
 * ones is part of the candidate's name (va=, tables=, buf=); a candidate that brings its own keeps them
 * unless another is named. All metadata is one mapping, so that a fresh state is restored by one memcpy. */
#ifndef ENGINE_LENT_H
#define ENGINE_LENT_H

#include "engine/spec.h"

/* Not to be moved while live: the configs point into it. */
struct lent {
    struct pl_page_table va;     /* reserve, release, lookup */
    struct pl_page_table tables; /* table_get, table_put, perhaps table_prepare */
    struct pl_buffer buffer;
    struct pl_page_table_config table_config;
    struct pl_buffer_config buffer_config;
    struct pl_page_table_config va_config;
    struct spec_part va_part; /* copies of the spec's */
    struct spec_part tables_part;
    struct spec_part buf_part;
    unsigned char *meta;
    size_t meta_bytes;
    unsigned char *fresh; /* a copy of meta as after init; NULL: a service has state outside of it */
    bool live;
};

/* On frames from `page` (a gate's). PL_OK; PL_UNSUPPORTED, PL_INVALID (parameters), PL_NO_MEMORY with one
 * line in `error`. Takes no frame before lent_start. */
enum pl_status lent_init(struct lent *lent, const struct spec *spec, const struct pl_machine *machine,
                         struct pl_page page, uint64_t window_addr, uint64_t window_bytes,
                         struct spec_error *error);
/* As after init; what they held of frames is forgotten, for the instance is reset too. */
enum pl_status lent_reset(struct lent *lent);
void lent_fini(struct lent *lent);

/* They take what they hold from the start (preallocated tables). After lent_init, and after lent_reset. */
void lent_start(struct lent *lent, struct pl_cpu *cpu);

/* Lets go of the frames that are kept for reuse (stacks of tables, pools), so that counts can be compared. */
void lent_drain(struct lent *lent, struct pl_cpu *cpu);

/* Frames that are kept, in nobody's hands, though the candidate has granted them. */
uint64_t lent_kept(const struct lent *lent);

/* Memory is short: the buffers' pool is given back, if there is one. Returns the frames that came free. The
 * tables stay: who prepared or preallocated them did so for this moment. */
bool lent_can_shrink(const struct lent *lent);
uint64_t lent_shrink(struct lent *lent, struct pl_cpu *cpu);

/* Walks all three; returns the number of things broken, each told to the visitor. */
uint64_t lent_audit(const struct lent *lent, struct pl_visitor *visitor);

/* The settings of all three on one line, "va=rbtree: policy=... ; ...". */
void lent_settings(const struct lent *lent, char *text, size_t bytes);

/* Makes each spec's services once on a small machine: 0, or -1 and one line in `error` if their parameters
 * are wrong. instance_check_params ends with it. */
int lent_check_params(const struct spec *specs, uint32_t spec_count, struct spec_error *error);

#endif
