/* The engines' command lines. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "engine/program.h"
#include "fuzz/campaign_internal.h"
#include "fuzz/family.h"

#define INPUT_LIMIT_S   10
#define JUDGE_LIMIT_S   15.0
#define JUDGE_EACH_S    0.1 /* more, for each input of many */
#define JUDGE_STOP_S    2.0 /* once the campaign is to end */
#define JUDGE_LOG_BYTES (64u << 10)

#define QUEUES_MAX       (2u * CAMPAIGN_JOBS_MAX)
#define QUEUE_INPUTS_MAX 10000u

/* One process's memory: the large machines with contents, twice, and a sanitizer's share. */
#define MEMORY_LIMIT_MB 4096

static const char *driver_name(enum fuzz_target target, enum campaign_engine engine)
{
    static const char *const names[2][CAMPAIGN_ENGINE_COUNT] = {
        {"pagelab-fuzz-libfuzzer", "pagelab-fuzz-afl"},
        {"pagelab-schedule-libfuzzer", "pagelab-schedule-afl"},
    };
    return names[fuzz_target_has_schedule(target)][engine];
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

static const char *folder_of(const struct campaign *campaign, enum campaign_build build)
{
    return build == CAMPAIGN_ASAN ? campaign->options->asan_dir : campaign->options->bin_dir;
}

const char *campaign_engine_missing(const struct campaign *campaign, enum fuzz_target target,
                                    enum campaign_engine engine, enum campaign_build build,
                                    char path[CAMPAIGN_PATH_BYTES])
{
    const char *expected = build == CAMPAIGN_ASAN
                               ? "the drivers expected: cmake --workflow --preset fuzz-asan"
                               : "the drivers expected: cmake --workflow --preset fuzz";
    const char *bin = folder_of(campaign, build);
    if (engine == CAMPAIGN_AFL) {
        (void)campaign_path(path, "%s/pagelab-mutator-afl.so", bin);
        if (access(path, R_OK) != 0)
            return expected;
        (void)campaign_path(path, "afl-fuzz");
        if (!in_search_path(path))
            return "not in PATH: apt-get install afl++";
    }
    (void)campaign_path(path, "%s/%s", bin, driver_name(target, engine));
    return access(path, X_OK) == 0 ? NULL : expected;
}

/* Environment entries: what is fuzzed, and what of it. */
struct subject {
    char backend[CAMPAIGN_PATH_BYTES];
    char target[64];
};

static void name_subject(const struct campaign_pair *pair, struct subject *subject)
{
    (void)campaign_path(subject->backend, "PAGELAB_BACKEND=%s", pair->backend);
    snprintf(subject->target, sizeof(subject->target), FAMILY_VARIABLE "=%s",
             fuzz_target_names[pair->target]);
}

/* Another in each slice and at each start, the same in each campaign. */
static uint32_t seed_of(const struct campaign_worker *worker)
{
    const struct campaign_lane *lane = worker->lane;
    uint32_t seed = lane->pair->campaign->options->seed == 0 ? 1 : lane->pair->campaign->options->seed;
    return seed + 1000u * lane->index + worker->starts + 100000u * lane->slices;
}

/* What AFL++ has found on the same pair so far, copied: AFL++ moves its own files when it starts. Empty:
 * none. */
static void copy_queues(const struct campaign_worker *worker, char folder[CAMPAIGN_PATH_BYTES])
{
    char queues[QUEUES_MAX][CAMPAIGN_PATH_BYTES];
    char prefix[24];
    uint32_t count = campaign_afl_queues(worker->lane->pair, queues, QUEUES_MAX);
    uint32_t copied = 0;
    if (!campaign_path(folder, "%s/of-afl", worker->dir))
        return;
    campaign_remove_tree(folder);
    for (uint32_t i = 0; i < count && campaign_make_dirs(folder) == 0; i++) {
        snprintf(prefix, sizeof(prefix), "%u-", i);
        copied += campaign_copy_inputs(queues[i], folder, prefix, QUEUE_INPUTS_MAX);
    }
    if (copied == 0)
        folder[0] = '\0';
}

static int start_libfuzzer(struct campaign_worker *worker, double seconds)
{
    struct campaign_pair *pair = worker->lane->pair;
    char driver[CAMPAIGN_PATH_BYTES];
    char dictionary[CAMPAIGN_PATH_BYTES];
    char of_afl[CAMPAIGN_PATH_BYTES];
    struct subject subject;
    char corpus[CAMPAIGN_PATH_BYTES];
    char artifacts[CAMPAIGN_PATH_BYTES];
    char numbers[5][48];
    snprintf(numbers[0], sizeof(numbers[0]), "-max_total_time=%d", (int)(seconds + 0.5));
    snprintf(numbers[1], sizeof(numbers[1]), "-max_len=%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[2], sizeof(numbers[2]), "-seed=%u", seed_of(worker));
    snprintf(numbers[3], sizeof(numbers[3]), "-timeout=%d", INPUT_LIMIT_S);
    snprintf(numbers[4], sizeof(numbers[4]), "-rss_limit_mb=%d", MEMORY_LIMIT_MB);
    if (!campaign_path(driver, "%s/%s", folder_of(pair->campaign, worker->lane->build),
                       driver_name(pair->target, CAMPAIGN_LIBFUZZER)) ||
        !campaign_path(dictionary, "-dict=%s", pair->dictionary) ||
        !campaign_path(corpus, "%s/libfuzzer/corpus", pair->work) ||
        !campaign_path(artifacts, "-artifact_prefix=%s/found/", worker->dir))
        return campaign_pair_fail(pair, "%.200s: a shorter path expected", pair->work);
    name_subject(pair, &subject);
    copy_queues(worker, of_afl);
    const char *arguments[] = {driver,
                               corpus,
                               pair->seeds,
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
                               of_afl[0] == '\0' ? NULL : of_afl,
                               NULL};
    const char *environment[] = {subject.backend,      subject.target,       "PAGELAB_FUZZ_STATISTICS=1",
                                 sanitizer_options[0], sanitizer_options[1], NULL};
    return campaign_child_start(&worker->child, arguments, environment, worker->log);
}

static int start_afl(struct campaign_worker *worker, double seconds)
{
    struct campaign_pair *pair = worker->lane->pair;
    const char *bin = folder_of(pair->campaign, worker->lane->build);
    char driver[CAMPAIGN_PATH_BYTES];
    struct subject subject;
    char mutator[CAMPAIGN_PATH_BYTES];
    char out[CAMPAIGN_PATH_BYTES];
    char numbers[4][24];
    char port[32];
    snprintf(numbers[0], sizeof(numbers[0]), "%d", (int)(seconds + 0.5));
    snprintf(numbers[1], sizeof(numbers[1]), "%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[2], sizeof(numbers[2]), "%u", seed_of(worker));
    snprintf(numbers[3], sizeof(numbers[3]), "w%u", worker->lane->index);
    if (!campaign_path(driver, "%s/%s", bin, driver_name(pair->target, CAMPAIGN_AFL)) ||
        !campaign_path(mutator, "AFL_CUSTOM_MUTATOR_LIBRARY=%s/pagelab-mutator-afl.so", bin) ||
        !campaign_path(out, "%s/afl", pair->work))
        return campaign_pair_fail(pair, "%.200s: a shorter path expected", pair->work);
    name_subject(pair, &subject);
    const char *arguments[] = {"afl-fuzz", "-i", pair->start,      "-o", out,        "-S", numbers[3], "-m",
                               "none",     "-t", "5000",           "-G", numbers[1], "-s", numbers[2], "-V",
                               numbers[0], "-x", pair->dictionary, "--", driver,     NULL};
    const char *environment[16] = {
        subject.backend,      subject.target,       mutator,
        "AFL_NO_UI=1",        "AFL_SKIP_CPUFREQ=1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1",
        "AFL_NO_AFFINITY=1",  "AFL_AUTORESUME=1",   "AFL_SKIP_CRASHES=1",
        sanitizer_options[0], sanitizer_options[1],
    };
    uint32_t used = 11;
    /* AFL++'s own mutations, blind to operations, take most of its time and find little: of several
     * processes, each second one makes them, but none under a sanitizer, which is slow as it is. */
    if (worker->lane->index % 2 == 0 || worker->lane->build == CAMPAIGN_ASAN)
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
    int failed = worker->lane->engine == CAMPAIGN_LIBFUZZER ? start_libfuzzer(worker, seconds)
                                                            : start_afl(worker, seconds);
    if (failed && worker->lane->pair->reason[0] == '\0')
        return campaign_pair_fail(worker->lane->pair, "cannot start a process: %s", strerror(errno));
    return failed;
}

int campaign_engine_merge(const struct campaign_pair *pair, const char *to, char (*from)[CAMPAIGN_PATH_BYTES],
                          uint32_t count, const char *folder, const char *log, struct campaign_child *child)
{
    char driver[CAMPAIGN_PATH_BYTES];
    char notes[CAMPAIGN_PATH_BYTES];
    char artifacts[CAMPAIGN_PATH_BYTES];
    char numbers[3][48];
    struct subject subject;
    const struct campaign *campaign = pair->campaign;
    const char **arguments = calloc(count + 16u, sizeof(*arguments));
    if (arguments == NULL ||
        !campaign_path(notes, "-merge_control_file=%s/" CAMPAIGN_MERGE_CONTROL, folder) ||
        !campaign_path(artifacts, "-artifact_prefix=%s/", folder)) {
        free(arguments);
        return -1;
    }
    snprintf(numbers[0], sizeof(numbers[0]), "-max_len=%u", PROGRAM_BYTES_MAX);
    snprintf(numbers[1], sizeof(numbers[1]), "-timeout=%d", INPUT_LIMIT_S);
    snprintf(numbers[2], sizeof(numbers[2]), "-rss_limit_mb=%d", MEMORY_LIMIT_MB);
    (void)campaign_path(driver, "%s/%s", folder_of(campaign, campaign_plain_build(campaign)),
                        driver_name(pair->target, CAMPAIGN_LIBFUZZER));
    const char *options[] = {driver,     "-set_cover_merge=1", numbers[0], numbers[1],
                             numbers[2], "-detect_leaks=0",    notes,      artifacts,
                             to};
    memcpy(arguments, options, sizeof(options));
    for (uint32_t i = 0; i < count; i++)
        arguments[PL_COUNT_OF(options) + i] = from[i];
    name_subject(pair, &subject);
    const char *environment[] = {subject.backend, subject.target, sanitizer_options[0], sanitizer_options[1],
                                 NULL};
    int failed = campaign_child_start(child, arguments, environment, log);
    free(arguments);
    return failed;
}

/* The driver's process with its output in `log`, to the end or to the limit. 0, or -1. `cut`: it was `late`
 * because the campaign is to end. */
static int run_inputs(const struct campaign_pair *pair, const char *driver, const char *const *inputs,
                      uint32_t count, const char *log, struct campaign_child *child, bool *late, bool *cut)
{
    struct subject subject;
    const char **arguments = calloc(count + 2u, sizeof(*arguments));
    if (arguments == NULL)
        return -1;
    arguments[0] = driver;
    for (uint32_t i = 0; i < count; i++)
        arguments[i + 1] = inputs[i];
    name_subject(pair, &subject);
    const char *environment[] = {subject.backend, subject.target,
                                 "ASAN_OPTIONS=abort_on_error=1:detect_leaks=0",
                                 "UBSAN_OPTIONS=abort_on_error=1", NULL};
    remove(log);
    int failed = campaign_child_start(child, arguments, environment, log);
    free(arguments);
    if (failed)
        return -1;
    const volatile sig_atomic_t *stop = pair->campaign->options->stop;
    double limit = campaign_now() + JUDGE_LIMIT_S + JUDGE_EACH_S * count;
    while (!campaign_child_ended(child) && campaign_now() < limit) {
        if (!*cut && stop != NULL && *stop != 0) {
            *cut = true;
            limit = campaign_now() + JUDGE_STOP_S;
        }
        campaign_sleep(0.002);
    }
    *late = child->pid != 0;
    *cut = *cut && *late;
    campaign_child_stop(child, 0);
    return 0;
}

void campaign_judge(struct campaign_pair *pair, enum campaign_build build, const char *const *inputs,
                    uint32_t count, struct campaign_verdict *verdict)
{
    char driver[CAMPAIGN_PATH_BYTES];
    char log[CAMPAIGN_PATH_BYTES];
    struct campaign_child child = {0};
    enum campaign_engine engine = CAMPAIGN_LIBFUZZER;
    bool late = false;
    bool cut = false;
    memset(verdict, 0, sizeof(*verdict));
    if (campaign_engine_missing(pair->campaign, pair->target, engine, build, driver) != NULL)
        engine = CAMPAIGN_AFL;
    if (!campaign_path(driver, "%s/%s", folder_of(pair->campaign, build),
                       driver_name(pair->target, engine)) ||
        !campaign_path(log, "%s/judge.log", pair->work) ||
        run_inputs(pair, driver, inputs, count, log, &child, &late, &cut) != 0)
        return;
    verdict->cut = cut;
    if (cut)
        return;
    char *text = calloc(1, JUDGE_LOG_BYTES);
    if (text == NULL)
        return;
    (void)campaign_read(log, count > 1, text, JUDGE_LOG_BYTES - 1);
    const char *refusal = strstr(text, "pagelab-fuzz: ");
    if (refusal != NULL && pair->reason[0] == '\0') {
        pair->not_possible = true;
        refusal += strlen("pagelab-fuzz: ");
        snprintf(pair->reason, sizeof(pair->reason), "its driver refuses%s: %.*s",
                 fuzz_target_has_schedule(pair->target) ? ", for it has no code to simulate" : "",
                 (int)strcspn(refusal, "\n"), refusal);
    } else if (refusal == NULL) {
        campaign_parse_verdict(text, WIFEXITED(child.status) ? WEXITSTATUS(child.status) : 0,
                               WIFSIGNALED(child.status) ? WTERMSIG(child.status) : 0, late, verdict);
    }
    free(text);
}
