/* See noise.h. A twin's rows meet those of its original round by round; what they differ by is pooled over
 * the cells of a workload, and of a section for the workloads that have too little of their own. A pool knows
 * nothing of a cell that is noisier than its neighbours: its own repetitions count, too. */
#include "report/noise.h"

#include "report/cells.h"
#include "report/result.h"
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OWN_PAIRS_LEAST 5u /* fewer speak for the section only */

struct sample {
    const char *name;
    double round;
    double ns;
};

struct pair {
    const char *workload;
    const char *section;
    const char *shape;
    double log;
};

struct pairs {
    struct pair *list;
    size_t count;
    double *logs; /* room for as many */
};

static int sample_compare(const void *left, const void *right)
{
    const struct sample *a = left;
    const struct sample *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : (a->round > b->round) - (a->round < b->round);
}

/* Every repetition that went well, for a search by name and round. */
static struct sample *samples_collect(const cJSON *rows, size_t *count)
{
    struct sample *list = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *list);
    const cJSON *row = NULL;

    *count = 0;
    cJSON_ArrayForEach(row, rows)
    {
        struct sample sample = {.name = result_text(row, "run_name")};

        if (list != NULL && strcmp(result_text(row, "status"), "ok") == 0 &&
            strcmp(result_text(row, "run_type"), "iteration") == 0 &&
            result_number(row, "repetition_index", &sample.round) &&
            result_number(row, "real_time", &sample.ns) && sample.ns > 0) {
            list[(*count)++] = sample;
        }
    }
    if (list != NULL) {
        qsort(list, *count, sizeof *list, sample_compare);
    }
    return list;
}

/* The end of a cell's name that says its order and CPUs, "/order:0/cpus:1". */
static const char *shape_of(const char *name)
{
    const char *order = strstr(name, "/order:");
    const char *cpus = strstr(name, "/cpus:");

    return order != NULL ? order : cpus != NULL ? cpus : "";
}

/* False: no memory, and nothing to free. */
static bool pairs_collect(const cJSON *result, struct pairs *pairs)
{
    const cJSON *twins = cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "twins");
    const cJSON *twin = NULL;
    size_t room = (size_t)cJSON_GetArraySize(twins) + 1;
    size_t count = 0;
    struct sample *samples = samples_collect(cJSON_GetObjectItemCaseSensitive(result, "benchmarks"), &count);

    *pairs = (struct pairs){.list = calloc(room, sizeof *pairs->list), .logs = calloc(room, sizeof(double))};
    if (samples == NULL || pairs->list == NULL || pairs->logs == NULL) {
        free(samples);
        free(pairs->list);
        free(pairs->logs);
        return false;
    }
    cJSON_ArrayForEach(twin, twins)
    {
        struct sample key = {.name = result_text(twin, "run_name")};

        if (!result_number(twin, "repetition_index", &key.round) ||
            !result_number(twin, "real_time", &key.ns) || key.ns <= 0) {
            continue;
        }

        const struct sample *original = bsearch(&key, samples, count, sizeof *samples, sample_compare);

        if (original != NULL) {
            pairs->list[pairs->count++] = (struct pair){.workload = result_text(twin, "workload"),
                                                        .section = result_text(twin, "section"),
                                                        .shape = shape_of(key.name),
                                                        .log = log(key.ns / original->ns)};
        }
    }
    free(samples);
    return true;
}

static void pairs_free(struct pairs *pairs)
{
    free(pairs->list);
    free(pairs->logs);
}

/* Into pairs->logs: those of the workload, or of its section where these are too few; none where none is its
 * own. */
static size_t logs_of(const struct pairs *pairs, const char *workload, const char *section)
{
    size_t count = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->list[i].workload, workload) == 0) {
            pairs->logs[count++] = pairs->list[i].log;
        }
    }
    if (count == 0 || count >= OWN_PAIRS_LEAST) {
        return count;
    }
    count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->list[i].section, section) == 0) {
            pairs->logs[count++] = pairs->list[i].log;
        }
    }
    return count;
}

/* The same for the cells of one shape, so that calmer ones do not hide what these are like. */
static size_t logs_of_shape(const struct pairs *pairs, const char *workload, const char *shape)
{
    size_t count = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->list[i].workload, workload) == 0 && strcmp(pairs->list[i].shape, shape) == 0) {
            pairs->logs[count++] = pairs->list[i].log;
        }
    }
    return count;
}

