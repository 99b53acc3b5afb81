// Running: the command line way, and the way of a program which wants one JSON file and no flags.
#include "internal.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

namespace
{

constexpr int ran = 0;
constexpr int failed = 1;
constexpr int bad_input = 2;

int refuse(const std::string &line)
{
    std::cout.flush();
    std::fprintf(stderr, "libbench: %s\n", line.c_str());
    return bad_input;
}

// Writes the context as the library does, less the lines that tell whose machine it was. They are neither the
// first nor the last of the block and the library escapes line ends inside values, so dropping whole lines
// leaves valid JSON.
class json_reporter final : public benchmark::JSONReporter
{
  public:
    json_reporter(std::ostream &out, bool anonymous) : out_(out), anonymous_(anonymous)
    {
        SetOutputStream(&out);
    }

    bool ReportContext(const Context &context) override
    {
        if (!anonymous_) {
            return JSONReporter::ReportContext(context);
        }
        std::stringstream whole;
        SetOutputStream(&whole);
        const bool go_on = JSONReporter::ReportContext(context);
        SetOutputStream(&out_);
        for (std::string line; std::getline(whole, line);) {
            const size_t start = line.find_first_not_of(' ');
            const bool tells =
                start != std::string::npos && (line.compare(start, 12, "\"host_name\":") == 0 ||
                                               line.compare(start, 13, "\"executable\":") == 0);
            if (!tells) {
                out_ << line << '\n';
            }
        }
        return go_on;
    }

  private:
    std::ostream &out_;
    const bool anonymous_;
};

// Hands everything to one or two reporters. The library's own way to have two ends the process if a file is
// missing.
class fan_out final : public benchmark::BenchmarkReporter
{
  public:
    void add(BenchmarkReporter *reporter)
    {
        reporters_.push_back(reporter);
    }
    bool ReportContext(const Context &context) override
    {
        bool go_on = true;
        for (BenchmarkReporter *reporter : reporters_) {
            go_on = reporter->ReportContext(context) && go_on;
        }
        return go_on;
    }
    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (BenchmarkReporter *reporter : reporters_) {
            reporter->ReportRuns(runs);
            reporter->GetOutputStream().flush();
        }
    }
    void Finalize() override
    {
        for (BenchmarkReporter *reporter : reporters_) {
            reporter->Finalize();
        }
    }

  private:
    std::vector<BenchmarkReporter *> reporters_;
};

// The value of `flag` if that is what `argument` sets, else null.
const char *flag_value(const char *argument, const char *flag)
{
    const size_t length = std::strlen(flag);
    return std::strncmp(argument, flag, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                                : nullptr;
}

bool is_one_of(const char *value, std::initializer_list<const char *> allowed)
{
    for (const char *each : allowed) {
        if (std::strcmp(value, each) == 0) {
            return true;
        }
    }
    return false;
}

// The library ends the process, with status 0 or 1, on a bad value of these flags; here each is bad input
// like others.
std::string wrong_flag(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        for (const char *flag : {"--benchmark_format", "--benchmark_out_format"}) {
            const char *value = flag_value(argv[i], flag);
            if (value != nullptr && !is_one_of(value, {"console", "json", "csv"})) {
                return std::string(argv[i]) + ", command line, expected console, json or csv";
            }
        }
        const char *unit = flag_value(argv[i], "--benchmark_time_unit");
        if (unit != nullptr && !is_one_of(unit, {"ns", "us", "ms", "s"})) {
            return std::string(argv[i]) + ", command line, expected ns, us, ms or s";
        }
        const char *path = flag_value(argv[i], "--benchmark_out");
        if (path != nullptr && *path != '\0' && !std::ofstream(path, std::ios::app)) {
            return std::string(argv[i]) + ", command line, expected a file that can be written";
        }
    }
    return {};
}

