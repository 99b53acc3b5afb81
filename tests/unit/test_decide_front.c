/* Who is behind whom on the four axes: ties, noise, and what holds whatever the values are. */
#define _POSIX_C_SOURCE 200809L

#include "decide_fixture.h"

#include "report/decide_parts.h"

static struct decide_standing standing(const char *name, double speed, double tail, double memory,
                                       double fragments, double noise)
{
    const double values[AXES] = {speed, tail, memory, fragments};
    struct decide_standing one = {.candidate = name};

    for (int axis = 0; axis < AXES; axis++)
        one.axes[axis] = (struct decide_value){.value = values[axis],
                                               .noise = axis == AXIS_FRAGMENTATION ? 0 : noise,
                                               .row = "r",
                                               .command = "c",
                                               .file = "f"};
    return one;
}

static const struct decide_standing *find(const struct decide_standing *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].candidate, name) == 0)
            return &list[i];
    }
    fail_msg("%s is gone", name);
    return NULL;
}

static void who_is_nowhere_better_is_behind(void **state)
{
    struct decide_standing list[] = {
        standing("slow", 40, 100, 4, 0.5, 0.1),
        standing("all", 20, 100, 4, 0.5, 0.1),
        standing("small", 60, 300, 1, 0.9, 0.1),
    };
    decide_front(list, 3);
    assert_string_equal(list[0].candidate, "all"); /* the fastest first */
    assert_false(find(list, 3, "all")->dominated);
    assert_false(find(list, 3, "small")->dominated);
    assert_true(find(list, 3, "slow")->dominated);
    assert_string_equal(list[find(list, 3, "slow")->by].candidate, "all");
    (void)state;
}

/* Two that are the same on every axis, or apart by less than the noise, are both left. */
static void a_tie_leaves_both(void **state)
{
    struct decide_standing same[] = {standing("a", 20, 100, 4, 0.5, 0), standing("b", 20, 100, 4, 0.5, 0)};
    struct decide_standing near[] = {standing("a", 20, 100, 4, 0.50, 0.1),
                                     standing("b", 21.9, 109, 4.3, 0.52, 0.1)};

    decide_front(same, 2);
    decide_front(near, 2);
    assert_false(same[0].dominated || same[1].dominated || near[0].dominated || near[1].dominated);
    (void)state;
}

/* What puts b behind with a run's small noise does not with a large one; and a little worse, within the
 * noise, does not save it. */
static void noise_decides_nothing(void **state)
{
    struct decide_standing quiet[] = {standing("a", 20, 100, 4, 0.5, 0.05),
                                      standing("b", 23, 100, 4, 0.5, 0.05)};
    struct decide_standing loud[] = {standing("a", 20, 100, 4, 0.5, 0.05),
                                     standing("b", 23, 100, 4, 0.5, 0.20)};
    struct decide_standing saved[] = {standing("a", 20, 100, 4, 0.5, 0.05),
                                      standing("b", 40, 96, 4, 0.5, 0.05)};

    decide_front(quiet, 2);
    decide_front(loud, 2);
    decide_front(saved, 2);
    assert_true(quiet[1].dominated);
    assert_false(loud[1].dominated);
    assert_true(saved[1].dominated);
    (void)state;
}

/* Some hundredths of a byte, or of free memory, are no difference however large they are by ratio. */
static void the_least_differences_count_for_nothing(void **state)
{
    struct decide_standing list[] = {standing("a", 20, 100, 0.001, 0.010, 0),
                                     standing("b", 20, 100, 0.08, 0.035, 0)};
    decide_front(list, 2);
    assert_false(list[0].dominated || list[1].dominated);
    (void)state;
}

static double random_value(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return 1 + (double)(*seed >> 40 & 7) * 0.08; /* near enough for rings within the noise */
}

/* Somebody is left; who is out has somebody on the front who is nowhere worse and somewhere better. */
static void the_front_is_never_empty(void **state)
{
    uint64_t seed = 1;
    unsigned behind = 0;

    for (int round = 0; round < 3000; round++) {
        struct decide_standing list[6];
        for (size_t i = 0; i < 6; i++) {
            double v[4] = {random_value(&seed), random_value(&seed), random_value(&seed),
                           random_value(&seed)};
            list[i] = standing("x", v[0], v[1], v[2] * 10, v[3] * 0.5, 0.1);
        }
        decide_front(list, 6);
        size_t left = 0;
        for (size_t i = 0; i < 6; i++) {
            left += !list[i].dominated;
            if (!list[i].dominated)
                continue;
            const struct decide_standing *by = &list[list[i].by];
            bool better = false;
            behind++;
            assert_false(by->dominated);
            for (int axis = 0; axis < AXES; axis++) {
                assert_false(decide_better(&list[i].axes[axis], &by->axes[axis], (enum decide_axis)axis));
                better |= decide_better(&by->axes[axis], &list[i].axes[axis], (enum decide_axis)axis);
            }
            assert_true(better);
        }
        assert_true(left > 0);
    }
    assert_true(behind > 100);
    (void)state;
}

