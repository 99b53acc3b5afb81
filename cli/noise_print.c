/* See noise_print.h. */
#include "cli/noise_print.h"

#include <stdlib.h>
#include <string.h>

#include "bench/twins.h"
#include "report/output.h"
#include "report/result.h"
#include "report/trial.h"

static const struct table_column columns[] = {
    {"workload", TABLE_LEFT},       {"jobs", TABLE_RIGHT},     {"false alarms", TABLE_RIGHT},
    {"planted %", TABLE_RIGHT},     {"95 % low", TABLE_RIGHT}, {"95 % high", TABLE_RIGHT},
    {"found", TABLE_RIGHT},         {"noise %", TABLE_RIGHT},  {"smallest found %", TABLE_RIGHT},
    {"what was asked", TABLE_LEFT}, {"candidate", TABLE_LEFT}, {"rounds", TABLE_RIGHT},
    {"marks", TABLE_LEFT},
};

/* The last ones are for machines; people have them in the notes. */
#define PEOPLE_COLUMNS (PL_COUNT_OF(columns) - 3)

/* False: not four lists of so many times above 0. */
static bool read_job(const cJSON *lists, size_t rounds, struct twins_job *job)
{
    for (int role = 0; role < TWINS_ROLES; role++) {
        const cJSON *list = cJSON_GetArrayItem(lists, role);
        const cJSON *item;
        size_t i = 0;
        if ((size_t)cJSON_GetArraySize(list) != rounds)
            return false;
        cJSON_ArrayForEach(item, list)
        {
            job->samples[role][i] = cJSON_IsNumber(item) ? item->valuedouble : 0;
            if (!(job->samples[role][i++] > 0))
                return false;
        }
    }
    return true;
}

/* The verdicts on all jobs of an entry, the caller's to free; NULL: one of them is none, or no memory. */
static struct trial_verdict *judge(const cJSON *entry, size_t rounds, size_t *count)
{
    const cJSON *jobs = cJSON_GetObjectItem(entry, "jobs");
    const cJSON *lists;
    struct twins_job job;
    struct trial_verdict *verdicts = calloc((size_t)cJSON_GetArraySize(jobs) + 1, sizeof(*verdicts));
    *count = 0;
    cJSON_ArrayForEach(lists, jobs)
    {
        if (verdicts == NULL || !read_job(lists, rounds, &job)) {
            free(verdicts);
            return NULL;
        }
        verdicts[(*count)++] =
            trial_judge(&(struct trial_job){job.samples[TWINS_ONE], job.samples[TWINS_TWIN],
                                            job.samples[TWINS_SAME], job.samples[TWINS_SLOW]},
                        rounds);
    }
    return verdicts;
}

static void keep_sum(cJSON *entry, const struct trial_sum *sum)
{
    const struct {
        const char *key;
        double value;
    } fields[] = {
        {"false_alarms", (double)sum->alarms},   {"found", (double)sum->found},
        {"planted", sum->planted - 1},           {"planted_low", sum->planted_low - 1},
        {"planted_high", sum->planted_high - 1}, {"noise", sum->noise},
        {"smallest_found", sum->smallest},
    };
    for (size_t i = 0; i < PL_COUNT_OF(fields); i++) {
        cJSON_DeleteItemFromObject(entry, fields[i].key);
        cJSON_AddNumberToObject(entry, fields[i].key, fields[i].value);
    }
}

