/*
 * The decision: which candidates a kernel with given needs may take, by what was measured and tested, and
 * what each of those that are left gives up. docs/choosing.md says what the words mean.
 *
 * A need is met by a fact only: a row of a run, or a check that tried to refute a claim. What is merely
 * claimed is "not known"; whoever a need's fact is missing for is neither out nor on the front.
 */
#ifndef REPORT_DECIDE_H
#define REPORT_DECIDE_H

#include "report/report.h"

/* Of a row of the result: the file that it was taken from, where that is another one. Of the result: {"file",
 * "context"} of that file. */
#define DECIDE_KEPT "pagelab_kept"

#define DECIDE_NEEDS_MAX 24
#define DECIDE_CELLS_MAX 16
#define DECIDE_TEXT_MAX  200

enum decide_need_kind {
    DECIDE_CONTRACT, /* always asked, and first: no promise is seen broken */
    DECIDE_INTERRUPT_SAFE,
    DECIDE_NMI_SAFE,
    DECIDE_NEVER_SLEEPS,
    DECIDE_NO_METADATA_IN_FRAMES,
    DECIDE_MASKED_TIME,   /* at most: instructions, or ns where timed */
    DECIDE_WORST_CALL,    /* bounded worst case, at most: instructions */
    DECIDE_CONTIGUOUS,    /* after ageing, at least: share of free memory in free blocks of order 9 */
    DECIDE_BYTES_A_FRAME, /* of metadata, at most */
    DECIDE_CPUS,
    DECIDE_MEMORY_SIZE, /* bytes */
    DECIDE_TRACE,       /* text: the file */
    DECIDE_CAPABILITY,  /* text: the name of one */
    DECIDE_NEED_KINDS
};

struct decide_need {
    enum decide_need_kind kind;
    double number;
    bool timed; /* number is in ns */
    char text[DECIDE_TEXT_MAX];
};

/* A cell of the matrix, of any candidate: "repeat/order:0/cpus:2". */
struct decide_cell {
    char workload[96];
    double order; /* -1: any */
    double cpus;  /* -1: any */
    double weight;
};

struct decide_profile {
    char name[64];
    char about[DECIDE_TEXT_MAX];
    struct decide_need needs[DECIDE_NEEDS_MAX];
    size_t need_count;
    struct decide_cell speed[DECIDE_CELLS_MAX]; /* the geometric mean of their times, by weight */
    size_t speed_count;
    struct decide_cell tail[DECIDE_CELLS_MAX]; /* the worst of their p99.9 */
    size_t tail_count;
};

/* No need, and the speed and tail that are looked at where nothing else is said. */
void decide_profile_init(struct decide_profile *profile, const char *name);

/* One "key = value" of a profile; a need that is there already is replaced. False: *error says why. */
bool decide_profile_set(struct decide_profile *profile, const char *key, const char *value,
                        struct report_error *error);

/* Is there such a workload, as results name it? */
typedef bool decide_workload_test(const char *workload);

/* Reads a profile: lines "key = value", empty ones, and comments from # on. Its name is the file's. A key is
 * given once, but for `capability`. `known` is asked of the workloads of speed and tail; NULL: all are taken.
 */
bool decide_profile_read(const char *path, decide_workload_test *known, struct decide_profile *profile,
                         struct report_error *error);

/* The workload's name in results of a recording's path: "replay-nginx" of "traces/nginx.pltrace". */
void decide_trace_workload(const char *path, char *text, size_t bytes);

/* A name as one word of a shell. */
void decide_shell_word(const char *name, char *text, size_t bytes);

/* Of a full run; a short one sees less. */
#define DECIDE_ROUNDS_FULL 9

/* What is decided from. Texts and documents outlive the decision. */
struct decide_sources {
    const cJSON *result;   /* of a run; checked */
    const char *file;      /* its name, for people: results/NAME/result.json */
    const char *which;     /* "the newest run", "the reference"; NULL: nothing is said */
    bool reference;        /* it is the committed one */
    const char *folder;    /* claims*.json, interrupts*.json, ... of the same run; NULL: none */
    const char *committed; /* the reference's folder, where the run's has none; NULL: none */
    bool strict;           /* a file of checks of another shape is a mistake; else it is left out */
    size_t promises;       /* that the check of the contract knows; counts where there is no reference */
};

/*
 * {"source": {"file", "which", "date", "commit", "machine", "mode", "tier", "dirty", "rods",
 * "marks": [words], "reference", "evidence": [{"file", "date", "commit", "reference", "marks": [words]}]},
 * "unmeasured": [names that only the checks know],
 * "profiles": [{"name", "about", "needs": [{"need", "value", "says"}], "axes":
 * [{"axis", "says", "cells", "noise"}], "fineness": a sentence, "out": [{"candidate", "need", "fact", "row",
 * "file", "command"}], "unknown": [{"candidate", "need", "fact", "row", "file", "command"}], "front":
 * [{"candidate", "best_at": [axis], "gives_up": ["2.1 x slower than slate (row)"], "losses": {axis: "2.1 x
 * slower than slate"}, "values": {"speed_ns", "tail_ns", "memory_bytes_per_frame", "fragmentation"}, "rows":
 * {axis: the first or worst row}, "files": {axis: its file}, "commands": {axis: likewise}, "passed":
 * [{"candidate", "need", "fact", "row", "file", "command"}], "ring": one that is better than it, absent but
 * for a ring, "all_rows": {"speed": [], "tail": []}}], "dominated": [{"candidate", "by", "values", "rows",
 * "files", "commands", "passed", "all_rows"}]}]}
 *
 * The front has the fastest first. NULL: *error says why. The caller deletes it.
 */
cJSON *decide_json(const struct decide_sources *sources, const struct decide_profile *profiles,
                   size_t profile_count, struct report_error *error);

/* A screen for each profile (at most DECIDE_LINES lines of DECIDE_COLUMNS columns), or the same as flat
 * tables; JSON is the document. 0, or -1 and *error. */
#define DECIDE_LINES   40
#define DECIDE_COLUMNS 100
int decide_print(const cJSON *decision, enum report_format format, bool colour, FILE *out,
                 struct report_error *error);

/* Three lines: the fastest that passed, what it gives up, and what to type next. */
void decide_print_brief(const cJSON *decision, const char *next, FILE *out);

#endif
