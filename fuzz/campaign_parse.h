/* What engines and targets print, read with tolerance: a line that is not understood changes nothing. */
#ifndef FUZZ_CAMPAIGN_PARSE_H
#define FUZZ_CAMPAIGN_PARSE_H

#include <stdbool.h>
#include <stdint.h>

struct campaign_counts {
    uint64_t executions;
    uint64_t coverage;
    uint64_t corpus;
    double per_second;
    uint64_t counted;    /* executions that the target counted itself, */
    uint64_t operations; /* and their operations */
};

/* The number behind the first `name` in `text`; false if there is none, or it is none of 0 to 1e18. */
bool campaign_parse_number(const char *text, const char *name, double *value);

/* One line of libFuzzer, or of the target below it. */
void campaign_parse_libfuzzer(const char *line, struct campaign_counts *counts);

/* AFL++'s fuzzer_stats, whole; and what it sends ("fuzzing.execs_done:1234|g"). */
void campaign_parse_afl_stats(const char *text, struct campaign_counts *counts);
void campaign_parse_statsd(const char *text, struct campaign_counts *counts);

/* What one input did, from what its process printed. */
struct campaign_verdict {
    bool bad;
    bool cut; /* the campaign was to end before it did anything: nobody knows */
    char ids[64];
    char op[24];
    char summary[240];
};

/* `signal`: that ended the process, or 0; `exit_code` likewise; `late`: it had to be killed. */
void campaign_parse_verdict(const char *text, int exit_code, int signal, bool late,
                            struct campaign_verdict *verdict);

#endif
