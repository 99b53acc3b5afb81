/* Filling a report_error: always one printable line, whatever the names in it hold. */
#ifndef REPORT_ERROR_H
#define REPORT_ERROR_H

#include "report/report.h"

void report_error_set(struct report_error *error, const char *format, ...);

#endif
