/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy/retry.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum { HOUR_MS = 60 * 60 * 1000 };

static const struct retry_failure unavailable = {.code = {"UNAVAILABLE", 11}};

/* A first attempt that failed one second ago; no jitter. */
static struct retry_settings settings;
static struct retry_failure failure;
static struct retry_question question;

static int set_up(void **state)
{
    (void)state;
    settings = RETRY_SETTINGS_DEFAULT;
    settings.jitter = RETRY_JITTER_NONE;
    failure = unavailable;
    question = (struct retry_question){
        .settings = &settings,
        .failure = &failure,
        .attempt = 1,
        .first_started_at = 1000000,
        .now = 1001000,
        .seed = 99,
    };
    return 0;
}

static void test_retry__table_of_what_is_transient(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int32_t status;
        enum retry_word word;
        bool is_transient;
    } rows[] = {
        /* by status, whatever the code is */
        {"INPUT", 408, RETRY_WORD_DEFAULT, true},
        {"INPUT", 425, RETRY_WORD_DEFAULT, true},
        {"INPUT", 429, RETRY_WORD_DEFAULT, true},
        {"UPSTREAM", 500, RETRY_WORD_DEFAULT, true},
        {"UPSTREAM", 502, RETRY_WORD_DEFAULT, true},
        {"UPSTREAM", 503, RETRY_WORD_DEFAULT, true},
        {"UPSTREAM", 504, RETRY_WORD_DEFAULT, true},
        {"UPSTREAM", 529, RETRY_WORD_DEFAULT, true},
        {"TIMEOUT", 400, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 401, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 403, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 404, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 405, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 409, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 410, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 413, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 422, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 501, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 505, RETRY_WORD_DEFAULT, false},
        {"TIMEOUT", 599, RETRY_WORD_DEFAULT, false},
        /* a limiter that answers with another status */
        {"RATE_LIMITED", 403, RETRY_WORD_DEFAULT, true},
        /* by code, where no status says what went wrong */
        {"TIMEOUT", 0, RETRY_WORD_DEFAULT, true},
        {"UNAVAILABLE", 0, RETRY_WORD_DEFAULT, true},
        {"RATE_LIMITED", 0, RETRY_WORD_DEFAULT, true},
        {"timeout", 0, RETRY_WORD_DEFAULT, true},
        {"TIMEOUT", 200, RETRY_WORD_DEFAULT, true}, /* its body never ended */
        {"TIMEOUT", 399, RETRY_WORD_DEFAULT, true},
        {"TIMEOUT", 600, RETRY_WORD_DEFAULT, true},
        {"TIMEOUT", -503, RETRY_WORD_DEFAULT, true},
        {"CONFIG", 0, RETRY_WORD_DEFAULT, false},
        {"INPUT", 0, RETRY_WORD_DEFAULT, false},
        {"AUTH", 0, RETRY_WORD_DEFAULT, false},
        {"PERMISSION", 0, RETRY_WORD_DEFAULT, false},
        {"NOT_FOUND", 0, RETRY_WORD_DEFAULT, false},
        {"CONFLICT", 0, RETRY_WORD_DEFAULT, false},
        {"UPSTREAM", 0, RETRY_WORD_DEFAULT, false},
        {"CANCELLED", 0, RETRY_WORD_DEFAULT, false},
        {"RESOURCE", 0, RETRY_WORD_DEFAULT, false},
        {"UNSUPPORTED", 0, RETRY_WORD_DEFAULT, false},
        {"INTERNAL", 0, RETRY_WORD_DEFAULT, false},
        {"EXPRESSION", 0, RETRY_WORD_DEFAULT, false},
        {"LIMIT", 0, RETRY_WORD_DEFAULT, false},
        {"TIMEOUTS", 0, RETRY_WORD_DEFAULT, false},
        {"", 0, RETRY_WORD_DEFAULT, false},
        /* the node's own word is over all */
        {"TIMEOUT", 503, RETRY_WORD_NO, false},
        {"RATE_LIMITED", 429, RETRY_WORD_NO, false},
        {"INPUT", 400, RETRY_WORD_YES, true},
        {"INTERNAL", 0, RETRY_WORD_YES, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        failure = (struct retry_failure){
            .code = str_from(rows[i].code), .status = rows[i].status, .word = rows[i].word};
        if (retry_is_transient(&failure) != rows[i].is_transient) {
            fail_msg("row %zu: %s %d", i, rows[i].code, rows[i].status);
        }
    }
}