std::string wrong_option(const lb_run_options *options)
{
    if (options == nullptr || options->json_path == nullptr || *options->json_path == '\0') {
        return "json_path, lb_run_json, expected a path or \"-\"";
    }
    if (!std::isfinite(options->min_time_s) || options->min_time_s < 0) {
        return "min_time_s, lb_run_json, expected 0 or more seconds";
    }
    if (!std::isfinite(options->min_warmup_time_s) || options->min_warmup_time_s < 0) {
        return "min_warmup_time_s, lb_run_json, expected 0 or more seconds";
    }
    if (options->repetitions > 1000000) {
        return "repetitions, lb_run_json, expected 1000000 or less";
    }
    for (const bool bit : options->reserved) {
        if (bit) {
            return "reserved, lb_run_json, expected zero";
        }
    }
    return {};
}

// The value of a flag: the last one in argv, else the variable, else `otherwise`.
std::string flag_setting(int argc, char **argv, const char *flag, const char *variable, const char *otherwise)
{
    const char *set = std::getenv(variable);
    for (int i = 1; i < argc; i++) {
        const char *value = std::strcmp(argv[i], flag) == 0 ? "true" : flag_value(argv[i], flag);
        set = value != nullptr ? value : set;
    }
    return set != nullptr ? set : otherwise;
}

bool is_true(const std::string &value)
{
    return !is_one_of(value.c_str(), {"0", "f", "F", "n", "N", "false", "no", "off"});
}

bool is_color_terminal()
{
    const char *term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

// The reporter for stdout the flags ask for. Version 1.7.1 has one of its own for the life of the process and
// deletes it after the first run, so that a second lb_run would use freed memory.
std::unique_ptr<benchmark::BenchmarkReporter> display_reporter(int argc, char **argv)
{
    const std::string format = flag_setting(argc, argv, "--benchmark_format", "BENCHMARK_FORMAT", "console");
    if (format == "json") {
        return std::make_unique<json_reporter>(std::cout, false);
    }
    if (format == "csv") {
        BENCHMARK_DISABLE_DEPRECATED_WARNING
        return std::make_unique<benchmark::CSVReporter>();
        BENCHMARK_RESTORE_DEPRECATED_WARNING
    }
    const std::string color = flag_setting(argc, argv, "--benchmark_color", "BENCHMARK_COLOR", "auto");
    const std::string tabular =
        flag_setting(argc, argv, "--benchmark_counters_tabular", "BENCHMARK_COUNTERS_TABULAR", "false");
    using reporter = benchmark::ConsoleReporter;
    const bool colored = color == "auto" ? is_color_terminal() : is_true(color);
    const int options = (colored ? reporter::OO_Color : 0) | (is_true(tabular) ? reporter::OO_Tabular : 0);
    return std::make_unique<reporter>(static_cast<reporter::OutputOptions>(options));
}

// In the current locale, since the library reads it back in the current locale.
std::string seconds_text(double seconds)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", seconds);
    return text;
}

// Sets every flag that has a say in a run, so neither the environment nor an earlier lb_run shows through. A
// flag that another version of the library does not know stays in the list, unread.
void set_flags(const lb_run_options &options)
{
    const auto truth = [](bool value) { return std::string(value ? "true" : "false"); };
    std::vector<std::string> texts = {
        "libbench",
        "--benchmark_list_tests=false",
        "--benchmark_filter=",
        "--benchmark_min_time=" + seconds_text(options.min_time_s > 0 ? options.min_time_s : 0.5),
        "--benchmark_min_warmup_time=" + seconds_text(options.min_warmup_time_s),
        "--benchmark_repetitions=" + std::to_string(options.repetitions > 0 ? options.repetitions : 1),
        "--benchmark_enable_random_interleaving=" + truth(options.random_interleaving),
        "--benchmark_report_aggregates_only=" + truth(options.aggregates_only),
        "--benchmark_display_aggregates_only=false",
        "--benchmark_format=console",
        "--benchmark_out=",
        "--benchmark_out_format=json",
        "--benchmark_perf_counters=",
        "--benchmark_time_unit=ns",
        "--v=0",
    };
    std::vector<char *> argv;
    for (std::string &text : texts) {
        argv.push_back(text.data());
    }
    argv.push_back(nullptr);
    int argc = static_cast<int>(texts.size());
    // The library keeps the pointer to argv[0]: the one from lb_run, if there was one, is the one to keep.
    const char *const executable = benchmark::BenchmarkReporter::Context::executable_name;
    benchmark::Initialize(&argc, argv.data());
    benchmark::BenchmarkReporter::Context::executable_name = executable;
}

