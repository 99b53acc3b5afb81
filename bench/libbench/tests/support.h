/* What the unit tests share: run what is registered, silently, and hand back the JSON it wrote. */
#ifndef LIBBENCH_TESTS_SUPPORT_H
#define LIBBENCH_TESTS_SUPPORT_H

#include <libbench/libbench.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

/* A run of registered benchmarks. `json` belongs to the caller, who ends with run_free. */
struct run {
    int status;
    cJSON *json;
};

/* min_time_s is tiny: tests look at what is counted, never at how long it took. */
struct run run_all(void);
struct run run_with(struct lb_run_options options);
void run_free(struct run *run);

/* Cmocka's setup and teardown of a test: nothing registered before and after. */
int clear(void **unused);

/* Rows of the result. A row of that name which does not exist fails the test. */
int row_count(const struct run *run);
const cJSON *row(const struct run *run, const char *name);
bool has_row(const struct run *run, const char *name);
double number(const cJSON *row, const char *key);
const char *text(const cJSON *row, const char *key);

/* Runs `call` with stdout and stderr going to files, and gives what it wrote, cut to the buffers' size. */
struct output {
    char out[8192];
    char err[8192];
};
int captured(int (*call)(void *), void *argument, struct output *output);

#endif
