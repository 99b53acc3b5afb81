/* What a machine is still good for: how much of its free memory lies in large blocks, how many contiguous
 * requests the candidate can serve, and a picture. What is free, and what there is to be found, says the
 * shadow; what is found, the candidate. Nothing is reclaimed or moved for a request. */
#ifndef BENCH_WORKLOADS_AGE_MEASURE_H
#define BENCH_WORKLOADS_AGE_MEASURE_H

#include "engine/shadow.h"

#include "bench/workloads/workload.h"

#define AGE_PROBES   4u
#define AGE_NO_ORDER UINT32_MAX

/* Asked for so often, each grant held until the last request. A run may begin anywhere. */
struct age_probe {
    const char *name; /* of the row's keys */
    uint64_t frame_count;
    uint32_t order; /* AGE_NO_ORDER: a run */
    unsigned attempts;
};

extern const struct age_probe age_probes[AGE_PROBES];

/* Of the free frames, the share in free aligned blocks of this order. -1: nothing is free. */
double age_usable_share(const struct shadow *shadow, unsigned order);

/* The same with what the candidate says to have cached taken for granted. -1 also without an audit. */
double age_usable_share_cached(struct shadow *shadow, const struct instance *instance, unsigned order);

/* How many of the attempts could be granted. */
unsigned age_probe_exist(const struct age_probe *probe, const struct shadow *shadow);

/* How many are granted; they are given back. -1: the candidate does not serve such requests. A grant that is
 * none is in `finding`. */
int age_probe_granted(const struct age_probe *probe, struct shadow *shadow, const struct instance *instance,
                      struct pl_cpu *cpu, struct finding *finding);

/* The machine as the cell's runs leave it: its picture, and its usable shares as counters of the cell. */
void age_see_young(struct cell *cell);
/* Between the two: what is usable now, after so many of the life's operations: [operations, share, held] in
 * the row's age_maps.over_time, which young and old are in, too; and twice a small picture, in .between. */
void age_see_between(struct cell *cell, uint64_t operations);

/* The same as for the young, and the probes, before and after a drain. */
void age_see_old(struct cell *cell);

#endif