int run_argv(int *argc, char **argv)
{
    if (argc == nullptr || argv == nullptr || *argc < 1) {
        return refuse("argc or argv, lb_run, expected what main was given");
    }
    if (!libbench::first_misuse().empty()) {
        return refuse(libbench::first_misuse());
    }
    const std::string wrong = wrong_flag(*argc, argv);
    if (!wrong.empty()) {
        return refuse(wrong);
    }
    const std::unique_ptr<benchmark::BenchmarkReporter> display = display_reporter(*argc, argv);
    const int given = *argc;
    benchmark::Initialize(argc, argv);
    if (*argc < given) {
        // The library closes the gaps but leaves the end of the vector as it was.
        argv[*argc] = nullptr;
    }
    if (benchmark::ReportUnrecognizedArguments(*argc, argv)) {
        return bad_input;
    }
    if (benchmark::RunSpecifiedBenchmarks(display.get()) == 0) {
        return refuse("no benchmark to run, --benchmark_filter, expected a match");
    }
    return ran;
}

int run_json(const lb_run_options *options)
{
    if (!libbench::first_misuse().empty()) {
        return refuse(libbench::first_misuse());
    }
    const std::string wrong = wrong_option(options);
    if (!wrong.empty()) {
        return refuse(wrong);
    }
    // Opened before the run: a bad path is known now, not in an hour.
    const bool to_stdout = std::strcmp(options->json_path, "-") == 0;
    std::ofstream file;
    if (!to_stdout) {
        file.open(options->json_path);
        if (!file) {
            return refuse(std::string(options->json_path) +
                          ", lb_run_json, expected a file that can be written");
        }
    }
    std::ostream &out = to_stdout ? std::cout : static_cast<std::ostream &>(file);

    set_flags(*options);
    json_reporter json(out, options->anonymous);
    benchmark::ConsoleReporter console(benchmark::ConsoleReporter::OO_None);
    console.SetOutputStream(to_stdout ? &std::cerr : &std::cout);
    fan_out reporters;
    reporters.add(&json);
    if (!options->quiet) {
        reporters.add(&console);
    }
    const std::string filter = options->filter != nullptr ? options->filter : "";
    if (benchmark::RunSpecifiedBenchmarks(&reporters, nullptr, filter) == 0) {
        return refuse("no benchmark to run, lb_run_json, expected a match for '" + filter + "'");
    }
    out.flush();
    if (!out) {
        return refuse(std::string(options->json_path) + ", lb_run_json, expected room for the results");
    }
    return ran;
}

template <typename Run> int reported(Run run)
{
    return libbench::contained([&] {
        try {
            return run();
        } catch (const std::exception &error) {
            std::fprintf(stderr, "libbench: the run failed: %s\n", error.what());
            return failed;
        }
    });
}

} // namespace

extern "C" int lb_run(int *argc, char **argv)
{
    return reported([&] { return run_argv(argc, argv); });
}

extern "C" int lb_run_json(const struct lb_run_options *options)
{
    return reported([&] { return run_json(options); });
}

extern "C" bool lb_add_context(const char *key, const char *value)
{
    return libbench::contained([&] {
        // The context's own keys, as of version 1.7.1, and then those that were added.
        static std::set<std::string> taken = {"date",
                                              "host_name",
                                              "executable",
                                              "num_cpus",
                                              "mhz_per_cpu",
                                              "cpu_scaling_enabled",
                                              "caches",
                                              "load_avg",
                                              "aslr_enabled",
                                              "library_version",
                                              "library_build_type",
                                              "json_schema_version"};
        if (key == nullptr || value == nullptr || !taken.insert(key).second) {
            return false;
        }
        benchmark::AddCustomContext(key, value);
        return true;
    });
}
