/* Names of candidates as they are typed: layers, parameters, services, lists, and what is wrong with them. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void expect_error(const char *name, const char *words)
{
    struct spec spec;
    struct spec_error error = {.text = ""};
    assert_int_equal(spec_parse(name, &spec, &error), -1);
    if (strstr(error.text, words) == NULL || strchr(error.text, '\n') != NULL)
        fail_msg("'%s': one line with '%s' expected, got '%s'", name, words, error.text);
}

/* A plain name, a wrapper over one, and three wrappers with parameters.
 * Expect the layers outermost first, the parameters without their parentheses, the name as it was given. */
static void test_layers_and_parameters(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    assert_int_equal(spec.layer_count, 1);
    assert_string_equal(spec.layers[0].candidate->name, "buddy");
    assert_string_equal(spec.layers[0].params, "");
    assert_int_equal(spec_parse("percpu+bitmap", &spec, &error), 0);
    assert_int_equal(spec.layer_count, 2);
    assert_string_equal(spec.layers[0].candidate->name, "percpu");
    assert_string_equal(spec_base(&spec)->name, "bitmap");
    const char *name = "percpu(batch=4,high=8)+fault(after=3)+percpu()+reference";
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    assert_int_equal(spec.layer_count, 4);
    assert_string_equal(spec.layers[0].params, "batch=4,high=8");
    assert_string_equal(spec.layers[1].params, "after=3");
    assert_string_equal(spec.layers[2].params, "");
    assert_string_equal(spec.name, name);
    assert_string_equal(spec_base(&spec)->name, "reference");
}

/* Every way to get a name wrong.
 * Expect one line that says what is wrong, and where. */
static void test_errors_name_the_place(void **state)
{
    (void)state;
    char long_name[400];
    char long_params[200];
    expect_error("", "a name expected");
    expect_error("budy", "'budy': unknown");
    expect_error("Buddy", "'Buddy': unknown");
    expect_error("percpu+budy", "'budy': unknown");
    expect_error("percpu+", "unknown");
    expect_error("+buddy", "unknown");
    expect_error("percpu++buddy", "unknown");
    expect_error("percpu", "needs a backend");
    expect_error("fault(after=1)+percpu", "needs a backend");
    expect_error("buddy+percpu+buddy", "'buddy' is no wrapper");
    expect_error("percpu(batch=4+buddy", "')' expected");
    expect_error("percpu(", "')' expected");
    expect_error("percpu(batch=4)x+buddy", "')' expected");
    expect_error("buddy)", "unknown");
    expect_error("percpu+percpu+percpu+percpu+buddy", "more than 4 layers");
    expect_error("buddy,nonsense", "'nonsense'");
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    expect_error(long_name, "at most");
    snprintf(long_params, sizeof(long_params), "percpu(%0*d)+buddy", 100, 0);
    expect_error(long_params, "parameters of at most 63 bytes");
}

/* Parameters of 63 and of 64 bytes; a name of exactly the longest length there can be.
 * Expect the first accepted, the second refused, and no byte lost. */
static void test_limits_are_exact(void **state)
{
    (void)state;
    char name[SPEC_NAME_BYTES + 2];
    struct spec spec;
    struct spec_error error;
    for (size_t bytes = SPEC_PARAM_BYTES - 1; bytes <= SPEC_PARAM_BYTES; bytes++) {
        snprintf(name, sizeof(name), "percpu(%0*d)+buddy", (int)bytes, 0);
        assert_int_equal(spec_parse(name, &spec, &error), bytes < SPEC_PARAM_BYTES ? 0 : -1);
    }
    assert_int_equal(strlen(spec.layers[0].params), 0);
    memset(name, 'a', SPEC_NAME_BYTES);
    name[SPEC_NAME_BYTES - 1] = '\0';
    assert_int_equal(spec_parse(name, &spec, &error), -1);
    assert_non_null(strstr(error.text, "unknown"));
    name[SPEC_NAME_BYTES - 1] = 'a';
    name[SPEC_NAME_BYTES] = '\0';
    assert_int_equal(spec_parse(name, &spec, &error), -1);
    assert_non_null(strstr(error.text, "at most"));
}

