/* See valgrind.h. Callgrind leaves a file behind, which goes to a folder of our own; lackey's trace is
 * hundreds of megabytes and is read from a pipe while it is written. */
#define _GNU_SOURCE /* pipe2 */
#include "bench/cost/valgrind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/cell_child.h"
#include "bench/child.h"
#include "bench/cost/callgrind.h"
#include "bench/cost/counted.h"
#include "bench/cost/lackey.h"

#define ARGUMENT_LIMIT 40u
#define TRACE_BUFFER   ((size_t)1 << 20)

const char *cost_runner_find(struct cost_runner *runner)
{
#if defined(PL_SANITIZED)
    return "a build without sanitizer expected: valgrind cannot run this one";
#endif
    const char *at = getenv("PATH");
    for (; at != NULL && *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
        int bytes =
            snprintf(runner->valgrind, sizeof(runner->valgrind), "%.*s/valgrind", (int)strcspn(at, ":"), at);
        if (bytes < (int)sizeof(runner->valgrind) && access(runner->valgrind, X_OK) == 0)
            return NULL;
    }
    return "valgrind expected on PATH, which --workload counts under: install the package valgrind";
}

/* --- the command --- */

struct command {
    char *argv[ARGUMENT_LIMIT + 1];
    size_t count;
    char out[128];
    char counted[32];
    struct cell_arguments cell;
};

static void put(struct command *command, const char *word)
{
    command->argv[command->count++] = (char *)(uintptr_t)word;
}

/* With an environment that is ours. */
static void put_valgrind(struct command *command, const struct cost_runner *runner)
{
    static const char *const fixed[] = {"/usr/bin/env", "-i", "LC_ALL=C", "LD_BIND_NOW=1",
                                        "PATH=/usr/bin:/bin"};
    command->count = 0;
    for (size_t i = 0; i < PL_COUNT_OF(fixed); i++)
        put(command, fixed[i]);
    put(command, runner->valgrind);
}

/* Where the tool writes: callgrind's file, or lackey's pipe, to which the child writes its mark, too. */
static void make_command(struct command *command, const struct cost_runner *runner, enum cost_tool tool,
                         const struct cell_params *params, int out_fd)
{
    static const char *const callgrind[] = {"--tool=callgrind", "--collect-bus=yes",
                                            "--toggle-collect=" COST_HOOK_ALLOC,
                                            "--toggle-collect=" COST_HOOK_FREE, "--quiet"};
    static const char *const lackey[] = {"--tool=lackey", "--trace-mem=yes"};
    bool traces = tool == COST_LACKEY;
    put_valgrind(command, runner);
    for (size_t i = 0; i < (traces ? PL_COUNT_OF(lackey) : PL_COUNT_OF(callgrind)); i++)
        put(command, traces ? lackey[i] : callgrind[i]);
    snprintf(command->out, sizeof(command->out),
             traces ? "--log-fd=%d" : "--callgrind-out-file=/proc/self/fd/%d", out_fd);
    put(command, command->out);
    cell_arguments_make(runner->program, params, &command->cell);
    for (size_t i = 0; command->cell.argv[i] != NULL; i++)
        put(command, command->cell.argv[i]);
    snprintf(command->counted, sizeof(command->counted), "--counted=%d", traces ? out_fd : -1);
    put(command, command->counted);
    command->argv[command->count] = NULL;
}

/* --- what came of it --- */

/* The row that the child printed. */
static enum cost_run_end read_row(struct child_result *result, cJSON **row, struct cost_error *error)
{
    *row = result->end == CHILD_EXITED && result->code == 0 && result->output != NULL
               ? cJSON_Parse(result->output)
               : NULL;
    const char *mistake = cJSON_GetStringValue(cJSON_GetObjectItem(*row, "mistake"));
    enum cost_run_end end = COST_RUN_OK;
    if (*row == NULL) {
        child_describe(result, error->text, sizeof(error->text));
        end = result->end == CHILD_INTERRUPTED ? COST_RUN_INTERRUPTED
              : result->end == CHILD_TIMED_OUT ? COST_RUN_TIMED_OUT
                                               : COST_RUN_ENDED;
    } else if (mistake != NULL) {
        snprintf(error->text, sizeof(error->text), "%s", mistake);
        end = COST_RUN_MISTAKE;
    }
    if (end != COST_RUN_OK) {
        cJSON_Delete(*row);
        *row = NULL;
    }
    free(result->output);
    return end;
}

static bool is_ok(const cJSON *row)
{
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
    return status != NULL && strcmp(status, "ok") == 0;
}

