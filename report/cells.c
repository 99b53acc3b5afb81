/* Gathering rows into cells: sort the rows by name, take each run of one name, and let one row of it speak.
 */
#include "report/cells.h"

#include "report/result.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct row_place {
    const cJSON *row;
    const char *name;
    size_t place;
};

/* Google Benchmark keeps the cell's name in run_name; a row without one stands alone. */
static const char *row_cell_name(const cJSON *row)
{
    const char *name = result_text(row, "run_name");

    return name[0] != '\0' ? name : result_text(row, "name");
}

static int row_place_compare(const void *left, const void *right)
{
    const struct row_place *a = left;
    const struct row_place *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static bool row_is_aggregate(const cJSON *row)
{
    return strcmp(result_text(row, "run_type"), "aggregate") == 0;
}

static bool row_is_median(const cJSON *row)
{
    return row_is_aggregate(row) && strcmp(result_text(row, "aggregate_name"), "median") == 0;
}

static double row_ns(const cJSON *row)
{
    const char *unit = result_text(row, "time_unit");
    double time = 0;

    result_number(row, "real_time", &time);
    if (strcmp(unit, "us") == 0) {
        return time * 1e3;
    }
    if (strcmp(unit, "ms") == 0) {
        return time * 1e6;
    }
    return strcmp(unit, "s") == 0 ? time * 1e9 : time;
}

/* A row that claims "ok" and an error at once is failed; so is one that says "ok" without a time. */
static const char *row_status(const cJSON *row)
{
    const char *status = result_text(row, "status");
    bool error = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "error_occurred"));

    if (status[0] != '\0' && strcmp(status, "ok") != 0) {
        return status;
    }
    return error || row_ns(row) <= 0 ? "failed" : "ok";
}

static bool row_ok(const cJSON *row)
{
    return strcmp(row_status(row), "ok") == 0;
}

static const char *row_reason(const cJSON *row)
{
    const char *reason = result_text(row, "reason");

    return reason[0] != '\0' ? reason : result_text(row, "error_message");
}

static bool segment_is(const char *segment, size_t length, const char *prefix)
{
    return length >= strlen(prefix) && strncmp(segment, prefix, strlen(prefix)) == 0;
}

/* What Google Benchmark appends by itself, and what a cell holds in fields of its own, is no variant. */
static bool segment_is_known(const char *segment, size_t length)
{
    static const char *const known[] = {"order:",      "cpus:",       "threads:",   "repeats:",
                                        "iterations:", "min_time:",   "min_warmup", "real_time",
                                        "manual_time", "process_time"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (segment_is(segment, length, known[i])) {
            return true;
        }
    }
    return false;
}

/* The name is workload/candidate/key:value...; workload and candidate may hold a slash themselves. */
static void cell_set_variant(struct report_cell *cell)
{
    size_t workload_length = strlen(cell->workload);
    size_t candidate_length = strlen(cell->candidate);
    const char *at = cell->name;
    size_t used = 0;

    if (strncmp(at, cell->workload, workload_length) != 0 || at[workload_length] != '/' ||
        strncmp(at + workload_length + 1, cell->candidate, candidate_length) != 0) {
        return;
    }
    at += workload_length + 1 + candidate_length;
    while (*at == '/') {
        size_t length = strcspn(++at, "/");

        if (length > 0 && !segment_is_known(at, length) && used + length + 2 < sizeof cell->variant) {
            if (used > 0) {
                cell->variant[used++] = ' ';
            }
            memcpy(cell->variant + used, at, length);
            used += length;
        }
        at += length;
    }
    cell->variant[used] = '\0';
}

static int double_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* The middle repetition, an odd one out preferred to an invented mean. False: no memory. */
static bool cell_set_middle(struct report_cell *cell)
{
    double *sorted = malloc(cell->sample_count * sizeof *sorted);

    if (sorted == NULL) {
        return false;
    }
    memcpy(sorted, cell->samples, cell->sample_count * sizeof *sorted);
    qsort(sorted, cell->sample_count, sizeof *sorted, double_compare);
    cell->ns = sorted[(cell->sample_count - 1) / 2];
    free(sorted);
    return true;
}

static const cJSON *rows_choose(const struct row_place *rows, size_t count)
{
    const cJSON *median = NULL;
    const cJSON *failed = NULL;
    const cJSON *plain = NULL;

    for (size_t i = 0; i < count; i++) {
        if (row_is_aggregate(rows[i].row) && !row_is_median(rows[i].row)) {
            continue;
        }
        if (row_is_median(rows[i].row)) {
            median = rows[i].row;
        } else if (plain == NULL) {
            plain = rows[i].row;
        }
        if (failed == NULL && !row_ok(rows[i].row)) {
            failed = rows[i].row;
        }
    }
    if (median != NULL && (failed == NULL || !row_ok(median))) {
        return median; /* a median that failed knows more of the cell than the repetition that failed it */
    }
    return failed != NULL ? failed : plain;
}

static void cell_free(struct report_cell *cell)
{
    free(cell->samples);
    free((void *)cell->rounds);
}

