/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "core/policy/admission.h"
#include "tests/support/random.h"

static const struct admission_load limits = {.runs = 4, .writes = 3, .memory_bytes = 100};
static const int64_t begin = (int64_t)1700000000 * 1000;

static struct admission make(void)
{
    struct admission admission;
    admission_init(&admission, &limits);
    return admission;
}

static void test_admission__each_limit_has_its_answer(void **state)
{
    (void)state;
    static const struct {
        struct admission_load load;
        enum admission_answer answer;
        const char *name;
    } cases[] = {
        {{0, 0, 0}, ADMISSION_OPEN, "open"},       {{3, 2, 99}, ADMISSION_OPEN, "open"},
        {{3, 3, 99}, ADMISSION_WRITES, "writes"},  {{4, 2, 99}, ADMISSION_RUNS, "runs"},
        {{400, 2, 99}, ADMISSION_RUNS, "runs"},    {{3, 2, 100}, ADMISSION_MEMORY, "memory"},
        {{4, 3, 100}, ADMISSION_WRITES, "writes"}, /* what is over soonest is said */
        {{4, 2, 100}, ADMISSION_RUNS, "runs"},
    };
    struct admission admission = make();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum admission_answer answer = admission_ask(&admission, &cases[i].load);
        assert_int_equal(answer, cases[i].answer);
        assert_string_equal(admission_answer_name(answer), cases[i].name);
    }
}

static void test_admission__limits_that_nobody_set_have_defaults(void **state)
{
    (void)state;
    struct admission admission;
    admission_init(&admission, &(struct admission_load){0});
    assert_int_equal(admission.limits.runs, ADMISSION_DEFAULT_RUNS);
    assert_int_equal(admission.limits.writes, ADMISSION_DEFAULT_WRITES);
    assert_int_equal(admission.limits.memory_bytes, (uint64_t)1024 * 1024 * 1024);
    admission_set_limits(&admission, &(struct admission_load){.runs = 7});
    assert_int_equal(admission.limits.runs, 7);
    assert_int_equal(admission.limits.writes, ADMISSION_DEFAULT_WRITES);
}

static uint32_t after(const struct admission *admission, enum admission_answer answer,
                      uint64_t runs, int64_t now)
{
    return admission_retry_after_s(admission, answer, &(struct admission_load){.runs = runs}, now);
}

static void test_admission__a_clock_at_its_beginning_has_no_window_yet(void **state)
{
    (void)state;
    struct admission admission = make();
    uint32_t seconds = after(&admission, ADMISSION_RUNS, 4, 0);
    assert_true(seconds >= 1);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin), seconds);
}

static void test_admission__the_disk_is_asked_again_in_a_second(void **state)
{
    (void)state;
    struct admission admission = make();
    assert_int_equal(after(&admission, ADMISSION_WRITES, 4, begin), 1);
    assert_int_equal(after(&admission, ADMISSION_OPEN, 4, begin), 1);
}

static void test_admission__runs_are_waited_for_as_fast_as_they_end(void **state)
{
    (void)state;
    struct admission admission = make();
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin), ADMISSION_WINDOW_S);
    admission_note_end(&admission, begin);
    admission_note_end(&admission, begin + 3000);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 3500), 5);  /* one in 5 s */
    assert_int_equal(after(&admission, ADMISSION_RUNS, 6, begin + 3500), 15); /* three places */
    assert_int_equal(after(&admission, ADMISSION_MEMORY, 6, begin + 3500), 5);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 3, begin + 3500), 5); /* one has gone */
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4000, begin + 3500), ADMISSION_LONGEST_S);
    for (int i = 0; i < 100; i++) {
        admission_note_end(&admission, begin + 3000);
    }
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 3500), 1);
}

static void test_admission__ends_are_forgotten_with_the_window(void **state)
{
    (void)state;
    struct admission admission = make();
    admission_note_end(&admission, begin);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 9999), 10);
    admission_note_end(&admission, begin + 9000);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 9999), 5);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 10000), 10);
    admission_note_end(&admission, begin + 10000); /* in the first one's place */
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 10000), 5);
    admission_note_end(&admission, begin + 3600 * 1000);
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 3600 * 1000), 10);
    admission_note_end(&admission, begin); /* the clock was set back */
    assert_int_equal(after(&admission, ADMISSION_RUNS, 4, begin + 3600 * 1000), 5);
}

static void test_admission__whatever_comes_the_answer_is_a_second_to_a_minute(void **state)
{
    (void)state;
    struct admission admission = make();
    struct random random = {1};
    int64_t now = begin;
    for (int i = 0; i < 100000; i++) {
        const struct admission_load load = {.runs = random_below(&random, 9),
                                            .writes = random_below(&random, 5),
                                            .memory_bytes = random_below(&random, 200)};
        enum admission_answer answer = admission_ask(&admission, &load);
        bool is_open = load.runs < limits.runs && load.writes < limits.writes &&
                       load.memory_bytes < limits.memory_bytes;
        uint32_t wait = admission_retry_after_s(&admission, answer, &load, now);
        assert_int_equal(answer == ADMISSION_OPEN, is_open);
        assert_in_range(wait, 1, ADMISSION_LONGEST_S);
        if (random_below(&random, 3) == 0) {
            admission_note_end(&admission, now);
        }
        now += (int64_t)random_below(&random, 2000) - (i % 50 == 0 ? 15000 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission__each_limit_has_its_answer),
        cmocka_unit_test(test_admission__limits_that_nobody_set_have_defaults),
        cmocka_unit_test(test_admission__a_clock_at_its_beginning_has_no_window_yet),
        cmocka_unit_test(test_admission__the_disk_is_asked_again_in_a_second),
        cmocka_unit_test(test_admission__runs_are_waited_for_as_fast_as_they_end),
        cmocka_unit_test(test_admission__ends_are_forgotten_with_the_window),
        cmocka_unit_test(test_admission__whatever_comes_the_answer_is_a_second_to_a_minute),
    };
    return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
