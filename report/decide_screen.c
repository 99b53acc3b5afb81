/* A decision as a screen for people: who is left and what he gives up, who is out by which fact, what is not
 * known. */
#include "report/decide_screen.h"
#include "report/decide_lines.h"
#include "report/result.h"

#include <stdlib.h>
#include <string.h>

#define GIVES_UP_AT 54 /* the column */

/* How much is said of who is not on the front: of each his first fact, or of each need who misses it; at
 * least, no command. */
enum detail { DETAIL_ALL, DETAIL_OUT_FOLDED, DETAIL_UNKNOWN_FOLDED, DETAIL_LEAST };

static const cJSON *list_of(const cJSON *profile, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(profile, key);
}

/* The checks that are the reference's, each kind once, and the oldest of them. */
static void say_reference(struct screen *screen, const cJSON *source)
{
    const cJSON *oldest = NULL;
    const cJSON *one = NULL;
    char kinds[600] = "";
    char last[100] = "";

    cJSON_ArrayForEach(one, list_of(source, "evidence"))
    {
        const char *slash = strrchr(result_text(one, "file"), '/');
        const char *name = slash == NULL ? result_text(one, "file") : slash + 1;
        int length = (int)strcspn(name, ".");

        if (!cJSON_IsTrue(list_of(one, "reference"))) {
            continue;
        }
        if (oldest == NULL || strcmp(result_text(one, "date"), result_text(oldest, "date")) < 0) {
            oldest = one;
        }
        if (strncmp(last, name, (size_t)length) != 0 || last[length] != '\0') {
            text_append(kinds, sizeof kinds, "%s%.*s", kinds[0] == '\0' ? "" : ", ", length, name);
        }
        snprintf(last, sizeof last, "%.*s", length, name);
    }
    if (oldest != NULL) {
        screen_say(screen, SCREEN_INDENT,
                   "Checks that it has not are the reference's, the oldest of %.10s, commit %s: %s",
                   result_text(oldest, "date"), result_text(oldest, "commit"), kinds);
    }
}

/* Files of the run's side that say when, and what is said against their times: replays that were kept. */
static void say_kept(struct screen *screen, const cJSON *source)
{
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list_of(source, "evidence"))
    {
        const cJSON *marks = list_of(one, "marks");
        const cJSON *mark = NULL;

        if (marks != NULL) {
            screen_say(screen, SCREEN_INDENT, "The replays are from %s of %.10s, commit %s",
                       result_text(one, "file"), result_text(one, "date"), result_text(one, "commit"));
        }
        cJSON_ArrayForEach(mark, marks)
        {
            screen_say(screen, SCREEN_INDENT, "Their times are marked: %s",
                       cJSON_IsString(mark) ? mark->valuestring : "");
        }
    }
}

static void say_source(struct screen *screen, const cJSON *source)
{
    const char *machine = result_text(source, "machine");
    const cJSON *mark = NULL;

    screen_say(screen, SCREEN_INDENT, "From %s%s%s: %s run of %.10s, commit %s%s%s%s",
               result_text(source, "file"), result_text(source, "which")[0] == '\0' ? "" : ", ",
               result_text(source, "which"), result_text(source, "mode"), result_text(source, "date"),
               result_text(source, "commit"), cJSON_IsTrue(list_of(source, "dirty")) ? " and changes" : "",
               machine[0] == '\0' ? "" : ", ", machine);
    if (strcmp(result_text(source, "rods"), "void") == 0) {
        screen_say(screen, SCREEN_INDENT,
                   "The rods do not hold in it: that machine was not fit to measure, and speed and tail say "
                   "little");
    }
    cJSON_ArrayForEach(mark, list_of(source, "marks"))
    {
        screen_say(screen, SCREEN_INDENT, "Its times are marked: %s",
                   cJSON_IsString(mark) ? mark->valuestring : "");
    }
    say_kept(screen, source);
    if (!cJSON_IsTrue(list_of(source, "reference"))) {
        say_reference(screen, source);
    }
}

static void say_needs(struct screen *screen, const cJSON *profile)
{
    const cJSON *one = NULL;
    char text[2000] = "";

    cJSON_ArrayForEach(one, list_of(profile, "needs"))
    {
        text_append(text, sizeof text, "%s%s%s%s", text[0] == '\0' ? "" : ", ", result_text(one, "need"),
                    result_text(one, "value")[0] == '\0' ? "" : " ", result_text(one, "value"));
    }
    screen_say(screen, SCREEN_INDENT, "Needs: %s", text);
}