/* False: no memory, and the cell owns nothing. */
static bool cell_fill(struct report_cell *cell, const cJSON *speaker, const struct row_place *rows,
                      size_t count)
{
    *cell = (struct report_cell){.row = speaker, .name = rows[0].name, .order = -1, .cpus = -1};
    cell->candidate = result_text(speaker, "candidate");
    cell->workload = result_text(speaker, "workload");
    cell->status = row_status(speaker);
    cell->reason = row_reason(speaker);
    cell->first_row = rows[0].place;
    result_number(speaker, "order", &cell->order);
    result_number(speaker, "cpus", &cell->cpus);
    cell_set_variant(cell);

    cell->samples = malloc(count * sizeof *cell->samples);
    cell->rounds = (const cJSON **)malloc(count * sizeof *cell->rounds);
    if (cell->samples == NULL || cell->rounds == NULL) {
        cell_free(cell);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!row_is_aggregate(rows[i].row) && row_ok(rows[i].row)) {
            cell->rounds[cell->sample_count] = rows[i].row;
            cell->samples[cell->sample_count++] = row_ns(rows[i].row);
        }
    }
    if (cell_ok(cell)) {
        cell->ns = row_ns(speaker);
        if (!row_is_median(speaker) && !cell_set_middle(cell)) {
            cell_free(cell);
            return false;
        }
    }
    return true;
}

bool cell_ok(const struct report_cell *cell)
{
    return strcmp(cell->status, "ok") == 0;
}

bool cells_any(const struct report_cells *cells, bool (*is)(const struct report_cell *cell))
{
    for (size_t i = 0; i < cells->count; i++) {
        if (is(&cells->list[i])) {
            return true;
        }
    }
    return false;
}

static int cell_place_compare(const void *left, const void *right)
{
    const struct report_cell *a = left;
    const struct report_cell *b = right;

    return (a->first_row > b->first_row) - (a->first_row < b->first_row);
}

static int cell_workload_compare(const void *left, const void *right)
{
    const struct report_cell *a = left;
    const struct report_cell *b = right;
    int order = strcmp(a->workload, b->workload);

    return order != 0 ? order : cell_place_compare(left, right);
}

/* What calibrates the machine is no answer to a reader's question, and comes after all that is. */
static bool workload_calibrates(const char *workload)
{
    return strncmp(workload, "calibrate-", strlen("calibrate-")) == 0;
}

/* Leaves the cells in the order of the file. */
static void cells_place_workloads(struct report_cells *cells, size_t row_count)
{
    if (cells->count == 0) {
        return;
    }
    qsort(cells->list, cells->count, sizeof *cells->list, cell_workload_compare);
    for (size_t i = 0; i < cells->count; i++) {
        bool first = i == 0 || strcmp(cells->list[i].workload, cells->list[i - 1].workload) != 0;

        cells->list[i].workload_place = first ? cells->list[i].first_row : cells->list[i - 1].workload_place;
        if (first && workload_calibrates(cells->list[i].workload)) {
            cells->list[i].workload_place += row_count;
        }
    }
    qsort(cells->list, cells->count, sizeof *cells->list, cell_place_compare);
}

static bool cells_fill(struct report_cells *cells, const struct row_place *rows, size_t row_count)
{
    for (size_t first = 0, next = 0; first < row_count; first = next) {
        while (next < row_count && strcmp(rows[next].name, rows[first].name) == 0) {
            next++;
        }
        assert(next > first);

        const cJSON *speaker = rows_choose(rows + first, next - first);

        if (speaker != NULL) {
            if (!cell_fill(&cells->list[cells->count], speaker, rows + first, next - first)) {
                return false;
            }
            cells->count++;
        }
    }
    return true;
}

bool cells_collect(const cJSON *result, struct report_cells *cells)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(result, "benchmarks");
    const cJSON *row = NULL;
    size_t row_count = 0;
    size_t row_room = (size_t)cJSON_GetArraySize(array) + 1; /* never zero, so that NULL means no memory */
    struct row_place *rows = calloc(row_room, sizeof *rows);

    *cells = (struct report_cells){.list = calloc(row_room, sizeof *cells->list)};
    if (rows == NULL || cells->list == NULL) {
        free(rows);
        cells_free(cells);
        return false;
    }
    cJSON_ArrayForEach(row, array)
    {
        rows[row_count] = (struct row_place){.row = row, .name = row_cell_name(row), .place = row_count};
        row_count++;
    }
    qsort(rows, row_count, sizeof *rows, row_place_compare);

    bool complete = cells_fill(cells, rows, row_count);

    free(rows);
    if (!complete) {
        cells_free(cells);
        return false;
    }
    cells_place_workloads(cells, row_count);
    return true;
}

void cells_free(struct report_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        cell_free(&cells->list[i]);
    }
    free(cells->list);
    *cells = (struct report_cells){0};
}

int cells_group_compare(const struct report_cell *a, const struct report_cell *b)
{
    if (a->workload_place != b->workload_place) {
        return a->workload_place > b->workload_place ? 1 : -1;
    }
    if (a->order != b->order) {
        return a->order > b->order ? 1 : -1;
    }
    if (a->cpus != b->cpus) {
        return a->cpus > b->cpus ? 1 : -1;
    }
    return strcmp(a->variant, b->variant);
}

static int cell_compare(const void *left, const void *right)
{
    const struct report_cell *a = left;
    const struct report_cell *b = right;
    int order = cells_group_compare(a, b);

    if (order != 0) {
        return order;
    }
    if (cell_ok(a) != cell_ok(b)) {
        return cell_ok(a) ? -1 : 1;
    }
    if (cell_ok(a) && a->ns != b->ns) {
        return a->ns > b->ns ? 1 : -1;
    }
    return cell_place_compare(left, right);
}

void cells_sort(struct report_cells *cells)
{
    if (cells->count > 0) {
        qsort(cells->list, cells->count, sizeof *cells->list, cell_compare);
    }
}

bool cells_same_group(const struct report_cell *a, const struct report_cell *b)
{
    return cells_group_compare(a, b) == 0;
}