/* A line; *missed is set where less came than was asked. */
static bool add_line(struct table *table, const cJSON *root, const char *workload,
                     const struct trial_sum *sum, double asked, bool *missed)
{
    enum { NUMBERS = 9 };
    const cJSON *trial = cJSON_GetObjectItem(root, "noise_trial");
    char marks[512];
    double rounds = 0;
    char texts[NUMBERS][32];
    char planted[64];
    enum trial_answer answer = trial_answer(sum, strcmp(workload, "replace") == 0 ? 0 : asked);
    *missed = *missed || (answer != TRIAL_MET && answer != TRIAL_MET_SMALLEST);
    snprintf(planted, sizeof(planted), "not judged: %.1f %% was planted", 100 * (sum->planted - 1));
    const char *const words[] = {
        [TRIAL_MET] = "met",
        [TRIAL_MET_SMALLEST] = "met: the smallest is what is asked for",
        [TRIAL_ALARMS] = "missed: equals were told apart",
        [TRIAL_TOO_FEW] = "missed: too few were found",
        [TRIAL_NOTHING] = "missed: nothing can be told apart",
        [TRIAL_PLANTED_MORE] = planted,
    };
    snprintf(texts[0], sizeof(texts[0]), "%zu", sum->jobs);
    snprintf(texts[1], sizeof(texts[1]), "%zu", sum->alarms);
    snprintf(texts[2], sizeof(texts[2]), "%.1f", 100 * (sum->planted - 1));
    snprintf(texts[3], sizeof(texts[3]), "%.1f", 100 * (sum->planted_low - 1));
    snprintf(texts[4], sizeof(texts[4]), "%.1f", 100 * (sum->planted_high - 1));
    snprintf(texts[5], sizeof(texts[5]), "%zu", sum->found);
    snprintf(texts[6], sizeof(texts[6]), "%.1f", 100 * sum->noise);
    snprintf(texts[7], sizeof(texts[7]), "%.1f", 100 * sum->smallest);
    result_number(trial, "rounds", &rounds);
    result_marks(root, marks, sizeof(marks));
    snprintf(texts[8], sizeof(texts[8]), "%.0f", rounds);
    const char *cells[] = {workload,
                           texts[0],
                           texts[1],
                           texts[2],
                           texts[3],
                           texts[4],
                           texts[5],
                           texts[6],
                           texts[7],
                           words[answer],
                           result_text(trial, "candidate"),
                           texts[8],
                           marks};
    return table_add_row(table, cells);
}

static bool add_notes(struct table *table, const cJSON *root)
{
    const cJSON *trial = cJSON_GetObjectItem(root, "noise_trial");
    const char *mark;
    char text[512];
    double rounds = 0;
    result_number(trial, "rounds", &rounds);
    snprintf(
        text, sizeof(text),
        "%s, order 0, 1 CPU, %.0f rounds a job; each job's noise is its own twins'. Asked: at most 1 false "
        "alarm in 100, 95 of 100 slow-downs of 15 %% found; of replace the smallest that 95 of 100 find.",
        result_text(trial, "candidate"), rounds);
    if (!table_add_note(table, text))
        return false;
    for (int i = 0; (mark = result_mark(root, i)) != NULL; i++) {
        snprintf(text, sizeof(text), "Marked: %.400s", mark);
        if (!table_add_note(table, text))
            return false;
    }
    return true;
}

int noise_print(cJSON *root, enum report_format format, bool colour, FILE *out, struct report_error *error)
{
    const cJSON *trial = cJSON_GetObjectItem(root, "noise_trial");
    bool machines = format == REPORT_JSON || format == REPORT_CSV;
    struct table *table = table_create(columns, machines ? PL_COUNT_OF(columns) : PEOPLE_COLUMNS);
    cJSON *entry;
    double rounds = 0;
    double asked = 15; /* per cent */
    bool good = table != NULL;
    bool missed = false;
    snprintf(error->line, sizeof(error->line), "no memory, printing, expected a few megabytes");
    result_number(trial, "rounds", &rounds);
    result_number(trial, "planted_per_cent", &asked);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(trial, "workloads"))
    {
        size_t count = 0;
        struct trial_verdict *verdicts =
            rounds >= 1 && rounds <= TWINS_ROUNDS_MAX ? judge(entry, (size_t)rounds, &count) : NULL;
        if (verdicts == NULL) {
            snprintf(error->line, sizeof(error->line),
                     "no job, noise_trial, four lists of as many times as there are rounds expected");
            good = false;
        } else if (count != 0 && good) {
            struct trial_sum sum = trial_sum(verdicts, count);
            keep_sum(entry, &sum);
            good = add_line(table, root, result_text(entry, "workload"), &sum, asked / 100, &missed);
        }
        free(verdicts);
    }
    good = good && add_notes(table, root) && output_is_done(table_print(table, format, colour, out), out);
    table_destroy(table);
    return good ? missed : -1;
}
