// A running benchmark: the loop, its two barriers, the hooks around it, and the results of a thread.
//
// The loop uses the public native calls only. KeepRunningBatch(all iterations) starts the timer and hands
// them all out at once; they are then counted down by the caller, in a local variable, and the next native
// call stops the timer.
#include "internal.h"

#include <algorithm>

using libbench::contained;
using libbench::phase;
using libbench::run_state;

namespace
{

run_state &self(lb_state *state)
{
    return *static_cast<run_state *>(state);
}

const run_state &self(const lb_state *state)
{
    return *static_cast<const run_state *>(state);
}

} // namespace

run_state::run_state(benchmark::State &state, lb_bench &owner) : lb_state{0}, native(state), bench(owner)
{
}

void run_state::skip(const char *message)
{
    lb_batch_left_ = 0;
    if (!native.error_occurred()) {
        native.SkipWithError(message);
    }
}

bool run_state::start(int64_t n, phase entered)
{
    if (where != phase::idle) {
        skip(where == phase::hook ? "libbench: a loop in a setup hook"
                                  : "libbench: a second loop in one run");
        return false;
    }
    const bool runs = native.KeepRunningBatch(n);
    where = runs ? entered : phase::finished;
    return runs;
}

void run_state::finish()
{
    if (paused && !native.error_occurred()) {
        native.ResumeTiming();
    }
    paused = false;
    // At most one iteration is left, held back by a batch loop; then the timer stops and false comes back.
    while (native.KeepRunning()) {
    }
    where = phase::finished;
}

void run_state::close()
{
    if (where == phase::idle) {
        skip("libbench: the function returned without its loop");
        start(1, phase::looping);
    } else if (where == phase::looping || where == phase::batching) {
        skip("libbench: the loop was left before its last iteration");
        finish();
    }
}

void lb_bench::run(benchmark::State &state)
{
    run_state mine(state, *this);
    const bool hooked = setup != nullptr || teardown != nullptr;
    if (hooked) {
        enter(mine);
    }
    if (!state.error_occurred()) {
        fn(&mine, user);
    }
    mine.close();
    if (hooked) {
        leave(mine);
    }
}

void lb_bench::enter(run_state &state)
{
    if (state.native.thread_index() == 0) {
        if (setup != nullptr) {
            state.where = phase::hook;
            setup(&state, user);
            state.where = phase::idle;
        }
        const std::lock_guard<std::mutex> held(lock);
        setup_done = true;
        setup_skipped = state.native.error_occurred();
        changed.notify_all();
        return;
    }
    std::unique_lock<std::mutex> held(lock);
    changed.wait(held, [this] { return setup_done; });
    if (setup_skipped) {
        // Never the message that is reported: thread 0 has already set its own.
        state.skip("libbench: skipped by setup");
    }
}

void lb_bench::leave(run_state &state)
{
    if (state.native.thread_index() != 0) {
        const std::lock_guard<std::mutex> held(lock);
        departed++;
        changed.notify_all();
        return;
    }
    {
        std::unique_lock<std::mutex> held(lock);
        const int others = state.native.threads() - 1;
        changed.wait(held, [this, others] { return departed == others; });
        departed = 0;
        setup_done = false;
    }
    if (teardown != nullptr) {
        teardown(&state, user);
    }
}

extern "C" int64_t lb_loop_start_(struct lb_state *state)
{
    return contained([&]() -> int64_t {
        run_state &run = self(state);
        // KeepRunningBatch(0) would never start; with 1 a run of no iterations passes both barriers and ends.
        const int64_t target = std::max<int64_t>(run.native.max_iterations, 1);
        return run.start(target, phase::looping) ? target : 0;
    });
}

extern "C" void lb_loop_finish_(struct lb_state *state)
{
    return contained([&] {
        run_state &run = self(state);
        if (run.where == phase::looping) {
            run.finish();
        }
    });
}