/* "replace/slate/order:0" as "replace/X/order:0". */
static void row_pattern(const char *row, const char *candidate, char *text, size_t bytes)
{
    const char *at = candidate[0] == '\0' ? NULL : strstr(row, candidate);

    snprintf(text, bytes, "%.*s%s%s", at == NULL ? (int)strlen(row) : (int)(at - row), row,
             at == NULL ? "" : "X", at == NULL ? "" : at + strlen(candidate));
}

/* What it gives up; the row only where it is another one than the heading says. */
static void losses_join(const cJSON *one, const cJSON *first, char *text, size_t bytes)
{
    const cJSON *lost = NULL;

    text[0] = '\0';
    cJSON_ArrayForEach(lost, list_of(one, "losses"))
    {
        const char *row = result_text(list_of(one, "rows"), lost->string);
        char mine[300];
        char usual[300];

        row_pattern(row, result_text(one, "candidate"), mine, sizeof mine);
        row_pattern(result_text(list_of(first, "rows"), lost->string), result_text(first, "candidate"), usual,
                    sizeof usual);
        bool said = strcmp(mine, usual) == 0;

        text_append(text, bytes, "%s%s%s%s%s", text[0] == '\0' ? "" : "; ", cJSON_GetStringValue(lost),
                    said ? "" : " (", said ? "" : row, said ? "" : ")");
    }
}

static void value_text(const cJSON *one, const char *key, const char *axis, int decimals, char text[24])
{
    const cJSON *best = NULL;
    const char *star = "";
    double value = 0;

    result_number(list_of(one, "values"), key, &value);
    cJSON_ArrayForEach(best, list_of(one, "best_at"))
    {
        star = strcmp(cJSON_GetStringValue(best), axis) == 0 ? "*" : star;
    }
    if (strcmp(axis, "fragmentation") == 0) {
        snprintf(text, 24, "%.0f %%%s", 100 * (1 - value), star);
    } else {
        snprintf(text, 24, "%.*f%s", value >= 100 ? 0 : decimals, value, star);
    }
}

static void say_front(struct screen *screen, const cJSON *profile)
{
    const cJSON *front = list_of(profile, "front");
    const cJSON *first = cJSON_GetArrayItem(front, 0);
    const cJSON *axis = cJSON_GetArrayItem(list_of(profile, "axes"), 0);
    const cJSON *row = NULL;
    const cJSON *one = NULL;
    char rows[1200] = "";

    if (first == NULL) {
        screen_say(screen, SCREEN_INDENT, "Nobody is left whom all facts speak for.");
        return;
    }
    cJSON_ArrayForEach(row, list_of(first, "rows"))
    {
        char pattern[300];

        row_pattern(cJSON_GetStringValue(row), result_text(first, "candidate"), pattern, sizeof pattern);
        text_append(rows, sizeof rows, "%s%s %s", rows[0] == '\0' ? "" : ", ", row->string, pattern);
        int cells = cJSON_GetArraySize(list_of(axis, "cells"));
        if (cells > 1) {
            text_append(rows, sizeof rows, " and %d more", cells - 1);
        }
        axis = axis == NULL ? NULL : axis->next;
    }
    screen_say(screen, SCREEN_INDENT, "%d on the front (* best), by the rows of X: %s",
               cJSON_GetArraySize(front), rows);
    screen_say(screen, SCREEN_INDENT, "  %-13s %8s %9s %8s %8s  %s", "", "ns/op", "p99.9 ns", "B/frame",
               "order 9", "gives up");
    cJSON_ArrayForEach(one, front)
    {
        char values[4][24];
        char lost[1200];

        value_text(one, "speed_ns", "speed", 1, values[0]);
        value_text(one, "tail_ns", "tail", 0, values[1]);
        value_text(one, "memory_bytes_per_frame", "memory", 2, values[2]);
        value_text(one, "fragmentation", "fragmentation", 0, values[3]);
        losses_join(one, first, lost, sizeof lost);
        if (result_text(one, "ring")[0] != '\0') {
            text_append(lost, sizeof lost, "%snowhere better than %s, but for a ring",
                        lost[0] == '\0' ? "" : "; ", result_text(one, "ring"));
        }
        screen_say(screen, GIVES_UP_AT, "  %-13s %8s %9s %8s %8s  %s", result_text(one, "candidate"),
                   values[0], values[1], values[2], values[3],
                   lost[0] == '\0' ? "nothing that was measured" : lost);
    }
}

