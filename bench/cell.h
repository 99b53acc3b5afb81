/* One cell of a run: a workload on a candidate with its parameters, measured in this process by libbench.
 * Whoever wants isolation runs it in a child (see bench/session.h). */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include <cjson/cJSON.h>

#include "engine/instance.h"
#include "platform/native/native.h"
#include "systems/admission/admission.h"

#define CELL_NAME_BYTES 256u
#define CELL_CPU_LIMIT  PL_CPU_LIMIT

struct cell_params {
    char backend[SPEC_NAME_BYTES];
    char workload[512];     /* a name of the list, replay:FILE or age:FILE */
    const char *trace_path; /* where FILE really is, NULL: as the workload says */
    unsigned order;
    unsigned cpus;
    uint64_t memory_bytes; /* 0: the workload's own choice */
    uint64_t cap_bytes;    /* that may be resident of the process; 0: half of what there is to spare */
    enum admission_mode admission;
    bool own_floors; /* `floors` instead of FreeBSD's formula */
    struct pl_floors floors;
    bool parallel;       /* replay only */
    uint64_t operations; /* ageing only: about so many; 0: the workload's own choice */
    bool smoke;          /* a few iterations: does it run at all? */
    double min_time_s;
    bool twin; /* measured once more as if it were another candidate: what differs is noise */
    bool once; /* in the first round only, whatever the number of rounds */
};

struct cell_thread {
    PL_CPU_ALIGNED struct pl_cpu *cpu;
    uint64_t failures;
    uint64_t rng;
    struct pl_run *runs; /* what this thread holds; a run of 0 frames is none */
    size_t run_count;
    bool pinned;
};

/* A number beside the times. */
#define CELL_COUNTER_LIMIT 40u
struct cell_counter {
    const char *name; /* a literal */
    double value;
};

struct workload;
struct replay;
struct trace;

/* A cell that is being measured. Workloads read it; cell.c owns it. */
struct cell {
    struct cell_params params;
    const struct workload *workload;
    const struct spec *spec;       /* of params.backend */
    struct native_machine *native; /* NULL: the workload makes its own */
    const struct pl_machine *machine;
    struct instance instance;
    struct admission admission;
    struct cell_thread threads[CELL_CPU_LIMIT];
    uint64_t granted_frames; /* most that the workload holds while it is measured */
    struct cell_counter counters[CELL_COUNTER_LIMIT];
    unsigned counter_count;
    char operation[128]; /* not "": what was measured, as text, into the row */
    bool cannot;         /* prepare found that the candidate is not able: a failed row, not an error */
    char reason[192];
    char broken[192];    /* not "": the contract was broken, and how, beside what is measured */
    cJSON *maps;         /* NULL, or the row's age_maps: belongs to the cell until there is a row */
    uint64_t iterations; /* not 0: exactly so many, in one call of the body */
    struct trace *trace; /* where the workload takes one */
    struct replay *replay;
    uint64_t events; /* replay only: operations of one pass, the frees at its end included */
    void *shared;    /* a workload's own, freed with free() after its drop */
};

/* Measures and returns a row: an object with the keys of Google Benchmark's JSON and our counters, plus
 * "settings" and, for replays, "frame_map". A candidate that cannot do the workload gives a row with
 * error_occurred and a "status". NULL and one line in `error` only for a caller's mistake (unknown names,
 * unreadable trace). */
cJSON *cell_run(const struct cell_params *params, struct spec_error *error);

/* The steps of cell_run, for whoever wants to do something in between. cell_open: a cell that is prepared, or
 * whose `cannot` is set; `spec` is of params->backend and borrowed until cell_close. NULL as above.
 * cell_measure: libbench once, and its only row; NULL: it gave none. */
struct cell *cell_open(const struct cell_params *params, const struct spec *spec, struct spec_error *error);
cJSON *cell_measure(struct cell *cell);
void cell_close(struct cell *cell);

/* "workload/candidate/order:0/cpus:1". */
void cell_name(const struct cell_params *params, char name[CELL_NAME_BYTES]);

/* One word for a shell: in quotes where it holds more than names and paths mostly do. */
void cell_word(const char *word, char *text, size_t bytes);

/* The command that runs exactly this cell. */
void cell_command(const struct cell_params *params, char *text, size_t bytes);

#endif
