/* The rows of pagelab masked. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/masked.h"
#include "report/table.h"

enum { CANDIDATE, SEEDS, WORST, MEDIAN, LONGEST, FUNCTION, OPERATION, FRAMES, PROGRAM, TRIED, NOTE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [CANDIDATE] = {"candidate", TABLE_LEFT},
    [SEEDS] = {"seeds_instructions", TABLE_RIGHT},
    [WORST] = {"worst_instructions", TABLE_RIGHT},
    [MEDIAN] = {"ns_median", TABLE_RIGHT},
    [LONGEST] = {"ns_longest", TABLE_RIGHT},
    [FUNCTION] = {"masked_in", TABLE_LEFT},
    [OPERATION] = {"operation", TABLE_LEFT},
    [FRAMES] = {"frames", TABLE_RIGHT},
    [PROGRAM] = {"program", TABLE_LEFT},
    [TRIED] = {"programs_tried", TABLE_RIGHT},
    [NOTE] = {"note", TABLE_LEFT},
};

static void number(bool known, uint64_t value, char text[32])
{
    if (known)
        snprintf(text, 32, "%" PRIu64, value);
    else
        snprintf(text, 32, "-");
}

static void add_row(struct table *table, const struct masked_row *row)
{
    const struct masked_found *worst = &row->worst;
    char texts[COLUMNS][32];
    char operation[160] = "-";
    bool masks = worst->ran != 0 && worst->section.instructions != 0;
    number(row->seeds.ran != 0, row->seeds.section.instructions, texts[SEEDS]);
    number(worst->ran != 0 || worst->section.instructions != 0, worst->section.instructions, texts[WORST]);
    number(masks, worst->ns.median, texts[MEDIAN]);
    number(masks, worst->ns.longest, texts[LONGEST]);
    number(worst->ran != 0, worst->frames, texts[FRAMES]);
    number(row->tried != 0, row->tried, texts[TRIED]);
    if (masks)
        snprintf(operation, sizeof(operation), "%" PRIu32 ": %s", worst->section.op, worst->operation);
    const char *cells[COLUMNS] = {
        [CANDIDATE] = row->spec->name,
        [SEEDS] = texts[SEEDS],
        [WORST] = texts[WORST],
        [MEDIAN] = texts[MEDIAN],
        [LONGEST] = texts[LONGEST],
        [FUNCTION] = masks ? worst->function : "-",
        [OPERATION] = operation,
        [FRAMES] = texts[FRAMES],
        [PROGRAM] = row->program[0] != '\0' ? row->program : "-",
        [TRIED] = texts[TRIED],
        [NOTE] = row->words,
    };
    table_add_row(table, cells);
}

void masked_print(const struct masked_row *rows, uint32_t row_count, enum report_format format)
{
    struct table *table = table_create(columns, COLUMNS);
    for (uint32_t i = 0; table != NULL && i < row_count; i++)
        add_row(table, &rows[i]);
    if (table != NULL) {
        table_add_note(table,
                       "the longest masked section of a call, in instructions of this build; ns on this "
                       "machine as it is now, a read of the clock in them");
        table_print(table, format, false, stdout);
    }
    table_destroy(table);
}