static void test_retry__rate_limited_by_status_or_code(void **state)
{
    (void)state;
    failure = (struct retry_failure){.code = STR("UPSTREAM"), .status = 429};
    assert_true(retry_is_rate_limited(&failure));
    failure = (struct retry_failure){.code = STR("RATE_LIMITED"), .status = 503};
    assert_true(retry_is_rate_limited(&failure));
    failure = (struct retry_failure){.code = STR("UNAVAILABLE"), .status = 503};
    assert_false(retry_is_rate_limited(&failure));
    failure = (struct retry_failure){.code = {NULL, 0}};
    assert_false(retry_is_rate_limited(&failure));
}

static void test_retry__on_replaces_the_table_but_not_the_nodes_word(void **state)
{
    (void)state;
    static const struct str on[] = {{"conflict", 8}, {"418", 3}, {"", 0}, {"99999999999999", 14},
                                    {"0", 1},        {"4x8", 3}, {"/", 1}};
    static const struct {
        const char *code;
        int32_t status;
        enum retry_word word;
        enum retry_verdict verdict;
    } rows[] = {
        {"CONFLICT", 0, RETRY_WORD_DEFAULT, RETRY_AGAIN},
        {"INPUT", 418, RETRY_WORD_DEFAULT, RETRY_AGAIN},
        {"UNAVAILABLE", 503, RETRY_WORD_DEFAULT, RETRY_NOT_TRANSIENT},
        {"RATE_LIMITED", 429, RETRY_WORD_DEFAULT, RETRY_NOT_TRANSIENT},
        {"", 0, RETRY_WORD_DEFAULT, RETRY_NOT_TRANSIENT},
        {"CONFLICT", 418, RETRY_WORD_NO, RETRY_NOT_TRANSIENT},
        {"INPUT", 400, RETRY_WORD_YES, RETRY_AGAIN},
    };
    settings.on = on;
    settings.on_count = COUNT_OF(on);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        failure = (struct retry_failure){
            .code = str_from(rows[i].code), .status = rows[i].status, .word = rows[i].word};
        assert_int_equal(retry_ask(&question).verdict, rows[i].verdict);
    }
}

