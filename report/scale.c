/* See scale.h. People get units and one candidate a group; CSV gets plain numbers. */
#include "report/scale.h"

#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#include <stdlib.h>
#include <string.h>

#define CELL_BYTES      320
#define COLUMN_LIMIT    12
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct sheet {
    struct table *table;
    bool machine; /* for CSV */
    bool good;
    char cells[COLUMN_LIMIT][CELL_BYTES];
    size_t used;
};

static double number_of(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(row, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static const char *text_of(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(row, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void put_text(struct sheet *sheet, const char *text)
{
    snprintf(sheet->cells[sheet->used++], CELL_BYTES, "%s", text);
}

/* Below 0 is no number. */
static void put_number(struct sheet *sheet, double value)
{
    if (value < 0)
        put_text(sheet, "-");
    else
        snprintf(sheet->cells[sheet->used++], CELL_BYTES,
                 value >= 1000  ? "%.0f"
                 : value >= 100 ? "%.1f"
                                : "%.3g",
                 value);
}

static void put_share(struct sheet *sheet, double value)
{
    if (value < 0)
        put_text(sheet, "-");
    else
        snprintf(sheet->cells[sheet->used++], CELL_BYTES, "%.2f", value);
}

static void put_bytes(struct sheet *sheet, double value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (value < 0 || sheet->machine) {
        put_text(sheet, "-");
        if (value >= 0)
            snprintf(sheet->cells[sheet->used - 1], CELL_BYTES, "%.0f", value);
        return;
    }
    for (; value >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        value /= 1024;
    snprintf(sheet->cells[sheet->used++], CELL_BYTES, value >= 100 ? "%.0f %s" : "%.3g %s", value,
             units[unit]);
}

static void end_row(struct sheet *sheet)
{
    const char *cells[COLUMN_LIMIT];
    for (size_t i = 0; i < sheet->used; i++)
        cells[i] = sheet->cells[i];
    sheet->good = sheet->good && table_add_row(sheet->table, cells);
    sheet->used = 0;
}

static void sheet_begin(struct sheet *sheet, const struct table_column *columns, size_t column_count,
                        const char *heading)
{
    sheet->table = table_create(columns, column_count);
    sheet->used = 0;
    sheet->good = sheet->table != NULL && table_add_heading(sheet->table, heading);
}

static bool sheet_end(struct sheet *sheet, const char *note, enum report_format format, bool colour,
                      FILE *out)
{
    bool good = sheet->good && (note == NULL || table_add_note(sheet->table, note)) &&
                table_print(sheet->table, format, colour, out);
    table_destroy(sheet->table);
    sheet->table = NULL;
    return good;
}

/* --- the three tables --- */

static void memory_row(struct sheet *sheet, const cJSON *row)
{
    char note[CELL_BYTES];
    const char *reason = text_of(row, "reason");
    bool stopped = strcmp(text_of(row, "status"), "ok") != 0;
    double touched = number_of(row, "metadata_touched_bytes");
    double frames = number_of(row, "frames");
    put_text(sheet, text_of(row, "candidate"));
    put_bytes(sheet, number_of(row, "memory_bytes"));
    put_number(sheet, number_of(row, "init_ms"));
    put_bytes(sheet, number_of(row, "metadata_reserved_bytes"));
    put_bytes(sheet, number_of(row, "metadata_touched_init_bytes"));
    put_bytes(sheet, touched);
    put_number(sheet, touched < 0 || frames <= 0 ? -1 : touched / frames);
    put_number(sheet, number_of(row, "repeat_ns"));
    put_number(sheet, number_of(row, "replace_ns"));
    put_number(sheet, number_of(row, "repeat_order9_ns"));
    if (stopped)
        snprintf(note, sizeof(note), "stops here: %.300s", reason);
    else
        snprintf(note, sizeof(note), "%s",
                 cJSON_IsTrue(cJSON_GetObjectItem(row, "contents")) ? "contents count as metadata" : "");
    put_text(sheet, note);
    end_row(sheet);
}

static bool print_memory(const cJSON *document, struct sheet *sheet, enum report_format format, bool colour,
                         FILE *out)
{
    static const struct table_column columns[] = {{"candidate", TABLE_LEFT},
                                                  {"machine", TABLE_RIGHT},
                                                  {"init ms", TABLE_RIGHT},
                                                  {"reserved", TABLE_RIGHT},
                                                  {"touched by init", TABLE_RIGHT},
                                                  {"touched", TABLE_RIGHT},
                                                  {"touched B/frame", TABLE_RIGHT},
                                                  {"repeat ns", TABLE_RIGHT},
                                                  {"replace ns", TABLE_RIGHT},
                                                  {"order 9 ns", TABLE_RIGHT},
                                                  {"note", TABLE_LEFT}};
    const cJSON *row;
    sheet_begin(sheet, columns, COUNT_OF(columns),
                "Memory: init, metadata as the kernel counts it resident, ns/op on 1 CPU");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "memory")) memory_row(sheet, row);
    return sheet_end(sheet, NULL, format, colour, out);
}

static void put_fit(struct sheet *sheet, const cJSON *row, const char *key)
{
    const cJSON *fit = cJSON_GetObjectItem(row, key);
    const cJSON *exponent = cJSON_GetObjectItem(fit, "exponent");
    if (!cJSON_IsNumber(exponent))
        put_text(sheet, "-");
    else if (sheet->machine)
        snprintf(sheet->cells[sheet->used++], CELL_BYTES, "%.3f", exponent->valuedouble);
    else
        snprintf(sheet->cells[sheet->used++], CELL_BYTES, "n^%.2f (%.0f)", exponent->valuedouble,
                 number_of(fit, "points"));
}

static bool print_growth(const cJSON *document, struct sheet *sheet, enum report_format format, bool colour,
                         FILE *out)
{
    static const struct table_column columns[] = {{"candidate", TABLE_LEFT},
                                                  {"init", TABLE_RIGHT},
                                                  {"metadata touched", TABLE_RIGHT},
                                                  {"repeat", TABLE_RIGHT},
                                                  {"replace", TABLE_RIGHT}};
    static const char *const keys[] = {"init", "metadata", "repeat", "replace"};
    const cJSON *row;
    sheet_begin(sheet, columns, COUNT_OF(columns),
                "Growth: the power of the machine's frames n, fitted over (so many) machines");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "growth"))
    {
        put_text(sheet, text_of(row, "candidate"));
        for (size_t i = 0; i < COUNT_OF(keys); i++)
            put_fit(sheet, row, keys[i]);
        end_row(sheet);
    }
    return sheet_end(sheet, NULL, format, colour, out);
}

static void put_pattern(struct sheet *sheet, const cJSON *row, const char *key)
{
    const cJSON *pattern = cJSON_GetObjectItem(row, key);
    put_share(sheet, number_of(pattern, "locked_per_call"));
    put_share(sheet, number_of(pattern, "cas_failed_per_call"));
    put_share(sheet, number_of(pattern, "spins_per_call"));
}

static bool print_cpus(const cJSON *document, struct sheet *sheet, enum report_format format, bool colour,
                       FILE *out)
{
    static const struct table_column columns[] = {
        {"candidate", TABLE_LEFT},    {"CPUs", TABLE_RIGHT},
        {"repeat ns", TABLE_RIGHT},   {"repeat locked", TABLE_RIGHT},
        {"failed CAS", TABLE_RIGHT},  {"spins", TABLE_RIGHT},
        {"bulk locked", TABLE_RIGHT}, {"bulk failed CAS", TABLE_RIGHT},
        {"bulk spins", TABLE_RIGHT},  {"note", TABLE_LEFT}};
    char heading[CELL_BYTES];
    const cJSON *row;
    snprintf(
        heading, sizeof(heading),
        "CPUs: ns a pair on the %.0f real ones; counts a call on virtual ones, taking turns at each atomic "
        "access",
        number_of(document, "real_cpus"));
    sheet_begin(sheet, columns, COUNT_OF(columns), heading);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "cpus"))
    {
        const char *reason = text_of(row, "reason");
        put_text(sheet, text_of(row, "candidate"));
        put_number(sheet, number_of(row, "cpus"));
        put_number(sheet, number_of(row, "repeat_ns"));
        put_pattern(sheet, row, "repeat");
        put_pattern(sheet, row, "bulk");
        if (reason[0] == '\0')
            reason = text_of(row, "sim_reason");
        put_text(sheet, reason[0] != '\0' ? reason : text_of(row, "sim_note"));
        end_row(sheet);
    }
    return sheet_end(sheet, NULL, format, colour, out);
}

int report_scale_print(const cJSON *document, enum report_format format, bool colour, FILE *out,
                       struct report_error *error)
{
    struct sheet sheet = {.machine = format == REPORT_CSV};
    report_error_set(error, "cannot print, the output, expected one that takes it");
    if (format == REPORT_JSON)
        return output_is_done(result_print(document, out), out) ? 0 : -1;
    bool good = print_memory(document, &sheet, format, colour, out);
    fputc('\n', out);
    good = good && print_growth(document, &sheet, format, colour, out);
    fputc('\n', out);
    good = good && print_cpus(document, &sheet, format, colour, out);
    return output_is_done(good && !ferror(out), out) ? 0 : -1;
}
