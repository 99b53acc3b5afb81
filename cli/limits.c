/* See limits.h. docs/schedules.md, docs/interrupts.md and docs/nosleep.md say the same at length. */
#include "cli/limits.h"

#include <stdbool.h>
#include <string.h>

#include <pagelab/compiler.h>

#define COLUMNS 79u

#define ORDERS                                                                                               \
    "sequentially consistent orders of each load, store and atomic operation of candidates whose sources "   \
    "are ours"
#define BUFFERED " and, with --tso, those of x86's store buffers (TSO) for atomic stores. "
#define DIRECT   ", without store buffers (TSO). "
#define NOT_EXPLORED                                                                                         \
    "Not explored: memory orders weaker than these (ARM, POWER); inline assembly; the code of libraries "    \
    "and plug-ins, which is opaque to schedules but not to single step ('pagelab interrupt')."

static const struct {
    const char *command;
    const char *text;
} limits[] = {
    {"explore", "Explored: " ORDERS DIRECT
                "These are for 'pagelab fuzz --tso' and 'pagelab replay --schedule --tso'. " NOT_EXPLORED},
    {"fuzz", "Explored by targets schedule-page and schedule-all: " ORDERS BUFFERED NOT_EXPLORED},
    {"score", "Explored where mutants need a schedule: " ORDERS DIRECT NOT_EXPLORED},
    {"replay", "Explored by --schedule, one at a time: " ORDERS BUFFERED NOT_EXPLORED},
    {"nosleep",
     "Watched: waits by the platform's word, and every system call of any binary, libraries and plug-ins "
     "included, where the kernel can show them; else 'not checked'. Not watched: what the vDSO answers, "
     "locks "
     "that are free when taken, page faults. Explored for the column progress: " ORDERS DIRECT NOT_EXPLORED},
    {"interrupt",
     "Explored: one interrupt a run, before each instruction of any binary, libraries, plug-ins and inline "
     "assembly included (step), or at labelled points of ours (points), in programs of frames on one CPU at "
     "a "
     "time. Stress explores nothing: it cannot be replayed. Not explored: several CPUs at once. These are "
     "for "
     "schedules ('pagelab explore'): sequentially consistent plus TSO, no inline assembly, libraries "
     "opaque."},
    {"cost",
     "Without --workload: the single calls with the most accesses, locked operations and retries, of stored "
     "programs, on the simulated platform. With --workload: what an operation costs on average, counted "
     "under "
     "valgrind in this program itself below the candidate's hooks, so without the harness: instructions, "
     "locked operations, cache lines. The same each time for our candidates, a range for libraries. 'pagelab "
     "gate' compares two such files. Not counted: time, what a cache misses, other CPUs."},
    {"pagelab-sim",
     "Explored: " ORDERS " and, with tso (replay), those of x86's store buffers. " NOT_EXPLORED},
};

void cli_wrap(const char *text, unsigned indent, FILE *out)
{
    unsigned used = indent;
    while (*text != '\0') {
        unsigned bytes = (unsigned)strcspn(text, " ");
        if (used == indent)
            fprintf(out, "%.*s", (int)bytes, text);
        else if (used + 1 + bytes > COLUMNS)
            fprintf(out, "\n%*s%.*s", (int)indent, "", (int)bytes, text);
        else
            fprintf(out, " %.*s", (int)bytes, text);
        used = used == indent || used + 1 + bytes > COLUMNS ? indent + bytes : used + 1 + bytes;
        text += bytes + strspn(text + bytes, " ");
    }
    fputc('\n', out);
}

const char *cli_limits_text(const char *command)
{
    for (size_t i = 0; i < PL_COUNT_OF(limits); i++) {
        if (strcmp(limits[i].command, command) == 0)
            return limits[i].text;
    }
    return NULL;
}

void cli_limits_print(const char *command, FILE *out)
{
    const char *text = cli_limits_text(command);
    if (text == NULL)
        return;
    fputc('\n', out);
    cli_wrap(text, 0, out);
}
