/* See output.h. */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include "report/output.h"

#include <poll.h>

bool output_is_unread(FILE *out)
{
    struct pollfd end = {.fd = fileno(out)}; /* errors are told unasked; a stream in memory has no number */
    return end.fd >= 0 && poll(&end, 1, 0) == 1 && (end.revents & (POLLERR | POLLHUP)) != 0;
}

bool output_is_done(bool whole, FILE *out)
{
    return whole || (ferror(out) != 0 && output_is_unread(out));
}
