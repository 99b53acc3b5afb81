/* The compact form: what is written is read back, and nothing else is accepted. */
#define _POSIX_C_SOURCE 200809L
#include "tests/unit/test_trace_help.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "engine/trace/trace_codec.h"
#include "engine/trace/trace_header.h"
#include "engine/trace/trace_pack.h"

static const char text[] = ALLOC(0, 0x10, 3) ALLOC(1, 0x20, 0) FREE(1, 0x14, 2) FREE(0, 0x90, 1)
    FREE(0, 0x20, 0) ALLOC(1, 0x40, 9) BATCHED(0, 0x41) FREE(0, 0x10, 2) FREE(1, 0x99, 0);

static char folder[] = "/tmp/pagelab-trace-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* "FOLDER/name", in one of two buffers by turns. */
static const char *in_folder(const char *name)
{
    static char paths[2][256];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static struct trace sample(void)
{
    struct trace_report report;
    return import_text(text, &report);
}

static void expect_same(const struct trace *a, const struct trace *b)
{
    assert_int_equal(a->op_count, b->op_count);
    assert_memory_equal(a->ops, b->ops, a->op_count * sizeof(*a->ops));
    struct trace a_counts = *a;
    struct trace b_counts = *b;
    a_counts.ops = NULL;
    b_counts.ops = NULL;
    assert_memory_equal(&a_counts, &b_counts, sizeof(a_counts));
}

static void expect_read_error(const void *bytes, size_t count, const char *words)
{
    struct trace trace;
    struct trace_error error = {""};
    assert_int_equal(trace_read_memory(bytes, count, "file", &trace, &error), -1);
    assert_null(trace.ops);
    if (strstr(error.text, words) == NULL || strstr(error.text, "expected") == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, error.text);
}

static unsigned char *pack(const struct trace *trace, size_t *count)
{
    unsigned char *bytes;
    struct trace_error error = {""};
    if (trace_pack(trace, "file", &bytes, count, &error) != 0)
        fail_msg("%s", error.text);
    return bytes;
}

/* Expect the operations, the slots and all counts back, and no other file left behind. */
static void round_trip(void **state)
{
    (void)state;
    struct trace trace = sample();
    struct trace again = {0};
    struct trace_error error = {""};
    const char *path = in_folder("a.pltrace");
    /* Twice: the second time it takes the place of the first. */
    for (int i = 0; i < 2; i++) {
        if (trace_write(&trace, path, &error) != 0 || trace_read(path, &again, &error) != 0)
            fail_msg("%s", error.text);
        expect_same(&trace, &again);
        trace_fini(&again);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    trace_fini(&trace);
}

static void an_empty_trace(void **state)
{
    (void)state;
    const struct trace trace = {0};
    size_t count;
    unsigned char *bytes = pack(&trace, &count);
    struct trace again = {0};
    struct trace_error error;
    assert_int_equal(trace_read_memory(bytes, count, "file", &again, &error), 0);
    assert_int_equal(again.op_count, 0);
    trace_fini(&again);
    free(bytes);
}

/* A device must be written to, not replaced; a place that is not there changes nothing. */
static void special_places(void **state)
{
    (void)state;
    struct trace trace = sample();
    struct trace_error error = {""};
    assert_int_equal(trace_write(&trace, "/dev/null", &error), 0);
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    assert_int_equal(trace_write(&trace, in_folder("no/a.pltrace"), &error), -1);
    assert_non_null(strstr(error.text, "cannot be written: No such file"));
    assert_int_equal(trace_write(&trace, folder, &error), -1);
    assert_non_null(strstr(error.text, "Is a directory"));
    assert_int_equal(trace_write(&trace, "/dev/full", &error), -1);
    assert_non_null(strstr(error.text, "No space left"));
    trace_fini(&trace);
}

/* Slots in another numbering, as a program of another origin has them. Expect the same pairs, numbered our
 * way. */
static void slots_are_renumbered(void **state)
{
    (void)state;
    struct op ops[] = {
        {.kind = OP_ALLOC, .slot = 2},
        {.kind = OP_ALLOC, .slot = 0, .order = 1},
        {.kind = OP_FREE, .slot = 2},
        {.kind = OP_FREE, .slot = 0, .order = 1},
    };
    const struct trace trace = {.ops = ops, .op_count = 4, .slot_count = 3};
    size_t count;
    unsigned char *bytes = pack(&trace, &count);
    struct trace again = {0};
    struct trace_error error = {""};
    assert_int_equal(trace_read_memory(bytes, count, "file", &again, &error), 0);
    expect_ops(&again, "a0=0 a1=1 f0=0 f1=1");
    trace_fini(&again);
    free(bytes);
}

/* Lists that are not exact. Expect them refused. */
static void wrong_lists_are_not_written(void **state)
{
    (void)state;
    static const struct op alloc = {.kind = OP_ALLOC};
    static const struct op release = {.kind = OP_FREE};
    static const struct op invented = {.kind = OP_ALLOC, .flags = OP_FLAG_INVENTED, .slot = 1};
    struct op lists[][2] = {
        {alloc, alloc},
        {release, alloc},
        {alloc, {.kind = OP_FREE, .order = 1}},
        {alloc, {.kind = OP_ALLOC, .slot = 5}},
        {alloc, {.kind = OP_SPLIT, .slot = 1}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .order = 26}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .cpu = 64}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .context = 4}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .alloc_class = 3}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .mobility = 3}},
        {alloc, {.kind = OP_ALLOC, .slot = 1, .flags = 0x4000}},
        {alloc, {.kind = OP_FREE, .flags = OP_FLAG_INVENTED}},
        {alloc, invented},
    };
    for (size_t i = 0; i < PL_COUNT_OF(lists); i++) {
        const struct trace trace = {.ops = lists[i], .op_count = 2, .slot_count = 2};
        unsigned char *bytes;
        size_t count;
        struct trace_error error = {""};
        if (trace_pack(&trace, "file", &bytes, &count, &error) == 0)
            fail_msg("list %zu was written", i);
        assert_non_null(strstr(error.text, "file: not written: "));
    }
}

