// Registration: checks every argument here, because the native builder checks some only in builds with
// assertions. Wrong use is remembered as text and reported when something is run, so no registration call
// needs its result checked.
#include "internal.h"

#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

namespace
{

struct registry {
    std::vector<std::unique_ptr<lb_bench>> benches;
    std::string misuse;
};

registry &the_registry()
{
    static registry instance;
    return instance;
}

void misuse(const char *call, const lb_bench *bench, const std::string &what)
{
    std::string &first = the_registry().misuse;
    if (first.empty()) {
        first =
            std::string(call) + (bench != nullptr ? ", benchmark '" + bench->name + "'" : "") + ": " + what;
    }
}

// Runs `change` on a benchmark that exists. A failure inside, which can only be memory, is remembered too.
template <typename Change> void describe(const char *call, lb_bench *bench, Change change)
{
    libbench::contained([&] {
        if (bench == nullptr) {
            misuse(call, nullptr, "the benchmark is null");
            return;
        }
        try {
            const std::string wrong = change();
            if (!wrong.empty()) {
                misuse(call, bench, wrong);
            }
        } catch (const std::exception &error) {
            misuse(call, bench, error.what());
        }
    });
}

// Empty if a list of `count` arguments or names agrees with those before it.
std::string agree_on_arity(lb_bench &bench, size_t count)
{
    if (count == 0) {
        return "the list is empty";
    }
    if (bench.has_arity && bench.arity != count) {
        return std::to_string(count) + " arguments or names after " + std::to_string(bench.arity);
    }
    bench.has_arity = true;
    bench.arity = count;
    return {};
}

std::string above(int64_t lo, int64_t hi)
{
    return "lo " + std::to_string(lo) + " is above hi " + std::to_string(hi);
}

std::string below(const char *what, int64_t value, int64_t least)
{
    return std::string(what) + " is " + std::to_string(value) + ", expected " + std::to_string(least) +
           " or more";
}

} // namespace

const std::string &libbench::first_misuse()
{
    return the_registry().misuse;
}

extern "C" struct lb_bench *lb_register(const char *name, lb_function *fn, void *user)
{
    return libbench::contained([&]() -> lb_bench * {
        if (name == nullptr || fn == nullptr) {
            misuse("lb_register", nullptr, "the name or the function is null");
            return nullptr;
        }
        try {
            auto &benches = the_registry().benches;
            benches.push_back(std::make_unique<lb_bench>(name, fn, user));
            lb_bench *bench = benches.back().get();
            bench->native =
                benchmark::RegisterBenchmark(name, [bench](benchmark::State &state) { bench->run(state); });
            return bench;
        } catch (const std::exception &error) {
            misuse("lb_register", nullptr, error.what());
            return nullptr;
        }
    });
}

extern "C" void lb_arg(struct lb_bench *bench, int64_t value)
{
    describe("lb_arg", bench, [&] {
        std::string wrong = agree_on_arity(*bench, 1);
        if (wrong.empty()) {
            bench->native->Arg(value);
        }
        return wrong;
    });
}

extern "C" void lb_args(struct lb_bench *bench, size_t count, const int64_t *values)
{
    describe("lb_args", bench, [&]() -> std::string {
        if (values == nullptr) {
            return "the list is null";
        }
        std::string wrong = agree_on_arity(*bench, count);
        if (wrong.empty()) {
            bench->native->Args(std::vector<int64_t>(values, values + count));
        }
        return wrong;
    });
}

extern "C" void lb_range(struct lb_bench *bench, int64_t lo, int64_t hi, int multiplier)
{
    describe("lb_range", bench, [&]() -> std::string {
        if (lo > hi) {
            return above(lo, hi);
        }
        if (multiplier < 2) {
            return below("the multiplier", multiplier, 2);
        }
        std::string wrong = agree_on_arity(*bench, 1);
        if (wrong.empty()) {
            bench->native->RangeMultiplier(multiplier)->Range(lo, hi);
        }
        return wrong;
    });
}

extern "C" void lb_dense_range(struct lb_bench *bench, int64_t lo, int64_t hi, int step)
{
    describe("lb_dense_range", bench, [&]() -> std::string {
        if (lo > hi) {
            return above(lo, hi);
        }
        if (step < 1) {
            return below("the step", step, 1);
        }
        std::string wrong = agree_on_arity(*bench, 1);
        if (wrong.empty()) {
            bench->native->DenseRange(lo, hi, step);
        }
        return wrong;
    });
}

extern "C" void lb_arg_names(struct lb_bench *bench, size_t count, const char *const *names)
{
    describe("lb_arg_names", bench, [&]() -> std::string {
        if (names == nullptr) {
            return "the list is null";
        }
        std::vector<std::string> copies;
        for (size_t i = 0; i < count; i++) {
            if (names[i] == nullptr) {
                return "name " + std::to_string(i) + " is null";
            }
            copies.emplace_back(names[i]);
        }
        std::string wrong = agree_on_arity(*bench, count);
        if (wrong.empty()) {
            bench->native->ArgNames(copies);
        }
        return wrong;
    });
}

extern "C" void lb_threads(struct lb_bench *bench, int count)
{
    describe("lb_threads", bench, [&]() -> std::string {
        if (count < 1) {
            return below("the number of threads", count, 1);
        }
        bench->native->Threads(count);
        return {};
    });
}

