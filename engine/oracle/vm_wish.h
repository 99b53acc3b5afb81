/* One allocation as the FreeBSD oracle sees it: what is asked for, what is due by the contract and the state
 * before the call, and the checks of what came. Between vm_alloc.c, vm_expect.c and vm_check.c. */
#ifndef ENGINE_ORACLE_VM_WISH_H
#define ENGINE_ORACLE_VM_WISH_H

#include "engine/oracle/vm_view.h"

struct vm_wish {
    struct vm_view_object *object; /* NULL: a no-object form */
    bool run;
    uint64_t pindex;
    uint64_t frames;
    struct freebsd_bounds bounds;
    uint32_t req;
    uint32_t hint; /* the COUNT of req, at least 1 */
    bool daemon;
    unsigned alloc_class; /* what admits it: enum pl_class */
    uint64_t floor;
    bool arena; /* the never-free arena has a page for it */
};

enum vm_due {
    VM_DUE_TRAP,
    VM_DUE_VETO,
    VM_DUE_GRANT,
    VM_DUE_REFUSAL,
    VM_DUE_NODE, /* the frame is there, the index node is not: a refusal */
    VM_DUE_ANY,  /* a candidate that cannot give every frame, an injected failure, a call that waits */
};

struct vm_outcome {
    enum vm_due due;
    struct freebsd_page *page;
    enum pl_status status; /* PL_OK with a page */
    uint64_t slept;
    uint64_t debit; /* frames that the call took, when it did not sleep */
};

/* The rules that the request breaks, separated by blanks, into `rules`. */
void vm_broken_rules(const struct vm_oracle *self, const struct vm_wish *wish, const struct pl_cpu *cpu,
                     char rules[64]);
enum vm_due vm_due_of(const struct vm_oracle *self, const struct vm_wish *wish, const char *rules);

/* Outcome against what was due (F-3 to F-8, F-27, F-24's "never"). */
void vm_check_admission(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                        const struct vm_outcome *outcome, struct finding *finding);
/* How often it slept, and what came of that (F-18, F-19). */
void vm_check_sleep(struct vm_oracle *self, const struct vm_wish *wish, const struct pl_cpu *cpu,
                    const struct vm_before *before, const struct vm_outcome *outcome,
                    struct finding *finding);
/* Debits (F-6, F-17), the deficit (F-26), the thresholds (F-25). */
void vm_check_effects(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                      const struct vm_outcome *outcome, struct finding *finding);

#endif
