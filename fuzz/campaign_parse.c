/* See campaign_parse.h. */
#include "fuzz/campaign_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool campaign_parse_number(const char *text, const char *name, double *value)
{
    const char *at = strstr(text, name);
    if (at == NULL)
        return false;
    at += strlen(name);
    at += strspn(at, " \t:");
    char *end;
    double found = strtod(at, &end);
    if (end == at || !(found >= 0) || found > 1e18)
        return false;
    *value = found;
    return true;
}

static void count_after(const char *text, const char *name, uint64_t *value)
{
    double found;
    if (campaign_parse_number(text, name, &found))
        *value = (uint64_t)found;
}

void campaign_parse_libfuzzer(const char *line, struct campaign_counts *counts)
{
    if (line[0] == '#' && strstr(line, " cov: ") != NULL) {
        count_after(line, "#", &counts->executions);
        count_after(line, " cov: ", &counts->coverage);
        count_after(line, " corp: ", &counts->corpus);
        (void)campaign_parse_number(line, " exec/s: ", &counts->per_second);
    }
    if (strncmp(line, "stat::", 6) == 0)
        count_after(line, "stat::number_of_executed_units:", &counts->executions);
    if (strncmp(line, "pagelab statistics:", 19) == 0) {
        count_after(line, "executions=", &counts->counted);
        count_after(line, "operations=", &counts->operations);
    }
}

void campaign_parse_afl_stats(const char *text, struct campaign_counts *counts)
{
    count_after(text, "\nexecs_done", &counts->executions);
    (void)campaign_parse_number(text, "\nexecs_per_sec", &counts->per_second);
    count_after(text, "\ncorpus_count", &counts->corpus);
    count_after(text, "\nedges_found", &counts->coverage);
}

void campaign_parse_statsd(const char *text, struct campaign_counts *counts)
{
    count_after(text, ".execs_done:", &counts->executions);
    (void)campaign_parse_number(text, ".execs_per_sec:", &counts->per_second);
    count_after(text, ".corpus_count:", &counts->corpus);
    count_after(text, ".edges_found:", &counts->coverage);
}

/* --- verdicts --- */

/* Copies what follows `at` up to `stop` or the line's end; bytes that are no text become '?'. */
static void copy_line(const char *at, const char *stop, char *out, size_t bytes)
{
    size_t length = strcspn(at, "\r\n");
    const char *end = stop == NULL ? NULL : strstr(at, stop);
    if (end != NULL && (size_t)(end - at) < length)
        length = (size_t)(end - at);
    if (length >= bytes)
        length = bytes - 1;
    for (size_t i = 0; i < length; i++)
        out[i] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
    out[length] = '\0';
}

/* "  operation: cpu0 task    alloc s3 ...": the third word. */
static void copy_op(const char *text, char *out, size_t bytes)
{
    const char *at = strstr(text, "operation: ");
    out[0] = '\0';
    if (at == NULL)
        return;
    char line[200];
    copy_line(at + strlen("operation: "), NULL, line, sizeof(line));
    const char *word = line;
    for (int skip = 0; strncmp(line, "cpu", 3) == 0 && skip < 2; skip++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    copy_line(word, " ", out, bytes);
}

static void copy_finding(const char *at, struct campaign_verdict *verdict)
{
    char expected[110] = "";
    char actual[110] = "";
    const char *line;
    copy_line(at, " backend=", verdict->ids, sizeof(verdict->ids));
    copy_op(at, verdict->op, sizeof(verdict->op));
    if ((line = strstr(at, "\n  expected:  ")) != NULL)
        copy_line(line + 14, NULL, expected, sizeof(expected));
    if ((line = strstr(at, "\n  actual:    ")) != NULL)
        copy_line(line + 14, NULL, actual, sizeof(actual));
    snprintf(verdict->summary, sizeof(verdict->summary), "%s; but: %s", expected, actual);
}

void campaign_parse_verdict(const char *text, int exit_code, int signal, bool late,
                            struct campaign_verdict *verdict)
{
    static const struct {
        const char *mark;
        const char *ids;
    } marks[] = {
        {"SUMMARY: ThreadSanitizer: ", "tsan"},
        {"assertion failed: ", "assert"},
        {"panic on CPU ", "panic"},
        {"UndefinedBehaviorSanitizer:DEADLYSIGNAL", "crash"}, /* every driver has its handler of signals */
        {"SUMMARY: AddressSanitizer: ", "asan"},
        {"SUMMARY: UndefinedBehaviorSanitizer: ", "ubsan"},
        {"runtime error: ", "ubsan"},
        {"SUMMARY: libFuzzer: timeout", "hang"},
        {"SUMMARY: libFuzzer: out-of-memory", "memory"},
        {"SUMMARY: libFuzzer: fuzz target exited", "exit"},
        {"SUMMARY: libFuzzer: deadly signal", "crash"},
    };
    memset(verdict, 0, sizeof(*verdict));
    const char *at = strstr(text, "pagelab finding: id=");
    if (at != NULL) {
        verdict->bad = true;
        copy_finding(at + strlen("pagelab finding: id="), verdict);
        return;
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        at = strstr(text, marks[i].mark);
        if (at == NULL)
            continue;
        verdict->bad = true;
        snprintf(verdict->ids, sizeof(verdict->ids), "%s", marks[i].ids);
        copy_line(at, NULL, verdict->summary, sizeof(verdict->summary));
        return;
    }
    verdict->bad = late || signal != 0 || exit_code != 0;
    if (late) {
        snprintf(verdict->ids, sizeof(verdict->ids), "hang");
        snprintf(verdict->summary, sizeof(verdict->summary), "did not end within the limit");
    } else if (signal != 0) {
        snprintf(verdict->ids, sizeof(verdict->ids), "crash");
        snprintf(verdict->summary, sizeof(verdict->summary), "ended by signal %d", signal);
    } else if (exit_code != 0) {
        snprintf(verdict->ids, sizeof(verdict->ids), "exit");
        snprintf(verdict->summary, sizeof(verdict->summary), "ended with exit code %d", exit_code);
    }
}
