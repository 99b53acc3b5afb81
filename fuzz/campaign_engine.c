/* The engines' command lines. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/program.h"
#include "fuzz/campaign_internal.h"
#include "fuzz/family.h"

#define INPUT_LIMIT_S   10
#define JUDGE_LIMIT_S   15.0
#define JUDGE_LOG_BYTES (64u << 10)

/* One process's memory: the large machines with contents, twice, and a sanitizer's share. */
#define MEMORY_LIMIT_MB 4096

static const char *driver_name(const struct campaign *campaign, enum campaign_engine engine)
{
    static const char *const names[2][CAMPAIGN_ENGINE_COUNT] = {
        {"pagelab-fuzz-libfuzzer", "pagelab-fuzz-afl"},
        {"pagelab-schedule-libfuzzer", "pagelab-schedule-afl"},
    };
    return names[fuzz_target_has_schedule(campaign->target)][engine];
}

/* Reports on one line and ended by abort, so that both engines see a crash in them. */
static const char *const sanitizer_options[] = {
    "ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS=abort_on_error=1:symbolize=0",
};

static bool in_search_path(const char *name)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        char path[CAMPAIGN_PATH_BYTES];
        size_t length = strcspn(at, ":");
        if (campaign_path(path, "%.*s/%s", (int)length, at, name) && access(path, X_OK) == 0)
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

const char *campaign_engine_missing(const struct campaign *campaign, enum campaign_engine engine,
                                    char path[CAMPAIGN_PATH_BYTES])
{
    const char *bin = campaign->options->bin_dir;
    if (engine == CAMPAIGN_AFL) {
        (void)campaign_path(path, "%s/pagelab-mutator-afl.so", bin);
        if (access(path, R_OK) != 0)
            return "the drivers expected: cmake --workflow --preset fuzz";
        (void)campaign_path(path, "afl-fuzz");
        if (!in_search_path(path))
            return "not in PATH: apt-get install afl++";
    }
    (void)campaign_path(path, "%s/%s", bin, driver_name(campaign, engine));
    return access(path, X_OK) == 0 ? NULL : "the drivers expected: cmake --workflow --preset fuzz";
}

/* Environment entries: what is fuzzed, and what of it. */
struct subject {
    char backend[CAMPAIGN_PATH_BYTES];
    char target[64];
};

static void name_subject(const struct campaign *campaign, struct subject *subject)
{
    (void)campaign_path(subject->backend, "PAGELAB_BACKEND=%s", campaign->backend);
    snprintf(subject->target, sizeof(subject->target), FAMILY_VARIABLE "=%s",
             fuzz_target_names[campaign->target]);
}

static uint32_t seed_of(const struct campaign_worker *worker)
{
    uint32_t seed = worker->campaign->options->seed == 0 ? 1 : worker->campaign->options->seed;
    return seed + 1000u * worker->index + worker->starts;
}