static void say_dominated(struct screen *screen, const cJSON *profile)
{
    const cJSON *one = NULL;
    char text[1500] = "";

    cJSON_ArrayForEach(one, list_of(profile, "dominated"))
    {
        text_append(text, sizeof text, "%s%s (%s)", text[0] == '\0' ? "" : ", ",
                    result_text(one, "candidate"), result_text(one, "by"));
    }
    if (text[0] != '\0') {
        screen_say(screen, SCREEN_INDENT, "Nowhere better than one on the front, in brackets: %s", text);
    }
}

/* Whom the checks know and the run has not. */
static void say_unmeasured(struct screen *screen, const cJSON *decision)
{
    const cJSON *one = NULL;
    char text[1500] = "";

    cJSON_ArrayForEach(one, list_of(decision, "unmeasured"))
    {
        text_append(text, sizeof text, "%s%s", text[0] == '\0' ? "" : ", ", cJSON_GetStringValue(one));
    }
    if (text[0] != '\0') {
        screen_say(screen, SCREEN_INDENT, "Not measured by this run: %s", text);
    }
}

static void compose(struct screen *screen, const cJSON *decision, const cJSON *profile, enum detail detail)
{
    const cJSON *out = list_of(profile, "out");
    const cJSON *unknown = list_of(profile, "unknown");
    const char *about = result_text(profile, "about");

    screen->count = 0;
    screen_say(screen, SCREEN_INDENT, "%s%s%s", result_text(profile, "name"), about[0] == '\0' ? "" : ": ",
               about);
    say_source(screen, list_of(decision, "source"));
    say_needs(screen, profile);
    say_front(screen, profile);
    say_dominated(screen, profile);
    if (result_text(profile, "fineness")[0] != '\0') {
        screen_say(screen, SCREEN_INDENT, "%s.", result_text(profile, "fineness"));
    }
    if (cJSON_GetArraySize(unknown) > 0) {
        screen_say(screen, SCREEN_INDENT,
                   "%d neither out nor proved, for a fact is missing:", facts_candidates(unknown));
        if (detail >= DETAIL_UNKNOWN_FOLDED) {
            say_by_need(screen, unknown);
        } else {
            say_grouped(screen, unknown);
        }
        screen_say(screen, SCREEN_INDENT, "  what measures it, of the first:");
        say_commands(screen, unknown);
    }
    if (cJSON_GetArraySize(out) > 0) {
        screen_say(screen, SCREEN_INDENT, "%d out, by [row]:", facts_candidates(out));
        if (detail >= DETAIL_OUT_FOLDED) {
            say_by_need(screen, out);
        } else {
            say_each(screen, out);
        }
        if (detail < DETAIL_LEAST) {
            screen_say(screen, SCREEN_INDENT, "  what runs it again, of the first:");
            say_commands(screen, out);
        }
    }
    say_unmeasured(screen, decision);
    screen_say(screen, SCREEN_INDENT, "--format markdown has each fact with its row, file and command.");
}

bool decide_screen_print(const cJSON *decision, const cJSON *profile, bool colour, FILE *out)
{
    struct screen *screen = malloc(sizeof *screen);
    int detail = DETAIL_ALL;

    if (screen == NULL) {
        return false;
    }
    do {
        compose(screen, decision, profile, (enum detail)detail);
    } while (screen->count > DECIDE_LINES && ++detail <= DETAIL_LEAST);
    if (screen->count > DECIDE_LINES) { /* many plug-ins: the end is in the other formats */
        snprintf(screen->lines[DECIDE_LINES - 2], DECIDE_COLUMNS + 1,
                 "... and %zu lines more, in the other formats", screen->count - DECIDE_LINES + 1);
        memcpy(screen->lines[DECIDE_LINES - 1], screen->lines[screen->count - 1], DECIDE_COLUMNS + 1);
        screen->count = DECIDE_LINES;
    }
    for (size_t i = 0; i < screen->count; i++) {
        bool bold = colour && i == 0;

        fprintf(out, "%s%s%s\n", bold ? "\033[1m" : "", screen->lines[i], bold ? "\033[0m" : "");
    }
    free(screen);
    return !ferror(out);
}
