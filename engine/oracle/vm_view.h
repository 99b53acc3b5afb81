/* The FreeBSD oracle's own view: what must be in each slot and each object, kept as plain lists. Between
 * the files oracle/vm*.c only. */
#ifndef ENGINE_ORACLE_VM_VIEW_H
#define ENGINE_ORACLE_VM_VIEW_H

#include "engine/op_vm.h"
#include "engine/oracle/oracle.h"
#include "systems/freebsd/vm.h"

#define VM_SLOT_COUNT   16u
#define VM_OBJECT_COUNT 4u
#define VM_RUN_LIMIT                                                                                         \
    256u /* pages of a slot; runs that a machine could give and a slot not hold are skipped */

struct vm_view_object;

struct vm_view_page {
    struct freebsd_page *page;
    struct vm_view_object *object; /* NULL: in none */
    uint64_t pindex;
    uint64_t owner; /* the serial of the object that it was allocated for, which may have ended; 0: none */
    uint64_t frame;
    uint64_t stamp; /* what its first and last eight bytes hold */
    uint32_t busy;  /* the word */
    uint32_t wires;
    uint32_t maps;
    bool live;
    bool managed;
    bool nodump;
    bool nofree;
    bool in_run; /* its frame goes back with the others of the slot */
};

struct vm_view_slot {
    uint32_t count; /* pages that it was given; 0: empty */
    uint32_t live;
    struct vm_view_page pages[VM_RUN_LIMIT];
};

struct vm_view_object {
    struct freebsd_object *object; /* NULL: none */
    struct freebsd_object *ended;  /* the one before; who has it now is not said */
    uint32_t kind;
    uint64_t quota;
    uint64_t resident;
};

/* The reserve's thresholds by the oracle's own arithmetic. */
struct vm_thresholds {
    uint64_t severe;
    uint64_t min;
    uint64_t wakeup;
};

struct vm_oracle {
    struct services *services;
    struct services_node *node;
    struct freebsd_vm vm;
    void *memory; /* the system's */
    struct vm_thresholds thresholds;
    struct freebsd_bounds bounds; /* of the runs that follow; low and high only */
    struct vm_view_object objects[VM_OBJECT_COUNT];
    uint64_t wired;      /* sum of all wirings */
    uint64_t frames;     /* that pages hold, arena blocks as a whole */
    uint64_t arena_left; /* frames of the arena not yet carved */
    uint64_t reclaimed;  /* by the page daemon, as far as accounted for */
    uint64_t stamps;     /* given so far */
    bool broken;         /* a finding was made: the view may be wrong */
    struct vm_view_slot slots[VM_SLOT_COUNT];
};

/* What counts say before a call, to be compared after it. */
struct vm_before {
    uint64_t free_frames;
    uint64_t node_pages;
    uint64_t object_pages;
    uint64_t node_failures;
    uint64_t deficit;
    uint64_t wakeups;
    uint64_t traps;
    uint64_t gate_sleeps;
    uint64_t cpu_sleeps;
    uint64_t injected;
    uint64_t daemon_freed; /* on any node, of any client */
    bool in_min_set;
    bool in_severe_set;
};

struct vm_before vm_look(const struct vm_oracle *self, const struct pl_cpu *cpu);

/* Frames not granted, by the shadow. */
uint64_t vm_free_frames(const struct vm_oracle *self);

struct vm_view_object *vm_object_of(struct vm_oracle *self, const struct op *op);

/* The slot's page `at`, counted from 0 round and round; NULL where it is not live. */
struct vm_view_page *vm_page_at(struct vm_oracle *self, const struct op *op);

/* Is there a page that the page daemon could take? */
bool vm_has_idle(const struct vm_oracle *self);

/* Accounts for what the page daemon took: idle pages only, and as many as it says. */
void vm_resync(struct vm_oracle *self, struct finding *finding);

/* The view's page is gone. */
void vm_view_forget(struct vm_oracle *self, struct vm_view_slot *slot, struct vm_view_page *page);
struct vm_view_slot *vm_slot_of(struct vm_oracle *self, const struct vm_view_page *page);

/* Writes the stamp; true while it is there. */
void vm_stamp(struct vm_oracle *self, struct vm_view_page *page);
bool vm_is_stamped(const struct vm_oracle *self, const struct vm_view_page *page);

/* Compares what the system says of a live page with the view. */
void vm_check_page(struct vm_oracle *self, const struct vm_view_page *page, struct finding *finding);
/* Sums: wirings, resident pages, index entries, locks. Cheap. */
void vm_check_sums(struct vm_oracle *self, struct finding *finding);

/* A trap was due iff `rules` is not empty (rules separated by blanks), and names one of them. True: one came.
 */
bool vm_check_trap(struct vm_oracle *self, const struct vm_before *before, const char *rules, const char *ids,
                   struct finding *finding);
/* The min and the severe set (F-25): joined by falling below, left by rising to the threshold; others' frames
 * move the count without a word to the system, so between such edges a flag may lag, but not change. */
void vm_check_sets(struct vm_oracle *self, const struct vm_before *before, struct finding *finding);

/* A call of this kind never sleeps (F-18). */
void vm_check_no_sleep(struct vm_oracle *self, const struct pl_cpu *cpu, const struct vm_before *before,
                       struct finding *finding);

/* Undoes what is in the way of freeing the page: mappings, busy states, wirings. True: the last wiring of a
 * page of no object freed it. */
bool vm_make_ready(struct vm_oracle *self, struct pl_cpu *cpu, struct vm_view_page *page);

/* The operations. */
void vm_run_alloc(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void vm_run_free(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void vm_run_state(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void vm_run_object(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void vm_run_object_free(struct vm_oracle *self, struct pl_cpu *cpu, const struct op *op,
                        struct finding *finding);

/* Walks the indexes, the pages, and the candidate's own blocks (F-22, F-23). */
void vm_audit(struct vm_oracle *self, struct finding *finding);
void vm_audit_blocks(struct vm_oracle *self, struct finding *finding);

#endif
