/* Paths and names in a message come from outside: control characters become '?', so that a message stays one
 * line. */
#include "report/error.h"

#include <stdarg.h>

void report_error_set(struct report_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->line, sizeof error->line, format, arguments);
    va_end(arguments);
    for (char *at = error->line; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}