/* Every single bit. Expect each change noticed. */
static void any_damage_is_noticed(void **state)
{
    (void)state;
    struct trace trace = sample();
    size_t count;
    unsigned char *bytes = pack(&trace, &count);
    for (size_t i = 0; i < 8 * count; i++) {
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
        expect_read_error(bytes, count, "file: ");
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    for (size_t i = 0; i < count; i++)
        expect_read_error(bytes, i, "file: ");
    expect_read_error(bytes, count - 1, "is cut off");
    bytes[8]++;
    expect_read_error(bytes, count, "of another version; expected version 1");
    bytes[8]--;
    unsigned char *longer = malloc(count + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, count);
    longer[count] = 0;
    expect_read_error(longer, count + 1, "bytes after its end");
    expect_read_error("noise", 5, "no compact trace");
    free(longer);
    free(bytes);
    trace_fini(&trace);
}

/* Builds a file whose checksum is right from a header and a body that need not be. */
static void expect_forged_error(struct trace_header header, const unsigned char *body, size_t body_bytes,
                                const char *words)
{
    unsigned char bytes[4096];
    const size_t stored =
        ZSTD_compress(bytes + TRACE_HEADER_BYTES, sizeof(bytes) - TRACE_HEADER_BYTES, body, body_bytes, 1);
    assert_false(ZSTD_isError(stored));
    header.stored_bytes = stored;
    trace_header_write(&header, bytes + TRACE_HEADER_BYTES, bytes);
    expect_read_error(bytes, TRACE_HEADER_BYTES + stored, words);
}

/* Headers that lie, bodies that are no traces, all with a right checksum. */
static void forged_files(void **state)
{
    (void)state;
    struct trace trace = sample();
    unsigned char *body;
    size_t bytes;
    assert_int_equal(trace_encode(&trace, &body, &bytes), 0);
    const struct trace_header header = {
        .op_count = trace.op_count,
        .alloc_count = trace.alloc_count,
        .free_count = trace.free_count,
        .invented_count = trace.invented_count,
        .peak_frames = trace.peak_frames,
        .slot_count = trace.slot_count,
        .cpu_count = trace.cpu_count,
        .body_bytes = bytes,
    };
    struct trace_header lie = header;
    lie.op_count = UINT64_MAX;
    expect_forged_error(lie, body, bytes, "impossible counts");
    lie.op_count = TRACE_OP_LIMIT;
    expect_forged_error(lie, body, bytes, "more operations than there are bytes for");
    lie.op_count = header.op_count - 1;
    expect_forged_error(lie, body, bytes, "bytes left over");
    lie = header;
    lie.body_bytes = UINT64_MAX;
    expect_forged_error(lie, body, bytes, "impossible counts");
    lie.body_bytes = bytes + 1;
    expect_forged_error(lie, body, bytes, "less data than the header says");
    lie.body_bytes = bytes - 1;
    expect_forged_error(lie, body, bytes, "more data than the header says");
    lie = header;
    lie.alloc_count++;
    expect_forged_error(lie, body, bytes, "counts that are not the body's");
    lie = header;
    lie.slot_count = 1;
    expect_forged_error(lie, body, bytes, "counts that are not the body's");
    lie = header;
    lie.peak_frames = UINT64_MAX;
    expect_forged_error(lie, body, bytes, "counts that are not the body's");
    /* The last byte says which allocation is freed last. */
    body[bytes - 1] = 0x7e;
    expect_forged_error(header, body, bytes, "free of a grant that is not live");
    body[bytes - 1] = 0x80;
    expect_forged_error(header, body, bytes, "free without its allocation");
    body[0] = 0x7f;
    expect_forged_error(header, body, bytes, "table of shapes is cut off");
    free(body);
    trace_fini(&trace);

    /* One shape, one operation; then its fields beyond what they may be. */
    unsigned char one[] = {1, OP_ALLOC, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    const struct trace_header small = {.op_count = 1, .body_bytes = sizeof(one)};
    one[1] = OP_NOP;
    expect_forged_error(small, one, sizeof(one), "neither an allocation nor a free");
    one[1] = OP_FREE;
    expect_forged_error(small, one, sizeof(one), "free without its allocation");
    one[1] = OP_ALLOC;
    one[2] = 64;
    expect_forged_error(small, one, sizeof(one), "beyond the limits");
    one[2] = 0;
    one[4] = 26;
    expect_forged_error(small, one, sizeof(one), "beyond the limits");
    one[4] = 0;
    one[10] = 1;
    expect_forged_error(small, one, sizeof(one), "operation of unknown shape");
}

/* Megabytes of zeros in a few bytes. Expect them refused before they are all there. */
static void a_bomb(void **state)
{
    (void)state;
    const size_t zeros = (size_t)1 << 26;
    unsigned char *body = calloc(1, zeros);
    unsigned char *bytes = malloc(TRACE_HEADER_BYTES + ZSTD_compressBound(zeros));
    assert_non_null(body);
    assert_non_null(bytes);
    struct trace_header header = {.op_count = 1000, .body_bytes = 32000};
    header.stored_bytes =
        ZSTD_compress(bytes + TRACE_HEADER_BYTES, ZSTD_compressBound(zeros), body, zeros, 1);
    trace_header_write(&header, bytes + TRACE_HEADER_BYTES, bytes);
    expect_read_error(bytes, TRACE_HEADER_BYTES + header.stored_bytes, "more data than the header says");
    free(body);
    free(bytes);
}

static void bad_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *words;
    } cases[] = {
        {TRACE_DATA "none.pltrace", "No such file"},
        {TRACE_DATA, "Is a directory"},
        {"/dev/null", "is empty"},
        {"/dev/zero", "no compact trace"},
        {TRACE_DATA "ftrace.txt", "no compact trace"},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct trace trace;
        struct trace_error error = {""};
        assert_int_equal(trace_read(cases[i].path, &trace, &error), -1);
        assert_non_null(strstr(error.text, cases[i].words));
        assert_non_null(strstr(error.text, "expected"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(an_empty_trace),
        cmocka_unit_test(special_places),
        cmocka_unit_test(slots_are_renumbered),
        cmocka_unit_test(wrong_lists_are_not_written),
        cmocka_unit_test(any_damage_is_noticed),
        cmocka_unit_test(forged_files),
        cmocka_unit_test(a_bomb),
        cmocka_unit_test(bad_paths),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
