/* See finding.h. */
#include "engine/finding.h"

#include <stdarg.h>
#include <stdio.h>

void finding_set(struct finding *finding, const char *ids, const char *expected)
{
    finding->found = true;
    snprintf(finding->ids, sizeof(finding->ids), "%s", ids);
    snprintf(finding->expected, sizeof(finding->expected), "%s", expected);
    finding->actual[0] = '\0';
}

void finding_actual(struct finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->actual, sizeof(finding->actual), format, args);
    va_end(args);
}

void finding_expected(struct finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->expected, sizeof(finding->expected), format, args);
    va_end(args);
}
