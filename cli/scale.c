/* pagelab scale: how candidates grow with memory and with CPUs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pagelab/check.h>

#include "bench/scale.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "report/scale.h"

#define DEFAULT_CANDIDATES "reference,bitmap,buddy,llfree,slate"
#define DEFAULT_CPUS       "1,2,4,8,16,32,64"

struct scale_arguments {
    char *from;
    char *to;
    char *cpus;
    char *format;
    char *out;
    char *cap;
    int limit_s;
    double min_time_s;
};

/* "1,2,64" or "none". */
static bool read_cpus(const char *text, struct scale_options *options)
{
    const char *at = text;
    for (bool more = strcmp(text, "none") != 0; more; at++) {
        char *end = NULL;
        unsigned long value = *at >= '1' && *at <= '9' ? strtoul(at, &end, 10) : 0;
        if (end == NULL || (*end != ',' && *end != '\0') || value > PL_CPU_LIMIT ||
            options->cpu_count == PL_CPU_LIMIT) {
            cli_mistake("scale", "--cpus '%s': none, or numbers from 1 to %u with commas, expected", text,
                        PL_CPU_LIMIT);
            return false;
        }
        options->cpus[options->cpu_count++] = (uint32_t)value;
        at = end;
        more = *end == ',';
    }
    return true;
}

static bool read_sizes(const struct scale_arguments *arguments, struct scale_options *options)
{
    options->from_bytes = SCALE_FROM_BYTES;
    options->to_bytes = SCALE_TO_BYTES;
    if (arguments->from != NULL && !cli_bytes("scale", "--from", arguments->from, &options->from_bytes))
        return false;
    if (arguments->to != NULL && !cli_bytes("scale", "--to", arguments->to, &options->to_bytes))
        return false;
    if (options->from_bytes >= UINT64_C(1) << 20 && options->from_bytes <= options->to_bytes &&
        options->to_bytes <= SCALE_TO_BYTES)
        return true;
    cli_mistake("scale", "--from and --to: machines of 1MiB to 16TiB, the smaller first, expected");
    return false;
}

/* The candidates: one or more arguments, each a name or several with commas. Their count, or minus the exit
 * code after an error was printed. */
static int read_specs(const char **names, struct spec *specs)
{
    struct spec_error error;
    char list[4096] = "";
    size_t used = 0;
    for (; *names != NULL; names++) {
        int n = snprintf(list + used, sizeof(list) - used, "%s%s", used == 0 ? "" : ",", *names);
        used += (size_t)n;
        if (n < 0 || used >= sizeof(list)) {
            return -cli_mistake("scale", "fewer candidates expected");
        }
    }
    int count = spec_parse_list(used == 0 ? DEFAULT_CANDIDATES : list, specs, &error);
    int code = cli_check_specs("scale", specs, count, &error);
    return code == CLI_OK ? count : -code;
}

static int scale_go(const struct scale_options *options, enum report_format format, const char *out_path)
{
    struct report_error error;
    struct cli_out out;
    if (!cli_out_open(&out, "scale", out_path))
        return CLI_MISTAKE;
    cJSON *document = scale_run(options);
    int code = cli_stop ? CLI_INTERRUPTED : CLI_OK;
    if (document == NULL) {
        cli_out_drop(&out);
        return cli_mistake("scale", "out of memory");
    }
    if (report_scale_print(document, format, cli_colour(), stdout, &error) != 0)
        code = cli_mistake("scale", "%s", error.line);
    bool written =
        out.file != NULL && report_scale_print(document, REPORT_JSON, false, out.file, &error) == 0;
    if (!cli_out_close(&out, written))
        code = CLI_MISTAKE;
    const char *broken = scale_broken(document);
    if (code == CLI_OK && broken != NULL) {
        fprintf(stderr, "pagelab scale: '%s' broke its contract or died; its row says how\n", broken);
        code = CLI_BROKEN;
    }
    const char *missed = scale_missed(document);
    if (code == CLI_OK && missed != NULL) {
        fprintf(stderr, "pagelab scale: '%s' is required to reach --to and does not\n", missed);
        code = CLI_MISSED;
    }
    if (code == CLI_OK && strcmp(PL_TIER, "release") != 0)
        fputs("pagelab scale: assertions are on in this build, so its times are no results\n", stderr);
    cJSON_Delete(document);
    return code;
}

static int scale_main(int argc, const char **argv)
{
    static struct scale_arguments arguments = {.limit_s = 120, .min_time_s = 0.05};
    static struct spec specs[SPEC_LIST_LIMIT];
    struct scale_options options = {.specs = specs, .stop = &cli_stop};
    enum report_format format;
    const struct poptOption table[] = {
        {"from", 0, POPT_ARG_STRING, &arguments.from, 0, "the smallest machine (64MiB)", "BYTES"},
        {"to", 0, POPT_ARG_STRING, &arguments.to, 0,
         "the largest machine, each 8 times the one before (16TiB)", "BYTES"},
        {"cpus", 0, POPT_ARG_STRING, &arguments.cpus, 0, "the CPU axis (" DEFAULT_CPUS "), or none", "LIST"},
        {"min-time", 0, POPT_ARG_DOUBLE, &arguments.min_time_s, 0, "seconds for each time measured (0.05)",
         "S"},
        {"time-limit", 0, POPT_ARG_INT, &arguments.limit_s, 0, "seconds that a cell may take in all (120)",
         "S"},
        {"memory-cap", 0, POPT_ARG_STRING, &arguments.cap, 0,
         "what a cell may touch of memory (4GiB, or half of what is to spare)", "SIZE"},
        {"out", 'o', POPT_ARG_STRING, &arguments.out, 0, "also write the result to FILE, as JSON", "FILE"},
        {"format", 'f', POPT_ARG_STRING, &arguments.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **names = cli_parse(&cli_scale, argc, argv, table, 0, SPEC_LIST_LIMIT, &context);
    if (names == NULL || cli_format("scale", arguments.format, &format) != 0)
        return CLI_MISTAKE;
    if (arguments.limit_s < 1 || arguments.limit_s > 86400)
        return cli_mistake("scale", "--time-limit %d: 1 to 86400 expected", arguments.limit_s);
    if (!(arguments.min_time_s > 0 && arguments.min_time_s <= 60))
        return cli_mistake("scale", "--min-time: seconds above 0, at most 60, expected");
    if (!cli_bytes("scale", "--memory-cap", arguments.cap, &options.cap_bytes))
        return CLI_MISTAKE;
    if (options.cap_bytes == 0)
        options.cap_bytes = SCALE_CAP_BYTES;
    if (!read_sizes(&arguments, &options) ||
        !read_cpus(arguments.cpus == NULL ? DEFAULT_CPUS : arguments.cpus, &options))
        return CLI_MISTAKE;
    int count = read_specs(names, specs);
    if (count < 0)
        return -count;
    options.spec_count = (size_t)count;
    options.limit_s = (unsigned)arguments.limit_s;
    options.min_time_s = arguments.min_time_s;
    options.sim = cli_sim_program();
    options.progress = isatty(STDERR_FILENO) ? stderr : NULL;
    int code = scale_go(&options, format, arguments.out);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_scale = {.name = "scale",
                                      .arguments = "[CANDIDATE...]",
                                      .summary = "how candidates grow: machines up to 16 TiB, up to 64 CPUs",
                                      .example = "scale llfree buddy --to 1GiB",
                                      .main = scale_main};
