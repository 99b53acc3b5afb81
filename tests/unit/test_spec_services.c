/* Candidates that name the services that they are to be lent: who wins, and what is wrong with a text. The
 * registry is this test's own. */
#include "tests/unit/unit.h"

#include "engine/lent.h"
#include "engine/registry.h"

#include <string.h>

extern const struct pl_candidate pl_candidate_reference;

static const struct pl_page_ops page_ops = {.bytes = sizeof(page_ops), .abi = PL_ABI};

static enum pl_status no_table(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                               struct pl_run *run)
{
    (void)self, (void)cpu, (void)request, (void)run;
    return PL_NO_MEMORY;
}

static const struct pl_page_table_ops own_tables = {
    .bytes = sizeof(own_tables), .abi = PL_ABI, .table_get = no_table};

#define CANDIDATE(NAME, KIND, SERVICES, TABLES)                                                              \
    {.bytes = sizeof(struct pl_candidate),                                                                   \
     .abi = PL_ABI,                                                                                          \
     .name = NAME,                                                                                           \
     .kind = KIND,                                                                                           \
     .page = &page_ops,                                                                                      \
     .params = "any",                                                                                        \
     .page_table = TABLES,                                                                                   \
     .services = SERVICES}

static const struct pl_candidate plain = CANDIDATE("plain", PL_KIND_CANDIDATE, NULL, NULL);
static const struct pl_candidate wrapper = CANDIDATE("around", PL_KIND_WRAPPER, NULL, NULL);
static const struct pl_candidate kernel =
    CANDIDATE("kernel", PL_KIND_CANDIDATE, "va=vmem(qcache=4,areas=99),buf=run", NULL);
static const struct pl_candidate partly = CANDIDATE("partly", PL_KIND_CANDIDATE, "tables=stack", NULL);
static const struct pl_candidate brings = CANDIDATE("brings", PL_KIND_CANDIDATE, "buf=pool", &own_tables);
static const struct pl_candidate wrong[] = {
    CANDIDATE("wrong-name", PL_KIND_CANDIDATE, "va=slab", NULL),
    CANDIDATE("wrong-key", PL_KIND_CANDIDATE, "vm=vmem", NULL),
    CANDIDATE("wrong-twice", PL_KIND_CANDIDATE, "va=list,va=vmem", NULL),
    CANDIDATE("wrong-kind", PL_KIND_CANDIDATE, "va=stack", NULL),
    CANDIDATE("wrong-empty", PL_KIND_CANDIDATE, "", NULL),
    CANDIDATE("wrong-end", PL_KIND_CANDIDATE, "va=list,", NULL),
    CANDIDATE("wrong-params", PL_KIND_CANDIDATE, "tables=direct(keep=3)", NULL),
    CANDIDATE("wrong-own", PL_KIND_CANDIDATE, "tables=stack", &own_tables),
    CANDIDATE("wrong-wrapper", PL_KIND_WRAPPER, "va=list", NULL),
    CANDIDATE("wrong-service", PL_KIND_SERVICE, "va=list", NULL),
};

const struct pl_candidate *const registry_candidates[] = {
    &plain,    &wrapper,  &kernel,   &partly,   &brings,   &wrong[0], &wrong[1],
    &wrong[2], &wrong[3], &wrong[4], &wrong[5], &wrong[6], &wrong[7], NULL,
};

static void expect_services(const char *name, const char *va, const char *tables, const char *buf)
{
    struct spec spec;
    struct spec_error error = {.text = ""};
    if (spec_parse(name, &spec, &error) != 0)
        fail_msg("'%s': %s", name, error.text);
    assert_string_equal(spec.name, name);
    assert_string_equal(spec.va.candidate->name, va);
    assert_string_equal(spec.tables.candidate->name, tables);
    assert_string_equal(spec.buf.candidate->name, buf);
}

/* Candidates that name all, some and none of their services, alone, under a wrapper, and with a name that
 * says otherwise. Expect the name to win over the candidate's own text, that over what it brings, that over
 * the standard ones; and the base's text to count, whatever is around it. */