// The native object learns of batches only at the two ends, so that a batch costs one subtraction in between.
// One iteration is held back there, since the native count of what ran over is relative to what is left:
//
//     native:  |<-- max - 1, taken at the start -->|1|     ours: lb_batch_left_ counts max down in steps of n
//     last batch of n with 0 < left < n: native takes 1 + (n - left), and counts max + (n - left) iterations
extern "C" bool lb_batch_slow_(struct lb_state *state, int64_t n)
{
    return contained([&] {
        run_state &run = self(state);
        const int64_t left = run.lb_batch_left_;
        if (n < 1) {
            run.skip("libbench: a batch of less than one iteration");
        }
        if (run.where != phase::batching) {
            const int64_t target = run.native.max_iterations;
            if (n < 1 || n >= target) {
                return run.start(std::max<int64_t>(n, 1), phase::batching);
            }
            if (!run.start(target - 1, phase::batching)) {
                return false;
            }
            run.lb_batch_left_ = target - n;
            return true;
        }
        if (left == 0 || run.native.error_occurred()) {
            run.finish();
            return false;
        }
        run.lb_batch_left_ = 0;
        return run.native.KeepRunningBatch(n - left + 1);
    });
}

extern "C" void lb_pause(struct lb_state *state)
{
    run_state &run = self(state);
    const bool timed = run.where == phase::looping || run.where == phase::batching;
    if (timed && !run.paused && !run.native.error_occurred()) {
        run.paused = true;
        contained([&] { run.native.PauseTiming(); });
    }
}

extern "C" void lb_resume(struct lb_state *state)
{
    run_state &run = self(state);
    if (run.paused && !run.native.error_occurred()) {
        run.paused = false;
        contained([&] { run.native.ResumeTiming(); });
    }
}

extern "C" void lb_skip(struct lb_state *state, const char *message)
{
    contained([&] { self(state).skip(message != nullptr ? message : "skipped"); });
}

extern "C" bool lb_skipped(const struct lb_state *state)
{
    return self(state).native.error_occurred();
}

extern "C" void lb_counter(struct lb_state *state, const char *name, double value, unsigned flags)
{
    using counter = benchmark::Counter;
    static const struct {
        unsigned ours;
        counter::Flags native;
    } table[] = {
        {LB_COUNTER_RATE, counter::kIsRate},
        {LB_COUNTER_AVG_THREADS, counter::kAvgThreads},
        {LB_COUNTER_AVG_ITERATIONS, counter::kAvgIterations},
        {LB_COUNTER_ITERATION_INVARIANT, counter::kIsIterationInvariant},
        {LB_COUNTER_INVERT, counter::kInvert},
    };
    contained([&] {
        run_state &run = self(state);
        counter::Flags native = counter::kDefaults;
        for (const auto &row : table) {
            if ((flags & row.ours) != 0) {
                native = native | row.native;
                flags &= ~row.ours;
            }
        }
        const counter::OneK base = (flags & LB_COUNTER_1024) != 0 ? counter::kIs1024 : counter::kIs1000;
        flags &= ~static_cast<unsigned>(LB_COUNTER_1024);
        if (name == nullptr || flags != 0) {
            run.skip("libbench: a counter without a name, or with a flag that does not exist");
            return;
        }
        run.native.counters[name] = counter(value, native, base);
    });
}

extern "C" void lb_bytes(struct lb_state *state, int64_t bytes)
{
    contained([&] { self(state).native.SetBytesProcessed(bytes); });
}

extern "C" void lb_items(struct lb_state *state, int64_t items)
{
    contained([&] { self(state).native.SetItemsProcessed(items); });
}

extern "C" void lb_label(struct lb_state *state, const char *text)
{
    contained([&] { self(state).native.SetLabel(text != nullptr ? text : ""); });
}

extern "C" void lb_complexity_n(struct lb_state *state, int64_t n)
{
    self(state).native.SetComplexityN(n);
}

extern "C" void lb_set_iteration_time(struct lb_state *state, double seconds)
{
    contained([&] { self(state).native.SetIterationTime(seconds); });
}

extern "C" int64_t lb_arg_value(const struct lb_state *state, size_t i)
{
    const run_state &run = self(state);
    if (i < run.bench.arity) {
        return run.native.range(i);
    }
    // The run is over in any case; the state of the caller is not const, only the view of it is.
    contained([&] { const_cast<run_state &>(run).skip("libbench: an argument that does not exist"); });
    return 0;
}

extern "C" int lb_thread_index(const struct lb_state *state)
{
    return self(state).native.thread_index();
}

extern "C" int lb_thread_count(const struct lb_state *state)
{
    return self(state).native.threads();
}

extern "C" int64_t lb_iteration_target(const struct lb_state *state)
{
    return self(state).native.max_iterations;
}

extern "C" int64_t lb_iteration_count(const struct lb_state *state)
{
    const run_state &run = self(state);
    return run.where == phase::finished && !run.native.error_occurred() ? run.native.iterations() : 0;
}

extern "C" void lb_escape_(const volatile void *)
{
}
