/*
 * A small table printer, the one that every subcommand uses.
 *
 * A table is columns, rows of strings, and between the rows headings and notes for people. It is printed
 * whole, as text for a terminal, JSON, Markdown or CSV. Cells are hostile text: control characters, quotes
 * and markup are made harmless for the format that is printed.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum report_format {
    REPORT_TABLE, /* aligned text for a terminal */
    REPORT_JSON,  /* an array of objects, keyed by the columns' names */
    REPORT_MARKDOWN,
    REPORT_CSV, /* RFC 4180, with a header line and LF line ends */
};

/* Reads "table", "json", "markdown" or "csv". False leaves *format as it was. */
bool report_format_parse(const char *text, enum report_format *format);

enum table_align {
    TABLE_LEFT,  /* words: always a string in JSON */
    TABLE_RIGHT, /* numbers: a number in JSON; "" and "-" are null there and empty in CSV; other text is a
                    string */
    TABLE_LIST,  /* words separated by commas, set left: an array of strings in JSON, an empty one for "" */
};

struct table_column {
    const char *name;
    enum table_align align;
};

/* Owns copies of all it was given. */
struct table;

/* At least one column. NULL: no memory. */
struct table *table_create(const struct table_column *columns, size_t column_count);
void table_destroy(struct table *table); /* NULL is allowed. */

/* `cells` holds one string a column; NULL counts as "". False: no memory, and the table is as it was. */
bool table_add_row(struct table *table, const char *const *cells);

/* A line above the rows that follow it, and one below the rows before it. JSON and CSV leave both out. */
bool table_add_heading(struct table *table, const char *text);
bool table_add_note(struct table *table, const char *text);

/* `colour` sets headings in bold, in the text format only; the caller knows whether `out` is a terminal.
 * False: no memory, or `out` is in error. */
bool table_print(const struct table *table, enum report_format format, bool colour, FILE *out);

#endif
