/* Which cells a run has, in the order in which they are measured: for each workload the rods first, then the
 * candidates, so that what is compared is measured close together. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "bench/cell.h"

struct plan {
    struct cell_params *cells;
    size_t cell_count;
    size_t cell_capacity;
};

struct plan_options {
    const struct spec *specs;
    size_t spec_count;
    bool rods; /* add null and magazine where they are not named, and the calibrations */
    bool twin; /* measure one of the specs twice where that is short, percpu+buddy, else the first one, and
                  magazine where rods are added */
    const char *const *traces; /* paths of compact traces */
    size_t trace_count;
    uint64_t memory_bytes; /* 0: the workload's choice */
    enum admission_mode admission;
    bool own_floors;
    struct pl_floors floors;
    bool smoke;
    double min_time_s;
    uint64_t age_operations; /* 0: the workload's choice */
    bool extras_once; /* the systems' workloads, recordings and orders above 0 in the first round only, no
                         recording is aged */
};

/* The whole matrix: repeat, bulk, replace, remote at orders 0 and 9 and 1 and 2 CPUs; each trace; age,
 * also with each trace, in the first round only; the systems' workloads at the order that is theirs, for a
 * third of the time; those of section tail in the first round only, for a second each (extras_once: three of
 * them, for 0.2 s), but irq-preempt and nosleep-floor, whose p99.9 decides, in each, for 0.3 s (0.15 s);
 * those of section worst in the first round only (extras_once: without worst-locked). 0, or -1: out of
 * memory. */
int plan_matrix(struct plan *plan, const struct plan_options *options);

/* One workload, as `cell` says, on all specs; with one of section tail its clock, if the plan has it not yet.
 */
int plan_workload(struct plan *plan, const struct plan_options *options, const struct cell_params *cell);
/* What it takes to say whether the rods are valid, where the plan has it not yet. */
int plan_rods_check(struct plan *plan, const struct plan_options *options);
void plan_fini(struct plan *plan);

#endif
