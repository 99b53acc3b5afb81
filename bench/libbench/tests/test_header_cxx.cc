// Scenario: a C++ program uses the C header, native and libbench benchmarks side by side.
// Expect both to compile under the same warnings and to run in one go.
#include <libbench/libbench.h>

#include <benchmark/benchmark.h>

namespace
{

int calls;

void through_libbench(lb_state *state, void *)
{
    calls++;
    LB_LOOP(state)
    {
        lb_do_not_optimize(calls);
    }
}

void in_batches(lb_state *state, void *)
{
    calls++;
    while (lb_keep_running_batch(state, 8)) {
        lb_clobber();
    }
}

void native(benchmark::State &state)
{
    for ([[maybe_unused]] auto _ : state) {
        benchmark::ClobberMemory();
    }
}

} // namespace

int main(int argc, char **argv)
{
    benchmark::RegisterBenchmark("native", native);
    lb_register("loop", through_libbench, nullptr);
    lb_register("batches", in_batches, nullptr);
    const int status = lb_run(&argc, argv);
    lb_clear();
    return status != 0 ? status : calls < 2;
}
