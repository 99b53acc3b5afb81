/*
 * libbench: Google Benchmark for programs written in C.
 *
 * A benchmark is a C function which runs its timed part in LB_LOOP. The countdown of LB_LOOP is a local
 * variable, as in the native C++ loop, so an iteration costs the same; everything else here is called once a
 * run, or by choice.
 *
 * Register, describe and run from one thread. Calls which take a `struct lb_state` belong to the thread which
 * received it. Inside the loop only lb_pause, lb_resume, lb_set_iteration_time, lb_do_not_optimize,
 * lb_clobber and the getters are free of locks and allocation; lb_skip, lb_counter, lb_bytes, lb_items and
 * lb_label belong after it.
 */
#ifndef LIBBENCH_LIBBENCH_H
#define LIBBENCH_LIBBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LB_LIKELY_(condition) __builtin_expect(!!(condition), 1)
#else
#define LB_LIKELY_(condition) (condition)
#endif

/* One function, with all arguments and thread counts it is to run with. Owned by the library. */
struct lb_bench;

/* One thread of one run. Its member is private, here only so that lb_keep_running_batch can be inline. */
struct lb_state {
    int64_t lb_batch_left_;
};

/* A benchmark function or a hook; `user` is what lb_register was given. An exception must not leave it. */
typedef void lb_function(struct lb_state *state, void *user);

/* The cost of a problem of size n, up to a constant factor. */
typedef double lb_cost(int64_t n);

enum lb_time_unit {
    LB_NS,
    LB_US,
    LB_MS,
    LB_S,
};

enum lb_big_o {
    LB_O_1,
    LB_O_N,
    LB_O_N_SQUARED,
    LB_O_N_CUBED,
    LB_O_LOG_N,
    LB_O_N_LOG_N,
    LB_O_AUTO,   /* Whichever of the above fits best. */
    LB_O_LAMBDA, /* The function handed to lb_complexity. */
};

/* How a counter is turned into the reported value. The values of all threads are added first. */
enum lb_counter_flag {
    LB_COUNTER_PLAIN = 0,
    LB_COUNTER_RATE = 1 << 0,                /* Divide by the seconds the run took. */
    LB_COUNTER_AVG_THREADS = 1 << 1,         /* Divide by the number of threads. */
    LB_COUNTER_AVG_ITERATIONS = 1 << 2,      /* Divide by the number of iterations. */
    LB_COUNTER_ITERATION_INVARIANT = 1 << 3, /* Multiply by the number of iterations. */
    LB_COUNTER_INVERT = 1 << 4,              /* At last, report 1/value. */
    LB_COUNTER_1024 = 1 << 5,                /* The table prints it in Ki, Mi, ... instead of k, M, ... */
};

/*
 * Registration.
 *
 * None of these calls fails in a way the caller must check. Wrong use (a null benchmark, lo above hi, an
 * argument list of another length) is remembered, changes nothing else, and the next lb_run or lb_run_json
 * prints it and returns 2.
 */

/* Returns NULL only on wrong use or without memory; the calls below accept NULL. */
struct lb_bench *lb_register(const char *name, lb_function *fn, void *user);

/* Arguments. Each call adds runs; all runs of a benchmark have the same number of arguments. */
void lb_arg(struct lb_bench *bench, int64_t value);
void lb_args(struct lb_bench *bench, size_t count, const int64_t *values);
/* lo, hi, and the powers of `multiplier` (at least 2) between them. */
void lb_range(struct lb_bench *bench, int64_t lo, int64_t hi, int multiplier);
/* lo, lo + step, ... while not above hi. */
void lb_dense_range(struct lb_bench *bench, int64_t lo, int64_t hi, int step);
/* Names shown before the values: "copy/bytes:8". */
void lb_arg_names(struct lb_bench *bench, size_t count, const char *const *names);

/* Thread counts. Each call adds some; without one, a single thread. */
void lb_threads(struct lb_bench *bench, int count);
/* lo, hi, and the powers of two between them. */
void lb_thread_range(struct lb_bench *bench, int lo, int hi);

/*
 * Hooks, once a run whatever the number of threads, on thread 0 and never timed. setup returns before any
 * thread enters the function; teardown begins when all threads have left it. lb_skip in setup skips the
 * function on every thread; teardown runs all the same. One benchmark is run several times (the number of
 * iterations is searched for), so these hooks are too.
 */
void lb_setup(struct lb_bench *bench, lb_function *hook);
void lb_teardown(struct lb_bench *bench, lb_function *hook);

/* Exactly `count` iterations a thread. Excludes lb_min_time and lb_min_warmup_time. */
void lb_iterations(struct lb_bench *bench, int64_t count);
void lb_repetitions(struct lb_bench *bench, int count);
void lb_min_time(struct lb_bench *bench, double seconds);
void lb_min_warmup_time(struct lb_bench *bench, double seconds);
/* Report mean, median and deviation of the repetitions, not each of them. */
void lb_aggregates_only(struct lb_bench *bench);

void lb_unit(struct lb_bench *bench, enum lb_time_unit unit);
/* Wall clock time decides how long to run and is what rates divide by; otherwise CPU time of the thread. */
void lb_use_real_time(struct lb_bench *bench);
/* Time is what lb_set_iteration_time reports. Excludes lb_use_real_time. */
void lb_use_manual_time(struct lb_bench *bench);
/* CPU time of the whole process instead of the benchmark's own threads. */
void lb_process_cpu_time(struct lb_bench *bench);

/* Fit a cost to the runs which called lb_complexity_n. `cost` is for LB_O_LAMBDA, and NULL otherwise. */
void lb_complexity(struct lb_bench *bench, enum lb_big_o order, lb_cost *cost);