static int start_libfuzzer(struct campaign_worker *worker, double seconds)
{
    struct campaign *campaign = worker->campaign;
    char driver[CAMPAIGN_PATH_BYTES];
    char dictionary[CAMPAIGN_PATH_BYTES];
    struct subject subject;
    char corpus[CAMPAIGN_PATH_BYTES];
    char artifacts[CAMPAIGN_PATH_BYTES];
    char numbers[5][48];
    snprintf(numbers[0], sizeof(numbers[0]), "-max_total_time=%d", (int)(seconds + 0.5));
    snprintf(numbers[1], sizeof(numbers[1]), "-max_len=%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[2], sizeof(numbers[2]), "-seed=%u", seed_of(worker));
    snprintf(numbers[3], sizeof(numbers[3]), "-timeout=%d", INPUT_LIMIT_S);
    snprintf(numbers[4], sizeof(numbers[4]), "-rss_limit_mb=%d", MEMORY_LIMIT_MB);
    if (!campaign_path(driver, "%s/%s", campaign->options->bin_dir,
                       driver_name(campaign, CAMPAIGN_LIBFUZZER)) ||
        !campaign_path(dictionary, "-dict=%s", campaign->dictionary) ||
        !campaign_path(corpus, "%s/libfuzzer/corpus", campaign->work) ||
        !campaign_path(artifacts, "-artifact_prefix=%s/found/", worker->dir))
        return campaign_fail(campaign, 2, "%.200s: a shorter path expected", campaign->work);
    name_subject(campaign, &subject);
    const char *arguments[] = {driver,
                               corpus,
                               campaign->seeds,
                               artifacts,
                               dictionary,
                               numbers[0],
                               numbers[1],
                               numbers[2],
                               numbers[3],
                               numbers[4],
                               "-len_control=0",
                               "-reload=1",
                               "-detect_leaks=0",
                               "-print_final_stats=1",
                               NULL};
    const char *environment[] = {subject.backend,      subject.target,       "PAGELAB_FUZZ_STATISTICS=1",
                                 sanitizer_options[0], sanitizer_options[1], NULL};
    return campaign_child_start(&worker->child, arguments, environment, worker->log);
}

static int start_afl(struct campaign_worker *worker, double seconds)
{
    struct campaign *campaign = worker->campaign;
    char driver[CAMPAIGN_PATH_BYTES];
    struct subject subject;
    char mutator[CAMPAIGN_PATH_BYTES];
    char out[CAMPAIGN_PATH_BYTES];
    char numbers[4][24];
    char port[32];
    snprintf(numbers[0], sizeof(numbers[0]), "%d", (int)(seconds + 0.5));
    snprintf(numbers[1], sizeof(numbers[1]), "%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[2], sizeof(numbers[2]), "%u", seed_of(worker));
    snprintf(numbers[3], sizeof(numbers[3]), "w%u", worker->index);
    if (!campaign_path(driver, "%s/%s", campaign->options->bin_dir, driver_name(campaign, CAMPAIGN_AFL)) ||
        !campaign_path(mutator, "AFL_CUSTOM_MUTATOR_LIBRARY=%s/pagelab-mutator-afl.so",
                       campaign->options->bin_dir) ||
        !campaign_path(out, "%s/afl", campaign->work))
        return campaign_fail(campaign, 2, "%.200s: a shorter path expected", campaign->work);
    name_subject(campaign, &subject);
    const char *arguments[] = {"afl-fuzz",           "-i", campaign->seeds, "-o", out,        "-S",
                               numbers[3],           "-m", "none",          "-t", "2000",     "-G",
                               numbers[1],           "-s", numbers[2],      "-V", numbers[0], "-x",
                               campaign->dictionary, "--", driver,          NULL};
    const char *environment[16] = {
        subject.backend,      subject.target,       mutator,
        "AFL_NO_UI=1",        "AFL_SKIP_CPUFREQ=1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1",
        "AFL_NO_AFFINITY=1",  "AFL_AUTORESUME=1",   "AFL_SKIP_CRASHES=1",
        sanitizer_options[0], sanitizer_options[1],
    };
    uint32_t used = 11;
    /* AFL++'s own mutations, blind to operations, take most of its time and find little: of several
     * processes, each second one makes them. */
    if (worker->index % 2 == 0)
        environment[used++] = "AFL_CUSTOM_MUTATOR_ONLY=1";
    if (worker->statsd >= 0) {
        snprintf(port, sizeof(port), "AFL_STATSD_PORT=%u", worker->port);
        environment[used++] = "AFL_STATSD=1";
        environment[used++] = "AFL_STATSD_HOST=127.0.0.1";
        environment[used++] = port;
    }
    return campaign_child_start(&worker->child, arguments, environment, worker->log);
}

int campaign_engine_start(struct campaign_worker *worker, double seconds)
{
    if (seconds < 1)
        seconds = 1;
    int failed =
        worker->engine == CAMPAIGN_LIBFUZZER ? start_libfuzzer(worker, seconds) : start_afl(worker, seconds);
    if (failed && worker->campaign->result->exit_code == 0)
        return campaign_fail(worker->campaign, 2, "cannot start a process: %s", strerror(errno));
    return failed;
}

/* The driver's process with its output in `log`, to the end or to the limit. 0, or -1. */
static int run_inputs(const struct campaign *campaign, const char *driver, const char *const *inputs,
                      uint32_t count, const char *log, struct campaign_child *child, bool *late)
{
    struct subject subject;
    const char **arguments = calloc(count + 2u, sizeof(*arguments));
    if (arguments == NULL)
        return -1;
    arguments[0] = driver;
    for (uint32_t i = 0; i < count; i++)
        arguments[i + 1] = inputs[i];
    name_subject(campaign, &subject);
    const char *environment[] = {subject.backend, subject.target,
                                 "ASAN_OPTIONS=abort_on_error=1:detect_leaks=0",
                                 "UBSAN_OPTIONS=abort_on_error=1", NULL};
    remove(log);
    int failed = campaign_child_start(child, arguments, environment, log);
    free(arguments);
    if (failed)
        return -1;
    double limit = campaign_now() + JUDGE_LIMIT_S;
    while (!campaign_child_ended(child) && campaign_now() < limit)
        campaign_sleep(0.002);
    *late = child->pid != 0;
    campaign_child_stop(child, 0);
    return 0;
}

void campaign_judge(struct campaign *campaign, const char *const *inputs, uint32_t count,
                    struct campaign_verdict *verdict)
{
    char driver[CAMPAIGN_PATH_BYTES];
    char log[CAMPAIGN_PATH_BYTES];
    struct campaign_child child = {0};
    enum campaign_engine engine = CAMPAIGN_LIBFUZZER;
    bool late = false;
    memset(verdict, 0, sizeof(*verdict));
    if (campaign_engine_missing(campaign, engine, driver) != NULL)
        engine = CAMPAIGN_AFL;
    if (!campaign_path(driver, "%s/%s", campaign->options->bin_dir, driver_name(campaign, engine)) ||
        !campaign_path(log, "%s/judge.log", campaign->work) ||
        run_inputs(campaign, driver, inputs, count, log, &child, &late) != 0)
        return;
    char *text = calloc(1, JUDGE_LOG_BYTES);
    if (text == NULL)
        return;
    (void)campaign_read(log, count > 1, text, JUDGE_LOG_BYTES - 1);
    const char *refusal = strstr(text, "pagelab-fuzz: ");
    if (refusal != NULL)
        (void)campaign_fail(campaign, 2, "%.*s", (int)strcspn(refusal, "\n"), refusal);
    else
        campaign_parse_verdict(text, WIFEXITED(child.status) ? WEXITSTATUS(child.status) : 0,
                               WIFSIGNALED(child.status) ? WTERMSIG(child.status) : 0, late, verdict);
    free(text);
}