extern "C" void lb_thread_range(struct lb_bench *bench, int lo, int hi)
{
    describe("lb_thread_range", bench, [&]() -> std::string {
        if (lo < 1) {
            return below("the number of threads", lo, 1);
        }
        if (lo > hi) {
            return above(lo, hi);
        }
        bench->native->ThreadRange(lo, hi);
        return {};
    });
}

extern "C" void lb_setup(struct lb_bench *bench, lb_function *hook)
{
    describe("lb_setup", bench, [&]() -> std::string {
        bench->setup = hook;
        return {};
    });
}

extern "C" void lb_teardown(struct lb_bench *bench, lb_function *hook)
{
    describe("lb_teardown", bench, [&]() -> std::string {
        bench->teardown = hook;
        return {};
    });
}

extern "C" void lb_iterations(struct lb_bench *bench, int64_t count)
{
    describe("lb_iterations", bench, [&]() -> std::string {
        if (count < 1) {
            return below("the number of iterations", count, 1);
        }
        if (bench->has_min_time) {
            return "a minimum time is already set";
        }
        bench->has_iterations = true;
        bench->native->Iterations(count);
        return {};
    });
}

extern "C" void lb_repetitions(struct lb_bench *bench, int count)
{
    describe("lb_repetitions", bench, [&]() -> std::string {
        if (count < 1) {
            return below("the number of repetitions", count, 1);
        }
        bench->native->Repetitions(count);
        return {};
    });
}

extern "C" void lb_min_time(struct lb_bench *bench, double seconds)
{
    describe("lb_min_time", bench, [&]() -> std::string {
        if (!std::isfinite(seconds) || seconds <= 0) {
            return "the time is " + std::to_string(seconds) + ", expected more than 0 seconds";
        }
        if (bench->has_iterations) {
            return "the number of iterations is already set";
        }
        bench->has_min_time = true;
        bench->native->MinTime(seconds);
        return {};
    });
}

extern "C" void lb_min_warmup_time(struct lb_bench *bench, double seconds)
{
    describe("lb_min_warmup_time", bench, [&]() -> std::string {
        if (!std::isfinite(seconds) || seconds < 0) {
            return "the time is " + std::to_string(seconds) + ", expected 0 seconds or more";
        }
        if (bench->has_iterations) {
            return "the number of iterations is already set";
        }
        bench->has_min_time = true;
        bench->native->MinWarmUpTime(seconds);
        return {};
    });
}

extern "C" void lb_aggregates_only(struct lb_bench *bench)
{
    describe("lb_aggregates_only", bench, [&]() -> std::string {
        bench->native->ReportAggregatesOnly(true);
        return {};
    });
}

extern "C" void lb_unit(struct lb_bench *bench, enum lb_time_unit unit)
{
    describe("lb_unit", bench, [&]() -> std::string {
        switch (unit) {
        case LB_NS:
            bench->native->Unit(benchmark::kNanosecond);
            return {};
        case LB_US:
            bench->native->Unit(benchmark::kMicrosecond);
            return {};
        case LB_MS:
            bench->native->Unit(benchmark::kMillisecond);
            return {};
        case LB_S:
            bench->native->Unit(benchmark::kSecond);
            return {};
        }
        return "unit " + std::to_string(static_cast<int>(unit)) + " does not exist";
    });
}

extern "C" void lb_use_real_time(struct lb_bench *bench)
{
    describe("lb_use_real_time", bench, [&]() -> std::string {
        if (bench->has_manual_time) {
            return "manual time is already chosen";
        }
        bench->has_real_time = true;
        bench->native->UseRealTime();
        return {};
    });
}

extern "C" void lb_use_manual_time(struct lb_bench *bench)
{
    describe("lb_use_manual_time", bench, [&]() -> std::string {
        if (bench->has_real_time) {
            return "real time is already chosen";
        }
        bench->has_manual_time = true;
        bench->native->UseManualTime();
        return {};
    });
}

extern "C" void lb_process_cpu_time(struct lb_bench *bench)
{
    describe("lb_process_cpu_time", bench, [&]() -> std::string {
        bench->native->MeasureProcessCPUTime();
        return {};
    });
}

extern "C" void lb_complexity(struct lb_bench *bench, enum lb_big_o order, lb_cost *cost)
{
    describe("lb_complexity", bench, [&]() -> std::string {
        if ((order == LB_O_LAMBDA) != (cost != nullptr)) {
            return "a cost function belongs to LB_O_LAMBDA, and only to it";
        }
        switch (order) {
        case LB_O_1:
            bench->native->Complexity(benchmark::o1);
            return {};
        case LB_O_N:
            bench->native->Complexity(benchmark::oN);
            return {};
        case LB_O_N_SQUARED:
            bench->native->Complexity(benchmark::oNSquared);
            return {};
        case LB_O_N_CUBED:
            bench->native->Complexity(benchmark::oNCubed);
            return {};
        case LB_O_LOG_N:
            bench->native->Complexity(benchmark::oLogN);
            return {};
        case LB_O_N_LOG_N:
            bench->native->Complexity(benchmark::oNLogN);
            return {};
        case LB_O_AUTO:
            bench->native->Complexity(benchmark::oAuto);
            return {};
        case LB_O_LAMBDA:
            bench->native->Complexity(cost);
            return {};
        }
        return "order " + std::to_string(static_cast<int>(order)) + " does not exist";
    });
}

extern "C" void lb_clear(void)
{
    libbench::contained([] {
        // The native objects point into ours, so they go first.
        benchmark::ClearRegisteredBenchmarks();
        the_registry().benches.clear();
        the_registry().misuse.clear();
    });
}