static void test_retry__table_of_verdicts(void **state)
{
    (void)state;
    static const struct {
        uint32_t max_attempts;
        uint32_t attempt;
        enum retry_effect effect;
        bool is_repeatable;
        enum retry_verdict verdict;
    } rows[] = {
        {3, 1, RETRY_EFFECT_NONE, false, RETRY_AGAIN},
        {3, 2, RETRY_EFFECT_NONE, false, RETRY_AGAIN},
        {3, 3, RETRY_EFFECT_NONE, false, RETRY_SPENT},
        {3, 4, RETRY_EFFECT_NONE, true, RETRY_SPENT},
        {1, 1, RETRY_EFFECT_NONE, true, RETRY_SPENT},
        {0, 4000000000, RETRY_EFFECT_NONE, false, RETRY_AGAIN},
        {3, 1, RETRY_EFFECT_MAYBE, true, RETRY_AGAIN},
        {3, 1, RETRY_EFFECT_MAYBE, false, RETRY_UNKNOWN},
        {3, 3, RETRY_EFFECT_MAYBE, false, RETRY_SPENT}, /* it would not be retried anyway */
        {3, 1, RETRY_EFFECT_DONE, true, RETRY_NOT_TRANSIENT},
        {3, 1, RETRY_EFFECT_DONE, false, RETRY_NOT_TRANSIENT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        settings.max_attempts = rows[i].max_attempts;
        question.attempt = rows[i].attempt;
        failure.effect = rows[i].effect;
        question.is_repeatable = rows[i].is_repeatable;
        struct retry_answer answer = retry_ask(&question);
        assert_int_equal(answer.verdict, rows[i].verdict);
        assert_int_equal(answer.wait_ms > 0, rows[i].verdict == RETRY_AGAIN);
    }
    failure = (struct retry_failure){.code = STR("INPUT"), .effect = RETRY_EFFECT_MAYBE};
    assert_int_equal(retry_ask(&question).verdict, RETRY_NOT_TRANSIENT);
    failure.effect = RETRY_EFFECT_DONE;
    failure.word = RETRY_WORD_YES;
    assert_int_equal(retry_ask(&question).verdict, RETRY_NOT_TRANSIENT);
}

/*
 * All that a plugin can say: each code, with each word, with each effect. A: again; N: not, it
 * would not help; U: nobody knows whether it was done, which is again where it may be done twice.
 */
static void test_retry__table_of_codes_words_and_effects(void **state)
{
    static const char *const transient = "AUN AUN NNN"; /* default, yes, no: none, maybe, done */
    static const char *const lasting = "NNN AUN NNN";
    const struct {
        const char *code;
        const char *verdicts;
    } rows[] = {
        {"CONFIG", lasting},
        {"INPUT", lasting},
        {"AUTH", lasting},
        {"PERMISSION", lasting},
        {"NOT_FOUND", lasting},
        {"CONFLICT", lasting},
        {"RATE_LIMITED", transient},
        {"TIMEOUT", transient},
        {"UNAVAILABLE", transient},
        {"UPSTREAM", lasting},
        {"CANCELLED", lasting},
        {"RESOURCE", lasting},
        {"WOULD_BLOCK", lasting},
        {"STALE", lasting},
        {"UNSUPPORTED", lasting},
        {"INTERNAL", lasting},
        {"CRASHED", lasting},
        {"BUDGET", lasting},
        {"OF_A_LATER_VERSION", lasting},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int cell = 0; cell < 18; cell++) {
            char wanted = rows[i].verdicts[4 * (cell % 9 / 3) + cell % 3];
            failure = (struct retry_failure){.code = str_from(rows[i].code),
                                             .word = (enum retry_word)(cell % 9 / 3),
                                             .effect = (enum retry_effect)(cell % 3)};
            question.is_repeatable = cell >= 9;
            enum retry_verdict verdict = retry_ask(&question).verdict;
            enum retry_verdict expected = wanted == 'N' ? RETRY_NOT_TRANSIENT
                                          : wanted == 'U' && !question.is_repeatable ? RETRY_UNKNOWN
                                                                                     : RETRY_AGAIN;
            if (verdict != expected) {
                fail_msg("%s, cell %d: %d instead of %d", rows[i].code, cell, (int)verdict,
                         (int)expected);
            }
        }
    }
}

static void test_retry__deadline_is_over_the_start_of_the_next_attempt(void **state)
{
    (void)state;
    static const struct {
        int64_t deadline_ms;
        int64_t first_started_at;
        int64_t now;
        enum retry_verdict verdict; /* the wait is 1 s */
    } rows[] = {
        {60000, 0, 59000, RETRY_AGAIN}, /* just at it */
        {60000, 0, 59001, RETRY_TOO_LATE},
        {60000, 0, 60000, RETRY_TOO_LATE},
        {60000, 0, 3600000, RETRY_TOO_LATE},
        {1000, 0, 0, RETRY_AGAIN},
        {999, 0, 0, RETRY_TOO_LATE},
        {1000, 5000, 4000, RETRY_AGAIN}, /* the clock was set back */
        {999, 5000, 4000, RETRY_TOO_LATE},
        {0, 0, INT64_MAX, RETRY_AGAIN}, /* none */
        {-5, 0, INT64_MAX, RETRY_AGAIN},
        {60000, INT64_MIN, INT64_MAX, RETRY_TOO_LATE},
        {INT64_MAX, INT64_MIN, INT64_MAX, RETRY_TOO_LATE},
        {INT64_MAX, INT64_MAX, INT64_MIN, RETRY_AGAIN},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        settings.deadline_ms = rows[i].deadline_ms;
        question.first_started_at = rows[i].first_started_at;
        question.now = rows[i].now;
        assert_int_equal(retry_ask(&question).verdict, rows[i].verdict);
    }
}

static void test_retry__deadline_comes_before_the_question_of_the_effect(void **state)
{
    (void)state;
    failure.effect = RETRY_EFFECT_MAYBE;
    settings.deadline_ms = 1500;
    assert_int_equal(retry_ask(&question).verdict, RETRY_TOO_LATE);
    settings.deadline_ms = 2500;
    assert_int_equal(retry_ask(&question).verdict, RETRY_UNKNOWN);
}

