/*
 * Printing a table in its four formats.
 *
 * Text measures every column over the whole table, so that groups under different headings line up. A control
 * character never reaches the terminal: a name could hold an escape sequence.
 */
#include "report/table_lines.h"

#include <cjson/cJSON.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SGR_BOLD  "\033[1m"
#define SGR_PLAIN "\033[0m"

static bool byte_is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* One column a code point: good enough for names, and never less than what wide glyphs need by more than one.
 */
static size_t text_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

/* C1 controls (U+0080 to U+009F) are two bytes in UTF-8, and some terminals obey them. */
static void text_print(const char *text, FILE *out)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) {
            fputc('?', out);
            at++;
        } else {
            fputc(byte_is_control(*at) ? '?' : *at, out);
        }
    }
}

static void pad(size_t width, FILE *out)
{
    for (size_t i = 0; i < width; i++) {
        fputc(' ', out);
    }
}

static void text_row(const struct table *table, const size_t *widths, char *const *cells, FILE *out)
{
    size_t owed = 0; /* spaces before the next cell: held back, so that no line ends in blanks */

    for (size_t i = 0; i < table->column_count; i++) {
        const char *cell = cells != NULL ? cells[i] : table->columns[i].name;
        size_t width = text_width(cell);
        size_t space = widths[i] > width ? widths[i] - width : 0;
        bool right = table->columns[i].align == TABLE_RIGHT;

        if (width > 0) {
            pad(owed + (right ? space : 0), out);
            text_print(cell, out);
            owed = right ? 0 : space;
        } else {
            owed += widths[i];
        }
        owed += 2;
    }
    fputc('\n', out);
}

static void text_header(const struct table *table, const size_t *widths, bool colour, FILE *out)
{
    fputs(colour ? SGR_BOLD : "", out);
    text_row(table, widths, NULL, out);
    fputs(colour ? SGR_PLAIN : "", out);
}

static void text_heading(const char *text, bool first, bool colour, FILE *out)
{
    fputs(first ? "" : "\n", out);
    fputs(colour ? SGR_BOLD : "", out);
    text_print(text, out);
    fputs(colour ? SGR_PLAIN : "", out);
    fputc('\n', out);
}

static bool text_table(const struct table *table, bool colour, FILE *out)
{
    size_t *widths = calloc(table->column_count, sizeof *widths);

    if (widths == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = text_width(table->columns[i].name);
        for (size_t line = 0; line < table->line_count; line++) {
            if (table->lines[line].kind == TABLE_LINE_ROW &&
                text_width(table->lines[line].texts[i]) > widths[i]) {
                widths[i] = text_width(table->lines[line].texts[i]);
            }
        }
    }

    bool header_due = true;

    for (size_t i = 0; i < table->line_count; i++) {
        const struct table_line *line = &table->lines[i];

        if (line->kind == TABLE_LINE_HEADING) {
            text_heading(line->texts[0], i == 0, colour, out);
            header_due = true;
        } else if (line->kind == TABLE_LINE_NOTE) {
            fputs("  ", out);
            text_print(line->texts[0], out);
            fputc('\n', out);
        } else {
            if (header_due) {
                text_header(table, widths, colour, out);
            }
            header_due = false;
            text_row(table, widths, line->texts, out);
        }
    }
    if (table->line_count == 0) {
        text_header(table, widths, colour, out);
    }
    free(widths);
    return true;
}

/* Markdown that cannot start a tag, a link, a code span or a new column. */
static void markdown_print(const char *text, FILE *out)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (byte_is_control(*at)) {
            fputc(' ', out);
        } else if (*at == '<') {
            fputs("&lt;", out);
        } else if (*at == '>') {
            fputs("&gt;", out);
        } else if (*at == '&') {
            fputs("&amp;", out);
        } else {
            if (strchr("|\\`*_[]#~", *at) != NULL) {
                fputc('\\', out);
            }
            fputc(*at, out);
        }
    }
}

static void markdown_row(const struct table *table, char *const *cells, FILE *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        fputs("| ", out);
        markdown_print(cells != NULL ? cells[i] : table->columns[i].name, out);
        fputc(' ', out);
    }
    fputs("|\n", out);
}

static void markdown_header(const struct table *table, FILE *out)
{
    markdown_row(table, NULL, out);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(table->columns[i].align == TABLE_RIGHT ? "|--:" : "|---", out);
    }
    fputs("|\n", out);
}

