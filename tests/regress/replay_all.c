/* replay_all [-c] [-k] [-e FAMILY] CANDIDATE[,CANDIDATE...] PATH...: runs stored programs, binary or text, of
 * any family, in one process. A PATH that is a folder stands for every file below it; -e for the boundary
 * inputs of a family. With -c a text's binary form, the file beside it that ends in .bin, must say the same,
 * and nothing is run. Exit 0: no finding; 1: a finding, with the file, the operation and both views; 77: no
 * candidate can have any of the machines; 2: the caller's mistake. It stops at the first finding, or goes on
 * with -k. Silent on success. */
#define _XOPEN_SOURCE 700
#include "engine/runner.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/boundary.h"
#include "fuzz/family.h"

enum { FILE_BYTES_MAX = 1 << 20 };

#define DESCRIPTORS 16

/* nftw and boundary_programs have no other place for these. */
static struct {
    const struct spec *spec; /* that runs now */
    bool keep_going;
    bool compare;
    bool any; /* something ran */
    int worst;
} all;

static struct op decoded[PROGRAM_OP_LIMIT];

static bool decode(const char *bytes, size_t count, const char *name, struct program *program)
{
    struct program_error error;
    if (!program_is_text((const uint8_t *)bytes, count)) {
        program_decode((const uint8_t *)bytes, count, decoded, program);
        return true;
    }
    if (program_parse(bytes, count, name, program, &error) == 0)
        return true;
    fprintf(stderr, "replay_all: %s\n", error.text);
    return false;
}

static void report(const struct spec *spec, const char *name, const struct finding *finding)
{
    fprintf(stderr, "%s: %s: %s at operation %u: expected: %s; got: %s\n    ", name, spec->name, finding->ids,
            finding->step, finding->expected, finding->actual);
    program_print_op(&finding->op, stderr);
}

static bool same_shape(const struct native_shape *a, const struct native_shape *b)
{
    bool same = a->range_count == b->range_count && a->cpu_count == b->cpu_count &&
                a->floors.interrupt == b->floors.interrupt && a->floors.system == b->floors.system &&
                a->floors.normal == b->floors.normal;
    for (uint32_t i = 0; same && i < a->range_count; i++)
        same = a->ranges[i].first.number == b->ranges[i].first.number &&
               a->ranges[i].frame_count == b->ranges[i].frame_count && a->ranges[i].node == b->ranges[i].node;
    return same;
}

/* Machines that were made last are kept: programs of a folder are often for the same. */
static struct runner *runner_for(const struct spec *spec, const struct program *program,
                                 struct spec_error *error, enum pl_status *status)
{
    static struct runner runner;
    static const struct spec *live; /* NULL: none */
    static struct native_shape shape;
    static enum op_family family;
    struct native_shape wanted = program->shape;
    runner_fit_shape(spec, &wanted);
    *status = PL_OK;
    if (live == spec && family == program->family && same_shape(&shape, &wanted))
        return &runner;
    if (live != NULL)
        runner_fini(&runner);
    live = NULL;
    *status = runner_init_family(&runner, spec, &wanted, PROGRAM_SLOT_LIMIT, program->family, error);
    if (*status != PL_OK)
        return NULL;
    live = spec;
    family = program->family;
    shape = wanted;
    return &runner;
}

/* Exit status of one program on one candidate. */
static int replay_on(const struct spec *spec, const struct program *program, const char *name)
{
    struct spec_error error = {.text = "could not be started"};
    struct finding finding = {.found = false};
    enum pl_status status;
    struct runner *runner = runner_for(spec, program, &error, &status);
    if (runner != NULL) {
        runner_set_contract(runner, program->contract);
        status = runner_run(runner, program->ops, program->op_count, &finding);
    }
    if (finding.found)
        report(spec, name, &finding);
    if (status != PL_OK && status != PL_UNSUPPORTED)
        fprintf(stderr, "%s: %s: %s\n", name, spec->name, error.text);
    all.any = all.any || status == PL_OK;
    return finding.found ? 1 : status == PL_OK || status == PL_UNSUPPORTED ? 0 : 2;
}

static bool goes_on(void)
{
    return all.worst == 0 || (all.worst == 1 && all.keep_going);
}

