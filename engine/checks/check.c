/* See check.h. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "engine/checks/check.h"

#include <pagelab/check.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The smallest machine that every candidate can have; its capabilities do not depend on the size. */
#define PROBE_FRAMES 1024u

const struct promise *check_promise(unsigned i)
{
    const struct {
        const struct promise *promises;
        unsigned count;
    } lists[] = {
        {promises_freebsd, promises_freebsd_count}, {promises_linux, promises_linux_count},
        {promises_sbp2, promises_sbp2_count},       {promises_iokit, promises_iokit_count},
        {promises_cross, promises_cross_count},
    };
    for (size_t list = 0; list < PL_COUNT_OF(lists); list++) {
        if (i < lists[list].count)
            return &lists[list].promises[i];
        i -= lists[list].count;
    }
    return NULL;
}

void check_broken(struct check *check, const char *format, ...)
{
    va_list args;
    check->verdict = CHECK_BROKEN;
    va_start(args, format);
    vsnprintf(check->words, sizeof(check->words), format, args);
    va_end(args);
    snprintf(check->ids, sizeof(check->ids), "%s", check->id);
}

void check_na(struct check *check, const char *reason)
{
    check->verdict = CHECK_NA;
    snprintf(check->words, sizeof(check->words), "%s", reason);
}

static void take_finding(struct check *check, const struct finding *finding)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out != NULL) {
        program_print_op(&finding->op, out);
        fclose(out);
    }
    if (bytes > 0 && text[bytes - 1] == '\n')
        text[bytes - 1] = '\0';
    check->verdict = CHECK_BROKEN;
    snprintf(check->ids, sizeof(check->ids), "%s", finding->ids);
    snprintf(check->words, sizeof(check->words), "operation %u, %.100s: expected %.130s; actual %.130s",
             finding->step, text == NULL ? "" : text, finding->expected, finding->actual);
    free(text);
}

bool check_program(struct check *check, const char *text)
{
    struct program program;
    struct program_error program_error;
    struct spec_error error;
    struct finding finding;
    if (check->verdict != CHECK_HOLDS)
        return false;
    if (program_parse(text, strlen(text), check->id, &program, &program_error) != 0) {
        check_broken(check, "the check's own program is wrong: %s", program_error.text);
        return false;
    }
    struct native_shape shape = program.shape;
    runner_fit_shape(check->spec, &shape);
    struct runner *runner = aligned_alloc(_Alignof(struct runner), sizeof(*runner));
    if (runner == NULL)
        abort(); /* a child's affair: the cell says that it died */
    enum pl_status status =
        runner_init_family(runner, check->spec, &shape, PROGRAM_SLOT_LIMIT, program.family, &error);
    if (status == PL_OK) {
        runner_set_contract(runner, check->contract);
        status = runner_run(runner, program.ops, program.op_count, &finding);
        if (status != PL_OK)
            check_broken(check, "a machine that was initialised once cannot be again: %s",
                         pl_status_name(status));
        else if (finding.found)
            take_finding(check, &finding);
        runner_fini(runner);
    } else if (status == PL_UNSUPPORTED) {
        check_na(check, "capability: this machine");
    } else {
        check_broken(check, "%s", error.text);
    }
    free(runner);
    program_fini(&program);
    return check->verdict == CHECK_HOLDS;
}

/* The first capability that is missing, by name; NULL if none is. */
static const char *missing(uint64_t needs, uint64_t caps)
{
#define MISSING(name, text)                                                                                  \
    if (needs & ~caps & PL_CAP_##name)                                                                       \
        return text;
    PL_CAP_NAMES(MISSING)
#undef MISSING
    return NULL;
}

enum pl_status check_capabilities(const struct spec *spec, uint64_t *caps, struct spec_error *error)
{
    struct native_shape shape = {.ranges = {{.frame_count = PROBE_FRAMES}}, .range_count = 1, .cpu_count = 1};
    struct instance instance;
    runner_fit_shape(spec, &shape);
    struct native_machine *native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (native == NULL)
        return PL_NO_MEMORY;
    enum pl_status status = instance_init(&instance, spec, native_machine_view(native), false, error);
    if (status == PL_OK) {
        *caps = instance.caps;
        instance_fini(&instance);
    }
    native_machine_delete(native);
    return status;
}

void check_run(const struct promise *promise, const struct spec *spec, enum contract contract,
               struct check *check)
{
    memset(check, 0, sizeof(*check));
    check->spec = spec;
    check->contract = contract;
    check->id = promise->id;
    if ((promise->contract == CHECK_DOC_ONLY && contract != CONTRACT_DOC) ||
        (promise->contract == CHECK_REAL_ONLY && contract != CONTRACT_REAL)) {
        check_na(check, "contract");
        return;
    }
    struct spec_error error = {.text = "out of memory"};
    uint64_t caps = 0;
    enum pl_status status = check_capabilities(spec, &caps, &error);
    if (status == PL_UNSUPPORTED) {
        check_na(check, "capability: this machine");
        return;
    }
    if (status != PL_OK) {
        check_broken(check, "no instance can be made: %s", error.text);
        return;
    }
    const char *lacks = missing(promise->needs, caps);
    if (lacks != NULL) {
        char reason[80];
        if (promise->structure != NULL)
            snprintf(reason, sizeof(reason), "structure: %s", promise->structure);
        else
            snprintf(reason, sizeof(reason), "capability: %s", lacks);
        check_na(check, reason);
        return;
    }
    promise->run(check);
}
