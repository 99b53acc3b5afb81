/* See print_numbers.h. */
#include "report/print_numbers.h"

#include "report/result.h"

#include <stdio.h>
#include <string.h>

/* For people three significant digits, and no exponent while the number fits a column; for machines all that
 * count. */
static void number_format(double value, bool machine, char text[CELL_TEXT_MAX])
{
    double size = value < 0 ? -value : value;
    int decimals = size >= 100 || value == 0 ? 0 : size >= 10 ? 1 : 2;

    if (machine) {
        snprintf(text, CELL_TEXT_MAX, "%.9g", value);
    } else if (size >= 1e9 || (size > 0 && size < 0.005)) {
        snprintf(text, CELL_TEXT_MAX, "%.2e", value);
    } else {
        snprintf(text, CELL_TEXT_MAX, "%.*f", decimals, value);
    }
}

void field_format(const cJSON *row, const char *key, bool machine, char text[CELL_TEXT_MAX])
{
    double value = 0;

    if (result_number(row, key, &value)) {
        number_format(value, machine, text);
    } else {
        strcpy(text, "-");
    }
}

void field_format_whole(const cJSON *row, const char *key, char text[CELL_TEXT_MAX])
{
    double value = 0;

    if (result_number(row, key, &value)) {
        snprintf(text, CELL_TEXT_MAX, "%.0f", value);
    } else {
        strcpy(text, "-");
    }
}

/* Mostly whole for people: an operation makes two calls, or none. */
static void calls_format(const cJSON *row, bool machine, char text[CELL_TEXT_MAX])
{
    double calls = 0;
    bool whole = result_number(row, "allocator_calls", &calls) && calls >= 0 && calls < 1e9 &&
                 calls == (double)(long long)calls;

    if (whole) {
        snprintf(text, CELL_TEXT_MAX, "%.0f", calls);
    } else {
        field_format(row, "allocator_calls", machine, text);
    }
}

/*
 * Times and ratios need an ok cell, ratios rods that are not void as well. Of the rest a failed cell still
 * tells what the shadow model saw (the share of memory it reached); one that never ran to its end (crashed,
 * timeout, n/a) tells nothing.
 */
void cell_numbers_fill(struct cell_numbers *numbers, const struct report_cell *cell, bool ratios_count,
                       bool machine)
{
    bool counted = cell_ok(cell) || strcmp(cell->status, "failed") == 0;
    const cJSON *counts = counted ? cell->row : NULL;
    const cJSON *ratios = cell_ok(cell) && ratios_count ? cell->row : NULL;

    if (cell_ok(cell)) {
        number_format(cell->ns, machine, numbers->ns);
    } else {
        strcpy(numbers->ns, "-");
    }
    field_format(ratios, "ratio_to_floor", machine, numbers->floor_ratio);
    field_format(ratios, "ratio_to_magazine", machine, numbers->magazine_ratio);
    calls_format(cell_ok(cell) ? cell->row : NULL, machine, numbers->calls);
    field_format_whole(counts, "failures", numbers->failures);
    field_format(counts, "occupancy", machine, numbers->occupancy);
    field_format(counts, "metadata_bytes_per_frame", machine, numbers->metadata);
    field_format_whole(counts, "largest_free_order", numbers->largest);
}
