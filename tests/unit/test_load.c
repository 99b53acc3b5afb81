/* What others did to a machine, from made-up texts of /proc/stat; and what of it several sittings leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/load.h"

#define TICK_S 0.01

static struct load load_at(const char *text, double own_s)
{
    struct load load;
    assert_true(load_of_text(text, TICK_S, own_s, &load));
    assert_true(load.known);
    return load;
}

static void test_shares(void **state)
{
    (void)state;
    /* user nice system idle iowait irq softirq steal guest guest_nice; 1000 ticks pass. */
    struct load then = load_at("cpu  1000 10 200 5000 30 5 6 70 9 9\ncpu0 1 2 3 4 5 6 7 8\n", 4);
    struct load now = load_at("cpu  1300 20 260 5500 60 15 16 150 99 99\n", 6);
    struct load_shares shares = load_between(&then, &now);
    /* Busy 300 + 10 + 60 + 10 + 10 = 390 ticks, 2 s of which are ours. */
    assert_float_equal(shares.others, 1.9 / 10, 1e-9);
    assert_float_equal(shares.steal, 0.8 / 10, 1e-9);
    assert_false(shares.unknown);
    /* Our own clock is finer than the ticks: never below 0. */
    now = load_at("cpu 1300 20 260 5500 60 15 16 150", 9);
    assert_true(load_between(&then, &now).others == 0);
    /* Hardly any time. */
    now = load_at("cpu 1010 10 200 5000 30 5 6 70", 4);
    shares = load_between(&then, &now);
    assert_true(shares.others == 0 && !shares.unknown);
}

static void test_what_is_not_said_is_not_quiet(void **state)
{
    static const char *const wrong[] = {"",        "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7",
                                        "intr 12", "cpu a b c d e f g h",  "cpu  1 2 3 4 -5 6 7 8"};
    (void)state;
    struct load then = load_at("cpu 1 2 3 4 5 6 7 8", 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct load load;
        assert_false(load_of_text(wrong[i], TICK_S, 0, &load));
        assert_true(load_between(&then, &load).unknown);
        assert_true(load_between(&load, &then).unknown);
    }
}

static bool has_mark(const cJSON *ours, const char *begin)
{
    const cJSON *mark;
    cJSON_ArrayForEach(mark, cJSON_GetObjectItem(ours, "marks"))
    {
        if (strncmp(mark->valuestring, begin, strlen(begin)) == 0)
            return true;
    }
    return false;
}

static double share(const cJSON *ours, const char *key)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(ours, "load"), key));
}

static void test_an_unknown_load_is_marked(void **state)
{
    static const struct load_shares quiet = {0};
    struct load nothing = {.known = false};
    struct load now;
    cJSON *ours = cJSON_CreateObject();
    (void)state;
    load_record(ours, &nothing, &quiet, NULL);
    assert_true(has_mark(ours, "load not known"));
    assert_true(load_now(&now));
    load_record(ours, &now, &quiet, NULL);
    assert_false(has_mark(ours, "load not known"));
    load_record(ours, &now, &(struct load_shares){.unknown = true}, NULL);
    assert_true(has_mark(ours, "load not known"));
    cJSON_Delete(ours);
}

/* A second sitting on a quiet machine makes nothing good of the first one. */
static void test_sittings_add_up(void **state)
{
    struct load now;
    cJSON *first = cJSON_Parse("{\"load\":{\"others_share\":0.4,\"steal_share\":0.01,"
                               "\"worst_round_others_share\":0.9,\"worst_round_steal_share\":0.02},"
                               "\"marks\":[\"smoke mode: a few operations each\","
                               "\"a loaded machine: others used 40 % of its time, the host took 1 %\"]}");
    cJSON *earlier = load_earlier(first);
    cJSON *ours = cJSON_CreateObject();
    (void)state;
    assert_true(load_now(&now));
    for (int save = 0; save < 2; save++) { /* saved again and again */
        load_record(ours, &now, &(struct load_shares){.others = 0.1, .steal = 0.3}, earlier);
        assert_float_equal(share(ours, "others_share"), 0.4, 1e-9);
        assert_float_equal(share(ours, "worst_round_others_share"), 0.9, 1e-9);
        assert_float_equal(share(ours, "worst_round_steal_share"), 0.3, 1e-9);
        assert_true(has_mark(ours, "a loaded machine: others used 40 %"));
        assert_true(has_mark(ours, "smoke mode"));
    }
    int marks = cJSON_GetArraySize(cJSON_GetObjectItem(ours, "marks"));
    cJSON *fresh = cJSON_CreateObject();
    load_record(fresh, &now, &(struct load_shares){0}, NULL);
    assert_int_equal(marks, cJSON_GetArraySize(cJSON_GetObjectItem(fresh, "marks")) + 2); /* each once */
    cJSON_Delete(fresh);
    cJSON_Delete(ours);
    cJSON_Delete(earlier);
    cJSON_Delete(first);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_what_is_not_said_is_not_quiet),
        cmocka_unit_test(test_an_unknown_load_is_marked),
        cmocka_unit_test(test_sittings_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