static enum cost_run_end run_callgrind(const struct cost_runner *runner, const struct cell_params *params,
                                       struct cost_profile *profile, cJSON **row, struct cost_error *error)
{
    struct command command;
    struct child_result result;
    int descriptor = memfd_create("callgrind", 0); /* the child inherits it, and callgrind opens it anew */
    if (descriptor < 0) {
        snprintf(error->text, sizeof(error->text), "no memory for callgrind's file: %s", strerror(errno));
        return COST_RUN_MISTAKE;
    }
    make_command(&command, runner, COST_CALLGRIND, params, descriptor);
    child_run(command.argv, runner->limit_s, runner->stop, &result);
    enum cost_run_end end = read_row(&result, row, error);
    FILE *file = fdopen(descriptor, "r");
    if (end == COST_RUN_OK && is_ok(*row) &&
        (file == NULL || callgrind_read(file, "callgrind", profile, error) != 0))
        end = COST_RUN_TOOL;
    if (file != NULL)
        fclose(file);
    else
        close(descriptor);
    return end;
}

struct trace_reader {
    int fd;
    struct lackey *lackey;
    bool good;
};

/* Reads to the end whatever it holds, so that the writer never waits for good. */
static void *read_trace(void *argument)
{
    struct trace_reader *reader = argument;
    FILE *file = fdopen(reader->fd, "r");
    char *buffer = malloc(TRACE_BUFFER);
    char line[512];
    reader->good = file != NULL && buffer != NULL && setvbuf(file, buffer, _IOFBF, TRACE_BUFFER) == 0;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        reader->good = reader->good && lackey_line(reader->lackey, line);
    if (file == NULL)
        close(reader->fd);
    else
        fclose(file);
    free(buffer);
    return NULL;
}

static enum cost_run_end run_lackey(const struct cost_runner *runner, const struct cell_params *params,
                                    struct cost_profile *profile, cJSON **row, struct cost_error *error)
{
    struct command command;
    struct child_result result;
    int ends[2];
    pthread_t thread;
    struct trace_reader reader = {.lackey = lackey_new()};
    bool piped = reader.lackey != NULL && pipe2(ends, O_CLOEXEC) == 0;
    snprintf(error->text, sizeof(error->text), "no memory, no pipe or no thread for the trace");
    if (!piped || fcntl(ends[1], F_SETFD, 0) != 0) { /* the child inherits this end */
        lackey_delete(reader.lackey);
        return COST_RUN_MISTAKE;
    }
    reader.fd = ends[0];
    enum cost_run_end end = COST_RUN_MISTAKE;
    bool started = pthread_create(&thread, NULL, read_trace, &reader) == 0;
    if (started) {
        make_command(&command, runner, COST_LACKEY, params, ends[1]);
        child_run(command.argv, runner->limit_s, runner->stop, &result);
        end = read_row(&result, row, error);
    } else {
        close(ends[0]);
    }
    close(ends[1]);
    if (started)
        pthread_join(thread, NULL);
    if (end == COST_RUN_OK && is_ok(*row) &&
        (!reader.good || lackey_finish(reader.lackey, profile, error) != 0))
        end = COST_RUN_TOOL;
    lackey_delete(reader.lackey);
    return end;
}

/* A candidate's death is valgrind's end, too. What cannot run this program's --version, with no candidate in
 * it, is valgrind; callgrind, because it is the quicker one. */
static bool works(const struct cost_runner *runner, struct cost_error *error)
{
    static const char *const tool[] = {"--tool=callgrind", "--callgrind-out-file=/dev/null", "--quiet"};
    struct command command;
    struct child_result result;
    char words[256];
    put_valgrind(&command, runner);
    for (size_t i = 0; i < PL_COUNT_OF(tool); i++)
        put(&command, tool[i]);
    put(&command, runner->program);
    put(&command, "--version");
    command.argv[command.count] = NULL;
    child_run(command.argv, runner->limit_s, runner->stop, &result);
    bool good = result.end == CHILD_EXITED && result.code == 0;
    if (!good && result.end != CHILD_INTERRUPTED) {
        child_describe(&result, words, sizeof(words));
        snprintf(error->text, sizeof(error->text), "%.200s cannot run this program: %.240s", runner->valgrind,
                 words);
    }
    free(result.output);
    return good || result.end == CHILD_INTERRUPTED;
}

enum cost_run_end cost_run(const struct cost_runner *runner, enum cost_tool tool,
                           const struct cell_params *params, struct cost_profile *profile, cJSON **row,
                           struct cost_error *error)
{
    *row = NULL;
    enum cost_run_end end = tool == COST_LACKEY ? run_lackey(runner, params, profile, row, error)
                                                : run_callgrind(runner, params, profile, row, error);
    return end == COST_RUN_ENDED && !works(runner, error) ? COST_RUN_TOOL : end;
}
