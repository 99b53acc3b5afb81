/* The inside of a decision: evidence, what it says of a need, and the four axes. */
#ifndef REPORT_DECIDE_PARTS_H
#define REPORT_DECIDE_PARTS_H

#include "report/cells.h"
#include "report/decide.h"

/* --- needs (decide_profile.c) --- */

#define PROFILE_LINE_MAX 512

const char *decide_need_name(enum decide_need_kind kind);

/* Its value as written, "" for none, and the need as a sentence. */
void decide_need_value(const struct decide_need *need, char *text, size_t bytes);
void decide_need_says(const struct decide_need *need, char *text, size_t bytes);

/* "repeat/order:0/cpus:2" */
void decide_cell_text(const struct decide_cell *cell, char *text, size_t bytes);

/* --- evidence (decide_evidence.c) --- */

enum evidence_kind {
    EVIDENCE_CLAIMS,      /* pagelab check --claims */
    EVIDENCE_CONFORMANCE, /* pagelab check */
    EVIDENCE_INTERRUPTS,  /* pagelab interrupt */
    EVIDENCE_NOSLEEP,     /* pagelab nosleep */
    EVIDENCE_SCALE,       /* pagelab scale */
    EVIDENCE_MASKED,      /* pagelab masked */
    EVIDENCE_WORST,       /* pagelab bench --workload worst-... */
};

struct evidence_file {
    enum evidence_kind kind;
    cJSON *document;
    char name[256];
    char date[40];
    char commit[40];
    bool reference;
    struct report_cells cells; /* of a result; else none */
};

enum { EVIDENCE_FILES_MAX = 48 };

/* The run's own files come before the reference's. */
struct evidence {
    const struct decide_sources *sources;
    struct report_cells cells;
    struct evidence_file files[EVIDENCE_FILES_MAX];
    size_t file_count;
};

bool evidence_load(struct evidence *evidence, const struct decide_sources *sources,
                   struct report_error *error);
void evidence_free(struct evidence *evidence);

/* The run's cell of a candidate; NULL: none. */
const struct report_cell *evidence_cell(const struct evidence *evidence, const char *candidate,
                                        const struct decide_cell *cell);

/* The file that a row of the run is in, which may be one that was measured later. */
const char *evidence_cell_file(const struct evidence *evidence, const struct report_cell *cell);

/* The record of a candidate in the run's context; NULL: not there. */
const cJSON *evidence_candidate(const struct evidence *evidence, const char *candidate);

/* Does the run's record of it name that capability? */
bool evidence_claims(const struct evidence *evidence, const char *candidate, const char *capability);

/* "source" of a decision (decide_source.c). */
void decide_source_add(cJSON *decision, const struct evidence *evidence);

/* "unmeasured" of a decision: names that the files of checks know, and the run does not. */
void decide_unmeasured_add(cJSON *decision, const struct evidence *evidence);

/* --- what it says of a need (decide_needs.c, decide_tested.c, decide_entered.c, decide_command.c) --- */

enum decide_verdict { DECIDE_PASSES, DECIDE_OUT, DECIDE_UNKNOWN };

struct decide_fact {
    enum decide_verdict verdict;
    char words[240];
    char row[256]; /* of `file`; "" where there is none */
    char file[256];
    char command[600]; /* that reruns the row, or measures what is not known */
};

void decide_judge(const struct evidence *evidence, const char *candidate, const struct decide_need *need,
                  struct decide_fact *fact);

/* Says what a cell of the run that is not "ok" means for who needs it; `row` may be NULL. */
void decide_fact_no_cell(const struct evidence *evidence, const char *candidate,
                         const struct decide_cell *wanted, const struct report_cell *cell,
                         struct decide_fact *fact);

/* --- axes (decide_values.c) --- */

enum decide_axis { AXIS_SPEED, AXIS_TAIL, AXIS_MEMORY, AXIS_FRAGMENTATION, AXES };

extern const char *const decide_axis_names[AXES];
extern const char *const decide_value_names[AXES];

/* Less is better on each. */
struct decide_value {
    double value;
    double noise; /* relative: what is no more than that apart is the same */
    const char *row;
    const char *command;
    const char *file; /* that the row is in */
    size_t rounds;    /* that it is a median of; 0: not known */
    bool assumed;     /* the file says nothing of its noise */
};

struct decide_standing {
    const char *candidate;
    struct decide_value axes[AXES];
    bool dominated;
    bool ringed; /* on the front, where `by` is better than it: see decide_front */
    size_t by;   /* valid if dominated or ringed */
};

/* False: it has no value on that axis, and *fact says why. */
bool decide_measure(const struct evidence *evidence, const struct decide_profile *profile,
                    const char *candidate, enum decide_axis axis, struct decide_value *value,
                    struct decide_fact *fact);

/* How an axis is read; the relative difference that counts on it where the file says no better, and the least
 * in itself. */
void decide_axis_says(const struct decide_profile *profile, enum decide_axis axis, char *text, size_t bytes);
double decide_axis_noise(enum decide_axis axis);
double decide_axis_least(enum decide_axis axis);

/* How fine speed and tail of these are, as a sentence; "" where there are none. */
void decide_fineness(const struct decide_standing *standings, size_t count, char *text, size_t bytes);

/* --- the front (decide_front.c) --- */

/* Beyond the noise of both? */
bool decide_better(const struct decide_value *a, const struct decide_value *b, enum decide_axis axis);

/* Fills dominated, ringed and by; at least one is left that is not dominated. Sorts the fastest first. */
void decide_front(struct decide_standing *standings, size_t count);

/* What is lost against `best` on an axis, as words. */
void decide_loss(const struct decide_standing *mine, const struct decide_standing *best,
                 enum decide_axis axis, char *text, size_t bytes);

/* A tail of a few rounds says little of its own noise: each has at least the median of all. */
void decide_widen_tails(struct decide_standing *standings, size_t count);

#endif