/* Lists: commas inside parentheses do not separate; every other one does.
 * Expect three specs with their own names. */
static void test_lists_know_parentheses(void **state)
{
    (void)state;
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error = {.text = ""};
    assert_int_equal(spec_parse_list("buddy", specs, &error), 1);
    assert_int_equal(spec_parse_list("buddy,percpu(batch=4,high=8)+buddy,reference", specs, &error), 3);
    assert_string_equal(specs[0].name, "buddy");
    assert_string_equal(specs[1].name, "percpu(batch=4,high=8)+buddy");
    assert_string_equal(specs[1].layers[0].params, "batch=4,high=8");
    assert_string_equal(specs[2].name, "reference");
}

static void expect_services(const struct spec *spec, const char *va, const char *tables, const char *buf)
{
    assert_string_equal(spec->va.candidate->name, va);
    assert_string_equal(spec->tables.candidate->name, tables);
    assert_string_equal(spec->buf.candidate->name, buf);
}

/* No service named, one, all three in another order, with parameters, over a wrapper.
 * Expect those named, the standard ones for the rest, and the name as it was given. */
static void test_services_are_named_or_standard(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error = {.text = ""};
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    expect_services(&spec, SPEC_DEFAULT_VA, SPEC_DEFAULT_TABLES, SPEC_DEFAULT_BUF);
    assert_string_equal(spec.va.params, "");
    assert_int_equal(spec_parse("buddy,va=list", &spec, &error), 0);
    expect_services(&spec, "list", SPEC_DEFAULT_TABLES, SPEC_DEFAULT_BUF);
    const char *name = "percpu(batch=4,high=8)+buddy,buf=run,tables=stack(keep=8),va=rbtree(areas=50)";
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    expect_services(&spec, "rbtree", "stack", "run");
    assert_string_equal(spec.va.params, "areas=50");
    assert_string_equal(spec.tables.params, "keep=8");
    assert_string_equal(spec.buf.params, "");
    assert_string_equal(spec.name, name);
    assert_int_equal(spec.layer_count, 2);
    assert_int_equal(spec_parse("buddy,tables=stack()", &spec, &error), 0);
    assert_string_equal(spec.tables.params, "");
}

/* Every way to get a service wrong.
 * Expect one line that lists those there are, or says what else is wrong. */
static void test_wrong_services_are_told(void **state)
{
    (void)state;
    expect_error("buddy,va=slab", "unknown service 'va=slab'; for va= there are: list, rbtree, vmem");
    expect_error("buddy,tables=x",
                 "unknown service 'tables=x'; for tables= there are: direct, stack, prealloc");
    expect_error("buddy,buf=", "unknown service 'buf='; for buf= there are: pages, run, pool");
    expect_error("buddy,va=list(areas=2)x", "')' expected");
    expect_error("buddy,va=list(areas=2", "')' expected");
    expect_error("buddy,va=listing", "unknown service 'va=listing'");
    expect_error("buddy,va=stack", "'stack' lends no address space; for va= there are: list, rbtree");
    expect_error("buddy,buf=list", "'list' lends no buffers; for buf= there are: pages, run, pool");
    expect_error("buddy,va=bitmap",
                 "'bitmap' is a backend and lends nothing; for va= there are: list, rbtree");
    expect_error("buddy,va=list,va=rbtree", "'va=' given twice");
    expect_error("buddy,va=list,buf=run,va=list", "'va=' given twice");
    expect_error("buddy,tables=direct(keep=8)", "'direct' takes no parameters");
    expect_error("buddy,", "va=, tables= or buf= expected");
    expect_error("buddy,va=list,", "va=, tables= or buf= expected");
    expect_error("buddy,VA=list", "va=, tables= or buf= expected, got 'VA=list'");
    expect_error("rbtree", "'rbtree': a service");
    expect_error("percpu+rbtree", "'rbtree': a service");
    expect_error("percpu,va=list", "needs a backend");
}