static void test_retry__wait_grows_to_its_longest_and_never_overflows(void **state)
{
    (void)state;
    static const struct {
        int64_t initial_ms;
        double multiplier;
        int64_t max_ms;
        uint32_t attempt;
        int64_t wait_ms;
    } rows[] = {
        {1000, 2.0, 100000, 1, 1000},
        {1000, 2.0, 100000, 2, 2000},
        {1000, 2.0, 100000, 3, 4000},
        {1000, 2.0, 100000, 7, 64000},
        {1000, 2.0, 100000, 8, 100000},
        {1000, 2.0, 100000, UINT32_MAX, 100000},
        {1000, 1.5, 100000, 3, 2250},
        {1000, 3.0, 100000, 4, 27000},
        {1000, 1.0, 100000, UINT32_MAX, 1000},
        {1000, 0.5, 100000, 5, 1000}, /* below 1: it never shrinks */
        {1000, -2.0, 100000, 5, 1000},
        {1000, NAN, 100000, 5, 1000},
        {1000, INFINITY, 100000, 2, 100000},
        {1000, 1e308, 100000, 5, 100000},
        {1000, 1.0000000001, 100000, UINT32_MAX, 1536},
        {5000, 2.0, 3000, 1, 3000},
        {5000, 2.0, 0, 1, 0},
        {5000, 2.0, -1, 1, 0},
        {0, 2.0, 100000, 9, 0},
        {-7, INFINITY, 100000, 9, 0},
        {1000, 2.0, 100000, 0, 1000}, /* there is no such attempt */
        {INT64_MAX, 2.0, INT64_MAX, 3, RETRY_WAIT_MAX_MS},
        {1, 2.0, INT64_MAX, 2000, RETRY_WAIT_MAX_MS},
    };
    settings.max_attempts = 0;
    settings.deadline_ms = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        settings.initial_interval_ms = rows[i].initial_ms;
        settings.backoff_multiplier = rows[i].multiplier;
        settings.max_interval_ms = rows[i].max_ms;
        question.attempt = rows[i].attempt;
        struct retry_answer answer = retry_ask(&question);
        assert_int_equal(answer.verdict, RETRY_AGAIN);
        assert_int_equal(answer.wait_ms, rows[i].wait_ms);
    }
}

/* Least, most and mean of the waits of many seeds. */
static void measure(int64_t *out_least, int64_t *out_most, int64_t *out_mean)
{
    *out_least = INT64_MAX;
    *out_most = 0;
    *out_mean = 0;
    for (question.seed = 0; question.seed < 10000; question.seed++) {
        int64_t wait = retry_ask(&question).wait_ms;
        *out_least = wait < *out_least ? wait : *out_least;
        *out_most = wait > *out_most ? wait : *out_most;
        *out_mean += wait;
    }
    *out_mean /= 10000;
}

static void test_retry__jitter_is_full_or_equal_and_equal_for_a_limiter(void **state)
{
    (void)state;
    static const struct {
        enum retry_jitter jitter;
        int32_t status;
        int64_t least, most, mean;
    } rows[] = {
        {RETRY_JITTER_FULL, 503, 0, 1000, 500},     {RETRY_JITTER_EQUAL, 503, 500, 1000, 750},
        {RETRY_JITTER_NONE, 503, 1000, 1000, 1000}, {RETRY_JITTER_FULL, 429, 500, 1000, 750},
        {RETRY_JITTER_EQUAL, 429, 500, 1000, 750},  {RETRY_JITTER_NONE, 429, 500, 1000, 750},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t least, most, mean;
        settings.jitter = rows[i].jitter;
        failure.status = rows[i].status;
        measure(&least, &most, &mean);
        assert_in_range(least, rows[i].least, rows[i].least + 5);
        assert_in_range(most, rows[i].most - 5, rows[i].most);
        assert_in_range(mean, rows[i].mean - 10, rows[i].mean + 10);
    }
}

