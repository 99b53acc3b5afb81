// What the three source files of libbench share: a registered benchmark, and one thread of one run of it.
#ifndef LIBBENCH_INTERNAL_H
#define LIBBENCH_INTERNAL_H

#include "libbench/libbench.h"

#include <benchmark/benchmark.h>

#include <condition_variable>
#include <mutex>
#include <string>

namespace libbench
{

// Where a thread stands. Both barriers of a run, start and finish, are passed exactly once on every thread,
// on whatever way the function returns: going from idle to looping or batching passes the first, going to
// finished the second.
enum class phase { hook, idle, looping, batching, finished };

struct run_state final : lb_state {
    run_state(benchmark::State &state, lb_bench &owner);
    run_state(const run_state &) = delete;
    run_state &operator=(const run_state &) = delete;

    void skip(const char *message);
    // Passes both barriers if the state is skipped. Returns whether the timer runs.
    bool start(int64_t n, phase entered);
    void finish();
    // Takes a function that returned at any point to the finished phase.
    void close();

    benchmark::State &native;
    lb_bench &bench;
    phase where = phase::idle;
    bool paused = false;
};

// An exception inside ends the process with its message; none reaches a C frame.
template <typename Body> auto contained(Body body) noexcept
{
    return body();
}

// The first wrong use of a registration call; empty if there was none.
const std::string &first_misuse();

} // namespace libbench

struct lb_bench {
    lb_bench(const char *bench_name, lb_function *function, void *user_data)
        : name(bench_name), fn(function), user(user_data)
    {
    }
    lb_bench(const lb_bench &) = delete;
    lb_bench &operator=(const lb_bench &) = delete;

    // The body of one thread of one run.
    void run(benchmark::State &native);

    const std::string name;
    lb_function *const fn;
    void *const user;
    lb_function *setup = nullptr;
    lb_function *teardown = nullptr;
    benchmark::internal::Benchmark *native = nullptr;

    // Known here because the native object keeps them private, and checks them only in some builds.
    size_t arity = 0;
    bool has_arity = false;
    bool has_iterations = false;
    bool has_min_time = false;
    bool has_real_time = false;
    bool has_manual_time = false;

  private:
    void enter(libbench::run_state &state);
    void leave(libbench::run_state &state);

    // Meeting points around the function, used only if there is a hook. The native library starts no run
    // before all threads of the last one have ended, so one set of variables is enough.
    std::mutex lock;
    std::condition_variable changed;
    bool setup_done = false;
    bool setup_skipped = false;
    int departed = 0;
};

#endif