/* --- through the document --- */

static void the_noise_of_a_row_is_used(void **state)
{
    static struct decide_profile profile;
    cJSON *row = decide_find_row(*state, "repeat", "bad");
    decide_profile_init(&profile, "test");
    decide_set(row, "real_time", 29); /* the mean of three cells: 13 % */
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "dominated", "bad", NULL));
    decide_set(row, "noise", 0.5); /* of all three: 20 % */
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "front", "bad", NULL));
    cJSON_DeleteItemFromObject(row,
                               "noise"); /* measured once, and nobody says: 25 % of this cell, 11 % of all */
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "dominated", "bad", NULL));
}

/* The rounds of a candidate's cell, each with that time and that p99.9. */
static void add_rounds(struct decide_place *place, const char *workload, const char *candidate,
                       const char *rest, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cJSON *row = decide_row(place, workload, candidate, rest, values[i]);
        decide_say(row, "run_type", "iteration");
        cJSON_DeleteItemFromObject(row, "aggregate_name");
        decide_set(row, "arrivals", 40000);
        decide_set(row, "service_p99_9_ns", values[i]);
    }
}

static const char *fineness_now(struct decide_place *place, const struct decide_profile *profile)
{
    return cJSON_GetObjectItem(decide_now(place, profile, false), "fineness")->valuestring;
}

static bool is_dominated(struct decide_place *place, const struct decide_profile *profile,
                         const char *candidate)
{
    return decide_entry(decide_now(place, profile, false), "dominated", candidate, NULL) != NULL;
}

/* A p99.9 of one round is not believed before it is more than three times another one. */
static void a_tail_of_one_round_is_coarse(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    decide_set(decide_find_row(*state, "nosleep-floor", "bad"), "service_p99_9_ns", 2600); /* 2.9 x */
    assert_false(is_dominated(*state, &profile, "bad"));
    assert_non_null(strstr(fineness_now(*state, &profile), "200 % in tail"));
    decide_set(decide_find_row(*state, "nosleep-floor", "bad"), "service_p99_9_ns", 2800); /* 3.1 x */
    assert_true(is_dominated(*state, &profile, "bad"));
}

/* Three rounds that agree are believed to half; their median is what counts, not what the row says. */
static void a_tail_is_the_median_of_its_rounds(void **state)
{
    static struct decide_profile profile;
    const double calm[] = {900, 910, 5000};
    const double twice[] = {1790, 1810, 1800};
    const double near[] = {890, 900, 1350};
    decide_profile_init(&profile, "test");
    add_rounds(*state, "nosleep-floor", "good", "/cpus:1", near, 2);
    add_rounds(*state, "nosleep-floor", "bad", "/cpus:1", twice, 3);
    assert_true(is_dominated(*state, &profile, "bad"));
    assert_non_null(strstr(fineness_now(*state, &profile), " 50 % in tail (2 rounds)"));
    add_rounds(*state, "nosleep-floor", "good", "/cpus:1", &calm[1], 1);
    const cJSON *good = decide_entry(decide_now(*state, &profile, false), "front", "good", NULL);
    assert_true(cJSON_GetObjectItem(cJSON_GetObjectItem(good, "values"), "tail_ns")->valuedouble == 900);
}

/* The same difference where the rounds of one spread threefold: nothing can be said. */
static void rounds_that_spread_widen_the_tail(void **state)
{
    static struct decide_profile profile;
    const double wild[] = {900, 1800, 2700};
    const double calm[] = {900, 900, 900};
    decide_profile_init(&profile, "test");
    add_rounds(*state, "nosleep-floor", "good", "/cpus:1", calm, 3);
    add_rounds(*state, "nosleep-floor", "bad", "/cpus:1", wild, 3);
    assert_false(is_dominated(*state, &profile, "bad"));
}

/* One that happens to be calm among wild ones is not believed to be. */
static void nobody_is_calmer_than_usual(void **state)
{
    struct decide_standing list[] = {standing("a", 20, 100, 4, 0.5, 0.5), standing("b", 20, 300, 4, 0.5, 3),
                                     standing("c", 20, 100, 4, 0.5, 4)};
    decide_widen_tails(list, 3);
    assert_true(list[0].axes[AXIS_TAIL].noise == 3 && list[1].axes[AXIS_TAIL].noise == 3);
    assert_true(list[2].axes[AXIS_TAIL].noise == 4 && list[0].axes[AXIS_SPEED].noise == 0.5);
    (void)state;
}

/* A file that says nothing of its noise is believed to a quarter at best, and the screen says so; rounds that
 * spread wider, less. */
