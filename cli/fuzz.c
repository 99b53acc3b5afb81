/* pagelab fuzz: a campaign on one or more candidates, with both engines. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/fuzz_report.h"
#include "engine/instance.h"
#include "fuzz/campaign.h"
#include "fuzz/family.h"

struct fuzz_options {
    char *backends;
    char *targets;
    char *engine;
    char *out;
    char *bin;
    char *format;
    char *builds;
    char *asan_bin;
    double seconds;
    double budget;
    double slice;
    int jobs;
    int seed;
    int asan;
    int stop_on_finding;
    int resume;
    int no_merge;
    int coverage;
    int no_races;
    int tso;
};

static int pick_engines(const char *text, unsigned *engines)
{
    *engines = 0;
    if (text == NULL)
        return CLI_OK;
    for (unsigned i = 0; i < CAMPAIGN_ENGINE_COUNT; i++) {
        if (strcmp(text, campaign_engine_names[i]) == 0)
            *engines = 1u << i;
    }
    return *engines != 0 ? CLI_OK : cli_mistake("fuzz", "--engine '%s': libfuzzer or afl++ expected", text);
}

static int pick_builds(const struct fuzz_options *fuzz, unsigned *builds)
{
    *builds = fuzz->asan ? 1u << CAMPAIGN_ASAN : 0;
    for (const char *at = fuzz->builds; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        unsigned build = 0;
        while (build < CAMPAIGN_BUILD_COUNT && (strlen(campaign_build_names[build]) != bytes ||
                                                strncmp(at, campaign_build_names[build], bytes) != 0))
            build++;
        if (build == CAMPAIGN_BUILD_COUNT)
            return cli_mistake("fuzz", "--build '%.*s': plain or asan expected", (int)bytes, at);
        *builds |= 1u << build;
        at += bytes + (at[bytes] == ',');
    }
    if (*builds == 0)
        *builds = 1u << CAMPAIGN_PLAIN;
    return CLI_OK;
}

/* The target's names by commas, each once; "every" is all that any candidate can have. */
static int pick_targets(const char *text, enum fuzz_target targets[FUZZ_TARGET_COUNT], uint32_t *count)
{
    bool wanted[FUZZ_TARGET_COUNT] = {false};
    *count = 0;
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        enum fuzz_target target = FUZZ_PAGE;
        bool every = bytes == 5 && memcmp(at, "every", 5) == 0;
        if (!every && !fuzz_target_of_name(at, bytes, &target))
            return cli_mistake("fuzz",
                               "--target '%.*s': page, vm, area, orb, buffer, all, schedule-page, "
                               "schedule-all or every expected",
                               (int)bytes, at);
        for (unsigned i = 0; i < FUZZ_TARGET_COUNT; i++)
            wanted[i] = wanted[i] || (every && i < OP_FAMILY_COUNT) || i == target;
        at += bytes + (at[bytes] == ',');
    }
    for (unsigned i = 0; i < FUZZ_TARGET_COUNT; i++) {
        if (wanted[i])
            targets[(*count)++] = (enum fuzz_target)i;
    }
    return CLI_OK;
}

static int fuzz_run(const struct fuzz_options *fuzz, enum report_format format, unsigned engines,
                    unsigned builds, const enum fuzz_target *targets, uint32_t target_count)
{
    bool only_asan = builds == 1u << CAMPAIGN_ASAN;
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct campaign_result result;
    const char *names[SPEC_LIST_LIMIT];
    struct spec_error error;
    char bin[4096];
    char asan_bin[4096];
    char found[4096];
    int count = strcmp(fuzz->backends, "all") == 0 ? cli_every_candidate(specs, &error)
                                                   : spec_parse_list(fuzz->backends, specs, &error);
    int code = cli_check_specs("fuzz", specs, count, &error);
    if (code != CLI_OK)
        return code;
    for (int i = 0; i < count; i++)
        names[i] = specs[i].name;
    struct campaign_options options = {
        .backends = names,
        .backend_count = (uint32_t)count,
        .targets = targets,
        .target_count = target_count,
        .seconds = fuzz->budget > 0 ? fuzz->budget / (count * (int)target_count) : fuzz->seconds,
        .slice_seconds = fuzz->slice,
        .merge_seconds = fuzz->no_merge ? -1 : 0,
        .bin_dir = cli_drivers(fuzz->bin, "fuzz", bin, sizeof(bin)),
        .asan_dir = cli_drivers(only_asan && fuzz->asan_bin == NULL ? fuzz->bin : fuzz->asan_bin, "fuzz-asan",
                                asan_bin, sizeof(asan_bin)),
        .seeds_dir = cli_find("corpora/seeds", found, sizeof(found)),
        .out_dir = fuzz->out,
        .engines = engines,
        .builds = builds,
        .stop_on_finding = fuzz->stop_on_finding != 0,
        .resume = fuzz->resume != 0,
        .live = isatty(STDERR_FILENO) == 1,
        .jobs = (uint32_t)fuzz->jobs,
        .seed = (uint32_t)fuzz->seed,
        .progress = stderr,
        .stop = &cli_stop,
    };
    code = campaign_run(&options, &result);
    if (result.error[0] != '\0')
        cli_mistake("fuzz", "%s", result.error);
    if (result.row_count == 0) {
        campaign_result_free(&result);
        return code;
    }
    (void)fuzz_report_print(&result, format, stdout);
    bool written = !fuzz->coverage || code == CLI_INTERRUPTED || fuzz_report_coverage(&result, &options);
    written = fuzz_report_write(&result) && written;
    campaign_result_free(&result);
    return written || code != CLI_OK ? code : CLI_MISTAKE;
}

