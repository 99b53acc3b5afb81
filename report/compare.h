/*
 * Two results side by side: before and after, or machine and machine. Cells meet by name. A change counts
 * only where it is larger than what chance makes in either run and what the rods, whose code is the same,
 * moved by meanwhile, and where the interval of the ratio leaves 1 out.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report/cell_index.h"
#include "report/statistics.h"

enum compare_verdict {
    COMPARE_SAME, /* no difference seen */
    COMPARE_FASTER,
    COMPARE_SLOWER,
    COMPARE_UNKNOWN, /* a run had no twins, so its noise is not known */
    COMPARE_ROD,     /* what the others are held against */
    COMPARE_LOST,    /* has no time any more */
    COMPARE_GAINED,  /* has one now */
    COMPARE_NEITHER,
    COMPARE_VERDICTS,
};

/* As printed: "no difference seen", "faster" and so on. */
extern const char *const compare_words[COMPARE_VERDICTS];

struct compared {
    const struct report_cell *before;
    const struct report_cell *after;
    double before_value; /* ns, or times the rod; 0 where there is none, as in all that follow */
    double after_value;
    double ratio;
    struct statistics_interval interval; /* of the ratio, where interval_known */
    bool interval_known;
    double noise; /* share that a difference must exceed, drift included */
    double drift; /* of the rods in this group: share */
    enum compare_verdict verdict;
};

struct comparison {
    struct report_cells before;
    struct report_cells after;
    struct cell_index before_index;
    struct cell_index after_index;
    struct compared *list; /* in the order of `after` */
    size_t count;
    size_t only_before; /* cells that the other result has not */
    size_t only_after;
    bool by_rods;
    bool other_machine;
};

enum compare_by {
    COMPARE_BY_MACHINE, /* ns on one machine, rods between two */
    COMPARE_BY_NS,
    COMPARE_BY_RODS, /* magazine, or null where that cannot do the workload */
};

/* Both results are checked and outlive the comparison. False: no memory, nothing to free. */
bool compare_results(const cJSON *before, const cJSON *after, enum compare_by by,
                     struct comparison *comparison);
void compare_free(struct comparison *comparison);

/* Is it another processor, number of CPUs or size of memory? */
bool compare_other_machine(const cJSON *before, const cJSON *after);

/* What became of the cell of that name; NULL: it is not in both. */
const struct compared *compare_find(const struct comparison *comparison, const char *name);

/* The first mark that makes a result unfit to compare (a debug or sanitizer build, smoke mode, a loaded
 * machine, a run that was interrupted); NULL. */
const char *compare_mark(const cJSON *result);

/* Tables for people, all cells for machines. `all`: also the cells that do not differ. 0, or -1 and *error.
 */
int compare_print(const cJSON *before, const cJSON *after, const struct comparison *comparison, bool all,
                  enum report_format format, bool colour, FILE *out, struct report_error *error);

#endif
