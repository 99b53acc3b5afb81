/*
 * Two ways to zero a buffer, from 64 bytes to 64 KiB, and a shared counter on one and two threads. Shows
 * arguments, hooks, bytes, complexity, threads and a label; the flags are Google Benchmark's own (try
 * --help).
 */
#include <libbench/libbench.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    unsigned char *bytes;
};

static void buffer_setup(struct lb_state *state, void *user)
{
    struct buffer *buffer = user;
    buffer->bytes = malloc((size_t)lb_arg_value(state, 0));
    if (buffer->bytes == NULL) {
        lb_skip(state, "no memory for the buffer");
    }
}

static void buffer_teardown(struct lb_state *state, void *user)
{
    struct buffer *buffer = user;
    (void)state;
    free(buffer->bytes);
}

static void zero_memset(struct lb_state *state, void *user)
{
    const struct buffer *buffer = user;
    const int64_t bytes = lb_arg_value(state, 0);
    LB_LOOP(state)
    {
        memset(buffer->bytes, 0, (size_t)bytes);
        lb_clobber();
    }
    lb_bytes(state, lb_iteration_count(state) * bytes);
    lb_complexity_n(state, bytes);
}

static void zero_by_byte(struct lb_state *state, void *user)
{
    const struct buffer *buffer = user;
    const int64_t bytes = lb_arg_value(state, 0);
    LB_LOOP(state)
    {
        for (int64_t i = 0; i < bytes; i++) {
            /* Volatile, or the compiler makes it a memset. */
            *(volatile unsigned char *)&buffer->bytes[i] = 0;
        }
    }
    lb_bytes(state, lb_iteration_count(state) * bytes);
    lb_complexity_n(state, bytes);
}

static void count_shared(struct lb_state *state, void *user)
{
    atomic_long *counter = user;
    LB_LOOP(state)
    {
        atomic_fetch_add(counter, 1);
    }
    lb_items(state, lb_iteration_count(state));
    lb_label(state, lb_thread_count(state) == 1 ? "uncontended" : "contended");
}

int main(int argc, char **argv)
{
    static struct buffer buffer;
    static atomic_long counter;
    static lb_function *const functions[] = {zero_memset, zero_by_byte};
    static const char *const names[] = {"zero/memset", "zero/by_byte"};

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct lb_bench *zero = lb_register(names[i], functions[i], &buffer);
        lb_range(zero, 64, 65536, 32);
        lb_setup(zero, buffer_setup);
        lb_teardown(zero, buffer_teardown);
        lb_complexity(zero, LB_O_N, NULL);
    }

    struct lb_bench *count = lb_register("count", count_shared, &counter);
    lb_thread_range(count, 1, 2);
    lb_use_real_time(count);

    const int status = lb_run(&argc, argv);
    lb_clear();
    return status;
}