static int fuzz_main(int argc, const char **argv)
{
    static struct fuzz_options fuzz = {.seconds = 60};
    enum report_format format;
    enum fuzz_target targets[FUZZ_TARGET_COUNT];
    uint32_t target_count;
    unsigned engines;
    unsigned builds;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &fuzz.backends, 0, "a candidate, several by commas, or all",
         "NAME"},
        {"target", 'T', POPT_ARG_STRING, &fuzz.targets, 0,
         "page, vm, area, orb, buffer, all, schedule-page or schedule-all; several by commas; every: the "
         "first six (page)",
         "NAME"},
        {"time", 't', POPT_ARG_DOUBLE, &fuzz.seconds, 0, "seconds for each candidate and target (60)", "S"},
        {"budget", 0, POPT_ARG_DOUBLE, &fuzz.budget, 0, "seconds for all of it, in place of --time", "S"},
        {"slice", 0, POPT_ARG_DOUBLE, &fuzz.slice, 0, "seconds until another pair has its turn (15 to 120)",
         "S"},
        {"stop-on-finding", 0, POPT_ARG_NONE, &fuzz.stop_on_finding, 0,
         "end at the first finding that the folder does not hold already", NULL},
        {"resume", 0, POPT_ARG_NONE, &fuzz.resume, 0,
         "go on with the campaign that was ended or killed in its folder", NULL},
        {"no-merge", 0, POPT_ARG_NONE, &fuzz.no_merge, 0, "leave the corpora as they are at the end", NULL},
        {"coverage", 0, POPT_ARG_NONE, &fuzz.coverage, 0,
         "at the end name the lines that the corpora never reach (builds preset cover)", NULL},
        {"engine", 'e', POPT_ARG_STRING, &fuzz.engine, 0, "libfuzzer or afl++ (both)", "NAME"},
        {"jobs", 'j', POPT_ARG_INT, &fuzz.jobs, 0, "processes at once (one a CPU)", "N"},
        {"build", 0, POPT_ARG_STRING, &fuzz.builds, 0, "plain, asan or both by commas (plain)", "NAME"},
        {"seed", 0, POPT_ARG_INT, &fuzz.seed, 0, "of the engines' random numbers (1)", "N"},
        {"asan", 0, POPT_ARG_NONE, &fuzz.asan, 0,
         "the same as --build asan: address and undefined-behaviour sanitizers", NULL},
        {"no-races", 0, POPT_ARG_NONE, &fuzz.no_races, 0, "schedule targets without the data race detector",
         NULL},
        {"tso", 0, POPT_ARG_NONE, &fuzz.tso, 0, "schedule targets with a store buffer a CPU, as x86 has",
         NULL},
        {"out", 'o', POPT_ARG_STRING, &fuzz.out, 0, "for findings and corpora (results/fuzz-NAME)", "DIR"},
        {"bin", 0, POPT_ARG_STRING, &fuzz.bin, 0, "folder of the drivers (build/fuzz/bin)", "DIR"},
        {"asan-bin", 0, POPT_ARG_STRING, &fuzz.asan_bin, 0, "the same of build asan (build/fuzz-asan/bin)",
         "DIR"},
        {"format", 'f', POPT_ARG_STRING, &fuzz.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    if (cli_parse(&cli_fuzz, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("fuzz", fuzz.format, &format) != 0 || pick_engines(fuzz.engine, &engines) != CLI_OK ||
        pick_builds(&fuzz, &builds) != CLI_OK || pick_targets(fuzz.targets, targets, &target_count) != CLI_OK)
        return CLI_MISTAKE;
    if (fuzz.backends == NULL)
        return cli_mistake("fuzz", "--backend expected; 'pagelab list' names those there are");
    if (target_count == 0)
        targets[target_count++] = FUZZ_PAGE;
    if (!(fuzz.budget >= 0 && fuzz.budget <= 1e7) || !(fuzz.slice >= 0 && fuzz.slice <= 1e6))
        return cli_mistake("fuzz",
                           "--budget of at most 10000000 s and --slice of at most 1000000 s expected");
    if (!(fuzz.seconds >= 1 && fuzz.seconds <= 1e6) || fuzz.jobs < 0 || fuzz.jobs > (int)CAMPAIGN_JOBS_MAX ||
        fuzz.seed < 0)
        return cli_mistake("fuzz",
                           "--time of 1 to 1000000 s, --jobs of at most %u and --seed of at least 0 expected",
                           CAMPAIGN_JOBS_MAX);
    if (fuzz.no_races) /* the drivers', which inherit them */
        setenv("PAGELAB_RACES", "0", 1);
    if (fuzz.tso)
        setenv("PAGELAB_TSO", "1", 1);
    int code = fuzz_run(&fuzz, format, engines, builds, targets, target_count);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_fuzz = {.name = "fuzz",
                                     .arguments = "--backend NAME --time S",
                                     .summary = "tries to break candidates with libFuzzer and AFL++",
                                     .example = "fuzz --backend buddy --target page,area --time 30",
                                     .main = fuzz_main};