static void test_retry__same_seed_waits_the_same_and_attempts_differ(void **state)
{
    (void)state;
    settings.jitter = RETRY_JITTER_FULL;
    settings.backoff_multiplier = 1;
    settings.initial_interval_ms = 50000000;
    settings.max_interval_ms = 50000000;
    int64_t first = retry_ask(&question).wait_ms;
    assert_int_equal(retry_ask(&question).wait_ms, first);
    question.attempt = 2;
    assert_int_not_equal(retry_ask(&question).wait_ms, first);
}

static void test_retry__what_the_server_asks_for_is_obeyed_capped_or_ignored(void **state)
{
    (void)state;
    static const struct {
        int64_t asked_ms;
        int64_t least, most;
    } rows[] = {
        {1, 1, 1},
        {30000, 30000, 33000},
        {600000, 600000, 660000}, /* over max_interval, which is ours */
        {HOUR_MS - 1, HOUR_MS - 1, HOUR_MS},
        {HOUR_MS, HOUR_MS, HOUR_MS},
        {HOUR_MS + 1, HOUR_MS, HOUR_MS},
        {INT64_MAX, HOUR_MS, HOUR_MS},
        {0, 1000, 1000}, /* not said: the back-off */
        {-30000, 1000, 1000},
        {INT64_MIN, 1000, 1000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t least, most, mean;
        failure.retry_after_ms = rows[i].asked_ms;
        measure(&least, &most, &mean);
        assert_in_range(least, rows[i].least, rows[i].least + 5);
        assert_in_range(most, rows[i].most - 5 > 0 ? rows[i].most - 5 : 0, rows[i].most);
    }
}

static int64_t random_time(struct random *random)
{
    int64_t any = (int64_t)random_next(random);
    return random_percent(random, 30) ? any : any % 1000000;
}

/* Whatever is asked: the wait is none or within its bounds, and nothing is undefined. */
static void test_retry__any_question_has_an_answer_within_bounds(void **state)
{
    (void)state;
    struct random random = {.state = 5};
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random_next(&random);
        settings = (struct retry_settings){
            .max_attempts = (uint32_t)random_below(&random, 6),
            .initial_interval_ms = random_time(&random),
            .max_interval_ms = random_time(&random),
            .jitter = (enum retry_jitter)random_below(&random, 3),
            .deadline_ms = random_time(&random),
        };
        memcpy(&settings.backoff_multiplier, &bits, sizeof bits); /* NaNs among them */
        failure.effect = (enum retry_effect)random_below(&random, 3);
        failure.status = random_percent(&random, 50) ? 429 : 0;
        failure.retry_after_ms = random_time(&random);
        question.attempt = (uint32_t)random_next(&random);
        question.first_started_at = random_time(&random);
        question.now = random_time(&random);
        question.seed = bits;
        struct retry_answer answer = retry_ask(&question);
        assert_in_range(answer.wait_ms, 0, RETRY_WAIT_MAX_MS);
        if (answer.verdict == RETRY_AGAIN) {
            assert_true(settings.max_attempts == 0 || question.attempt < settings.max_attempts);
            assert_true(settings.deadline_ms <= 0 || answer.wait_ms <= settings.deadline_ms);
        } else {
            assert_int_equal(answer.wait_ms, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_retry__table_of_what_is_transient, set_up),
        cmocka_unit_test_setup(test_retry__rate_limited_by_status_or_code, set_up),
        cmocka_unit_test_setup(test_retry__on_replaces_the_table_but_not_the_nodes_word, set_up),
        cmocka_unit_test_setup(test_retry__table_of_verdicts, set_up),
        cmocka_unit_test_setup(test_retry__table_of_codes_words_and_effects, set_up),
        cmocka_unit_test_setup(test_retry__deadline_is_over_the_start_of_the_next_attempt, set_up),
        cmocka_unit_test_setup(test_retry__deadline_comes_before_the_question_of_the_effect,
                               set_up),
        cmocka_unit_test_setup(test_retry__wait_grows_to_its_longest_and_never_overflows, set_up),
        cmocka_unit_test_setup(test_retry__jitter_is_full_or_equal_and_equal_for_a_limiter, set_up),
        cmocka_unit_test_setup(test_retry__same_seed_waits_the_same_and_attempts_differ, set_up),
        cmocka_unit_test_setup(test_retry__what_the_server_asks_for_is_obeyed_capped_or_ignored,
                               set_up),
        cmocka_unit_test_setup(test_retry__any_question_has_an_answer_within_bounds, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
