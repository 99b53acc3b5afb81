/* What a campaign leaves for people: the table on the terminal, report.txt and report.html in its folder, and
 * the page of the lines that it never reached. */
#ifndef CLI_FUZZ_REPORT_H
#define CLI_FUZZ_REPORT_H

#include "fuzz/campaign.h"
#include "report/table.h"

/* The table; as text also what was found and what stopped. False: no memory, or `out` is in error. */
bool fuzz_report_print(const struct campaign_result *result, enum report_format format, FILE *out);

/* Both files, each whole or not at all. False after an error was printed. */
bool fuzz_report_write(const struct campaign_result *result);

/* Replays the corpora in a build for llvm-cov (tests/coverage.sh in the checkout: minutes when it has to be
 * built): coverage.txt, coverage.html. False after an error was printed. */
bool fuzz_report_coverage(const struct campaign_result *result, const struct campaign_options *options);

#endif