/* The same question is asked for each candidate of a workload. */
struct answers {
    struct answer {
        const char *workload;
        const char *shape;
        size_t rounds;
        double noise;
    } *list;
    size_t count;
};

/* Of the twins; 0: there are none. */
static double noise_of_twins(const struct pairs *pairs, struct answers *answers,
                             const struct report_cell *cell)
{
    const char *shape = shape_of(cell->name);

    for (size_t i = 0; i < answers->count; i++) {
        if (answers->list[i].rounds == cell->sample_count &&
            strcmp(answers->list[i].workload, cell->workload) == 0 &&
            strcmp(answers->list[i].shape, shape) == 0) {
            return answers->list[i].noise;
        }
    }

    size_t logs = logs_of(pairs, cell->workload, result_text(cell->row, "section"));
    double noise = statistics_noise(pairs->logs, logs, cell->sample_count);

    logs = logs_of_shape(pairs, cell->workload, shape);
    noise = fmax(noise, statistics_noise_drawn(pairs->logs, logs, cell->sample_count));
    answers->list[answers->count++] = (struct answer){cell->workload, shape, cell->sample_count, noise};
    return noise;
}

static double noise_for(const struct pairs *pairs, struct answers *answers, const struct report_cell *cell)
{
    double noise = noise_of_twins(pairs, answers, cell);

    return noise > 0 ? fmax(noise, statistics_noise_own(cell->samples, cell->sample_count)) : 0;
}

static void set_number(cJSON *object, const char *key, bool there, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (there) {
        cJSON_AddNumberToObject(object, key, value);
    }
}

static void annotate_cell(const struct report_cell *cell, double noise)
{
    cJSON *row = (cJSON *)cell->row; /* of the caller's result, which is being written */
    struct statistics_interval interval = {0, 0};
    bool known = statistics_median_interval(cell->samples, cell->sample_count, &interval);

    set_number(row, "noise", noise > 0, noise);
    set_number(row, "ci_low", known, interval.low);
    set_number(row, "ci_high", known, interval.high);
    cJSON_DeleteItemFromObjectCaseSensitive(row, "bimodal");
    if (statistics_bimodal(cell->samples, cell->sample_count)) {
        cJSON_AddTrueToObject(row, "bimodal");
    }
}

/* What the twins of each workload gave, in the order of the file. */
static void list_workloads(cJSON *ours, const struct pairs *pairs)
{
    cJSON_DeleteItemFromObjectCaseSensitive(ours, "noise");

    cJSON *list = pairs->count == 0 ? NULL : cJSON_AddArrayToObject(ours, "noise");

    for (size_t i = 0; list != NULL && i < pairs->count; i++) {
        const char *workload = pairs->list[i].workload;
        size_t count = 0;
        bool first = true;

        for (size_t k = 0; k < pairs->count; k++) {
            if (strcmp(pairs->list[k].workload, workload) == 0) {
                first = first && k >= i;
                pairs->logs[count++] = fabs(pairs->list[k].log);
            }
        }
        if (first) {
            cJSON *entry = cJSON_CreateObject();

            cJSON_AddStringToObject(entry, "workload", workload);
            cJSON_AddNumberToObject(entry, "pairs", (double)count);
            cJSON_AddNumberToObject(entry, "median_difference", expm1(statistics_median(pairs->logs, count)));
            cJSON_AddItemToArray(list, entry);
        }
    }
}

void noise_annotate(cJSON *result)
{
    struct report_cells cells;
    struct pairs pairs;

    if (result_pagelab(result) == NULL || !cells_collect(result, &cells)) {
        return;
    }

    struct answers answers = {.list = calloc(cells.count + 1, sizeof *answers.list)};

    if (answers.list != NULL && pairs_collect(result, &pairs)) {
        for (size_t i = 0; i < cells.count; i++) {
            const struct report_cell *cell = &cells.list[i];

            if (cell_ok(cell) && strcmp(result_text(cell->row, "run_type"), "aggregate") == 0) {
                annotate_cell(cell, noise_for(&pairs, &answers, cell));
            }
        }
        list_workloads((cJSON *)result_pagelab(result), &pairs);
        pairs_free(&pairs);
    }
    free(answers.list);
    cells_free(&cells);
}
