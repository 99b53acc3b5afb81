/* Filling a table: every text is copied, so that callers may build cells in one buffer. */
#define _POSIX_C_SOURCE 200809L

#include "report/table_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool report_format_parse(const char *text, enum report_format *format)
{
    static const char *const names[] = {
        [REPORT_TABLE] = "table",
        [REPORT_JSON] = "json",
        [REPORT_MARKDOWN] = "markdown",
        [REPORT_CSV] = "csv",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum report_format)i;
            return true;
        }
    }
    return false;
}

static void texts_free(char **texts, size_t count)
{
    if (texts != NULL) {
        for (size_t i = 0; i < count; i++) {
            free(texts[i]);
        }
        free(texts);
    }
}

static char **texts_copy(const char *const *texts, size_t count)
{
    char **copy = calloc(count, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(texts[i] != NULL ? texts[i] : "");
        if (copy[i] == NULL) {
            texts_free(copy, count);
            copy = NULL;
        }
    }
    return copy;
}

struct table *table_create(const struct table_column *columns, size_t column_count)
{
    struct table *table = calloc(1, sizeof *table);

    assert(column_count > 0);
    if (table == NULL) {
        return NULL;
    }
    table->columns = calloc(column_count, sizeof *table->columns);
    if (table->columns == NULL) {
        table_destroy(table);
        return NULL;
    }
    table->column_count = column_count;
    for (size_t i = 0; i < column_count; i++) {
        table->columns[i].align = columns[i].align;
        table->columns[i].name = strdup(columns[i].name);
        if (table->columns[i].name == NULL) {
            table_destroy(table);
            return NULL;
        }
    }
    return table;
}

static size_t line_text_count(const struct table *table, enum table_line_kind kind)
{
    return kind == TABLE_LINE_ROW ? table->column_count : 1;
}

void table_destroy(struct table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->line_count; i++) {
        texts_free(table->lines[i].texts, line_text_count(table, table->lines[i].kind));
    }
    free(table->lines);
    for (size_t i = 0; i < table->column_count; i++) {
        free((char *)table->columns[i].name);
    }
    free(table->columns);
    free(table);
}

static bool line_add(struct table *table, enum table_line_kind kind, const char *const *texts)
{
    if (table->line_count == table->line_room) {
        size_t room = table->line_room == 0 ? 16 : table->line_room * 2;
        struct table_line *lines = realloc(table->lines, room * sizeof *lines);

        if (lines == NULL) {
            return false;
        }
        table->lines = lines;
        table->line_room = room;
    }

    char **copy = texts_copy(texts, line_text_count(table, kind));

    if (copy == NULL) {
        return false;
    }
    table->lines[table->line_count++] = (struct table_line){.kind = kind, .texts = copy};
    return true;
}

bool table_add_row(struct table *table, const char *const *cells)
{
    return line_add(table, TABLE_LINE_ROW, cells);
}

bool table_add_heading(struct table *table, const char *text)
{
    return line_add(table, TABLE_LINE_HEADING, &text);
}

bool table_add_note(struct table *table, const char *text)
{
    return line_add(table, TABLE_LINE_NOTE, &text);
}