static void markdown_table(const struct table *table, FILE *out)
{
    bool in_table = false;

    for (size_t i = 0; i < table->line_count; i++) {
        const struct table_line *line = &table->lines[i];

        if (line->kind == TABLE_LINE_ROW) {
            if (!in_table) {
                markdown_header(table, out);
            }
            markdown_row(table, line->texts, out);
        } else {
            bool list_goes_on = i > 0 && table->lines[i - 1].kind == line->kind;

            fputs(i > 0 && !list_goes_on ? "\n" : "", out);
            fputs(line->kind == TABLE_LINE_HEADING ? "### " : "- ", out);
            markdown_print(line->texts[0], out);
            fputs(line->kind == TABLE_LINE_HEADING ? "\n\n" : "\n", out);
        }
        in_table = line->kind == TABLE_LINE_ROW;
    }
    if (table->line_count == 0) {
        markdown_header(table, out);
    }
}

/* Line breaks are the format's own to quote; other control characters would reach a terminal. */
static void csv_print(const char *text, FILE *out)
{
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;

    fputs(quoted ? "\"" : "", out);
    for (; *text != '\0'; text++) {
        bool plain = strchr("\r\n\t", *text) != NULL || !byte_is_control((unsigned char)*text);

        fputs(*text == '"' ? "\"" : "", out);
        fputc(plain ? *text : '?', out);
    }
    fputs(quoted ? "\"" : "", out);
}

static void csv_row(const struct table *table, char *const *cells, FILE *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(i > 0 ? "," : "", out);
        if (cells == NULL) {
            csv_print(table->columns[i].name, out);
        } else if (table->columns[i].align != TABLE_RIGHT || strcmp(cells[i], "-") != 0) {
            csv_print(cells[i], out);
        }
    }
    fputc('\n', out);
}

static void csv_table(const struct table *table, FILE *out)
{
    csv_row(table, NULL, out);
    for (size_t i = 0; i < table->line_count; i++) {
        if (table->lines[i].kind == TABLE_LINE_ROW) {
            csv_row(table, table->lines[i].texts, out);
        }
    }
}

/* strtod also reads hexadecimal, infinities and names for not-a-number, which JSON has no words for. */
static cJSON *json_number(const char *cell)
{
    char *end = NULL;
    double value = 0;

    if (cell[0] == '\0' || strcmp(cell, "-") == 0) {
        return cJSON_CreateNull();
    }
    if (cell[strspn(cell, "0123456789+-.eE")] != '\0') {
        return cJSON_CreateString(cell);
    }
    value = strtod(cell, &end);
    return *end == '\0' ? cJSON_CreateNumber(value) : cJSON_CreateString(cell);
}

static cJSON *json_list(const char *cell)
{
    cJSON *list = cJSON_CreateArray();
    char *words = malloc(strlen(cell) + 1);

    if (list == NULL || words == NULL) {
        cJSON_Delete(list);
        free(words);
        return NULL;
    }
    strcpy(words, cell);
    for (char *word = words; word != NULL;) {
        char *comma = strchr(word, ',');

        if (comma != NULL) {
            *comma = '\0';
        }
        word += strspn(word, " ");
        if (*word != '\0') {
            cJSON_AddItemToArray(list, cJSON_CreateString(word));
        }
        word = comma != NULL ? comma + 1 : NULL;
    }
    free(words);
    return list;
}

static cJSON *json_cell(enum table_align align, const char *cell)
{
    switch (align) {
    case TABLE_RIGHT:
        return json_number(cell);
    case TABLE_LIST:
        return json_list(cell);
    case TABLE_LEFT:
        break;
    }
    return cJSON_CreateString(cell);
}

static bool json_row(const struct table *table, char *const *cells, cJSON *rows)
{
    cJSON *row = cJSON_CreateObject();

    if (!cJSON_AddItemToArray(rows, row)) {
        cJSON_Delete(row);
        return false;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        cJSON *value = json_cell(table->columns[i].align, cells[i]);

        if (!cJSON_AddItemToObject(row, table->columns[i].name, value)) {
            cJSON_Delete(value);
            return false;
        }
    }
    return true;
}

static bool json_table(const struct table *table, FILE *out)
{
    cJSON *rows = cJSON_CreateArray();
    bool complete = rows != NULL;
    char *text = NULL;

    for (size_t i = 0; complete && i < table->line_count; i++) {
        if (table->lines[i].kind == TABLE_LINE_ROW) {
            complete = json_row(table, table->lines[i].texts, rows);
        }
    }
    if (complete) {
        text = cJSON_Print(rows);
    }
    if (text != NULL) {
        fputs(text, out);
        fputc('\n', out);
    }
    cJSON_free(text);
    cJSON_Delete(rows);
    return text != NULL;
}

bool table_print(const struct table *table, enum report_format format, bool colour, FILE *out)
{
    bool complete = true;

    assert(out != NULL);
    switch (format) {
    case REPORT_TABLE:
        complete = text_table(table, colour, out);
        break;
    case REPORT_JSON:
        complete = json_table(table, out);
        break;
    case REPORT_MARKDOWN:
        markdown_table(table, out);
        break;
    case REPORT_CSV:
        csv_table(table, out);
        break;
    }
    return complete && ferror(out) == 0;
}
