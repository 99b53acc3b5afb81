/* Shared by the files of the area oracle. Its view of what must be there is an image: for each page of the
 * window, the leaf entry that its owner put there, 0 for none. */
#ifndef ENGINE_ORACLE_AREA_INTERNAL_H
#define ENGINE_ORACLE_AREA_INTERNAL_H

#include "engine/op_area.h"
#include "engine/oracle/oracle.h"
#include "systems/linux/area.h"
#include "systems/linux/remap.h"

#define AREA_SLOTS      16u
#define AREA_PAGES      (SERVICES_WINDOW_BYTES / PL_FRAME_BYTES)
#define AREA_LEAVES     (AREA_PAGES / LINUX_ENTRIES)
#define AREA_USER_PAGES 513u             /* vmalloc areas with more pages are left out: they only cost */
#define AREA_VIEW_SLOTS 15u              /* those that have a name where they are used */
#define AREA_ABSENT     UINT64_C(0x1000) /* an entry that is neither empty nor present */

struct area_slot {
    bool live;
    bool used; /* `area`, `addr` and `user` mean something: the last one that was here */
    bool user; /* of vmalloc_user */
    bool has_ptes;
    struct linux_area *area;
    uint64_t addr;
    uint64_t pages;
    uint64_t **ptes; /* AREA_PAGES + 1 */
};

struct area_page {
    bool live;
    uint32_t node;
    uint64_t maps; /* entries of areas that name it */
    struct pl_run run;
};

struct area_vma {
    struct linux_vma vma;
    uint32_t view_slot;
    uint32_t area_slot;
    uint64_t pgoff;
    uint64_t pages; /* mapped; 0: the handle is free */
};

struct area_view {
    bool live;
    uint32_t id;
    uint64_t tables; /* of the lower half */
};

/* What the services were asked, seen from between them and the system. */
struct area_watch {
    uint64_t calls; /* of any service */
    uint64_t bytes_reserved;
    uint64_t tables_live;
    uint64_t va_failures;
    uint64_t table_failures;
    uint64_t refusals; /* of what was given back */
    uint64_t dirty;    /* tables that came and were not zero */
};

struct area_oracle {
    struct services *services;
    struct linux_mm mm;
    struct area_watch watch;
    struct area_slot slots[AREA_SLOTS];
    struct area_page pages[AREA_SLOTS];
    struct area_vma vmas[AREA_SLOTS];
    struct area_view views[AREA_VIEW_SLOTS];
    uint64_t absent; /* entries that are not present in live areas: a free of theirs warns */
    uint64_t kernel_tables;
    uint64_t next_value; /* to store */
    uint64_t alignment;  /* of the last addresses that were asked for */
    uint64_t canary;     /* its address is what an unwritten pointer holds */
    uint64_t *image;     /* AREA_PAGES */
};

/* What may not change while a call does nothing. */
struct area_before {
    uint64_t calls;
    uint64_t sleeps;
    uint64_t denied; /* grants that failed at any gate */
    uint64_t traps;
    uint64_t grants[SERVICES_NODE_LIMIT];
    struct area_watch watch;
};

/* --- area.c --- */

struct area_before area_remember(const struct area_oracle *oracle);

/* What was taken since was there for GFP_KERNEL: each node's watermark MIN let the last frame through. */
void area_check_marks(const struct area_oracle *oracle, const struct area_before *before,
                      struct finding *finding);
/* Do the watermarks leave so many frames, those of tables on the first node? */
bool area_had_frames(const struct area_oracle *oracle, uint64_t tables, uint64_t pages);
/* Has the node one frame more for a first attempt (watermark LOW)? */
bool area_fits_node(const struct area_oracle *oracle, uint32_t node);

/* Did grants fail since, or a service? Watermarks are not counted here. */
bool area_was_denied(const struct area_oracle *oracle, const struct area_before *before);

/* Did anybody sleep since, so that the page daemon may have freed frames? */
bool area_slept(const struct area_oracle *oracle, const struct area_before *before);

/* Asserts that one trap by this rule was taken since, and that nothing else happened. */
void area_expect_trap(const struct area_oracle *oracle, const struct area_before *before, const char *ids,
                      const char *rule, struct finding *finding);
/* Asserts that no trap was taken. */
void area_expect_no_trap(const struct area_oracle *oracle, const struct area_before *before,
                         struct finding *finding);
/* Asserts that no allocator was called and nobody slept. */
void area_expect_quiet(const struct area_oracle *oracle, const struct area_before *before,
                       struct finding *finding);

/* The view of a slot by its name in an operation; LINUX_VIEW_NONE: not live. */
uint32_t area_view_id(const struct area_oracle *oracle, uint64_t name);

/* --- area_walk.c: the oracle's own walk, over bytes --- */

/* The bytes of a frame, by the machines' own description; NULL: nowhere. */
unsigned char *area_frame(const struct area_oracle *oracle, uint64_t number);

/* Is every byte of a frame 0? */
bool area_is_zero(const unsigned char *bytes);

/* The leaf table of `addr` under this top, or NULL. */
uint64_t *area_leaf(const struct area_oracle *oracle, const uint64_t *top, uint64_t addr);

/* Compares the leaf tables of pages [page, page + count) of the window with the image. `ids` for a page that
 * differs within these; others get their own. */
void area_check_image(const struct area_oracle *oracle, uint64_t page, uint64_t count, const char *ids,
                      struct finding *finding);

/* The kernel's tables that can be reached, and a view's own. */
uint64_t area_count_tables(const struct area_oracle *oracle, const uint64_t *top, unsigned first,
                           unsigned end);

/* Every table that the service handed out can be reached, and no more (L-9, L-10); views agree (L-21). */
void area_check_tables(struct area_oracle *oracle, struct finding *finding);

/* --- area_calls.c, area_pages.c, area_remap.c: the operations --- */

void area_do_alloc(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);
void area_do_user(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
void area_do_free(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
void area_do_bad(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                 struct finding *finding);
void area_do_page(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
void area_do_page_free(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding);
void area_do_map(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                 struct finding *finding);
void area_do_touch(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);
void area_do_view(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
void area_do_view_drop(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding);
void area_do_remap(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                   struct finding *finding);
void area_do_unremap(struct area_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding);

/* Unmaps vmas that are not: copies of those that have pages of the area in `slot`, of views that are not, and
 * none. Each must trap and leave the true ones as they are. */
void area_unmap_copies(struct area_oracle *oracle, uint32_t slot, struct finding *finding);

/* An entry of the image goes: its page is mapped once less. */
void area_forget_entry(struct area_oracle *oracle, uint64_t entry);

/* Processes' mappings of an area. */
uint64_t area_vmas_of(const struct area_oracle *oracle, uint32_t slot);

/* First page of an area, in the window. */
PL_INLINE uint64_t area_first_page(const struct area_slot *slot)
{
    return (slot->addr - SERVICES_WINDOW_ADDR) / PL_FRAME_BYTES;
}

#endif
