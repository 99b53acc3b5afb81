/* One process of the score: its command line, its time, and what became of it. */
#define _DEFAULT_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "engine/program.h"
#include "fuzz/campaign_files.h"
#include "fuzz/campaign_parse.h"
#include "fuzz/family.h"
#include "fuzz/score_internal.h"

#define LOG_BYTES         (8u << 20) /* a finding's schedule can be long */
#define INTERRUPTED       72         /* exit code of a libFuzzer that was asked to end */
#define WALL_FACTOR       20.0 /* a process that sleeps uses no core: it ends after this many times its seconds */
#define GRACE_S           2.0
#define DRIVER_TARGET     "pagelab-fuzz-mutants"
#define DRIVER_SCHEDULE   "pagelab-schedule-mutants"
#define DRIVER_THREADS    "pagelab-stress-mutants"
#define DRIVER_PLAIN      "pagelab-plain-mutants"
#define IS_SCHEDULE(name) (strncmp((name), "schedule-", 9) == 0)

static const char *const way_names[SCORE_WAY_COUNT] = {"target", "threads", "plain"};

bool score_path(const struct score_options *options, const char *what, const struct score_job *job,
                char path[SCORE_PATH_BYTES])
{
    int length = snprintf(path, SCORE_PATH_BYTES, "%s/%s/%s.%s.%u", options->out_dir, what, job->mutant->name,
                          way_names[job->way], job->seed);
    return length > 0 && length < (int)SCORE_PATH_BYTES;
}

bool score_driver(const struct score_options *options, const struct mutant *mutant, enum score_way way,
                  char path[SCORE_PATH_BYTES])
{
    const char *name = way == SCORE_THREADS          ? DRIVER_THREADS
                       : way == SCORE_PLAIN          ? DRIVER_PLAIN
                       : IS_SCHEDULE(mutant->target) ? DRIVER_SCHEDULE
                                                     : DRIVER_TARGET;
    int length = snprintf(path, SCORE_PATH_BYTES, "%s/%s", options->bin_dir, name);
    return length > 0 && length < (int)SCORE_PATH_BYTES;
}

/* What all programs find in their environment. */
struct surroundings {
    char mutant[160];
    char record[SCORE_PATH_BYTES + 32];
    char backend[200];
    char target[64];
    const char *entries[8];
};

static bool surround(const struct score_options *options, const struct score_job *job,
                     struct surroundings *around)
{
    char path[SCORE_PATH_BYTES];
    if (!score_path(options, "records", job, path))
        return false;
    (void)unlink(path);
    snprintf(around->mutant, sizeof(around->mutant), MUTANT_VARIABLE "=%s",
             options->control ? "" : job->mutant->name);
    snprintf(around->record, sizeof(around->record), MUTANT_RECORD_VARIABLE "=%s", path);
    snprintf(around->backend, sizeof(around->backend), "PAGELAB_BACKEND=%s", job->mutant->backend);
    snprintf(around->target, sizeof(around->target), FAMILY_VARIABLE "=%s", job->mutant->target);
    around->entries[0] = around->mutant;
    around->entries[1] = around->record;
    around->entries[2] = around->backend;
    around->entries[3] = around->target;
    around->entries[4] = "TSAN_OPTIONS=halt_on_error=1:report_signal_unsafe=0";
    around->entries[5] = NULL;
    return true;
}