static void without_a_noise_it_is_a_quarter(void **state)
{
    static struct decide_profile profile;
    const double calm[] = {25, 25.1};
    const double wild[] = {20, 30};
    decide_profile_init(&profile, "test");
    decide_profile_set(&profile, "speed", "repeat/order:0/cpus:1", &(struct report_error){""});
    assert_non_null(strstr(fineness_now(*state, &profile), "Differences below 5 % in speed,"));
    cJSON_DeleteItemFromObject(decide_find_row(*state, "repeat", "bad"), "noise");
    decide_set(decide_find_row(*state, "repeat", "bad"), "real_time", 24.8);
    add_rounds(*state, "repeat", "bad", "/order:0/cpus:1", calm, 2);
    assert_false(is_dominated(*state, &profile, "bad"));
    assert_non_null(strstr(fineness_now(*state, &profile), "Differences below 5 to 25 % in speed"));
    assert_non_null(
        strstr(fineness_now(*state, &profile), "without a noise, for which 25 % at least is taken"));
    decide_set(decide_find_row(*state, "repeat", "bad"), "real_time", 25.2);
    assert_true(is_dominated(*state, &profile, "bad"));
    add_rounds(*state, "repeat", "bad", "/order:0/cpus:1", wild, 2);
    assert_false(is_dominated(*state, &profile, "bad"));
}

static void what_is_given_up_names_its_row(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    decide_set(decide_find_row(*state, "age", "bad"), "usable_order_9", 0.6);
    decide_set(decide_find_row(*state, "nosleep-floor", "bad"), "service_p99_9_ns", 3600);
    const cJSON *answer = decide_now(*state, &profile, false);
    const cJSON *bad = decide_entry(answer, "front", "bad", NULL);
    const cJSON *good = decide_entry(answer, "front", "good", NULL);
    assert_non_null(bad);
    assert_non_null(good);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(bad, "gives_up"), 0)->valuestring,
                        "4.0 x the tail of good (nosleep-floor/bad/cpus:1)");
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(good, "gives_up"), 0)->valuestring,
                        "30 % usable at order 9, bad 60 % (age/good/cpus:1)");
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(bad, "rows"), "speed")->valuestring,
                        "repeat/bad/order:0/cpus:1");
    assert_true(cJSON_GetObjectItem(cJSON_GetObjectItem(bad, "values"), "tail_ns")->valuedouble == 3600);
}

/* a is better than b, b than c, and c than a. Whoever is left of them says who is better. */
static void a_ring_is_marked(void **state)
{
    struct decide_standing list[] = {standing("a", 100, 1090, 118, 0.5, 0.1),
                                     standing("b", 118, 1000, 109, 0.5, 0.1),
                                     standing("c", 109, 1180, 100, 0.5, 0.1)};
    decide_front(list, 3);
    for (size_t i = 0; i < 3; i++) {
        bool behind_one = false;
        for (size_t j = 0; j < 3; j++) {
            bool better = false;
            bool worse = false;
            for (int axis = 0; axis < AXES; axis++) {
                better |= decide_better(&list[j].axes[axis], &list[i].axes[axis], (enum decide_axis)axis);
                worse |= decide_better(&list[i].axes[axis], &list[j].axes[axis], (enum decide_axis)axis);
            }
            behind_one |= !list[j].dominated && better && !worse;
        }
        assert_int_equal(list[i].dominated || list[i].ringed, behind_one);
        if (list[i].ringed)
            assert_false(list[i].dominated || list[list[i].by].dominated);
    }
    assert_true(find(list, 3, "c")->ringed);
    assert_string_equal(list[find(list, 3, "c")->by].candidate, "b");
    (void)state;
}

/* A fact speaks for whoever is left, too. */
static void who_is_left_has_facts(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    const cJSON *good = decide_entry(decide_now(*state, &profile, false), "front", "good", NULL);
    const cJSON *passed = cJSON_GetArrayItem(cJSON_GetObjectItem(good, "passed"), 0);
    assert_non_null(passed);
    assert_string_equal(cJSON_GetObjectItem(passed, "need")->valuestring, "contract");
    assert_string_equal(cJSON_GetObjectItem(passed, "fact")->valuestring, "no promise is broken");
    assert_string_equal(cJSON_GetObjectItem(passed, "file")->valuestring, "conformance.doc.json");
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, decide_place_make, decide_place_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_nowhere_better_is_behind),
        cmocka_unit_test(a_tie_leaves_both),
        cmocka_unit_test(noise_decides_nothing),
        cmocka_unit_test(a_ring_is_marked),
        cmocka_unit_test(nobody_is_calmer_than_usual),
        WITH_PLACE(a_tail_of_one_round_is_coarse),
        WITH_PLACE(a_tail_is_the_median_of_its_rounds),
        WITH_PLACE(rounds_that_spread_widen_the_tail),
        WITH_PLACE(without_a_noise_it_is_a_quarter),
        WITH_PLACE(who_is_left_has_facts),
        cmocka_unit_test(the_least_differences_count_for_nothing),
        cmocka_unit_test(the_front_is_never_empty),
        WITH_PLACE(the_noise_of_a_row_is_used),
        WITH_PLACE(what_is_given_up_names_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
