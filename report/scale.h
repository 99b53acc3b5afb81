/* What ./pagelab scale prints, from its document (bench/scale.h makes it): the rows of the memory axis, the
 * growth fitted over them, and the rows of the CPU axis. */
#ifndef REPORT_SCALE_H
#define REPORT_SCALE_H

#include "report/report.h"

/* JSON prints the document as it is; CSV prints three tables with an empty line between. 0, or -1 and *error.
 */
int report_scale_print(const cJSON *document, enum report_format format, bool colour, FILE *out,
                       struct report_error *error);

#endif