int score_process_start(const struct score_options *options, struct score_process *process,
                        struct score_job *job)
{
    char driver[SCORE_PATH_BYTES];
    char log[SCORE_PATH_BYTES];
    char artifact[SCORE_PATH_BYTES];
    char prefix[SCORE_PATH_BYTES + 32];
    char list[SCORE_PATH_BYTES];
    char seeds[SCORE_PATH_BYTES + 32];
    char numbers[5][48];
    struct surroundings around;
    if (!score_driver(options, job->mutant, job->way, driver) || !score_path(options, "logs", job, log) ||
        !score_path(options, "found", job, artifact) ||
        !score_seeds_list(options, job->mutant->target, list) || !surround(options, job, &around))
        return -1;
    (void)unlink(log);
    snprintf(prefix, sizeof(prefix), "-artifact_prefix=%s.", artifact);
    snprintf(seeds, sizeof(seeds), "-seed_inputs=@%s", list);
    snprintf(numbers[0], sizeof(numbers[0]), "-seed=%u", job->seed);
    snprintf(numbers[1], sizeof(numbers[1]), "-max_len=%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[2], sizeof(numbers[2]), "%u", job->seed);
    snprintf(numbers[3], sizeof(numbers[3]), "-max_total_time=%.0f", job->limit * WALL_FACTOR);
    snprintf(numbers[4], sizeof(numbers[4]), "-runs=%.0f", job->executions > 0 ? ceil(job->executions) : -1);
    const char *fuzzer[] = {driver,
                            prefix,
                            numbers[0],
                            numbers[1],
                            numbers[3],
                            numbers[4],
                            "-len_control=0",
                            "-timeout=10",
                            "-detect_leaks=0",
                            "-rss_limit_mb=4096",
                            "-print_final_stats=1",
                            options->seeds_dir == NULL || job->way == SCORE_PLAIN ? NULL : seeds,
                            NULL};
    const char *threads[] = {driver, numbers[2], NULL};
    process->job = job;
    process->stopped = false;
    process->started = campaign_now();
    return campaign_child_start(&process->child, job->way == SCORE_THREADS ? threads : fuzzer, around.entries,
                                log);
}

/* The end of the file, which is where a process says why it ended. The caller frees it. */
static char *read_tail(const char *path)
{
    char *text = calloc(1, LOG_BYTES + 1);
    size_t bytes = text == NULL ? 0 : campaign_read(path, true, text, LOG_BYTES);
    for (size_t i = 0; i < bytes; i++)
        text[i] = text[i] == '\0' ? '?' : text[i]; /* a program's bytes may be printed as they are */
    return text;
}

static void read_record(const char *path, struct score_result *result)
{
    struct mutant_record record = {0, 0};
    if (campaign_read(path, false, &record, sizeof(record)) == sizeof(record)) {
        result->reached = record.reached != 0;
        result->triggered = record.triggered != 0;
    }
}

/* Executions as the engine counts them: the last line that says so. */
static double executions_of(char *text)
{
    struct campaign_counts counts = {0};
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        campaign_parse_libfuzzer(line, &counts);
        line = end == NULL ? NULL : end + 1;
    }
    return (double)(counts.executions != 0 ? counts.executions : counts.counted);
}

static void judge(const struct score_options *options, struct score_process *process)
{
    struct score_job *job = process->job;
    struct score_result *result = &job->result;
    int status = process->child.status;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool over = process->stopped && (code == INTERRUPTED || number == SIGTERM || number == SIGKILL);
    char path[SCORE_PATH_BYTES];
    struct campaign_verdict verdict = {0};
    *result = (struct score_result){.known = true, .seconds = process->child.cpu_s};
    if (score_path(options, "records", job, path)) {
        read_record(path, result);
        (void)unlink(path);
    }
    char *text = score_path(options, "logs", job, path) ? read_tail(path) : NULL;
    if (text != NULL && !over)
        campaign_parse_verdict(text, code, number, false, &verdict);
    if (text != NULL)
        result->executions = executions_of(text);
    free(text);
    result->detected = verdict.bad;
    snprintf(result->by, sizeof(result->by), "%.47s", verdict.ids);
}

bool score_process_poll(const struct score_options *options, struct score_process *process)
{
    bool ended = campaign_child_ended(&process->child);
    if (!ended && (campaign_child_cpu_s(&process->child) >= process->job->limit ||
                   campaign_now() - process->started >= process->job->limit * WALL_FACTOR)) {
        process->stopped = true;
        campaign_child_stop(&process->child, GRACE_S);
        ended = true;
    }
    if (ended)
        judge(options, process);
    return ended;
}

bool score_process_failed(const struct score_options *options, const struct score_process *process,
                          const struct score_job *job, char *words, size_t bytes)
{
    char path[SCORE_PATH_BYTES];
    int status = process->child.status;
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 2 && WEXITSTATUS(status) != 127))
        return false;
    char *text = score_path(options, "logs", job, path) ? read_tail(path) : NULL;
    size_t length = text == NULL ? 0 : strcspn(text, "\n");
    snprintf(words, bytes, "%s: %.*s", job->mutant->name, (int)(length < 200 ? length : 200),
             length == 0 ? "its driver does not start" : text);
    free(text);
    return true;
}
