/* replay_all CANDIDATE FILE...: runs each stored program, binary or text, on one candidate. Exit 0: no
 * finding; 1: a finding, with the file, the operation and both views; 77: the candidate can have none of the
 * machines; 2: the caller's mistake. Silent on success. */
#include "engine/runner.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

static struct runner runner;
static struct op decoded[PROGRAM_OP_LIMIT];

static bool load(const char *path, struct program *program)
{
    static char bytes[FILE_BYTES_MAX];
    struct program_error error;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "replay_all: %s: cannot be read\n", path);
        return false;
    }
    size_t count = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    if (!program_is_text((const uint8_t *)bytes, count)) {
        program_decode((const uint8_t *)bytes, count, decoded, program);
        return true;
    }
    if (program_parse(bytes, count, path, program, &error) == 0)
        return true;
    fprintf(stderr, "replay_all: %s\n", error.text);
    return false;
}

static void report(const char *candidate, const char *path, const struct finding *finding)
{
    fprintf(stderr, "%s: %s: %s at operation %u: expected: %s; got: %s\n    ", path, candidate, finding->ids,
            finding->step, finding->expected, finding->actual);
    program_print_op(&finding->op, stderr);
}

/* Exit status of one file. */
static int replay_file(const char *candidate, const struct spec *spec, const char *path)
{
    struct program program;
    struct spec_error error = {.text = ""};
    struct finding finding = {.found = false};
    if (!load(path, &program))
        return 2;
    runner_fit_shape(spec, &program.shape);
    enum pl_status status = runner_init(&runner, spec, &program.shape, &error);
    if (status == PL_OK) {
        status = runner_run(&runner, program.ops, program.op_count, &finding);
        runner_fini(&runner);
    }
    program_fini(&program);
    if (finding.found)
        report(candidate, path, &finding);
    if (status != PL_OK && status != PL_UNSUPPORTED)
        fprintf(stderr, "%s: %s: %s\n", path, candidate, error.text);
    return finding.found ? 1 : status == PL_OK ? 0 : status == PL_UNSUPPORTED ? 77 : 2;
}

int main(int argc, char **argv)
{
    struct spec spec;
    struct spec_error error;
    bool any = false;
    if (argc < 3) {
        fputs("usage: replay_all CANDIDATE FILE...\n", stderr);
        return 2;
    }
    if (spec_parse(argv[1], &spec, &error) != 0) {
        fprintf(stderr, "replay_all: %s\n", error.text);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        int status = replay_file(argv[1], &spec, argv[i]);
        if (status == 1 || status == 2)
            return status;
        any = any || status == 0;
    }
    return any ? 0 : 77;
}