/* Forgets every benchmark and every wrong use, not the context. Pointers from lb_register are dead. */
void lb_clear(void);

/*
 * In the function.
 */

/*
 * The timed loop, once in each run of the function:
 *
 *     LB_LOOP(state) {
 *         work();
 *     }
 *
 * All threads start together and wait for each other at the end. Results and per-thread cleanup belong after
 * the loop. After lb_skip the body is not entered; called inside the body, lb_skip must be followed by
 * `break`, or the remaining iterations run untimed. Leaving the loop early without lb_skip, or never entering
 * it, turns the run into an error.
 */
#define LB_LOOP(state)                                                                                       \
    for (int64_t lb_left_ = lb_loop_start_(state);                                                           \
         LB_LIKELY_(lb_left_ != 0) || (lb_loop_finish_(state), false); --lb_left_)

/*
 * The same for work done n iterations at a time: while (lb_keep_running_batch(state, n)) { n operations }.
 * Times are per operation. The last batch may run over the target; what ran is what counts. n must be at
 * least 1.
 */
static inline bool lb_keep_running_batch(struct lb_state *state, int64_t n);

/* The timer of this thread. Without effect outside the loop, and when it is already so. Some hundred ns. */
void lb_pause(struct lb_state *state);
void lb_resume(struct lb_state *state);

/* Gives the run up as an error. The message is copied; the first one of all threads is reported. */
void lb_skip(struct lb_state *state, const char *message);
bool lb_skipped(const struct lb_state *state);

/* Results of this thread. A second value of the same name replaces the first. flags: enum lb_counter_flag. */
void lb_counter(struct lb_state *state, const char *name, double value, unsigned flags);
void lb_bytes(struct lb_state *state, int64_t bytes);
void lb_items(struct lb_state *state, int64_t items);
void lb_label(struct lb_state *state, const char *text);
void lb_complexity_n(struct lb_state *state, int64_t n);
void lb_set_iteration_time(struct lb_state *state, double seconds);

/* The i-th argument. One which does not exist skips the run and returns 0. */
int64_t lb_arg_value(const struct lb_state *state, size_t i);
int lb_thread_index(const struct lb_state *state);
int lb_thread_count(const struct lb_state *state);
/* Iterations this thread is asked to do: known before the loop, so that what they need can be prepared. */
int64_t lb_iteration_target(const struct lb_state *state);
/* Iterations this thread did: valid after the loop, 0 before it and after lb_skip. */
int64_t lb_iteration_count(const struct lb_state *state);

/*
 * lb_do_not_optimize(value) makes the compiler compute `value` and believe that memory was read and written.
 * lb_clobber does the latter alone. Neither emits an instruction of its own. Without GNU inline assembly
 * `value` must be an lvalue and its address escapes to a function that does nothing.
 */
#if defined(__GNUC__)
#define lb_do_not_optimize(value) __asm__ volatile("" : : "r,m"(value) : "memory")
#else
#define lb_do_not_optimize(value) lb_escape_(&(value))
#endif

static inline void lb_clobber(void);

/*
 * Running.
 */

/*
 * Runs what is registered, as the standard --benchmark_* flags ask. The flags are taken out of argc and argv.
 * Returns 0; 2 after a line on stderr for a flag not known or of a bad value, a filter that matches nothing,
 * wrong use of a registration call; 1 when the library itself failed. --help exits, as in the native library.
 */
int lb_run(int *argc, char **argv);

/* Zero means the default in every member, so a designated initialiser names what differs. */
struct lb_run_options {
    const char *json_path;    /* Required. "-" is stdout. */
    const char *filter;       /* A regular expression; NULL runs everything. */
    double min_time_s;        /* 0: 0.5 seconds. */
    double min_warmup_time_s; /* 0: no warm-up. */
    unsigned repetitions;     /* 0: one. */
    bool quiet;     /* No table. Otherwise it goes to stdout, or to stderr if stdout has the JSON. */
    bool anonymous; /* Leave "host_name" and "executable" out of the context. */
    bool aggregates_only;
    bool random_interleaving; /* Mix the repetitions of all benchmarks, against drift. */
    bool reserved[4];         /* Must be zero. */
};

/*
 * Runs what is registered and writes Google Benchmark's JSON. Flags and environment variables of the library
 * have no part in it. Returns as lb_run does, and 2 for options out of range or a file that cannot be
 * written; the file is then empty or unfinished.
 */
int lb_run_json(const struct lb_run_options *options);

/*
 * Adds a line to the context which every later run reports. A key is added once and for the life of the
 * process: false, and nothing changes, for one that exists already or is the library's own, or for NULL.
 */
bool lb_add_context(const char *key, const char *value);

/*
 * What the macros and inline functions above call. Not for direct use.
 */

int64_t lb_loop_start_(struct lb_state *state);
void lb_loop_finish_(struct lb_state *state);
bool lb_batch_slow_(struct lb_state *state, int64_t n);
void lb_escape_(const volatile void *address);

static inline bool lb_keep_running_batch(struct lb_state *state, int64_t n)
{
    if (LB_LIKELY_(n > 0 && state->lb_batch_left_ >= n)) {
        state->lb_batch_left_ -= n;
        return true;
    }
    return lb_batch_slow_(state, n);
}

static inline void lb_clobber(void)
{
#if defined(__GNUC__)
    __asm__ volatile("" : : : "memory");
#else
    lb_escape_(NULL);
#endif
}

#ifdef __cplusplus
}
#endif

#endif
