/* See check_sbp2.h. */
#include "engine/checks/check_sbp2.h"

#include <pagelab/check.h>

#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 4096u

bool check_orb(struct check *check, unsigned frame_count, const char *operations)
{
    char text[TEXT_BYTES];
    int used =
        snprintf(text, sizeof(text), "pagelab program 1\nmachine %u@0x0 cpus=2 floors=0/2/42\n", frame_count);
    for (const char *line = operations; *line != '\0';) {
        int bytes = (int)strcspn(line, "\n");
        PL_ASSERT(used + bytes + 16 < (int)sizeof(text));
        used += snprintf(text + used, sizeof(text) - (size_t)used, "cpu0 task %.*s\n", bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
    return check_program(check, text);
}