static void test_the_name_wins(void **state)
{
    (void)state;
    expect_services("plain", SPEC_DEFAULT_VA, SPEC_DEFAULT_TABLES, SPEC_DEFAULT_BUF);
    expect_services("kernel", "vmem", SPEC_DEFAULT_TABLES, "run");
    expect_services("kernel,va=list", "list", SPEC_DEFAULT_TABLES, "run");
    expect_services("kernel,buf=pages,tables=stack", "vmem", "stack", "pages");
    expect_services("around+kernel", "vmem", SPEC_DEFAULT_TABLES, "run");
    expect_services("around+around(any)+kernel,va=rbtree", "rbtree", SPEC_DEFAULT_TABLES, "run");
    expect_services("partly", SPEC_DEFAULT_VA, "stack", SPEC_DEFAULT_BUF);
    expect_services("brings", SPEC_DEFAULT_VA, "brings", "pool");
    expect_services("brings,tables=direct,buf=run", SPEC_DEFAULT_VA, "direct", "run");
}

/* Parameters in the candidate's text, and in a name that says otherwise.
 * Expect each with its own. */
static void test_parameters_come_along(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error = {.text = ""};
    assert_int_equal(spec_parse("kernel", &spec, &error), 0);
    assert_string_equal(spec.va.params, "qcache=4,areas=99");
    assert_string_equal(spec.buf.params, "");
    assert_int_equal(spec_parse("kernel,va=vmem", &spec, &error), 0);
    assert_string_equal(spec.va.params, "");
    assert_int_equal(spec_parse("kernel,va=vmem(qcache=0)", &spec, &error), 0);
    assert_string_equal(spec.va.params, "qcache=0");
    char text[256];
    spec_services(&spec, text, sizeof(text));
    assert_string_equal(text, "va=vmem(qcache=0),tables=direct,buf=run");
    static struct spec specs[SPEC_LIST_LIMIT];
    assert_int_equal(spec_parse_list("plain,kernel,buf=pool,partly", specs, &error), 3);
    assert_string_equal(specs[1].va.candidate->name, "vmem");
    assert_string_equal(specs[1].buf.candidate->name, "pool");
    assert_string_equal(specs[2].tables.candidate->name, "stack");
}

/* Every way to get the text wrong.
 * Expect one line that says who, what, and that it is the candidate's own text; the candidates that are right
 * accepted. */
static void test_wrong_texts_are_told(void **state)
{
    (void)state;
    static const char *const words[] = {"unknown service 'va=slab'",
                                        "va=, tables= or buf= expected, got 'vm=vmem'",
                                        "'va=' given twice",
                                        "'stack' lends no address space",
                                        "va=, tables= or buf= expected",
                                        "va=, tables= or buf= expected",
                                        "'direct' takes no parameters",
                                        "it brings its own table memory",
                                        "a wrapper is lent nothing",
                                        "a service is lent nothing"};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        struct spec spec;
        struct spec_error error = {.text = ""};
        assert_int_equal(spec_check_services(&wrong[i], &error), -1);
        if (strstr(error.text, words[i]) == NULL || strstr(error.text, wrong[i].name) == NULL ||
            strchr(error.text, '\n') != NULL)
            fail_msg("one line with '%s' expected, got '%s'", words[i], error.text);
        assert_int_equal(strstr(error.text, "own services") != NULL, i < 8);
        error.text[0] = '\0';
        assert_int_equal(spec_parse(wrong[i].name, &spec, &error), -1);
        assert_int_not_equal(error.text[0], '\0');
    }
    static const struct pl_candidate *const right[] = {&plain, &wrapper, &kernel, &partly, &brings};
    for (size_t i = 0; i < PL_COUNT_OF(right); i++) {
        struct spec_error error = {.text = ""};
        assert_int_equal(spec_check_services(right[i], &error), 0);
    }
}

/* Even where the name says otherwise for all three.
 * Expect a wrong text refused: it would be met one day. */
static void test_a_wrong_text_is_never_hidden(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error = {.text = ""};
    assert_int_equal(spec_parse("wrong-name,va=list,tables=direct,buf=run", &spec, &error), -1);
    assert_non_null(strstr(error.text, "own services"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_wins),
        cmocka_unit_test(test_parameters_come_along),
        cmocka_unit_test(test_wrong_texts_are_told),
        cmocka_unit_test(test_a_wrong_text_is_never_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