static size_t read_all(const char *path, void *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t count = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    return count;
}

/* A text without a binary form beside it is fine: there are machines and sizes that binary cannot say. */
static int compare_forms(const struct program *program, const char *path)
{
    static uint8_t stored[FILE_BYTES_MAX];
    uint8_t bytes[PROGRAM_BYTES_MAX];
    uint8_t own[PROGRAM_BYTES_MAX];
    struct program binary;
    char name[4096];
    size_t length = strlen(path);
    if (length < 4 || length >= sizeof(name) || strcmp(path + length - 4, ".txt") != 0)
        return 0;
    memcpy(name, path, length - 4);
    memcpy(name + length - 4, ".bin", 5);
    size_t stored_count = read_all(name, stored);
    all.any = true;
    if (stored_count == 0)
        return 0;
    /* A fuzzer's bytes are not the shortest that mean the same. */
    program_decode(stored, stored_count, decoded, &binary);
    size_t own_count = program_encode(&binary, own);
    if (own_count != 0 && own_count == program_encode(program, bytes) && memcmp(own, bytes, own_count) == 0)
        return 0;
    fprintf(stderr, "%s: differs from its text; write it again with pagelab replay --encode\n", name);
    return 1;
}

/* Returns whether to stop. */
static int replay_bytes(const char *bytes, size_t count, const char *name)
{
    struct program program;
    if (!decode(bytes, count, name, &program)) {
        all.worst = 2;
        return 1;
    }
    int status = all.compare ? compare_forms(&program, name) : replay_on(all.spec, &program, name);
    all.worst = status > all.worst ? status : all.worst;
    program_fini(&program);
    return !goes_on();
}

static int replay_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    static char bytes[FILE_BYTES_MAX];
    (void)status;
    (void)place;
    size_t length = strlen(path);
    if (kind != FTW_F || (length > 3 && strcmp(path + length - 3, ".md") == 0))
        return 0;
    size_t count = read_all(path, bytes);
    if (count != 0)
        return replay_bytes(bytes, count, path);
    fprintf(stderr, "replay_all: %s: cannot be read\n", path);
    all.worst = 2;
    return 1;
}

static void replay_edges(void *self, uint32_t number, const uint8_t *bytes, size_t byte_count)
{
    char name[64];
    snprintf(name, sizeof(name), "edges of %s, %u", (const char *)self, number);
    if (goes_on())
        (void)replay_bytes((const char *)bytes, byte_count, name);
}

static int usage(void)
{
    fputs("usage: replay_all [-c] [-k] [-e FAMILY] CANDIDATE[,CANDIDATE...] PATH...\n", stderr);
    return 2;
}

static void replay_candidate(const struct spec *spec, enum op_family edges, char **paths)
{
    all.spec = spec;
    if (edges != OP_FAMILY_COUNT)
        boundary_programs(edges, replay_edges, (void *)(uintptr_t)op_family_names[edges]);
    for (; *paths != NULL && goes_on(); paths++) {
        if (nftw(*paths, replay_file, DESCRIPTORS, FTW_PHYS) < 0) {
            fprintf(stderr, "replay_all: %s: cannot be read\n", *paths);
            all.worst = 2;
        }
    }
}

int main(int argc, char **argv)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error;
    enum op_family edges = OP_FAMILY_COUNT;
    int option;
    while ((option = getopt(argc, argv, "cke:")) != -1) {
        if (option == 'k')
            all.keep_going = true;
        else if (option == 'c')
            all.compare = true;
        else if (option != 'e' || !family_of_name(optarg, strlen(optarg), &edges))
            return usage();
    }
    if (argc - optind < (edges == OP_FAMILY_COUNT ? 2 : 1))
        return usage();
    int spec_count = spec_parse_list(argv[optind], specs, &error);
    if (spec_count < 0) {
        fprintf(stderr, "replay_all: %s\n", error.text);
        return 2;
    }
    for (int i = 0; i < spec_count && goes_on(); i++)
        replay_candidate(&specs[i], edges, argv + optind + 1);
    return all.worst != 0 ? all.worst : all.any ? 0 : 77;
}
