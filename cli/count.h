/* The second form of pagelab cost: what operations of a workload cost, counted under valgrind. */
#ifndef CLI_COUNT_H
#define CLI_COUNT_H

#include <limits.h>

#include "cli/cli.h"

struct count_arguments {
    const char *backends; /* NULL: every candidate and the rods */
    const char *workloads;
    const char *orders; /* NULL: 0 */
    const char *memory;
    const char *out;
    long long operations;
    int runs;
    int no_lines;
    int limit_s;
};

/* Of a number that was not given. */
#define COUNT_UNSAID   INT_MIN
#define COUNT_DEFAULTS {.operations = COUNT_UNSAID, .runs = COUNT_UNSAID, .limit_s = COUNT_UNSAID}

#define COUNT_OPTIONS(a)                                                                                     \
    {"workload",     'w', POPT_ARG_STRING,                                                                   \
     &(a).workloads, 0,   "count these instead: repeat, bulk, replace, remote, replay:FILE",                 \
     "LIST"},                                                                                                \
        {"order", 0, POPT_ARG_STRING, &(a).orders, 0, "with --workload: blocks of 2^ORDER frames (0)",       \
         "LIST"},                                                                                            \
        {"memory",    0, POPT_ARG_STRING,                                                                    \
         &(a).memory, 0, "with --workload: the machine's size (64MiB; replay: 1.25 x the peak)",             \
         "SIZE"},                                                                                            \
        {"operations",                                                                                       \
         0,                                                                                                  \
         POPT_ARG_LONGLONG,                                                                                  \
         &(a).operations,                                                                                    \
         0,                                                                                                  \
         "with --workload: operations to count (10000; a tenth for cache lines)",                            \
         "N"},                                                                                               \
        {"runs",    0, POPT_ARG_INT,                                                                         \
         &(a).runs, 0, "with --workload: times that each is run (1; 3 for libraries and plug-ins)",          \
         "N"},                                                                                               \
        {"no-lines", 0, POPT_ARG_NONE, &(a).no_lines, 0, "with --workload: no cache lines, which are slow",  \
         NULL},                                                                                              \
        {"time-limit", 0, POPT_ARG_INT, &(a).limit_s, 0, "with --workload: seconds for each run (600)", "S"}

/* The first option that was given although it means nothing without --workload; NULL: there is none. */
const char *count_option_given(const struct count_arguments *arguments);

/* Returns the exit code. */
int count_main(const struct count_arguments *arguments, enum report_format format);

#endif