/* va=, tables= and buf= belong to the name before them, right or wrong.
 * Expect three specs, the middle one with its services; an error that quotes the whole candidate, services
 * included; and a plain unknown backend for anything else. */
static void test_services_belong_to_the_name_before(void **state)
{
    (void)state;
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error = {.text = ""};
    const char *good = "reference,buddy,va=list,tables=stack(keep=3),buf=run,bitmap";
    assert_int_equal(spec_parse_list(good, specs, &error), 3);
    assert_string_equal(specs[1].name, "buddy,va=list,tables=stack(keep=3),buf=run");
    expect_services(&specs[1], "list", "stack", "run");
    expect_services(&specs[2], SPEC_DEFAULT_VA, SPEC_DEFAULT_TABLES, SPEC_DEFAULT_BUF);
    static const char *const lists[] = {"reference,buddy,va=slab,bitmap",
                                        "reference,buddy,tables=heap,bitmap",
                                        "reference,buddy,buf=plain,bitmap"};
    for (size_t i = 0; i < PL_COUNT_OF(lists); i++) {
        assert_int_equal(spec_parse_list(lists[i], specs, &error), -1);
        assert_non_null(strstr(error.text, "unknown service"));
        assert_non_null(strstr(error.text, "'buddy,"));
        assert_null(strstr(error.text, "bitmap"));
    }
    assert_int_equal(spec_parse_list("reference,vax=1", specs, &error), -1);
    assert_non_null(strstr(error.text, "'vax=1': unknown"));
}

/* Empty parts, too many parts, a part too long.
 * Expect an error line for each, and the limit itself accepted. */
static void test_bad_lists(void **state)
{
    (void)state;
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error = {.text = ""};
    static const char *const bad[] = {"", ",", "buddy,", ",buddy", "buddy,,bitmap", "percpu(batch=4,buddy"};
    for (size_t i = 0; i < PL_COUNT_OF(bad); i++) {
        error.text[0] = '\0';
        assert_int_equal(spec_parse_list(bad[i], specs, &error), -1);
        assert_int_not_equal(error.text[0], '\0');
    }
    char list[(SPEC_LIST_LIMIT + 1) * 6 + 1] = "";
    for (unsigned i = 0; i <= SPEC_LIST_LIMIT; i++)
        memcpy(list + (size_t)i * 6, "buddy,", 7);
    list[SPEC_LIST_LIMIT * 6 - 1] = '\0';
    assert_int_equal(spec_parse_list(list, specs, &error), SPEC_LIST_LIMIT);
    list[SPEC_LIST_LIMIT * 6 - 1] = ',';
    list[(SPEC_LIST_LIMIT + 1) * 6 - 1] = '\0';
    assert_int_equal(spec_parse_list(list, specs, &error), -1);
    assert_non_null(strstr(error.text, "at most 64"));
    char part[SPEC_NAME_BYTES + 8];
    memset(part, 'b', sizeof(part));
    part[sizeof(part) - 1] = '\0';
    assert_int_equal(spec_parse_list(part, specs, &error), -1);
    assert_non_null(strstr(error.text, "at most"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_and_parameters),
        cmocka_unit_test(test_errors_name_the_place),
        cmocka_unit_test(test_limits_are_exact),
        cmocka_unit_test(test_lists_know_parentheses),
        cmocka_unit_test(test_services_are_named_or_standard),
        cmocka_unit_test(test_wrong_services_are_told),
        cmocka_unit_test(test_services_belong_to_the_name_before),
        cmocka_unit_test(test_bad_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
