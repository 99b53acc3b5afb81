/* The inside of a table, shared by the file that fills it and the file that prints it. */
#ifndef REPORT_TABLE_LINES_H
#define REPORT_TABLE_LINES_H

#include "report/table.h"

enum table_line_kind { TABLE_LINE_ROW, TABLE_LINE_HEADING, TABLE_LINE_NOTE };

/* A row holds one text a column, a heading or a note one text. */
struct table_line {
    enum table_line_kind kind;
    char **texts;
};

struct table {
    struct table_column *columns; /* the names are owned */
    size_t column_count;
    struct table_line *lines;
    size_t line_count;
    size_t line_room;
};

#endif
