/* See decide_lines.h. */
#include "report/decide_lines.h"
#include "report/result.h"

#include <stdarg.h>
#include <string.h>

/* Names are hostile text: nothing of them reaches a terminal as an order. */
static void harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)) {
            *at = '?';
        }
    }
}

void screen_say(struct screen *screen, int indent, const char *format, ...)
{
    char text[4000];
    const char *at = text;
    int room = DECIDE_COLUMNS;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    harmless(text);
    for (bool first = true; (first || *at != '\0') && screen->count < SCREEN_LINES_MAX; first = false) {
        int length = (int)strlen(at);
        int shift = first ? 0 : indent;

        if (length > room - shift) {
            length = room - shift;
            while (length > 0 && at[length] != ' ') {
                length--;
            }
            length = length == 0 ? room - shift : length;
        }
        snprintf(screen->lines[screen->count++], DECIDE_COLUMNS + 1, "%*s%.*s", shift, "", length, at);
        at += length;
        at += strspn(at, " ");
    }
}

void text_append(char *text, size_t bytes, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, bytes - used, format, arguments);
    va_end(arguments);
}

/* Has a fact before this one the same there? */
static bool said_before(const cJSON *fact, const char *key)
{
    for (const cJSON *at = fact->prev; at != NULL && at->next != NULL; at = at->prev) {
        if (strcmp(result_text(at, key), result_text(fact, key)) == 0) {
            return true;
        }
    }
    return false;
}

/* The facts of the same candidate that come after this one. */
static int others_of(const cJSON *fact)
{
    int count = 0;

    for (const cJSON *at = fact->next; at != NULL; at = at->next) {
        count += strcmp(result_text(at, "candidate"), result_text(fact, "candidate")) == 0;
    }
    return count;
}

static const char *file_name(const cJSON *fact)
{
    const char *slash = strrchr(result_text(fact, "file"), '/');

    return slash == NULL ? result_text(fact, "file") : slash + 1;
}

/* One line a candidate: its first fact. */
void say_each(struct screen *screen, const cJSON *list)
{
    const cJSON *fact = NULL;

    cJSON_ArrayForEach(fact, list)
    {
        const char *row = result_text(fact, "row");
        char more[40] = "";

        if (said_before(fact, "candidate")) {
            continue;
        }
        if (others_of(fact) > 0) {
            snprintf(more, sizeof more, "; %d more", others_of(fact));
        }
        screen_say(screen, 2 * SCREEN_INDENT, "  %-13s %s: %s%s [%s%s%s]", result_text(fact, "candidate"),
                   result_text(fact, "need"), result_text(fact, "fact"), more, file_name(fact),
                   row[0] == '\0' ? "" : " ", row);
    }
}

static bool same(const cJSON *a, const cJSON *b, const char *key)
{
    return strcmp(result_text(a, key), result_text(b, key)) == 0;
}

/* Everybody whom one fact is about. */
void say_grouped(struct screen *screen, const cJSON *list)
{
    const cJSON *fact = NULL;

    cJSON_ArrayForEach(fact, list)
    {
        const cJSON *at = NULL;
        char text[1500] = "";
        bool told = false;

        cJSON_ArrayForEach(at, list)
        {
            if (same(at, fact, "need") && same(at, fact, "fact")) {
                told |= text[0] == '\0' && at != fact;
                text_append(text, sizeof text, "%s%s", text[0] == '\0' ? "" : ", ",
                            result_text(at, "candidate"));
            }
        }
        if (!told) {
            screen_say(screen, 2 * SCREEN_INDENT, "  %s: %s: %s", result_text(fact, "need"),
                       result_text(fact, "fact"), text);
        }
    }
}

/* Everybody who misses one need, and the fact of the first. */
void say_by_need(struct screen *screen, const cJSON *list)
{
    const cJSON *fact = NULL;

    cJSON_ArrayForEach(fact, list)
    {
        char text[1500] = "";
        const char *last = result_text(fact, "candidate");

        if (said_before(fact, "need")) {
            continue;
        }
        for (const cJSON *at = fact->next; at != NULL; at = at->next) {
            if (same(at, fact, "need") && strcmp(last, result_text(at, "candidate")) != 0) {
                last = result_text(at, "candidate");
                text_append(text, sizeof text, ", %s", last);
            }
        }
        screen_say(screen, 2 * SCREEN_INDENT, "  %s: %s (%s)%s", result_text(fact, "need"),
                   result_text(fact, "candidate"), result_text(fact, "fact"), text);
    }
}

void say_commands(struct screen *screen, const cJSON *list)
{
    const cJSON *fact = NULL;

    cJSON_ArrayForEach(fact, list)
    {
        if (!said_before(fact, "need")) {
            screen_say(screen, 2 * SCREEN_INDENT, "    %s: %s", result_text(fact, "need"),
                       result_text(fact, "command"));
        }
    }
}

int facts_candidates(const cJSON *list)
{
    const cJSON *fact = NULL;
    int count = 0;

    cJSON_ArrayForEach(fact, list)
    {
        count += !said_before(fact, "candidate");
    }
    return count;
}
