// What libbench costs over the native C++ interface: the same bodies through both, in one run. Interleave
// repetitions
// (--benchmark_enable_random_interleaving=true), or drift of the machine looks like a difference.
#include "bodies.h"

#include <benchmark/benchmark.h>
#include <libbench/libbench.h>

namespace
{

void empty(benchmark::State &state)
{
    for ([[maybe_unused]] auto _ : state) {
        body_empty();
    }
}

void call(benchmark::State &state)
{
    uint64_t value = 1;
    for ([[maybe_unused]] auto _ : state) {
        value = body_call(value);
    }
    benchmark::DoNotOptimize(value);
}

void atomic(benchmark::State &state)
{
    for ([[maybe_unused]] auto _ : state) {
        body_atomic();
    }
}

void batch(benchmark::State &state)
{
    while (state.KeepRunningBatch(1)) {
        body_empty();
    }
}

void pause(benchmark::State &state)
{
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        state.ResumeTiming();
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::RegisterBenchmark("empty/native", empty);
    benchmark::RegisterBenchmark("call/native", call);
    benchmark::RegisterBenchmark("atomic/native", atomic);
    benchmark::RegisterBenchmark("batch_of_1/native", batch);
    benchmark::RegisterBenchmark("pause_resume/native", pause);
    overhead_register_libbench();
    return lb_run(&argc, argv);
}
